/*
 * Writes a trace of a Python program as trec does: frames of Python and of the interpreter in one
 * stack, always the same. python_trace FILE [FOLDER], where FOLDER holds its own code (/srv/app).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS UINT64_C(1000000000000)
#define MS	 UINT64_C(1000000)

struct trace {
	struct tfmt_writer *writer;
	const char *folder;
	uint32_t main_thread, worker;
	uint32_t libc, python, libz, kernel; /* mappings */
	uint32_t script;		     /* stack of the outermost Python frame */
	uint64_t now_ns;
	uint8_t flags; /* of samples from now on */
};

static void must(int status)
{
	if (status != 0) {
		fprintf(stderr, "python_trace: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

static uint32_t text(struct trace *trace, const char *data)
{
	uint32_t id;
	must(tfmt_writer_intern(trace->writer, data, strlen(data), &id));
	return id;
}

static uint32_t push(struct trace *trace, uint32_t parent, const struct tfmt_frame *frame)
{
	struct tfmt_stack stack = {.parent = parent};
	uint32_t id;
	must(tfmt_writer_add_frame(trace->writer, frame, &stack.frame));
	must(tfmt_writer_add_stack(trace->writer, &stack, &id));
	return id;
}

/* A native function, at an address made of its name. */
static uint32_t native(struct trace *trace, uint32_t parent, uint32_t mapping, const char *function)
{
	struct tfmt_frame frame = {.mapping = mapping,
		.language = mapping == trace->kernel ? TFMT_LANG_KERNEL : TFMT_LANG_NATIVE,
		.flags = mapping == trace->python ? TFMT_FRAME_INTERPRETER : 0};
	for (const char *c = function; *c != '\0'; c++)
		frame.address = (frame.address * 31 + (unsigned char)*c) & 0xffffff;
	frame.address *= 16;
	struct tfmt_symbol symbol = {.mapping = mapping,
		.address = frame.address,
		.length = 16,
		.function = text(trace, function)};
	must(tfmt_writer_symbol(trace->writer, &symbol));
	return push(trace, parent, &frame);
}

/* A Python function below the interpreter's frames that run it. */
static uint32_t python(struct trace *trace, uint32_t parent, const char *function, const char *file,
	uint32_t first_line, uint32_t line)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s%s%s", file[0] == '/' ? "" : trace->folder,
		file[0] == '/' ? "" : "/", file);
	uint32_t loop = native(trace, parent, trace->python, "_PyEval_EvalFrameDefault");
	return push(trace, loop,
		&(struct tfmt_frame){.language = TFMT_LANG_PYTHON,
			.function = text(trace, function),
			.file = text(trace, path),
			.first_line = first_line,
			.line = line});
}

static void sample(struct trace *trace, uint32_t thread, uint32_t stack, uint64_t weight_ms)
{
	for (uint64_t i = 0; i < weight_ms; i++) {
		trace->now_ns += MS;
		must(tfmt_writer_sample(
			trace->writer, &(struct tfmt_sample){.time_ns = trace->now_ns,
					       .weight_ns = MS,
					       .thread = thread,
					       .stack = stack,
					       .flags = trace->flags}));
	}
}

static void wait(struct trace *trace, uint32_t stack, enum tfmt_state state, uint16_t syscall,
	uint64_t weight_ms)
{
	trace->now_ns += weight_ms * MS;
	must(tfmt_writer_sample(trace->writer, &(struct tfmt_sample){.time_ns = trace->now_ns,
						       .weight_ns = weight_ms * MS,
						       .thread = trace->worker,
						       .stack = stack,
						       .state = state,
						       .syscall = syscall}));
}

static uint32_t mapping(struct trace *trace, const char *path, enum tfmt_mapping_type type)
{
	uint32_t id;
	must(tfmt_writer_add_mapping(trace->writer,
		&(struct tfmt_mapping){.path = text(trace, path), .type = type}, &id));
	return id;
}

static void write_main(struct trace *trace)
{
	uint32_t at = native(trace, 0, trace->python, "_start");
	at = native(trace, at, trace->libc, "__libc_start_main");
	at = native(trace, at, trace->python, "Py_BytesMain");
	/* Before there is any Python code. */
	sample(trace, trace->main_thread, native(trace, at, trace->python, "Py_Initialize"), 20);
	trace->script = python(trace, at, "<module>", "app.py", 1, 20);
	uint32_t main = python(trace, trace->script, "main", "app.py", 14, 15);
	uint32_t parse = python(trace, main, "Parser.parse", "app.py", 4, 5);
	at = python(trace, parse, "loads", "/usr/lib/python3.11/json/__init__.py", 299, 346);
	at = python(
		trace, at, "JSONDecoder.decode", "/usr/lib/python3.11/json/decoder.py", 332, 337);
	/* A speedup of the interpreter's own, in its program. */
	sample(trace, trace->main_thread, native(trace, at, trace->python, "scan_once"), 150);
	at = python(trace, main, "compress", "app.py", 7, 8);
	sample(trace, trace->main_thread, at, 30);
	at = native(
		trace, native(trace, at, trace->python, "cfunction_call"), trace->libz, "deflate");
	sample(trace, trace->main_thread, at, 170);
	sample(trace, trace->main_thread, native(trace, at, trace->kernel, "clear_page"), 30);
	at = main;
	for (int depth = 0; depth < 30; depth++)
		at = python(trace, at, "fib", "app.py", 10, depth == 29 ? 11 : 12);
	sample(trace, trace->main_thread, at, 200);
	/* Three functions of one name. */
	sample(trace, trace->main_thread, python(trace, main, "<lambda>", "app.py", 16, 16), 40);
	sample(trace, trace->main_thread, python(trace, main, "<lambda>", "app.py", 17, 17), 50);
	sample(trace, trace->main_thread, python(trace, main, "main", "helper.py", 2, 3), 60);
	trace->flags = TFMT_SAMPLE_UNMERGED;
	at = python(trace, main, "Flask.wsgi_app", "/usr/lib/python3/dist-packages/flask/app.py",
		2500, 2529);
	sample(trace, trace->main_thread, python(trace, at, "view", "helper.py", 5, 6), 50);
	trace->flags = 0;
}

static void write_worker(struct trace *trace)
{
	uint32_t at = native(trace, 0, trace->libc, "clone3");
	at = native(trace, at, trace->python, "thread_run");
	at = python(trace, at, "Thread._bootstrap", "/usr/lib/python3.11/threading.py", 966, 995);
	at = python(trace, at, "worker", "app.py", 18, 19);
	sample(trace, trace->worker, at, 100);
	wait(trace, at, TFMT_STATE_GIL, 0, 300);
	wait(trace, native(trace, at, trace->libc, "clock_nanosleep"), TFMT_STATE_BLOCKED, 230 + 1,
		500);
	/* Found by nobody. */
	sample(trace, trace->worker, 0, 100);
}

static void write_life(struct trace *trace, const char *script)
{
	struct tfmt_process process = {.start_ns = START_NS, .pid = 4000, .ppid = 1};
	uint32_t id;
	char argv[64];
	size_t length = (size_t)snprintf(argv, sizeof(argv), "python3%c%s", 0, script) + 1;
	struct tfmt_life exec = {.time_ns = START_NS,
		.event = TFMT_LIFE_EXEC,
		.name = text(trace, "python3"),
		.exe = text(trace, "/usr/bin/python3.11"),
		.cwd = text(trace, trace->folder)};
	must(tfmt_writer_add_process(trace->writer, &process, &id));
	must(tfmt_writer_add_thread(trace->writer,
		&(struct tfmt_thread){.start_ns = START_NS, .process = id, .tid = 4000},
		&trace->main_thread));
	must(tfmt_writer_add_thread(trace->writer,
		&(struct tfmt_thread){.start_ns = START_NS, .process = id, .tid = 4001},
		&trace->worker));
	exec.process = id;
	must(tfmt_writer_intern(trace->writer, argv, length, &exec.argv));
	must(tfmt_writer_life(trace->writer, &exec));
	must(tfmt_writer_life(trace->writer, &(struct tfmt_life){.time_ns = START_NS + MS,
						     .process = id,
						     .thread = trace->worker,
						     .event = TFMT_LIFE_NAME,
						     .name = text(trace, "worker")}));
}

int main(int argc, char **argv)
{
	static const char *const command[] = {"python3", "app.py"};
	struct trace trace = {.folder = argc > 2 ? argv[2] : "/srv/app", .now_ns = START_NS};
	struct tfmt_header header = {.time_ns = START_NS,
		.utc_ns = INT64_C(1767225600000000000),
		.recorder = "trec 0.1.0",
		.host = "host",
		.boot_id = "",
		.os = "Linux 6.1.0",
		.machine = "x86_64",
		.cwd = trace.folder,
		.argv = command,
		.argc = 2,
		.cpu_count = 2,
		.rate_hz = 1000};
	if (argc < 2) {
		fprintf(stderr, "usage: python_trace FILE [FOLDER]\n");
		return 2;
	}
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	must(tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &trace.writer, NULL));
	write_life(&trace, command[1]);
	trace.libc = mapping(&trace, "/usr/lib/x86_64-linux-gnu/libc.so.6", TFMT_MAPPING_FILE);
	trace.python = mapping(&trace, "/usr/bin/python3.11", TFMT_MAPPING_FILE);
	trace.libz = mapping(&trace, "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", TFMT_MAPPING_FILE);
	trace.kernel = mapping(&trace, "[kernel]", TFMT_MAPPING_KERNEL);
	write_main(&trace);
	write_worker(&trace);
	must(tfmt_writer_finish(trace.writer, NULL));
	tfmt_writer_free(trace.writer);
	return close(fd) != 0;
}
