/* Names made readable, paths put together, and the name lists of the kernel and of JITs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/symbols/chain.h"
#include "record/symbols/demangle.h"
#include "record/symbols/intervals.h"
#include "record/symbols/kallsyms.h"
#include "record/symbols/perfmap.h"
#include "tracefmt/error.h"

static void test_demangle(void **unused)
{
	static const char *const pairs[][2] = {
		{"main", "main"},
		{"_Z3fooiPKc", "foo(int, char const*)"},
		{"_ZN3app3BoxIiE3getEi", "app::Box<int>::get(int)"},
		{"_ZN3app3BoxIiE3getEi.part.0", "app::Box<int>::get(int) [clone .part.0]"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"memcpy@GLIBC_2.2.5", "memcpy"},
		{"_ZNSo3putEc@GLIBCXX_3.4", "std::ostream::put(char)"},
		{"foo.cold", "foo.cold"},
		{"_Zxx", "_Zxx"},
		{"@", "@"},
		/* Rust: the hash is left out. */
		{"_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"},
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
	};
	char text[REC_NAME_BYTES_MAX];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_string_equal(rec_demangle(pairs[i][0], text), pairs[i][1]);
}

/* Names whose text is longer than memory, and names longer than any text. */
static void test_demangle_is_bounded(void **unused)
{
	char text[REC_NAME_BYTES_MAX], *bomb = malloc(1 << 20);
	size_t length;

	/* Each argument is a pair of the one before: 2 to the power of 34 letters. */
	strcpy(bomb, "_Z1f1aIiE1bIS0_S0_E");
	for (const char *digit = "23456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"; *digit; digit++)
		sprintf(bomb + strlen(bomb), "S1_IS%c_S%c_E", *digit, *digit);
	rec_demangle(bomb, text);
	assert_memory_equal(text, "f(a<int>, b<a<int>, a<int> >, b<b<", 34);
	assert_int_equal(strlen(text), REC_NAME_BYTES_MAX - 1);
	assert_string_equal(text + strlen(text) - 3, "...");

	length = (size_t)sprintf(bomb, "_Z1f");
	memset(bomb + length, 'P', 100000);
	strcpy(bomb + length + 100000, "i");
	rec_demangle(bomb, text);
	assert_string_equal(text + strlen(text) - 3, "...");

	/* Not cut in the middle of a character. */
	for (size_t shift = 0; shift < 2; shift++) {
		bomb[0] = 'x';
		for (size_t i = 0; i < 5000; i++)
			memcpy(bomb + shift + 2 * i, "\xc3\xa9", 3);
		rec_demangle(bomb, text);
		length = strlen(text);
		assert_in_range(length, REC_NAME_BYTES_MAX - 4, REC_NAME_BYTES_MAX - 1);
		assert_memory_equal(text + length - 4, "\xa9...", 4);
	}
	free(bomb);
}

static void test_paths(void **unused)
{
	static const char *const cases[][4] = {
		{"/build", "src", "a.c", "/build/src/a.c"},
		{"/build/", "/src/", "a.c", "/src/a.c"},
		{"/build", "../lib/./x/..", "a.c", "/lib/a.c"},
		{"/build", NULL, "/a//b.c", "/a/b.c"},
		{NULL, "string", "../sysdeps/a.S", "sysdeps/a.S"},
		{NULL, NULL, "../../a.c", "../../a.c"},
		{"/", "..", "a.c", "/a.c"},
		{"", "", "a.c", "a.c"},
	};
	struct rec_chain *chain = calloc(1, sizeof(*chain));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			rec_chain_path(chain, cases[i][0], cases[i][1], cases[i][2]), cases[i][3]);
	assert_null(rec_chain_path(chain, "/build", "src", NULL));
	assert_null(rec_chain_path(chain, "/build", "src", ""));
	free(chain);
}

static void test_intervals(void **unused)
{
	struct rec_intervals set = {0};
	struct rec_interval range = {0, 1000};

	assert_false(rec_intervals_contain(&set, 5));
	assert_int_equal(rec_intervals_add(&set, (struct rec_interval){100, 200}), 0);
	assert_int_equal(rec_intervals_add(&set, (struct rec_interval){300, 400}), 0);
	assert_int_equal(rec_intervals_add(&set, (struct rec_interval){10, 20}), 0);
	assert_int_equal(set.count, 3);
	assert_false(rec_intervals_contain(&set, 99));
	assert_true(rec_intervals_contain(&set, 100));
	assert_true(rec_intervals_contain(&set, 199));
	assert_false(rec_intervals_contain(&set, 200));
	rec_intervals_clip(&set, 250, &range);
	assert_int_equal(range.low, 200);
	assert_int_equal(range.high, 300);
	/* The gap closes: one range is left of two, or of three. */
	assert_int_equal(rec_intervals_add(&set, range), 0);
	assert_int_equal(set.count, 2);
	assert_true(rec_intervals_contain(&set, 250));
	range = (struct rec_interval){0, 1000};
	rec_intervals_clip(&set, 500, &range);
	assert_int_equal(range.low, 400);
	assert_int_equal(range.high, 1000);
	rec_intervals_release(&set);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

struct kernel_answers {
	char text[1024];
};

static void take_kernel_symbol(void *arg, const struct rec_kernel_symbol *symbol)
{
	struct kernel_answers *answers = arg;
	size_t length = strlen(answers->text);

	snprintf(answers->text + length, sizeof(answers->text) - length, "%lx+%lx %s[%s]\n",
		(unsigned long)symbol->address, (unsigned long)symbol->length, symbol->name,
		symbol->module ? symbol->module : "");
}

static void test_kallsyms(void **unused)
{
	struct kernel_answers answers = {""};
	struct rec_kallsyms *kallsyms = rec_kallsyms_new("kallsyms");
	uint64_t first[] = {0xffffffff81000130, 0xffffffff81000010, 0xffffffff81000020};
	uint64_t again[] = {0xffffffff81000011, 0xffffffffc0000105, 0xffffffffc0000900, 0x10};

	write_file("kallsyms", "0000000000000000 A fixed_percpu_data\n"
			       "ffffffff81000000 T _stext\n"
			       "ffffffff81000000 T _text\n"
			       "ffffffff81000010 t do_one\n"
			       "ffffffff81000100 T __pfx_do_two\n"
			       "ffffffff81000110 T do_two\n"
			       "ffffffff81000120 D some_data\n"
			       "ffffffff81000200 T _etext\n"
			       "ffffffffc0000200 t late\t[beta]\n"
			       "ffffffffc0000100 t early\t[alpha]\n"
			       "ffffffffc0000300 t bpf_prog\t[bpf]\n");
	assert_int_equal(rec_kallsyms_resolve(kallsyms, first, 3, take_kernel_symbol, &answers), 0);
	assert_string_equal(answers.text, "ffffffff81000010+100 do_one[]\n"
					  "ffffffff81000110+f0 do_two[]\n");
	/* What was told is not told again; modules come in any order; after the last is nothing. */
	answers.text[0] = '\0';
	assert_int_equal(rec_kallsyms_resolve(kallsyms, again, 4, take_kernel_symbol, &answers), 0);
	assert_string_equal(answers.text, "ffffffffc0000100+100 early[alpha]\n");
	rec_kallsyms_free(kallsyms);
}

static void test_kallsyms_hidden_or_missing(void **unused)
{
	struct kernel_answers answers = {""};
	struct rec_kallsyms *kallsyms = rec_kallsyms_new("kallsyms");
	uint64_t address = 0xffffffff81000130;

	write_file("kallsyms", "0000000000000000 T _stext\n0000000000000000 T do_one\n");
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			rec_kallsyms_resolve(kallsyms, &address, 1, take_kernel_symbol, &answers),
			TFMT_E_UNSUPPORTED);
	rec_kallsyms_free(kallsyms);

	kallsyms = rec_kallsyms_new("no such file");
	assert_int_equal(rec_kallsyms_resolve(kallsyms, &address, 1, take_kernel_symbol, &answers),
		TFMT_E_IO);
	rec_kallsyms_free(kallsyms);
	assert_string_equal(answers.text, "");
}

/* A list longer than any buffer, asked in steps, against what was written. */
static void test_kallsyms_in_steps(void **unused)
{
	struct rec_kallsyms *kallsyms = rec_kallsyms_new("kallsyms");
	FILE *file = fopen("kallsyms", "w");

	for (unsigned long i = 0; i < 30000; i++)
		fprintf(file, "%016lx t function_number_%lu\n", 0xffffffff81000000 + i * 16, i);
	fclose(file);
	for (uint64_t i = 0; i < 29999; i += 777) {
		struct kernel_answers answers = {""};
		uint64_t address = 0xffffffff81000000 + i * 16 + 3;
		char expected[128];

		snprintf(expected, sizeof(expected), "%lx+10 function_number_%lu[]\n",
			(unsigned long)address - 3, (unsigned long)i);
		assert_int_equal(
			rec_kallsyms_resolve(kallsyms, &address, 1, take_kernel_symbol, &answers),
			0);
		assert_string_equal(answers.text, expected);
	}
	rec_kallsyms_free(kallsyms);
}

static void check_jit(struct rec_perfmap *map, uint64_t address, const char *expected)
{
	const char *name = "nothing";
	uint64_t start = 0, length = 0;

	rec_perfmap_refresh(map);
	const struct rec_code_map *codes = rec_perfmap_codes(map);
	const struct rec_code_piece *piece = rec_code_map_find(codes, address);

	if (piece) {
		name = rec_code_map_name(codes, piece);
		start = piece->low;
		length = piece->high - piece->low;
	}
	assert_string_equal(name, expected);
	if (length > 0)
		assert_in_range(address, start, start + length - 1);
}

static void test_perfmap(void **unused)
{
	struct rec_perfmap *map = rec_perfmap_new(AT_FDCWD, 42, getuid());
	FILE *file;

	assert_non_null(map);
	assert_int_equal(mkdir("tmp", 0700), 0);
	check_jit(map, 0x1000, "nothing");
	write_file("tmp/perf-42.map", "1000 20 first function\n"
				      "0x2000 0x10 LazyCompile:~second a.js:1\n"
				      "nonsense\n"
				      "3000 0 empty\n"
				      "ffffffffffffffff 10 around\n"
				      "4000 10 unfini");
	check_jit(map, 0x1000, "first function");
	check_jit(map, 0x101f, "first function");
	check_jit(map, 0x1020, "nothing");
	check_jit(map, 0x2008, "LazyCompile:~second a.js:1");
	check_jit(map, 0x3000, "nothing");
	check_jit(map, 0x4000, "nothing");
	/* More is written, over code that is gone. */
	file = fopen("tmp/perf-42.map", "a");
	fputs("shed\n1010 8 third\n", file);
	fclose(file);
	check_jit(map, 0x4000, "unfinished");
	check_jit(map, 0x1010, "third");
	check_jit(map, 0x1018, "first function");
	rec_perfmap_free(map);
}

static void test_perfmap_of_somebody_else(void **unused)
{
	struct rec_perfmap *map = rec_perfmap_new(AT_FDCWD, 43, 12345);

	write_file("tmp/perf-43.map", "1000 20 function\n");
	if (getuid() == 0)
		assert_int_equal(chown("tmp/perf-43.map", 54321, 54321), 0);
	check_jit(map, 0x1000, "nothing");
	rec_perfmap_free(map);

	write_file("elsewhere", "1000 20 function\n");
	assert_int_equal(symlink("../elsewhere", "tmp/perf-44.map"), 0);
	map = rec_perfmap_new(AT_FDCWD, 44, getuid());
	check_jit(map, 0x1000, "nothing");
	rec_perfmap_free(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demangle),
		cmocka_unit_test(test_demangle_is_bounded),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_kallsyms),
		cmocka_unit_test(test_kallsyms_hidden_or_missing),
		cmocka_unit_test(test_kallsyms_in_steps),
		cmocka_unit_test(test_perfmap),
		cmocka_unit_test(test_perfmap_of_somebody_else),
	};
	char folder[] = "/tmp/test_symbols.XXXXXX";
	char command[64];
	int failed;

	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) != 0 || failed != 0;
}
