/* Command lines from tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/opts.h"

struct target {
	bool flag;
	int count;
	const char *text;
	struct opt_list list;
	uint64_t number, duration, size;
	int choice;
	const char *maybe;
};

#define AT(member) offsetof(struct target, member)

static const struct opt_row rows[] = {
	{.help = "a heading"},
	{"flag", 'f', OPT_FLAG, NULL, "a flag", AT(flag)},
	{"verbose", 'v', OPT_COUNT, NULL, "more", AT(count)},
	{"text", 't', OPT_TEXT, "TEXT", "a text", AT(text)},
	{"item", 0, OPT_LIST, "ITEM", "an item", AT(list)},
	{"number", 'n', OPT_NUMBER, "N", "a number", AT(number), 0, 1, 100},
	{"wait", 0, OPT_DURATION, "TIME", "a time", AT(duration)},
	{"size", 0, OPT_SIZE, "SIZE", "a size", AT(size)},
	{"one", 0, OPT_CHOICE, NULL, "choose one", AT(choice), 1},
	{"two", 0, OPT_CHOICE, NULL, "choose two", AT(choice), 2},
	{"maybe", 'm', OPT_OPTIONAL, "TEXT", "with a text or without", AT(maybe)},
};

static const struct opts_spec spec = {
	.tool = "test",
	.synopsis = "test [options]",
	.summary = "A test.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(*rows),
};

static const struct msg quiet = {"test", 0};

static enum opts_result parse(
	const struct opts_spec *with, struct target *target, int *operands, char **argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	return opts_parse(with, &quiet, argc, argv, target, operands);
}

#define ARGV(...) ((char **)(const char *[]){"test", __VA_ARGS__, NULL})

static void all_types(void **unused)
{
	struct target t = {0};
	int operands = 0;
	char **argv = ARGV("-fvv", "--text=a=b", "in", "--item", "x", "--item=y", "-n7", "--wait",
		"250ms", "--size", "2K", "--two", "out");
	assert_int_equal(parse(&spec, &t, &operands, argv), OPTS_OK);
	assert_true(t.flag);
	assert_int_equal(t.count, 2);
	assert_string_equal(t.text, "a=b");
	assert_int_equal(t.list.count, 2);
	assert_string_equal(t.list.items[1], "y");
	assert_int_equal(t.number, 7);
	assert_int_equal(t.duration, 250000000);
	assert_int_equal(t.size, 2048);
	assert_int_equal(t.choice, 2);
	assert_int_equal(operands, 2);
	assert_string_equal(argv[1], "in");
	assert_string_equal(argv[2], "out");
	opts_release(&spec, &t);
	assert_null(t.list.items);
}

static void values_can_be_left_out(void **unused)
{
	static const struct {
		const char *word, *wanted;
		int operands;
	} cases[] = {{"--maybe", "", 1}, {"--maybe=x", "x", 1}, {"--maybe=", "", 1}, {"-m", "", 1},
		{"-fm", "", 1}, {"-mf", "", 1}, {"in", NULL, 2}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = {0};
		int operands = 0;
		char **argv = ARGV(cases[i].word, "file");
		assert_int_equal(parse(&spec, &t, &operands, argv), OPTS_OK);
		assert_int_equal(operands, cases[i].operands);
		if (cases[i].wanted)
			assert_string_equal(t.maybe, cases[i].wanted);
		else
			assert_null(t.maybe);
	}
}

static void two_dashes_end_options(void **unused)
{
	struct target t = {0};
	int operands = 0;
	char **argv = ARGV("--", "-f", "--nonsense");
	assert_int_equal(parse(&spec, &t, &operands, argv), OPTS_OK);
	assert_int_equal(operands, 2);
	assert_false(t.flag);
}

static void operand_can_end_options(void **unused)
{
	struct opts_spec command = spec;
	struct target t = {0};
	int operands = 0;
	command.stop_at_operand = true;
	char **argv = ARGV("-v", "prog", "-f", "--nonsense", "--");
	assert_int_equal(parse(&command, &t, &operands, argv), OPTS_OK);
	assert_int_equal(operands, 4);
	assert_string_equal(argv[1], "prog");
	assert_string_equal(argv[4], "--");
	assert_false(t.flag);
}

static void bad_ones_are_refused(void **unused)
{
	static const char *const bad[][3] = {{"--nonsense"}, {"-x"}, {"--text"}, {"-n", "0"},
		{"-n", "101"}, {"-n", "-5"}, {"-n", "7x"}, {"--flag=yes"}, {"--wait", "soon"},
		{"--size", "big"}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct target t = {0};
		int operands = 0;
		const char *argv[] = {"test", bad[i][0], bad[i][1], NULL};
		assert_int_equal(parse(&spec, &t, &operands, (char **)argv), OPTS_USAGE);
	}
}

static void nearest_word(void **unused)
{
	static const char *const names[] = {"speedscope", "folded", "json", "chrome-trace"};
	assert_string_equal(opts_nearest("speedscop", names, 4), "speedscope");
	assert_string_equal(opts_nearest("chrome", names, 4), "chrome-trace");
	assert_string_equal(opts_nearest("jsno", names, 4), "json");
	assert_null(opts_nearest("xyz", names, 4));
	assert_null(opts_nearest("", names, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types),
		cmocka_unit_test(values_can_be_left_out),
		cmocka_unit_test(two_dashes_end_options),
		cmocka_unit_test(operand_can_end_options),
		cmocka_unit_test(bad_ones_are_refused),
		cmocka_unit_test(nearest_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
