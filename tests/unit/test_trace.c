/* What ids mean: lives of processes, names of threads, command lines, names of code. */
#include "tests/lib/memory_trace.h"

static struct tfmt_writer *writer;
static struct memory memory;
static struct tfmt_reader *reader;

static int begin(void **state)
{
	struct tfmt_header header = test_header();

	assert_int_equal(tfmt_writer_new(&header, NULL, memory_sink(&memory), &writer, NULL), 0);
	return 0;
}

static int end(void **state)
{
	tfmt_writer_free(writer);
	tfmt_reader_free(reader);
	memory_release(&memory);
	writer = NULL;
	reader = NULL;
	return 0;
}

/* Finish writing and read all of it. */
static const struct tfmt_trace *scan(void)
{
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	assert_int_equal(tfmt_reader_open_memory(memory.data, memory.size, &reader, NULL), 0);
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)) &&
		     tfmt_reader_damage(reader)->lost_ids);
	return tfmt_reader_trace(reader);
}

static uint32_t add_process(uint32_t pid, uint32_t parent, uint64_t start_ns)
{
	struct tfmt_process row = {.pid = pid, .ppid = 1, .parent = parent, .start_ns = start_ns};
	uint32_t id = 0;

	assert_int_equal(tfmt_writer_add_process(writer, &row, &id), 0);
	return id;
}

static uint32_t add_thread(uint32_t process, uint32_t tid)
{
	struct tfmt_thread row = {.process = process, .tid = tid};
	uint32_t id = 0;

	assert_int_equal(tfmt_writer_add_thread(writer, &row, &id), 0);
	return id;
}

static void live(struct tfmt_life life)
{
	assert_int_equal(tfmt_writer_life(writer, &life), 0);
}

static void exec(uint32_t process, uint64_t time_ns, const char *name)
{
	live((struct tfmt_life){.process = process,
		.time_ns = time_ns,
		.event = TFMT_LIFE_EXEC,
		.name = test_text(writer, name),
		.exe = test_text(writer, name),
		.argv = test_text(writer, name),
		.cwd = test_text(writer, "/")});
}

static void lives_are_applied(void **state)
{
	const struct tfmt_process_info *info;
	const struct tfmt_trace *trace;
	uint32_t shell = add_process(10, 0, 100), child = add_process(11, shell, 2500);
	uint32_t early = add_process(12, shell, 500), grand = add_process(13, child, 4000);
	uint32_t main_thread = add_thread(shell, 10), worker = add_thread(shell, 15);

	exec(shell, 200, "sh");
	exec(shell, 2000, "bash");
	exec(child, 3000, "cc");
	live((struct tfmt_life){.process = shell,
		.thread = worker,
		.time_ns = 2100,
		.event = TFMT_LIFE_NAME,
		.name = test_text(writer, "pool-1")});
	live((struct tfmt_life){.process = early,
		.time_ns = 600,
		.event = TFMT_LIFE_NAME,
		.name = test_text(writer, "renamed")});
	live((struct tfmt_life){.process = child,
		.time_ns = 5000,
		.event = TFMT_LIFE_EXIT,
		.status_type = TFMT_STATUS_EXITED,
		.status = 3});
	live((struct tfmt_life){
		.process = shell, .thread = worker, .time_ns = 5500, .event = TFMT_LIFE_EXIT});
	live((struct tfmt_life){.process = shell,
		.time_ns = 9000,
		.event = TFMT_LIFE_EXIT,
		.status_type = TFMT_STATUS_ALIVE});
	trace = scan();
	info = tfmt_trace_process(trace, shell);
	assert_int_equal(info->image_count, 2);
	assert_string_equal(tfmt_trace_text(trace, info->images[0].name), "sh");
	assert_string_equal(tfmt_trace_text(trace, info->name), "bash");
	assert_int_equal(info->main_thread, main_thread);
	assert_int_equal(info->thread_count, 2);
	assert_int_equal(info->end_ns, 0);
	assert_int_equal(info->status_type, TFMT_STATUS_ALIVE);
	info = tfmt_trace_process(trace, child);
	assert_int_equal(info->status, 3);
	assert_int_equal(info->end_ns, 5000);
	assert_int_equal(info->parent, shell);
	/* Forked before the second exec: it inherited the first image, under a name of its own. */
	info = tfmt_trace_process(trace, early);
	assert_string_equal(tfmt_trace_text(trace, info->exe), "sh");
	assert_string_equal(tfmt_trace_text(trace, info->name), "renamed");
	assert_string_equal(tfmt_trace_text(trace, tfmt_trace_process(trace, grand)->exe), "cc");
	assert_string_equal(
		tfmt_trace_text(trace, tfmt_trace_thread(trace, worker)->name), "pool-1");
	assert_int_equal(tfmt_trace_thread(trace, worker)->end_ns, 5500);
	assert_string_equal(
		tfmt_trace_text(trace, tfmt_trace_thread(trace, main_thread)->name), "bash");
}

static void every_id_has_an_answer(void **state)
{
	const struct tfmt_trace *trace = scan();
	struct tfmt_location location;

	assert_string_equal(tfmt_trace_text(trace, 0), "");
	assert_string_equal(tfmt_trace_text(trace, 1), "[lost]");
	assert_string_equal(tfmt_trace_text(trace, UINT32_MAX), "[lost]");
	assert_int_equal(tfmt_trace_stack(trace, 0)->frame, 0);
	assert_int_equal(tfmt_trace_stack(trace, 99)->parent, 0);
	assert_int_equal(tfmt_trace_locations(trace, 99, &location, 1), 1);
	assert_string_equal(location.function, "[lost]");
	assert_int_equal(tfmt_trace_locations(trace, 0, &location, 1), 1);
	assert_string_equal(location.function, "");
	assert_string_equal(tfmt_trace_text(trace, tfmt_trace_process(trace, 5)->name), "[lost]");
	assert_string_equal(tfmt_trace_text(trace, tfmt_trace_thread(trace, 5)->name), "[lost]");
	assert_string_equal(tfmt_trace_text(trace, tfmt_trace_metric(trace, 5)->unit), "[lost]");
	assert_int_equal(tfmt_trace_count(trace, TFMT_SAMPLE), 0);
	assert_int_equal(tfmt_trace_count(trace, TFMT_NONE), 0);
}

static void commands_are_quoted(void **state)
{
	static const char argv[] = "cc\0-o\0a b\0it's\0\0tab\there\0\xc3\xa4";
	static const char expected[] = "cc -o 'a b' 'it'\\''s' '' $'tab\\there' \xc3\xa4";
	uint32_t process = add_process(10, 0, 1), nameless = add_process(11, 0, 1);
	const struct tfmt_trace *trace;
	char text[100];
	uint32_t id;

	assert_int_equal(tfmt_writer_intern(writer, argv, sizeof(argv), &id), 0);
	live((struct tfmt_life){.process = process, .event = TFMT_LIFE_EXEC, .argv = id});
	exec(nameless, 5, "only a name");
	trace = scan();
	assert_int_equal(
		tfmt_trace_command(trace, process, text, sizeof(text)), sizeof(expected) - 1);
	assert_string_equal(text, expected);
	/* Cut inside the last character: it is left out whole. */
	assert_int_equal(tfmt_trace_command(trace, process, text, sizeof(expected) - 1),
		sizeof(expected) - 1);
	assert_int_equal(strlen(text), sizeof(expected) - 3);
	assert_int_equal(tfmt_trace_command(trace, process, NULL, 0), sizeof(expected) - 1);
	tfmt_trace_command(trace, nameless, text, sizeof(text));
	assert_string_equal(text, "'only a name'");
}

static uint32_t add_frame(uint32_t mapping, uint64_t address)
{
	struct tfmt_frame row = {.mapping = mapping, .address = address};
	uint32_t id = 0;

	assert_int_equal(tfmt_writer_add_frame(writer, &row, &id), 0);
	return id;
}

static void symbol(uint32_t mapping, uint64_t address, uint64_t length, const char *function,
	uint32_t line, bool inlined)
{
	struct tfmt_symbol row = {.mapping = mapping,
		.address = address,
		.length = length,
		.function = test_text(writer, function),
		.file = test_text(writer, "a.c"),
		.line = line,
		.inlined = inlined};

	assert_int_equal(tfmt_writer_symbol(writer, &row), 0);
}

static void native_frames_are_named(void **state)
{
	struct tfmt_mapping lib = {.path = test_text(writer, "/lib/x/libc.so.6")};
	struct tfmt_mapping other = {.path = test_text(writer, "/bin/prog")};
	struct tfmt_frame python = {.language = TFMT_LANG_PYTHON,
		.function = test_text(writer, "run"),
		.file = test_text(writer, "/m.py"),
		.line = 7,
		.first_line = 5};
	uint32_t libc, prog, known, unknown, inlined, in_prog, in_python;
	struct tfmt_location locations[4];
	const struct tfmt_trace *trace;

	assert_int_equal(tfmt_writer_add_mapping(writer, &lib, &libc), 0);
	assert_int_equal(tfmt_writer_add_mapping(writer, &other, &prog), 0);
	assert_int_equal(tfmt_writer_add_frame(writer, &python, &in_python), 0);
	known = add_frame(libc, 0x1008);
	unknown = add_frame(libc, 0x2000);
	inlined = add_frame(prog, 0x1008);
	in_prog = add_frame(prog, 0x1010);
	symbol(libc, 0x1000, 0x10, "memcpy", 3, false);
	symbol(libc, 0x1000, 0x10, "memcpy_again", 4, false);
	symbol(prog, 0x1008, 1, "inner", 10, true);
	symbol(prog, 0x1008, 1, "middle", 20, true);
	symbol(prog, 0x1008, 1, "outer", 30, false);
	symbol(prog, 0x1000, 0x100, "outer", 1, false);
	trace = scan();
	assert_int_equal(tfmt_trace_locations(trace, known, locations, 4), 1);
	assert_string_equal(locations[0].function, "memcpy_again");
	assert_string_equal(locations[0].module, "/lib/x/libc.so.6");
	assert_int_equal(locations[0].line, 4);
	assert_int_equal(tfmt_trace_locations(trace, unknown, locations, 4), 1);
	assert_string_equal(locations[0].function, "libc.so.6+0x2000");
	assert_int_equal(locations[0].function_id, 0);
	assert_int_equal(tfmt_trace_locations(trace, inlined, locations, 4), 3);
	assert_string_equal(locations[0].function, "inner");
	assert_true(locations[0].inlined);
	assert_string_equal(locations[2].function, "outer");
	assert_false(locations[2].inlined);
	assert_int_equal(tfmt_trace_locations(trace, inlined, locations, 1), 3);
	assert_int_equal(tfmt_trace_locations(trace, in_prog, locations, 4), 1);
	assert_int_equal(locations[0].line, 1);
	assert_int_equal(tfmt_trace_locations(trace, in_python, locations, 4), 1);
	assert_string_equal(locations[0].function, "run");
	assert_string_equal(locations[0].file, "/m.py");
	assert_int_equal(locations[0].first_line, 5);
	assert_string_equal(locations[0].module, "");
}

static void small_helpers(void **state)
{
	assert_string_equal(tfmt_base_name("/a/b.so"), "b.so");
	assert_string_equal(tfmt_base_name("b.so"), "b.so");
	assert_string_equal(tfmt_base_name("/a/"), "/a/");
	assert_string_equal(tfmt_base_name(""), "");
	assert_null(tfmt_syscall_name(0));
	assert_string_equal(tfmt_syscall_name(1), "read");
	assert_string_equal(tfmt_syscall_name(203), "futex");
	assert_null(tfmt_syscall_name(60000));
	assert_string_equal(tfmt_syscall_name(TFMT_SYSCALL_FAULT), "page fault");
	for (int code = TFMT_E_UNSUPPORTED; code <= 0; code++)
		assert_string_not_equal(tfmt_strerror(code), tfmt_strerror(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lives_are_applied, begin, end),
		cmocka_unit_test_setup_teardown(every_id_has_an_answer, begin, end),
		cmocka_unit_test_setup_teardown(commands_are_quoted, begin, end),
		cmocka_unit_test_setup_teardown(native_frames_are_named, begin, end),
		cmocka_unit_test(small_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
