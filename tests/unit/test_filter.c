/* The filter language: what is refused and where, what an expression takes. */
#include <stdio.h>

#include "tests/lib/memory_trace.h"

#define MS UINT64_C(1000000)

struct fixture {
	struct memory memory;
	struct tfmt_reader *reader;
};

/* Stacks: main > work > inner inlined into outer; main > [kernel]; Python's view() of flask. */
enum { STACK_MAIN = 1, STACK_WORK, STACK_INLINED, STACK_PYTHON };

static void add_symbols(struct tfmt_writer *writer, uint32_t mapping)
{
	static const struct {
		const char *name, *file;
		uint64_t address;
		uint32_t line;
		bool inlined;
	} rows[] = {
		{"main", "/src/prog/main.c", 0x1000, 10, false},
		{"work", "/src/prog/lib/work.c", 0x2000, 20, false},
		{"inner", "/src/prog/lib/inner.h", 0x3000, 30, true},
		{"outer", "/src/prog/lib/work.c", 0x3000, 40, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(tfmt_writer_symbol(writer,
					 &(struct tfmt_symbol){.address = rows[i].address,
						 .length = 0x10,
						 .mapping = mapping,
						 .function = test_text(writer, rows[i].name),
						 .file = test_text(writer, rows[i].file),
						 .line = rows[i].line,
						 .inlined = rows[i].inlined}),
			0);
}

static void add_code(struct tfmt_writer *writer)
{
	struct tfmt_mapping mapping = {.path = test_text(writer, "/usr/lib/libwork.so.1")};
	struct tfmt_frame frames[4] = {{.address = 0x1004}, {.address = 0x2004},
		{.address = 0x3004}, {.language = TFMT_LANG_PYTHON, .line = 7}};
	const uint32_t parents[] = {0, STACK_MAIN, STACK_WORK, STACK_MAIN};
	uint32_t mapping_id;

	assert_int_equal(tfmt_writer_add_mapping(writer, &mapping, &mapping_id), 0);
	frames[3].function = test_text(writer, "view");
	frames[3].file = test_text(writer, "/v/lib/python3.11/site-packages/flask/app.py");
	for (uint32_t i = 0; i < 4; i++) {
		struct tfmt_stack stack = {.parent = parents[i]};
		uint32_t id;

		frames[i].mapping = i < 3 ? mapping_id : 0;
		assert_int_equal(tfmt_writer_add_frame(writer, &frames[i], &stack.frame), 0);
		assert_int_equal(tfmt_writer_add_stack(writer, &stack, &id), 0);
		assert_int_equal(id, i + 1);
	}
	add_symbols(writer, mapping_id);
}

/* Processes 100 (prog, then a.out) and 200, threads 100, 101 "worker" and 200. */
static void add_processes(struct tfmt_writer *writer)
{
	struct tfmt_life life = {.process = 1, .event = TFMT_LIFE_EXEC};
	uint32_t id;

	for (uint32_t i = 1; i <= 2; i++)
		assert_int_equal(tfmt_writer_add_process(
					 writer, &(struct tfmt_process){.pid = 100 * i}, &id),
			0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(tfmt_writer_add_thread(writer,
					 &(struct tfmt_thread){.process = 1 + i / 2,
						 .tid = 100 + i % 2 + 100 * (i / 2)},
					 &id),
			0);
	life.name = test_text(writer, "prog");
	life.exe = test_text(writer, "/usr/bin/prog-2.0");
	assert_int_equal(tfmt_writer_life(writer, &life), 0);
	life.name = test_text(writer, "a.out");
	life.exe = test_text(writer, "/tmp/a.out");
	assert_int_equal(tfmt_writer_life(writer, &life), 0);
	life = (struct tfmt_life){.process = 1,
		.thread = 2,
		.event = TFMT_LIFE_NAME,
		.name = test_text(writer, "worker")};
	assert_int_equal(tfmt_writer_life(writer, &life), 0);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct tfmt_header header = test_header();
	struct tfmt_metric metric = {.process = 2};
	struct tfmt_writer *writer;
	uint32_t id;

	fixture = (struct fixture){0};
	header.time_ns = 1000 * MS;
	assert_int_equal(
		tfmt_writer_new(&header, NULL, memory_sink(&fixture.memory), &writer, NULL), 0);
	add_processes(writer);
	add_code(writer);
	metric.name = test_text(writer, "rss");
	assert_int_equal(tfmt_writer_add_metric(writer, &metric, &id), 0);
	metric.process = 0;
	assert_int_equal(tfmt_writer_add_metric(writer, &metric, &id), 0);
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
	assert_int_equal(tfmt_reader_open_memory(
				 fixture.memory.data, fixture.memory.size, &fixture.reader, NULL),
		0);
	assert_int_equal(tfmt_reader_scan(fixture.reader, NULL), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	tfmt_reader_free(fixture->reader);
	memory_release(&fixture->memory);
	return 0;
}

static struct tfmt_filter *bound(struct fixture *fixture, const char *expression)
{
	struct tfmt_filter *filter = NULL;
	struct tfmt_error err = {0};

	if (tfmt_filter_new(expression, &filter, &err))
		fail_msg("%s: %s", expression, err.message);
	if (tfmt_filter_bind(filter, fixture->reader, &err))
		fail_msg("%s: %s", expression, err.message);
	return filter;
}

static bool takes(
	struct fixture *fixture, const char *expression, enum tfmt_kind kind, const void *row)
{
	struct tfmt_filter *filter = bound(fixture, expression);
	bool is_taken = tfmt_filter_takes(filter, kind, row, 0);

	tfmt_filter_free(filter);
	return is_taken;
}

static void what_is_wrong_is_said_where(void **state)
{
	static const struct {
		const char *expression;
		size_t offset;
		const char *words;
	} cases[] = {
		{"", 0, "the filter is empty"},
		{"  ", 2, "the filter is empty"},
		{"fnuc == 'x'", 0, "unknown field 'fnuc': func, "},
		{"leaf == 'x'", 0, "unknown field 'leaf': leaf.func, leaf.file, leaf.module, "},
		{"func < 'x'", 5, "func cannot be compared with '<': ==, !=, ~ and !~"},
		{"dur ~ 'x'", 4, "dur cannot be compared with '~': ==, !=, <, >, <= and >="},
		{"func = 'x'", 5, "an operator of func was expected, not '='"},
		{"func", 4, "an operator of func was expected, not the end"},
		{"func == 3", 8, "func is compared with a text in quotes, not '3'"},
		{"func == main", 8, "func is compared with a text in quotes, not 'main'"},
		{"pid == 'x'", 7, "pid is compared with a whole number, not a text"},
		{"pid == 5ms", 7, "pid is compared with a whole number, not '5ms'"},
		{"line == 1.5", 8, "line is compared with a whole number"},
		{"dur > '5ms'", 6, "dur is compared with a duration such as 5ms"},
		{"dur > 5 parsecs", 8, "and, or or the end was expected, not 'parsecs'"},
		{"dur > 5parsecs", 6, "unknown unit of a number: ns, us, ms"},
		{"dur > 12345678901234567890", 6, "this number is too large"},
		{"value > 'x'", 8, "value is compared with a number by >, not with a text"},
		{"time > '2020/13/01'", 7, "bad time: 'YYYY/MM/DD hh:mm:ss'"},
		{"time > '2020/02/30 10:00:00'", 7, "bad time"},
		{"time > '5s'", 7, "bad time"},
		{"func ~ '(x'", 7, "bad regular expression: Unmatched ( or"},
		{"func ~ '(x{200}){200}'", 7, "repeats too much"},
		{"func ~ '(x)\\1'", 7, "has a back-reference"},
		{"func == 'x", 8, "this text has no closing '"},
		{"func == 'x' and", 15,
			"a condition such as func == 'main' was expected, not the end"},
		{"func == 'x' func == 'y'", 12, "and, or or the end was expected, not 'func'"},
		{"(func == 'x'", 12, "and, or or ) was expected, not the end"},
		{"func == 'x')", 11, "and, or or the end was expected, not ')'"},
		{"kind == 'sampel'", 8, "no kind is 'sampel': sample, "},
		{"state != 'x'", 9, "no state is 'x': gil, "},
		{"arg. == 'x'", 0, "the name of an argument was expected"},
	};
	struct tfmt_filter *filter = NULL;
	struct tfmt_error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = (struct tfmt_error){0};
		if (tfmt_filter_new(cases[i].expression, &filter, &err) != TFMT_E_ARG)
			fail_msg("%s is taken", cases[i].expression);
		if (err.offset != cases[i].offset || !strstr(err.message, cases[i].words))
			fail_msg("%s: at %zu: %s", cases[i].expression, (size_t)err.offset,
				err.message);
	}
}

static void what_is_too_large_is_refused(void **state)
{
	static char text[TFMT_FILTER_MAX_BYTES + 2];
	struct tfmt_filter *filter = NULL;
	struct tfmt_error err;
	size_t used = 0;

	memset(text, '(', TFMT_FILTER_MAX_NESTING);
	strcpy(text + TFMT_FILTER_MAX_NESTING, "pid==1");
	assert_int_equal(tfmt_filter_new(text, &filter, &err), TFMT_E_ARG);
	assert_int_equal(err.offset, TFMT_FILTER_MAX_NESTING);
	assert_non_null(strstr(err.message, "nested too deep: 32"));
	for (int i = 0; i <= TFMT_FILTER_MAX_CONDITIONS; i++)
		used += (size_t)sprintf(text + used, "%spid == 1", i ? " or " : "");
	assert_int_equal(tfmt_filter_new(text, &filter, &err), TFMT_E_ARG);
	assert_int_equal(err.offset, used - strlen("pid == 1"));
	memset(text, ' ', sizeof(text) - 1);
	assert_int_equal(tfmt_filter_new(text, &filter, &err), TFMT_E_ARG);
	assert_non_null(strstr(err.message, "too long"));
}

struct expected {
	const char *expression;
	bool is_taken;
};

static void expect_all(struct fixture *fixture, enum tfmt_kind kind, const void *row,
	const struct expected *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (takes(fixture, cases[i].expression, kind, row) != cases[i].is_taken)
			fail_msg("%s: wrong", cases[i].expression);
}

#define EXPECT(fixture, kind, row, cases) \
	expect_all(fixture, kind, row, cases, sizeof(cases) / sizeof((cases)[0]))

static void samples_have_frames(void **state)
{
	static const struct expected cases[] = {
		{"func == 'main'", true},
		{"func == 'inner' and func == 'outer'", true}, /* two frames */
		{"func == 'view'", false},
		{"func == 'in'", false},
		{"func == 'in%'", true},
		{"func == '%n%r'", true},
		{"func == '_ain'", false},
		{"func ~ '^in'", true},
		{"func !~ '^in'", false},
		{"not func == 'main'", false},
		{"not func == 'view'", true},
		{"leaf.func == 'inner'", true},
		{"leaf.func == 'outer'", false},
		{"leaf.func != 'outer'", true},
		{"file == '/src/prog/main.c'", true},
		{"file == 'main.c'", true},
		{"file == 'prog/main.c'", true},
		{"file == '/prog/main.c'", false},
		{"file == 'lib/%'", true},
		{"leaf.file == 'inner.h'", true},
		{"module == 'libwork.so.1'", true},
		{"module == '/usr/%'", true},
		{"leaf.module == 'libwork%'", true},
		{"line == 20", true},
		{"func == 'main' and line == 20", false}, /* one frame */
		{"func == 'work' and line == 20", true},
		{"(func == 'main') and (line == 10 or line == 11)", true},
		{"line > 20 and line < 30", false},
		{"not (func == 'view' or func == 'main')", false},
	};
	const struct tfmt_sample sample = {.thread = 1, .stack = STACK_INLINED};

	EXPECT(*state, TFMT_SAMPLE, &sample, cases);
}

/* A trace of one sample in one function. */
static void write_function(struct fixture *fixture, const char *function)
{
	const struct tfmt_header header = test_header();
	struct tfmt_frame frame = {.language = TFMT_LANG_PYTHON};
	struct tfmt_stack stack = {0};
	struct tfmt_writer *writer;
	uint32_t id;

	assert_int_equal(
		tfmt_writer_new(&header, NULL, memory_sink(&fixture->memory), &writer, NULL), 0);
	frame.function = test_text(writer, function);
	assert_int_equal(tfmt_writer_add_frame(writer, &frame, &stack.frame), 0);
	assert_int_equal(tfmt_writer_add_stack(writer, &stack, &id), 0);
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
	assert_int_equal(tfmt_reader_open_memory(fixture->memory.data, fixture->memory.size,
				 &fixture->reader, NULL),
		0);
	assert_int_equal(tfmt_reader_scan(fixture->reader, NULL), 0);
}

/* A function of C++ is known without its parameters. */
static void parameters_can_be_left_out(void **state)
{
	static const struct {
		const char *function, *expression;
		bool is_taken;
	} cases[] = {
		{"ns::f<int>(char const*)", "func == 'ns::f<int>'", true},
		{"ns::f<int>(char const*)", "func == 'ns::f<int>(char const*)'", true},
		{"ns::f<int>(char const*)", "func == 'ns::f<int>(%)'", true},
		{"ns::f<int>(char const*)", "func == 'ns::f'", false},
		{"ns::f<int>(char const*)", "func ~ 'int>$'", false},
		{"g(void (*)(int)) const", "func == 'g'", true},
		{"(anonymous namespace)::h()", "func == '(anonymous namespace)::h'", true},
		{"f()::{lambda(int)#1}::operator()(int) const",
			"func == '%::{lambda(int)#1}::operator()'", true},
		{"main.(*T).Run", "func == 'main.'", false},
		{"(odd", "func == '(odd'", true},
		{"odd)", "func == 'odd'", false},
		{")", "func == ''", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tfmt_sample sample = {.stack = 1};
		struct fixture fixture = {0};

		write_function(&fixture, cases[i].function);
		if (takes(&fixture, cases[i].expression, TFMT_SAMPLE, &sample) != cases[i].is_taken)
			fail_msg("%s of %s: wrong", cases[i].expression, cases[i].function);
		tear_down((void *[]){&fixture});
	}
}

static void python_has_packages(void **state)
{
	static const struct expected cases[] = {
		{"module == 'flask'", true},
		{"module == '%/site-packages/%'", true},
		{"leaf.module == 'app.py'", true},
		{"module == 'libwork.so.1'", true},
		{"leaf.module == 'libwork.so.1'", false},
		{"file == 'flask/app.py' and line == 7", true},
	};
	const struct tfmt_sample sample = {.thread = 1, .stack = STACK_PYTHON};

	EXPECT(*state, TFMT_SAMPLE, &sample, cases);
}

static void records_have_times_and_places(void **state)
{
	static const struct expected cases[] = {
		{"time > 4ms", true},
		{"time > 5ms", false},
		{"time >= 0.005", true},
		{"time == 5000us", true},
		{"time > '2020/01/01 00:00:00'", true},
		/* 1 700 000 000 s after 1970. */
		{"time > '2023-11-14T22:13:20Z' and time < '2023-11-14 22:13:20.006 UTC'", true},
		{"time < '2023-11-14T23:13:20.004+01:00'", false},
		{"dur == 2ms", true},
		{"dur > 0.002", false},
		{"pid == 100", true},
		{"pid < 100", false},
		{"tid != 101", false},
		{"process == 'prog' and process == 'a.out'", true},
		{"process == 'prog-2.0'", true},
		{"process == '/usr/bin/%'", true},
		{"thread == 'worker'", true},
		{"thread == 'work'", false},
		{"kind == 'sample'", true},
		{"kind == 's%' and kind != 'span'", true},
		{"state == 'blocked' and syscall == 'read'", true},
		{"state == 'gil'", false},
		{"syscall == 'write'", false},
		{"not syscall == 'write'", true},
		{"name == 'x'", false}, /* samples have none, */
		{"not name == 'x'", false},
		{"name == 'x' or pid == 100", true}, /* but that is no reason */
		{"arg == 'x'", false},
		{"not arg == 'x'", false},
		{"arg.n > 3 or not arg.n > 3", false},
	};
	const struct tfmt_sample sample = {.time_ns = 1005 * MS,
		.weight_ns = 2 * MS,
		.thread = 2,
		.state = TFMT_STATE_BLOCKED,
		.syscall = 1};

	EXPECT(*state, TFMT_SAMPLE, &sample, cases);
}

static void unknown_stacks_have_no_frames(void **state)
{
	static const struct expected cases[] = {
		{"func == '%'", false},
		{"leaf.func == '%'", false},
		{"not func == 'main'", true},
	};
	const struct tfmt_sample sample = {.thread = 2};

	EXPECT(*state, TFMT_SAMPLE, &sample, cases);
}

static void context_stays(void **state)
{
	static const struct expected machine[] = {
		{"func == 'main'", true},
		{"not func == 'main'", true},
		{"pid == 100", true},
		{"kind == 'sample'", false},
		{"time > 1s", false},
	};
	static const struct expected of_process[] = {
		{"pid == 100", false},
		{"pid == 200 and func == 'main'", true},
		{"pid == 100 or func == 'main'", true},
		{"thread == 'worker'", true},
	};
	static const struct expected life[] = {
		{"time > 1s", true},
		{"pid == 100", false},
		{"kind == 'life'", true},
		{"kind != 'life'", false},
	};
	static const struct expected instant[] = {
		{"func == 'main'", false},
		{"pid == 100", false},
		{"kind == 'instant'", true},
		{"name == ''", true},
		{"value == ''", true},
		{"value == '' and arg == ''", false},
	};
	const struct tfmt_counter counters[] = {
		{.time_ns = 1000 * MS, .metric = 1}, {.time_ns = 1000 * MS, .metric = 2}};
	const struct tfmt_string string = {.data = ""};

	EXPECT(*state, TFMT_COUNTER, &counters[1], machine);
	EXPECT(*state, TFMT_COUNTER, &counters[0], of_process);
	EXPECT(*state, TFMT_LIFE, &(struct tfmt_life){.process = 2}, life);
	EXPECT(*state, TFMT_INSTANT, &(struct tfmt_instant){0}, instant);
	assert_true(takes(*state, "kind == 'sample'", TFMT_STRING, &string));
	assert_true(takes(*state, "kind == 'sample'", TFMT_ARG, &(struct tfmt_arg){0}));
}

static void processes_are_judged_alone(void **state)
{
	static const struct {
		const char *expression;
		bool processes[2], threads[2]; /* 100 and 200, 101 and 200 */
	} cases[] = {
		{"func == 'main'", {true, true}, {true, true}},
		{"kind == 'sample'", {true, true}, {true, true}},
		{"pid == 100 and func == 'main'", {true, false}, {true, false}},
		{"pid == 100 or func == 'main'", {true, true}, {true, true}},
		{"not pid == 100", {false, true}, {false, true}},
		{"tid == 101", {true, true}, {true, false}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tfmt_filter *filter = bound(*state, cases[i].expression);

		for (uint32_t j = 0; j < 2; j++) {
			assert_int_equal(
				tfmt_filter_takes_process(filter, 1 + j), cases[i].processes[j]);
			assert_int_equal(
				tfmt_filter_takes_thread(filter, 2 + j), cases[i].threads[j]);
		}
		tfmt_filter_free(filter);
	}
}

/* A date means nothing to a trace that has none; then nothing is left out. */
static void dates_need_a_date(void **state)
{
	static const char expression[] = "func == 'main' or time > '2020/01/01'";
	const struct tfmt_sample sample = {0};
	struct tfmt_header header = test_header();
	struct fixture fixture = {0};
	struct tfmt_filter *filter;
	struct tfmt_writer *writer;
	struct tfmt_error err;

	header.utc_ns = 0;
	assert_int_equal(
		tfmt_writer_new(&header, NULL, memory_sink(&fixture.memory), &writer, NULL), 0);
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
	assert_int_equal(tfmt_reader_open_memory(
				 fixture.memory.data, fixture.memory.size, &fixture.reader, NULL),
		0);
	assert_int_equal(tfmt_reader_scan(fixture.reader, NULL), 0);
	assert_int_equal(tfmt_filter_new(expression, &filter, &err), 0);
	assert_true(tfmt_filter_takes(filter, TFMT_SAMPLE, &sample, 0));
	assert_int_equal(tfmt_filter_bind(filter, fixture.reader, &err), TFMT_E_ARG);
	assert_int_equal(err.offset, strlen("func == 'main' or time > "));
	assert_true(tfmt_filter_takes(filter, TFMT_SAMPLE, &sample, 0));
	tfmt_filter_free(filter);
	tear_down((void *[]){&fixture});
}

static void missing_names_are_said(void **state)
{
	static const struct {
		const char *expression;
		size_t offset;
		const char *words; /* NULL: nothing */
	} cases[] = {
		{"func == 'main'", 0, NULL},
		{"func ~ 'nothing'", 0, NULL},
		{"value == 'nothing'", 0, NULL},
		{"func == 'mian'", 8, "has the func 'mian': did you mean main?"},
		{"not func == 'ou'", 12, "has the func 'ou': did you mean outer?"},
		{"func == 'zzzzzz'", 8, "there is inner, main, outer, view, work"},
		{"file == 'wrok.c'", 8, "did you mean work.c?"},
		{"file == 'lib/wrok.c'", 8, "did you mean lib/work.c?"},
		{"module == 'libwork.so'", 10, "did you mean libwork.so.1?"},
		{"process == 'prog-3'", 11, "did you mean prog"},
		{"thread == 'workre'", 10, "did you mean worker?"},
		{"syscall == 'raed'", 11, "did you mean read"},
		{"pid == 10", 7, "has the pid 10: did you mean 100?"},
		{"tid == 7", 7, "has the tid 7: there is 100, 101, 200"},
		{"arg == 'n'", 7, "has the arg 'n': there is none"},
		{"arg.n == 'n'", 0, "has the argument 'n': there is none"},
		{"type == 'int'", 8, "has the type 'int': there is none"},
		{"name == 'x'", 8, "has the name 'x': there is none"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tfmt_filter *filter = bound(*state, cases[i].expression);
		const struct tfmt_filter_warning *warnings;
		size_t count;

		warnings = tfmt_filter_warnings(filter, &count);
		if (count != (cases[i].words != NULL))
			fail_msg("%s: %zu warnings", cases[i].expression, count);
		if (count && (warnings->offset != cases[i].offset ||
				     !strstr(warnings->text, cases[i].words)))
			fail_msg("%s: at %zu: %s", cases[i].expression, warnings->offset,
				warnings->text);
		tfmt_filter_free(filter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_said_where),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(samples_have_frames),
		cmocka_unit_test(parameters_can_be_left_out),
		cmocka_unit_test(python_has_packages),
		cmocka_unit_test(records_have_times_and_places),
		cmocka_unit_test(unknown_stacks_have_no_frames),
		cmocka_unit_test(context_stays),
		cmocka_unit_test(processes_are_judged_alone),
		cmocka_unit_test(dates_need_a_date),
		cmocka_unit_test(missing_names_are_said),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
