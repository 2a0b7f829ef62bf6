/* The resolver tells what a program knows about itself, however it was built. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/symbols/cut_files.h"
#include "record/symbols/symbols.h"

#define ROWS_MAX 64

/* Everything a resolver said, in the order it was said. */
struct answers {
	struct answer {
		uint64_t address;
		uint64_t length;
		size_t count;
		struct {
			char *function;
			char *file;
			uint32_t line;
			uint32_t first_line;
		} rows[ROWS_MAX];
	} * items;
	size_t count;
	size_t note_count;
};

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void take_rows(void *arg, uint32_t id, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	struct answers *answers = arg;
	struct answer *answer;

	assert_int_equal(id, 7);
	assert_in_range(count, 1, ROWS_MAX);
	assert_true(length > 0);
	answers->items = reallocarray(answers->items, answers->count + 1, sizeof(*answers->items));
	answer = &answers->items[answers->count++];
	*answer = (struct answer){.address = address, .length = length, .count = count};
	for (size_t i = 0; i < count; i++) {
		answer->rows[i].function = copy(rows[i].function);
		answer->rows[i].file = copy(rows[i].file);
		answer->rows[i].line = rows[i].line;
		answer->rows[i].first_line = rows[i].first_line;
	}
}

static void take_note(void *arg, uint32_t id, const char *reason)
{
	struct answers *answers = arg;

	assert_int_equal(id, 7);
	assert_non_null(reason);
	answers->note_count++;
}

static void release(struct answers *answers)
{
	for (size_t i = 0; i < answers->count; i++) {
		for (size_t row = 0; row < answers->items[i].count; row++) {
			free(answers->items[i].rows[row].function);
			free(answers->items[i].rows[row].file);
		}
	}
	free(answers->items);
	*answers = (struct answers){0};
}

static struct rec_symbols *resolver(struct answers *answers)
{
	struct rec_symbols_sink sink = {answers, take_rows, take_note};
	struct rec_symbols *symbols = rec_symbols_new(&sink);

	assert_non_null(symbols);
	return symbols;
}

static void resolve(const char *path, uint64_t *addresses, size_t count, struct answers *answers)
{
	struct rec_symbols *symbols = resolver(answers);
	struct rec_symbol_module module = {.id = 7, .fd = open(path, O_RDONLY), .path = path};

	assert_true(module.fd >= 0);
	assert_int_equal(rec_symbols_resolve(symbols, &module, addresses, count), 0);
	close(module.fd);
	rec_symbols_free(symbols);
}

static const struct answer *answer_at(const struct answers *answers, uint64_t address)
{
	for (size_t i = 0; i < answers->count; i++) {
		if (address - answers->items[i].address < answers->items[i].length)
			return &answers->items[i];
	}
	return NULL;
}

static void shell(const char *format, ...)
{
	char command[8192];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* The path of a file in the present folder. Freed by the caller. */
static char *here(const char *name)
{
	char *folder = getcwd(NULL, 0), *path;

	assert_non_null(folder);
	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	free(folder);
	return path;
}

/* Compile the target with a compiler and flags. Returns its path; freed by the caller. */
static char *build(const char *compiler_and_flags)
{
	const char *root = getenv("ROOT");

	shell("%s -pie -fPIE -o target %s/tests/targets/symbols_target.cc", compiler_and_flags,
		root ? root : ".");
	return here("target");
}

/* One line of the target's truth. */
struct truth {
	uint64_t address;
	size_t count;
	struct {
		char function[128];
		unsigned int line;
	} rows[4];
};

static size_t read_truth(const char *path, struct truth truths[8])
{
	FILE *output = popen(path, "r");
	char text[1024];
	size_t count = 0;

	assert_non_null(output);
	while (count < 8 && fgets(text, sizeof(text), output)) {
		struct truth *truth = &truths[count++];
		char *row = strtok(text, "\t\n");

		truth->address = strtoull(row, NULL, 16);
		truth->count = 0;
		while ((row = strtok(NULL, "\t\n"))) {
			char *equals = strrchr(row, '=');

			*equals = '\0';
			strcpy(truth->rows[truth->count].function, row);
			truth->rows[truth->count++].line = (unsigned int)atoi(equals + 1);
		}
	}
	assert_int_equal(pclose(output), 0);
	assert_int_equal(count, 3);
	return count;
}

static void check_rows(const struct answer *answer, const struct truth *truth)
{
	assert_non_null(answer);
	assert_int_equal(answer->count, truth->count);
	for (size_t i = 0; i < truth->count; i++) {
		assert_non_null(strstr(answer->rows[i].function, truth->rows[i].function));
		assert_int_equal(answer->rows[i].line, truth->rows[i].line);
		assert_int_equal(answer->rows[i].file[0], '/');
		assert_non_null(strstr(answer->rows[i].file, "/symbols_target.cc"));
		/* gcc does not say where the function of a lambda begins. */
		if (strcmp(truth->rows[i].function, "operator()") != 0)
			assert_in_range(answer->rows[i].first_line, truth->rows[i].line - 5,
				truth->rows[i].line);
	}
}

/* Check that the file at `path` names what the program at `program` says. */
static void check_truth(const char *program, const char *path)
{
	struct answers answers = {0};
	struct truth truths[8];
	uint64_t addresses[8];
	size_t count = read_truth(program, truths);

	for (size_t i = 0; i < count; i++)
		addresses[i] = truths[i].address;
	resolve(path, addresses, count, &answers);
	for (size_t i = 0; i < count; i++)
		check_rows(answer_at(&answers, truths[i].address), &truths[i]);
	release(&answers);
}

static void test_every_kind_of_debug_information(void **unused)
{
	static const char *const builds[] = {
		"c++ -g -O2",
		"c++ -g -O0",
		"c++ -gdwarf-3 -O2",
		"c++ -gdwarf-4 -O2",
		"c++ -gdwarf-4 -fdebug-types-section -O2",
		"c++ -gdwarf-5 -O2 -gz",
		"c++ -gdwarf64 -gdwarf-5 -O2",
		"c++ -g -O2 -ffunction-sections -Wl,--gc-sections",
		"c++ -g -O2 -flto 2>/dev/null",
		"clang++ -g -O2",
		"clang++ -gdwarf-4 -O1",
	};

	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		char *path;

		if (strncmp(builds[i], "clang", 5) == 0 && system("clang++ --version >log 2>&1"))
			continue;
		print_message("  %s\n", builds[i]);
		path = build(builds[i]);
		check_truth(path, path);
		free(path);
	}
}

static void test_separate_debug_file(void **unused)
{
	char *program = build("c++ -g -O2 -Wl,--build-id=none"), *stripped = here("stripped");
	struct answers answers = {0};
	struct truth truths[8];
	uint64_t address;

	shell("objcopy --only-keep-debug target target.debug");
	shell("strip -o stripped target");
	shell("objcopy --add-gnu-debuglink=target.debug stripped");
	check_truth(program, stripped);
	shell("mkdir -p .debug && mv target.debug .debug");
	check_truth(program, stripped);

	/* Another file of that name has another checksum. */
	shell("echo >>.debug/target.debug");
	read_truth(program, truths);
	address = truths[0].address;
	resolve(stripped, &address, 1, &answers);
	assert_int_equal(answers.count, 1);
	assert_int_equal(strncmp(answers.items[0].rows[0].function, "stripped+0x", 11), 0);
	assert_null(answers.items[0].rows[0].file);
	release(&answers);
	free(program);
	free(stripped);
}

/* The address and size of a section; false when there is none. */
static bool find_section(const char *path, const char *name, GElf_Shdr *ret_header)
{
	int fd = open(path, O_RDONLY);
	Elf_Scn *section = NULL;
	bool is_found = false;
	size_t names;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	while (!is_found && (section = elf_nextscn(elf, section))) {
		gelf_getshdr(section, ret_header);
		is_found = strcmp(elf_strptr(elf, names, ret_header->sh_name), name) == 0;
	}
	elf_end(elf);
	close(fd);
	return is_found;
}

/* Without debug information: the symbol, from its first byte to its last. */
static void test_symbol_table(void **unused)
{
	char *path = build("c++ -O2");
	struct answers answers = {0};
	struct truth truths[8];
	unsigned long low, size;
	uint64_t addresses[2];
	FILE *table;

	table = popen("nm -S target | grep ' _Z5outerv$'", "r");
	assert_int_equal(fscanf(table, "%lx %lx", &low, &size), 2);
	pclose(table);
	read_truth(path, truths);
	addresses[0] = truths[0].address;
	addresses[1] = low + size; /* the byte after it is not its own */
	resolve(path, addresses, 2, &answers);
	assert_int_equal(answer_at(&answers, truths[0].address)->address, low);
	assert_int_equal(answer_at(&answers, truths[0].address)->length, size);
	assert_string_equal(answer_at(&answers, low)->rows[0].function, "outer()");
	assert_null(answer_at(&answers, low)->rows[0].file);
	assert_int_equal(answer_at(&answers, low)->count, 1);
	if (answer_at(&answers, low + size))
		assert_string_not_equal(
			answer_at(&answers, low + size)->rows[0].function, "outer()");
	release(&answers);
	free(path);
}

/* A function of the linked program, as nm prints it. */
struct function {
	unsigned long address;
	unsigned long size;
};

static size_t read_functions(const char *path, struct function *functions, size_t max)
{
	char command[4200];
	size_t count = 0;
	FILE *table;

	/* Those of the source: what the C library adds is not all in .eh_frame. */
	snprintf(command, sizeof(command), "nm -S '%s' | grep -E ' [tTW] (main|_Z.*)$'", path);
	table = popen(command, "r");
	assert_non_null(table);
	while (count < max && fscanf(table, "%lx %lx %*s %*s", &functions[count].address,
				      &functions[count].size) == 2)
		count++;
	pclose(table);
	return count;
}

/* Check what is said of each instruction of the functions when they have no names. */
static void check_nameless(
	const char *path, const char *base_name, const struct function *functions, size_t count)
{
	struct answers answers = {0};
	struct rec_symbols *symbols = resolver(&answers);
	struct rec_symbol_module module = {.id = 7, .fd = open("target", O_RDONLY), .path = path};
	char wanted[64];

	for (size_t i = 0; i < count; i++) {
		for (unsigned long at = 0; at < functions[i].size; at++) {
			uint64_t address = functions[i].address + functions[i].size - 1 - at;

			rec_symbols_resolve(symbols, &module, &address, 1);
		}
	}
	assert_int_equal(answers.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct answer *answer = answer_at(&answers, functions[i].address);

		assert_non_null(answer);
		assert_int_equal(answer->address, functions[i].address);
		assert_int_equal(answer->length, functions[i].size);
		assert_int_equal(answer->count, 1);
		snprintf(wanted, sizeof(wanted), "%s+0x%lx", base_name, functions[i].address);
		assert_string_equal(answer->rows[0].function, wanted);
		assert_null(answer->rows[0].file);
	}
	rec_symbols_free(symbols);
	close(module.fd);
	release(&answers);
}

/* Without any names: whole functions still, by the place where they begin. */
static void test_stripped(void **unused)
{
	/* The second has no table of its functions to search. */
	static const char *const flags[] = {
		"c++ -O2", "c++ -O2 -Wl,--no-eh-frame-hdr", "c++ -O2 -g"};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char *path = build(flags[i]);
		struct answers answers = {0};
		struct function functions[32];
		uint64_t addresses[32];
		size_t count = read_functions(path, functions, 32);
		GElf_Shdr header;

		assert_in_range(count, 4, 31);
		assert_int_equal(find_section(path, ".eh_frame_hdr", &header), i != 1);
		shell("strip -s target");
		check_nameless(path, "target", functions, count);
		check_nameless("[vdso]", "[vdso]", functions, count);
		check_nameless("", "[unknown]", functions, count);
		check_nameless(NULL, "[unknown]", functions, count);
		/* Without the sections, nothing. */
		shell("objcopy -R .eh_frame -R .eh_frame_hdr target");
		for (size_t j = 0; j < count; j++)
			addresses[j] = functions[j].address;
		resolve(path, addresses, count, &answers);
		assert_int_equal(answers.count, 0);
		release(&answers);
		free(path);
	}
}

/* An exported function keeps its name, and what lies between such functions gets none of them. */
static void test_stripped_library(void **unused)
{
	struct answers answers = {0};
	unsigned long exported, hidden;
	uint64_t addresses[256];
	FILE *table;

	shell("echo 'static __attribute__((noinline)) int hidden(int x) { return x * 7 %% 5; }"
	      "int exported(int x) { return hidden(x) + hidden(x * 3); }' >library.c");
	shell("cc -O2 -shared -fPIC -o library library.c");
	table = popen("nm library | grep -E ' (exported|hidden)$'", "r");
	assert_int_equal(fscanf(table, "%lx T exported %lx t hidden", &exported, &hidden), 2);
	pclose(table);
	shell("strip -s library");
	for (size_t i = 0; i < 256; i++)
		addresses[i] = (hidden < exported ? hidden : exported) + i;
	resolve("library", addresses, 256, &answers);
	assert_string_equal(answer_at(&answers, exported)->rows[0].function, "exported");
	assert_int_equal(
		strncmp(answer_at(&answers, hidden)->rows[0].function, "library+0x", 10), 0);
	assert_int_equal(
		strtoul(answer_at(&answers, hidden)->rows[0].function + 8, NULL, 16), hidden);
	release(&answers);
}

static void test_labels_without_size(void **unused)
{
	char *path = build("c++ -O2");
	struct answers answers = {0};
	uint64_t addresses[3];
	unsigned long low;
	FILE *table;

	table = popen("nm target | grep ' bare_label$'", "r");
	assert_int_equal(fscanf(table, "%lx", &low), 1);
	pclose(table);
	addresses[0] = low + 1; /* up to the next symbol */
	addresses[1] = low + 2; /* with a size */
	addresses[2] = low + 3; /* after that size */
	resolve(path, addresses, 3, &answers);
	assert_string_equal(answer_at(&answers, low + 1)->rows[0].function, "bare_label");
	assert_int_equal(answer_at(&answers, low + 1)->length, 2);
	assert_string_equal(answer_at(&answers, low + 2)->rows[0].function, "sized_label");
	assert_int_equal(answer_at(&answers, low + 2)->length, 1);
	assert_null(answer_at(&answers, low + 3));
	release(&answers);
	free(path);
}

static void test_plt(void **unused)
{
	static const char *const flags[] = {"c++ -O2 -Wl,-z,lazy", "c++ -O2 -Wl,-z,now",
		"c++ -O2 -fcf-protection=full -Wl,-z,ibtplt", "c++ -O2 -s"};
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got"};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char *path = build(flags[i]);
		struct answers answers = {0};
		uint64_t addresses[512];
		size_t count = 0, printf_count = 0;

		for (size_t j = 0; j < sizeof(sections) / sizeof(sections[0]); j++) {
			GElf_Shdr header;

			if (!find_section(path, sections[j], &header))
				continue;
			for (uint64_t at = 0; at < header.sh_size && count < 512; at += 8)
				addresses[count++] = header.sh_addr + at;
		}
		assert_true(count > 0);
		resolve(path, addresses, count, &answers);
		for (size_t j = 0; j < answers.count; j++) {
			const char *name = answers.items[j].rows[0].function;

			/* The entry that finds the others' functions has no name. */
			assert_true(strstr(name, "@plt") || strncmp(name, "target+0x", 9) == 0);
			printf_count += strcmp(name, "printf@plt") == 0;
		}
		assert_in_range(printf_count, 1, 2);
		release(&answers);
		free(path);
	}
}

/* All of .text, in two orders: ranges do not overlap and are told once. */
static void test_ranges_are_told_once(void **unused)
{
	char *path = build("c++ -g -O2");
	struct answers answers = {0};
	struct rec_symbols *symbols = resolver(&answers);
	struct rec_symbol_module module = {.id = 7, .fd = open(path, O_RDONLY), .path = path};
	GElf_Shdr text;
	size_t count;

	assert_true(find_section(path, ".text", &text));
	for (uint64_t at = 0; at < text.sh_size; at++) {
		uint64_t address = text.sh_addr + at * 7 % text.sh_size;

		rec_symbols_resolve(symbols, &module, &address, 1);
	}
	count = answers.count;
	assert_true(count > 10);
	for (uint64_t at = 0; at < text.sh_size; at++) {
		uint64_t address = text.sh_addr + at;

		rec_symbols_resolve(symbols, &module, &address, 1);
	}
	assert_int_equal(answers.count, count);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct answer *a = &answers.items[i], *b = &answers.items[j];

			assert_true(a->address + a->length <= b->address ||
				    b->address + b->length <= a->address);
		}
	}
	rec_symbols_free(symbols);
	close(module.fd);
	release(&answers);
	free(path);
}

static void test_another_build_is_refused(void **unused)
{
	char *path = build("c++ -g -O2 -Wl,--build-id=0x0102030405060708");
	const uint8_t right[] = {1, 2, 3, 4, 5, 6, 7, 8}, wrong[] = {1, 2, 3, 4, 5, 6, 7, 9};
	struct answers answers = {0};
	struct rec_symbol_module module = {.id = 7, .path = path};
	struct rec_symbols *symbols = resolver(&answers);
	struct truth truths[8];
	uint64_t address;

	read_truth(path, truths);
	module.fd = open(path, O_RDONLY);
	module.build_id = wrong;
	module.build_id_bytes = sizeof(wrong);
	for (int i = 0; i < 2; i++) {
		address = truths[0].address;
		assert_int_equal(rec_symbols_resolve(symbols, &module, &address, 1), 0);
	}
	assert_int_equal(answers.count, 0);
	assert_int_equal(answers.note_count, 1);
	rec_symbols_free(symbols);

	symbols = resolver(&answers);
	module.build_id = right;
	address = truths[0].address;
	assert_int_equal(rec_symbols_resolve(symbols, &module, &address, 1), 0);
	assert_int_equal(answers.count, 1);
	rec_symbols_free(symbols);
	close(module.fd);
	release(&answers);
	free(path);
}

static uint8_t *read_whole(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY);
	struct stat status;
	uint8_t *bytes;

	assert_int_equal(fstat(fd, &status), 0);
	bytes = malloc((size_t)status.st_size);
	assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
	close(fd);
	*ret_size = (size_t)status.st_size;
	return bytes;
}

/* Files that lie, in some hundred ways: whatever is said of them, nothing breaks. */
static void test_damaged_files(void **unused)
{
	static const char *const flags[] = {"c++ -g -O2", "c++ -gdwarf-4 -O2 -gz"};

	for (size_t i = 0; i < 2; i++) {
		char *path = build(flags[i]);
		GElf_Shdr text;
		size_t size;
		uint8_t *bytes = read_whole(path, &size);
		uint8_t *damaged = malloc(size);

		assert_true(find_section(path, ".text", &text));
		srand(1);
		for (int round = 0; round < 400; round++) {
			struct answers answers = {0};
			struct rec_symbols *symbols = resolver(&answers);
			struct rec_symbol_module module = {
				.id = 7, .fd = memfd_create("damaged", MFD_CLOEXEC)};
			size_t size_left = size;
			uint64_t addresses[50];

			memcpy(damaged, bytes, size);
			for (int change = rand() % 40; change >= 0; change--)
				damaged[(size_t)rand() % size] = (uint8_t)rand();
			/* Cut short, too. */
			if (round % 10 == 0)
				size_left = (size_t)rand() % size;
			assert_int_equal(write(module.fd, damaged, size_left), size_left);
			for (size_t j = 0; j < 50; j++)
				addresses[j] = text.sh_addr + (uint64_t)rand() % text.sh_size;
			assert_int_equal(rec_symbols_resolve(symbols, &module, addresses, 50), 0);
			close(module.fd);
			rec_symbols_free(symbols);
			release(&answers);
		}
		free(damaged);
		free(bytes);
		free(path);
	}
}

/* The file loses its end, where the debug information is, while it is open. */
static void test_file_is_cut_while_open(void **unused)
{
	char *path = build("c++ -g -O2");
	struct answers answers = {0};
	struct rec_symbols *symbols = resolver(&answers);
	struct rec_symbol_module module = {.id = 7, .fd = open(path, O_RDONLY), .path = path};
	GElf_Shdr text;

	rec_survive_cut_files();
	assert_true(find_section(path, ".text", &text));
	for (uint64_t at = 0; at < text.sh_size; at++) {
		uint64_t address = text.sh_addr + at;

		if (at == 100)
			assert_int_equal(truncate(path, 4096), 0);
		assert_int_equal(rec_symbols_resolve(symbols, &module, &address, 1), 0);
	}
	rec_symbols_free(symbols);
	close(module.fd);
	release(&answers);
	free(path);
}

static void test_foreign_files(void **unused)
{
	struct answers answers = {0};
	uint64_t address = 0x1000;

	shell("echo 'no ELF file' >text; : >empty");
	resolve("text", &address, 1, &answers);
	assert_int_equal(answers.note_count, 1);
	resolve("empty", &address, 1, &answers);
	assert_int_equal(answers.note_count, 2);
	assert_int_equal(answers.count, 0);
	release(&answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_debug_information),
		cmocka_unit_test(test_separate_debug_file),
		cmocka_unit_test(test_symbol_table),
		cmocka_unit_test(test_stripped),
		cmocka_unit_test(test_stripped_library),
		cmocka_unit_test(test_labels_without_size),
		cmocka_unit_test(test_plt),
		cmocka_unit_test(test_ranges_are_told_once),
		cmocka_unit_test(test_another_build_is_refused),
		cmocka_unit_test(test_damaged_files),
		cmocka_unit_test(test_file_is_cut_while_open),
		cmocka_unit_test(test_foreign_files),
	};
	char folder[] = "/tmp/test_symbols.XXXXXX";
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
