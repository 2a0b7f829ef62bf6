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
#include <zstd.h>

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

/* ---- logs of what was read, for machines without that interpreter ---- */

#define MAX_LOG_BYTES (4u << 20)

/* Memory that is read through and written down; or only known from what was. */
struct logged {
	struct py_memory memory, live;
	uint8_t *log; /* for each range read: address, size, bytes */
	size_t size;
};

static void add_to_log(struct logged *logged, const void *bytes, size_t size)
{
	assert_true(logged->size + size <= MAX_LOG_BYTES);
	memcpy(logged->log + logged->size, bytes, size);
	logged->size += size;
}

static size_t read_and_log(struct py_memory *memory, const struct py_range *ranges, size_t count)
{
	struct logged *logged = (struct logged *)memory;
	size_t done = logged->live.read(&logged->live, ranges, count);
	for (size_t i = 0; i < done; i++) {
		uint64_t head[] = {ranges[i].address, ranges[i].size};
		add_to_log(logged, head, sizeof(head));
		add_to_log(logged, ranges[i].bytes, ranges[i].size);
	}
	return done;
}

/* The bytes of a range, in the first of the logged ones that holds them all. */
static const uint8_t *find_logged(const struct logged *logged, const struct py_range *range)
{
	uint64_t head[2];
	for (size_t at = 0; at < logged->size; at += sizeof(head) + head[1]) {
		memcpy(head, logged->log + at, sizeof(head));
		uint64_t offset = range->address - head[0];
		if (offset < head[1] && head[1] - offset >= range->size)
			return logged->log + at + sizeof(head) + offset;
	}
	return NULL;
}

static size_t read_logged(struct py_memory *memory, const struct py_range *ranges, size_t count)
{
	struct logged *logged = (struct logged *)memory;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *bytes = find_logged(logged, &ranges[i]);
		if (!bytes)
			return i;
		memcpy(ranges[i].bytes, bytes, ranges[i].size);
	}
	return count;
}

/* What a log begins with; the lines of the stack and the ranges follow. */
struct log_head {
	uint64_t runtime, code_type, minor, thread, interpreter, lines_bytes;
};

static void write_log(const char *folder, const struct logged *logged, const struct target *target,
	const struct log_head *head)
{
	char path[512], lines[4096] = "";
	struct log_head whole = *head;
	for (size_t i = 0; i < target->line_count; i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s\n",
			target->lines[i]);
	whole.lines_bytes = strlen(lines);
	size_t size = sizeof(whole) + whole.lines_bytes + logged->size;
	uint8_t *bytes = malloc(size), *packed = malloc(ZSTD_compressBound(size));
	memcpy(bytes, &whole, sizeof(whole));
	memcpy(bytes + sizeof(whole), lines, whole.lines_bytes);
	memcpy(bytes + sizeof(whole) + whole.lines_bytes, logged->log, logged->size);
	size_t packed_size = ZSTD_compress(packed, ZSTD_compressBound(size), bytes, size, 19);
	snprintf(path, sizeof(path), "%s/python3.%u.reads.zst", folder, (unsigned)head->minor);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(packed, 1, packed_size, file), packed_size);
	fclose(file);
	free(bytes);
	free(packed);
}

/* ---- comparing ---- */

/* Read the thread and compare it with the lines that it must have. */
static void compare_stack(struct py_memory *memory, const struct py_runtime *runtime,
	struct py_thread thread, char *const *lines, size_t line_count)
{
	char line[512];
	struct py_stack stack;
	struct py_codes *codes = py_codes_new(memory, runtime);
	struct py_reader *reader = py_reader_new(memory, runtime, codes);
	for (int again = 0; again < 3; again++) {
		assert_int_equal(py_read_stack(reader, &thread, 1000000000, &stack), PY_OK);
		assert_false(stack.holds_gil);
		assert_false(stack.in_gc);
		assert_false(stack.is_common);
		assert_int_equal(stack.count, line_count);
		for (size_t i = 0; i < stack.count; i++) {
			const struct py_frame *frame = &stack.frames[i];
			snprintf(line, sizeof(line), "%s:%u:%u", frame->code->function,
				frame->code->first_line,
				py_code_line(&runtime->layout, frame->code, frame->offset));
			assert_string_equal(line, lines[i]);
		}
	}
	py_reader_free(reader);
	py_codes_free(codes);
}

/*
 * Read the one thread of the target and compare. With $CPYTHON_LOGS a log of that is written into
 * that folder. Returns the minor version, 0: not supported.
 */
static unsigned compare(struct target *target)
{
	struct py_memory memory;
	struct py_runtime runtime;
	struct py_thread_state *states = NULL;
	char reason[256] = "";
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
	struct py_thread thread = {
		.address = states[0].address, .interpreter = states[0].interpreter};
	const char *logs = getenv("CPYTHON_LOGS");
	if (logs && target->line_count < 100) {
		uint8_t bytes[PY_DEBUG_OFFSETS_BYTES];
		struct logged logged = {.memory = {.read = read_and_log, .fd = -1},
			.live = memory,
			.log = malloc(MAX_LOG_BYTES)};
		struct log_head head = {runtime.address, runtime.code_type, runtime.layout.minor,
			thread.address, thread.interpreter, 0};
		py_read(&logged.memory, runtime.address, bytes, sizeof(bytes));
		compare_stack(&logged.memory, &runtime, thread, target->lines, target->line_count);
		write_log(logs, &logged, target, &head);
		free(logged.log);
	}
	compare_stack(&memory, &runtime, thread, target->lines, target->line_count);
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

static void replay(const char *path)
{
	size_t packed_size, size;
	uint8_t *packed = malloc(MAX_LOG_BYTES), *bytes = malloc(MAX_LOG_BYTES);
	uint8_t offsets[PY_DEBUG_OFFSETS_BYTES];
	struct log_head head;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	packed_size = fread(packed, 1, MAX_LOG_BYTES, file);
	fclose(file);
	size = ZSTD_decompress(bytes, MAX_LOG_BYTES, packed, packed_size);
	assert_false(ZSTD_isError(size));
	memcpy(&head, bytes, sizeof(head));
	char *lines[64], *text = strndup((char *)bytes + sizeof(head), head.lines_bytes);
	size_t line_count = 0, skipped = sizeof(head) + head.lines_bytes;
	for (char *line = strtok(text, "\n"); line && line_count < 64; line = strtok(NULL, "\n"))
		lines[line_count++] = line;
	struct logged logged = {
		.memory = {.read = read_logged, .fd = -1},
		.log = bytes + skipped,
		.size = size - skipped,
	};
	struct py_runtime runtime = {.address = head.runtime, .code_type = head.code_type};
	if (head.minor < 13) {
		runtime.layout = *py_layout_of((unsigned)head.minor);
	} else {
		assert_true(py_read(&logged.memory, runtime.address, offsets, sizeof(offsets)));
		assert_int_equal(
			py_layout_from_debug_offsets(offsets, &runtime.layout, &runtime.version),
			0);
	}
	struct py_thread thread = {.address = head.thread, .interpreter = head.interpreter};
	compare_stack(&logged.memory, &runtime, thread, lines, line_count);
	free(text);
	free(packed);
	free(bytes);
}

static void same_as_it_was(void **unused)
{
	char folder[512], path[1024];
	const char *root = getenv("ROOT");
	snprintf(folder, sizeof(folder), "%s/tests/corpus/cpython", root ? root : ".");
	for (unsigned minor = PY_OLDEST_MINOR; minor <= PY_NEWEST_MINOR; minor++) {
		snprintf(path, sizeof(path), "%s/python3.%u.reads.zst", folder, minor);
		print_message("%s\n", path);
		replay(path);
	}
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
		cmocka_unit_test(same_as_it_was),
		cmocka_unit_test(lines_of_locations),
		cmocka_unit_test(debug_offsets_must_make_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
