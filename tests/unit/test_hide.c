/* Frames of an interpreter are left out where there is Python code, and nowhere else. */
#include <stdio.h>

#include "tests/lib/memory_trace.h"

enum { LIBC, PYTHON, PROGRAM, MAPPINGS };

struct fixture {
	struct memory memory;
	struct tfmt_reader *reader;
	const struct tfmt_trace *trace;
	uint32_t mappings[MAPPINGS];
	/* The last stack of: */
	uint32_t starting, script, eval, called, nested, thread, embedding, embedded, kernel, apart;
};

static uint32_t add(struct tfmt_writer *writer, uint32_t parent, struct tfmt_frame frame)
{
	struct tfmt_stack stack = {.parent = parent};
	uint32_t id = 0;

	assert_int_equal(tfmt_writer_add_frame(writer, &frame, &stack.frame), 0);
	assert_int_equal(tfmt_writer_add_stack(writer, &stack, &id), 0);
	return id;
}

/* Addresses tell the frames apart below: "c" of 0x10 is module+0x10. */
static uint32_t native(struct fixture *f, struct tfmt_writer *writer, uint32_t parent, int mapping,
	uint64_t address)
{
	return add(writer, parent,
		(struct tfmt_frame){.mapping = f->mappings[mapping],
			.address = address,
			.flags = mapping == PYTHON ? TFMT_FRAME_INTERPRETER : 0});
}

static uint32_t python(struct tfmt_writer *writer, uint32_t parent, const char *function)
{
	return add(writer, parent,
		(struct tfmt_frame){.language = TFMT_LANG_PYTHON,
			.function = test_text(writer, function),
			.file = test_text(writer, "app.py")});
}

static void write_stacks(struct fixture *f, struct tfmt_writer *writer)
{
	static const char *const paths[] = {
		"/usr/lib/libc.so.6", "/usr/bin/python3.11", "/opt/game"};
	uint32_t at;

	for (int i = 0; i < MAPPINGS; i++) {
		struct tfmt_mapping mapping = {.path = test_text(writer, paths[i])};

		assert_int_equal(tfmt_writer_add_mapping(writer, &mapping, &f->mappings[i]), 0);
	}
	at = native(f, writer, 0, PYTHON, 1);
	at = native(f, writer, at, LIBC, 2);
	f->starting = native(f, writer, at, PYTHON, 3);
	f->script = python(writer, f->starting, "<module>");
	f->eval = native(f, writer, f->script, PYTHON, 4);
	f->called = native(f, writer, f->eval, LIBC, 5);
	at = native(f, writer, f->called, PYTHON, 6);
	f->nested = python(writer, at, "callback");
	f->kernel = add(writer, native(f, writer, f->nested, PYTHON, 7),
		(struct tfmt_frame){.language = TFMT_LANG_KERNEL, .address = 8});
	/* Python put below what it has called, as nothing tells where it belongs. */
	at = native(f, writer, f->starting, PROGRAM, 14);
	f->apart = native(f, writer, python(writer, at, "apart"), LIBC, 15);
	at = native(f, writer, native(f, writer, 0, LIBC, 9), PYTHON, 10);
	f->thread = python(writer, at, "run");
	at = native(f, writer, native(f, writer, 0, LIBC, 11), PROGRAM, 12);
	f->embedding = native(f, writer, at, PYTHON, 13);
	f->embedded = python(writer, f->embedding, "script");
}

static int set_up(void **state)
{
	static struct fixture f;
	struct tfmt_header header = test_header();
	struct tfmt_writer *writer;

	memset(&f, 0, sizeof(f));
	assert_int_equal(tfmt_writer_new(&header, NULL, memory_sink(&f.memory), &writer, NULL), 0);
	write_stacks(&f, writer);
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
	assert_int_equal(tfmt_reader_open_memory(f.memory.data, f.memory.size, &f.reader, NULL), 0);
	f.trace = tfmt_reader_trace(f.reader);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	tfmt_reader_free(f->reader);
	memory_release(&f->memory);
	return 0;
}

/* The functions of a stack, root first: "<module> libc.so.6+0x5". */
static const char *shown(const struct fixture *f, uint32_t stack)
{
	static char text[512];
	char longer[512];

	text[0] = '\0';
	for (; stack != 0; stack = tfmt_trace_stack(f->trace, stack)->parent) {
		struct tfmt_location location;

		tfmt_trace_locations(
			f->trace, tfmt_trace_stack(f->trace, stack)->frame, &location, 1);
		snprintf(longer, sizeof(longer), "%s%s%s", location.function,
			text[0] != '\0' ? " " : "", text);
		strcpy(text, longer);
	}
	return text;
}

static void check_hidden(const struct fixture *f)
{
	assert_string_equal(shown(f, f->script), "<module>");
	assert_string_equal(shown(f, f->eval), "<module>");
	assert_string_equal(shown(f, f->called), "<module> libc.so.6+0x5");
	assert_string_equal(shown(f, f->nested), "<module> libc.so.6+0x5 callback");
	assert_string_equal(shown(f, f->kernel), "<module> libc.so.6+0x5 callback 0x8");
	assert_string_equal(shown(f, f->thread), "run");
	assert_string_equal(shown(f, f->apart), "apart libc.so.6+0xf");
	/* A program of its own that calls the interpreter keeps how it came there. */
	assert_string_equal(shown(f, f->embedded), "libc.so.6+0xb game+0xc script");
	/* Nothing would be left of these. */
	assert_string_equal(shown(f, f->starting), "python3.11+0x1 libc.so.6+0x2 python3.11+0x3");
	assert_string_equal(shown(f, f->embedding), "libc.so.6+0xb game+0xc python3.11+0xd");
}

static void interpreters_are_hidden(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(tfmt_reader_hide_interpreter(f->reader), TFMT_E_ARG);
	assert_int_equal(tfmt_reader_scan(f->reader, NULL), 0);
	assert_string_equal(
		shown(f, f->script), "python3.11+0x1 libc.so.6+0x2 python3.11+0x3 <module>");
	assert_int_equal(tfmt_reader_hide_interpreter(f->reader), 0);
	check_hidden(f);
	/* Again, and after another pass: no change. */
	assert_int_equal(tfmt_reader_hide_interpreter(f->reader), 0);
	assert_int_equal(tfmt_reader_scan(f->reader, NULL), 0);
	check_hidden(f);
}

static void packages_are_found(void **state)
{
	static const struct {
		const char *file, *package;
		bool is_standard;
	} cases[] = {
		{"/usr/lib/python3.11/json/decoder.py", "json", true},
		{"/usr/lib/python3.11/re.py", "re", true},
		{"/root/.pyenv/versions/3.13.1/lib/python3.13t/asyncio/tasks.py", "asyncio", true},
		{"/usr/lib64/python3.9/lib-dynload/_json.so", "_json", true},
		{"/usr/lib/python311.zip/zlib.py", "zlib", true},
		{"<frozen importlib._bootstrap>", "importlib", true},
		{"/usr/lib/python3/dist-packages/flask/app.py", "flask", false},
		{"/home/me/app/.venv/lib/python3.12/site-packages/numpy/core/a.so", "numpy", false},
		{"/home/me/app/views.py", NULL, false},
		{"/home/me/python3.11/views.py", NULL, false},
		{"/home/me/lib/python3-tools/a.py", NULL, false},
		{"<string>", NULL, false},
		{"", NULL, false},
	};
	struct tfmt_python_package package;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool is_found = tfmt_python_package_of(cases[i].file, &package);

		assert_int_equal(is_found, cases[i].package != NULL);
		if (!is_found)
			continue;
		assert_int_equal(package.length, strlen(cases[i].package));
		assert_memory_equal(package.name, cases[i].package, package.length);
		assert_int_equal(package.is_standard, cases[i].is_standard);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(interpreters_are_hidden, set_up, tear_down),
		cmocka_unit_test(packages_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
