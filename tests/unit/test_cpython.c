/*
 * Python stacks read from outside: a program stands still at a known place and says what its own
 * stack is; what is read must be the same, frame by frame and line by line.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/cpython/lines.h"
#include "record/cpython/stack.h"
#include "record/cpython/threads.h"

/* Prints one line per frame of its stack, leaf first, then "ready", and waits in that place. */
static const char script[] =
	"import sys, threading, functools\n"
	"def report():\n"
	"    f = sys._getframe(1)\n"
	"    while f:\n"
	"        c = f.f_code\n"
	"        print('%s:%d:%d' % (getattr(c, 'co_qualname', c.co_name), c.co_firstlineno,"
	" f.f_lineno))\n"
	"        f = f.f_back\n"
	"    print('ready', flush=True)\n"
	"class Caf\\u00e9:\n"
	"    def m\\u00e9thode(self, depth):\n"
	"        if depth:\n"
	"            return self.m\\u00e9thode(depth - 1)\n"
	"        return list(gen())\n"
	"def gen():\n"
	"    yield from inner()\n"
	"def inner():\n"
	"    yield 1\n"
	"    functools.reduce(lambda a, b: wait_here(), [1, 2])\n"
	"def wait_here():\n"
	"    report(); sys.stdin.read()\n"
	"Caf\\u00e9().m\\u00e9thode(%d)\n";

#define MAX_LINES 20000

struct target {
	pid_t pid;
	int to, from; /* its stdin and stdout */
	char *lines[MAX_LINES];
	size_t line_count;
};

/* The pythons of this machine, and those that $PYTHONS names. Returns how many. */
static size_t find_pythons(char paths[][128], size_t room)
{
	size_t count = 0;
	FILE *list = popen("ls -d /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9] "
			   "$HOME/.pyenv/versions/3.*/bin/python3 $PYTHONS 2>/dev/null",
		"r");
	assert_non_null(list);
	while (count < room && fgets(paths[count], 128, list)) {
		paths[count][strcspn(paths[count], "\n")] = '\0';
		count++;
	}
	pclose(list);
	return count;
}

static void start(struct target *target, const char *python, int depth)
{
	int to[2], from[2];
	char text[sizeof(script) + 16], line[512];
	char *program = strdup(script);
	/* Escapes of the C source above are Python's in exec(). */
	char *number = strstr(program, "%d)\n\0");
	assert_non_null(number);
	snprintf(text, sizeof(text), "%.*s%d)\n", (int)(strrchr(program, '%') - program), program,
		depth);
	free(program);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	*target = (struct target){.to = to[1], .from = from[0]};
	target->pid = fork();
	if (target->pid == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		setenv("PYTHONIOENCODING", "utf-8", 1);
		execl(python, python, "-c",
			"import sys; sys.setrecursionlimit(30000); "
			"exec(compile(sys.argv[1].encode().decode('unicode_escape'), 'target.py', "
			"'exec'), {})",
			text, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	FILE *output = fdopen(from[0], "r");
	while (fgets(line, sizeof(line), output) && strcmp(line, "ready\n") != 0) {
		line[strcspn(line, "\n")] = '\0';
		assert_true(target->line_count < MAX_LINES);
		target->lines[target->line_count++] = strdup(line);
	}
	/* It must stand where it said: give it time to reach its read. */
	usleep(100000);
}

static void stop(struct target *target)
{
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
	close(target->to);
	close(target->from);
	for (size_t i = 0; i < target->line_count; i++)
		free(target->lines[i]);
}

/* Read the one thread of the target and compare. Returns the minor version, 0: not supported. */
static unsigned compare(struct target *target)
{
	struct py_memory memory;
	struct py_runtime runtime;
	struct py_thread_state *states = NULL;
	struct py_stack stack;
	char reason[256] = "", line[512];
	struct rec_modules *modules = rec_modules_new(8);
	struct rec_space *space = rec_space_new(modules);
	assert_int_equal(rec_space_read_maps(space, target->pid), 0);
	py_memory_init(&memory, target->pid);
	int code = py_runtime_find(&memory, modules, space, &runtime, reason, sizeof(reason));
	rec_space_free(space);
	rec_modules_free(modules);
	if (code != 0) {
		assert_string_not_equal(reason, "");
		return 0;
	}
	assert_int_equal(py_scan_threads(&memory, &runtime, &states), 1);
	assert_int_equal(states[0].tid, target->pid);
	struct py_codes *codes = py_codes_new(&memory, &runtime);
	struct py_reader *reader = py_reader_new(&memory, &runtime, codes);
	struct py_thread thread = {
		.address = states[0].address, .interpreter = states[0].interpreter};
	for (int again = 0; again < 3; again++) {
		assert_int_equal(py_read_stack(reader, &thread, 1000000000, &stack), PY_OK);
		assert_false(stack.holds_gil);
		assert_false(stack.in_gc);
		assert_int_equal(stack.count, target->line_count);
		for (size_t i = 0; i < stack.count; i++) {
			const struct py_frame *frame = &stack.frames[i];
			snprintf(line, sizeof(line), "%s:%u:%u", frame->code->function,
				frame->code->first_line,
				py_code_line(&runtime.layout, frame->code, frame->offset));
			assert_string_equal(line, target->lines[i]);
		}
	}
	py_reader_free(reader);
	py_codes_free(codes);
	py_memory_release(&memory);
	free(states);
	return runtime.layout.minor;
}

static void same_as_it_says(void **unused)
{
	char pythons[32][128];
	size_t count = find_pythons(pythons, 32), compared = 0;
	for (size_t i = 0; i < count; i++) {
		for (int depth = 3; depth <= 3000; depth += 2997) {
			struct target target;
			start(&target, pythons[i], depth);
			unsigned minor = compare(&target);
			compared += minor != 0;
			print_message("%s: %zu frames %s\n", pythons[i], target.line_count,
				minor ? "equal" : "not supported");
			stop(&target);
		}
	}
	if (compared == 0)
		skip();
}

/* From Objects/locations.md: an entry of each form. */
static void lines_of_locations(void **unused)
{
	static const uint8_t table[] = {
		0x80 | 0 << 3 | 1, 0x00,	   /* short form, 2 units, same line */
		0x80 | 11 << 3 | 0, 0x00, 0x00,	   /* one line on, 1 unit */
		0x80 | 13 << 3 | 0, 0x06,	   /* 3 lines on, 1 unit */
		0x80 | 15 << 3 | 0,		   /* none, 1 unit */
		0x80 | 14 << 3 | 0, 0x05, 0, 0, 0, /* 2 lines back, 1 unit */
	};
	static const uint32_t wanted[] = {10, 10, 11, 14, 0, 12};
	for (size_t unit = 0; unit < sizeof(wanted) / sizeof(*wanted); unit++)
		assert_int_equal(
			py_line_of(13, table, sizeof(table), 10, (int64_t)unit * 2), wanted[unit]);
	assert_int_equal(py_line_of(13, table, sizeof(table), 10, 100), 0);
	assert_int_equal(py_line_of(13, table, sizeof(table), 10, -1), 10);
}

static void debug_offsets_must_make_sense(void **unused)
{
	uint8_t bytes[PY_DEBUG_OFFSETS_BYTES] = "xdebugpy";
	struct py_layout layout;
	uint32_t version;
	assert_true(py_layout_from_debug_offsets(bytes, &layout, &version) < 0);
	memset(bytes + 8, 0xff, sizeof(bytes) - 8);
	assert_true(py_layout_from_debug_offsets(bytes, &layout, &version) < 0);
	uint64_t head[] = {0x030d00f0, 0};
	memcpy(bytes + 8, head, sizeof(head));
	assert_true(py_layout_from_debug_offsets(bytes, &layout, &version) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_it_says),
		cmocka_unit_test(lines_of_locations),
		cmocka_unit_test(debug_offsets_must_make_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
