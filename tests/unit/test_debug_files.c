/* Names that are kept apart from the program, or where one does not expect them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "record/symbols/symbols.h"

/* What the resolver says of the last address that was asked for. */
struct answer {
	size_t count;
	char functions[8][256]; /* innermost first */
	char file[256];
	uint32_t line;
	size_t notes;
};

static void take_rows(void *arg, uint32_t id, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	struct answer *answer = arg;

	answer->count = count;
	answer->line = rows[0].line;
	snprintf(answer->file, sizeof(answer->file), "%s", rows[0].file ? rows[0].file : "");
	for (size_t i = 0; i < count && i < 8; i++)
		snprintf(
			answer->functions[i], sizeof(answer->functions[i]), "%s", rows[i].function);
}

static void take_note(void *arg, uint32_t id, const char *reason)
{
	struct answer *answer = arg;

	answer->notes++;
}

static struct answer ask(const char *path, uint64_t address)
{
	struct answer answer = {0};
	struct rec_symbols_sink sink = {&answer, take_rows, take_note};
	struct rec_symbols *symbols = rec_symbols_new(&sink);
	struct rec_symbol_module module = {.id = 7, .fd = open(path, O_RDONLY), .path = path};

	assert_true(module.fd >= 0);
	assert_int_equal(rec_symbols_resolve(symbols, &module, &address, 1), 0);
	close(module.fd);
	rec_symbols_free(symbols);
	return answer;
}

static void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* The absolute path of a file. Lives until the next call. */
static const char *here(const char *name)
{
	static char path[8192];
	char folder[4096];

	assert_non_null(getcwd(folder, sizeof(folder)));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Whether a tool is there and knows an option. */
static bool can(const char *command)
{
	char quiet[256];

	snprintf(quiet, sizeof(quiet), "%s >log 2>&1", command);
	return system(quiet) == 0;
}

/*
 * Compile the target, and read what it says first: an address in outer(), into which middle() and
 * leaf() are inlined, and the line there.
 */
static uint64_t build(const char *compiler_and_flags, uint32_t *ret_line)
{
	char command[1024];
	unsigned long address;
	unsigned int line;
	FILE *output;

	snprintf(command, sizeof(command),
		"%s -pie -fPIE -o target %s/tests/targets/symbols_target.cc", compiler_and_flags,
		getenv("ROOT"));
	shell(command);
	output = popen("./target", "r");
	assert_int_equal(fscanf(output, "%lx\tleaf=%u", &address, &line), 2);
	while (fgetc(output) != EOF)
		;
	pclose(output);
	*ret_line = line;
	return address;
}

static void check_chain(const struct answer *answer, uint32_t line)
{
	assert_int_equal(answer->count, 3);
	assert_string_equal(answer->functions[0], "leaf()");
	assert_non_null(strstr(answer->functions[1], "shop::middle<int>"));
	assert_string_equal(answer->functions[2], "outer()");
	assert_non_null(strstr(answer->file, "/symbols_target.cc"));
	assert_int_equal(answer->line, line);
}

static void test_compressed_with_zstd(void **unused)
{
	uint32_t line;
	uint64_t address = build("c++ -g -O2", &line);
	struct answer answer;

	if (!can("objcopy --compress-debug-sections=zstd target"))
		skip();
	answer = ask("target", address);
	check_chain(&answer, line);
	/* Damaged: what symbols there are. */
	shell("objcopy -O binary --only-section=.debug_info --set-section-flags .debug_info=alloc "
	      "target bytes && python3 - <<'END'\n"
	      "data = bytearray(open('target', 'rb').read())\n"
	      "part = open('bytes', 'rb').read()\n"
	      "at = data.find(part[24:64])\n"
	      "data[at + 20:at + 60] = b'x' * 40\n"
	      "open('target', 'wb').write(data)\n"
	      "END");
	answer = ask("target", address);
	assert_string_equal(answer.functions[0], "outer()");
	assert_int_equal(answer.line, 0);
}

/* As Fedora makes it: the symbols that are not dynamic, in a small file inside. */
static void test_mini_debug_information(void **unused)
{
	uint32_t line;
	uint64_t address = build("c++ -O2", &line);
	struct answer answer;

	shell("nm target --format=posix --defined-only |"
	      "awk '$2 ~ /[tT]/ { print $1 }' >keep && "
	      "objcopy --only-keep-debug target full && "
	      "objcopy -S --remove-section .comment --keep-symbols=keep full mini && "
	      "xz -k mini && strip -s target");
	assert_int_equal(strncmp(ask("target", address).functions[0], "target+0x", 9), 0);
	shell("objcopy --add-section .gnu_debugdata=mini.xz target");
	answer = ask("target", address);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.functions[0], "outer()");
	assert_int_equal(answer.notes, 0);

	/* What unpacks to gigabytes is left, and said. */
	shell("head -c 300000000 /dev/zero | xz -1 >bomb.xz && "
	      "objcopy --update-section .gnu_debugdata=bomb.xz target");
	answer = ask("target", address);
	assert_int_equal(strncmp(answer.functions[0], "target+0x", 9), 0);
	assert_int_equal(answer.notes, 1);
	shell("echo nonsense >bomb.xz && objcopy --update-section .gnu_debugdata=bomb.xz target");
	assert_int_equal(strncmp(ask("target", address).functions[0], "target+0x", 9), 0);
}

/* What two programs have in common, names above all, is in a third file. */
static void test_shared_debug_information(void **unused)
{
	uint32_t line;
	uint64_t address;
	struct answer answer;

	if (!can("dwz --version"))
		skip();
	build("c++ -g -O2 -DOTHER -gno-variable-location-views", &line);
	shell("mv target other");
	address = build("c++ -g -O2 -gno-variable-location-views", &line);
	shell("mkdir common apart apart/common && dwz -m common/shared target other");
	answer = ask(here("target"), address);
	check_chain(&answer, line);
	/* The same of a separate debug file, as distributions have them. */
	shell("cp target apart && cd apart && objcopy --only-keep-debug target target.debug && "
	      "strip -s target && objcopy --add-gnu-debuglink=target.debug target && "
	      "mv ../common/shared common");
	answer = ask(here("apart/target"), address);
	check_chain(&answer, line);
	/* Without it the symbols are left; another file of that name is none. */
	shell("cp other common/shared");
	answer = ask(here("target"), address);
	assert_string_equal(answer.functions[answer.count - 1], "outer()");
}

/* The rest of split debug information is elsewhere: symbols and lines stay. */
static void test_split_debug_information(void **unused)
{
	uint32_t line;
	uint64_t address = build("c++ -g -O2 -gsplit-dwarf", &line);
	struct answer answer;

	shell("rm -f *.dwo");
	answer = ask("target", address);
	assert_string_equal(answer.functions[answer.count - 1], "outer()");
	assert_int_equal(answer.line, line);
	assert_non_null(strstr(answer.file, "/symbols_target.cc"));
}

/* Without section headers: dynamic symbols, and whole functions. */
static void test_without_sections(void **unused)
{
	uint32_t line;
	uint64_t address = build("c++ -O2 -rdynamic", &line);
	struct answer answer;
	Elf64_Ehdr header;
	int fd;

	shell("strip -s target");
	fd = open("target", O_RDWR);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(ftruncate(fd, (off_t)header.e_shoff), 0);
	header.e_shoff = 0;
	header.e_shnum = 0;
	header.e_shstrndx = 0;
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	close(fd);
	answer = ask("target", address);
	assert_string_equal(answer.functions[0], "outer()");
	assert_int_equal(strncmp(ask("target", header.e_entry).functions[0], "_start", 6), 0);
	/* Its dynamic symbols are nobody's business. */
	address = build("c++ -O2", &line);
	shell("strip -s target");
	fd = open("target", O_RDWR);
	header.e_shoff = 0;
	assert_int_equal(pwrite(fd, &header.e_shoff, 8, offsetof(Elf64_Ehdr, e_shoff)), 8);
	assert_int_equal(pwrite(fd, "\0\0\0\0\0\0", 4, offsetof(Elf64_Ehdr, e_shnum)), 4);
	close(fd);
	answer = ask("target", address);
	assert_int_equal(strncmp(answer.functions[0], "target+0x", 9), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compressed_with_zstd),
		cmocka_unit_test(test_mini_debug_information),
		cmocka_unit_test(test_shared_debug_information),
		cmocka_unit_test(test_split_debug_information),
		cmocka_unit_test(test_without_sections),
	};
	char folder[] = "/tmp/test_debug_files.XXXXXX";
	char command[64];
	int failed;

	if (system("c++ --version >/dev/null 2>&1") != 0) {
		puts("no C++ compiler");
		return 77;
	}
	if (!getenv("ROOT"))
		setenv("ROOT", getcwd((char[4096]){0}, 4096), 1);
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || failed != 0;
}
