/*
 * Writes the trace that the filter language is tried on: filter_trace FILE. A program of 22 calls
 * with arguments and results as text, 44 span records a millisecond apart in one thread, of which
 * fib(4) has 18:
 *
 *	main() -> None
 *	  fib(n: int) -> int		nine calls, fib(4) first
 *	  greet(name: str) -> str	five
 *	  log(level: float) -> None	six
 *	  fail(code: float)		raises ValueError
 *
 * and beside it a sample, an instant, a counter of the process, one of the machine, and a second
 * process that has nothing but its life. With "open" as a second argument main() never returns.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS UINT64_C(1000000000000)
#define UTC_NS	 INT64_C(1795286400000000000) /* 2026-11-21 18:40:00 UTC */
#define MS	 UINT64_C(1000000)

struct demo {
	struct tfmt_writer *writer;
	uint64_t time_ns;
	uint32_t process, other, thread, file;
	uint32_t main, fib, greet, log, fail; /* frames */
	bool failed;
};

static void must(struct demo *demo, int status)
{
	if (status) {
		fprintf(stderr, "filter_trace: %s\n", tfmt_strerror(status));
		demo->failed = true;
	}
}

static uint32_t text(struct demo *demo, const char *data)
{
	uint32_t id = 0;

	must(demo, tfmt_writer_intern(demo->writer, data, strlen(data), &id));
	return id;
}

static uint32_t python_frame(struct demo *demo, const char *function, uint32_t line)
{
	const struct tfmt_frame frame = {
		.function = text(demo, function),
		.file = demo->file,
		.first_line = line,
		.line = line,
		.language = TFMT_LANG_PYTHON,
	};
	uint32_t id = 0;

	must(demo, tfmt_writer_add_frame(demo->writer, &frame, &id));
	return id;
}

/* A span record with at most one argument, a millisecond after the one before. */
static void event(struct demo *demo, uint32_t frame, enum tfmt_span_phase phase, const char *name,
	const char *type, const char *value)
{
	struct tfmt_span span = {
		.time_ns = demo->time_ns,
		.thread = demo->thread,
		.frame = frame,
		.phase = (uint8_t)phase,
		.flags = TFMT_SPAN_CALL,
	};
	uint64_t number = 0;

	demo->time_ns += MS;
	must(demo, tfmt_writer_span(demo->writer, &span, &number));
	if (name)
		must(demo, tfmt_writer_arg(demo->writer, &(struct tfmt_arg){.span = number,
								 .name = text(demo, name),
								 .type = text(demo, type),
								 .value = text(demo, value)}));
}

static int fib(struct demo *demo, int n)
{
	char value[16];
	int result = n;

	snprintf(value, sizeof(value), "%d", n);
	event(demo, demo->fib, TFMT_SPAN_BEGIN, "n", "int", value);
	if (n > 1)
		result = fib(demo, n - 1) + fib(demo, n - 2);
	snprintf(value, sizeof(value), "%d", result);
	event(demo, demo->fib, TFMT_SPAN_END, "return value", "int", value);
	return result;
}

static void run(struct demo *demo, bool is_open)
{
	static const char *const names[] = {"'ann'", "'bob'", "'100%'", "''", "'o\\'neil'"};

	event(demo, demo->main, TFMT_SPAN_BEGIN, NULL, NULL, NULL);
	fib(demo, 4);
	for (int i = 0; i < 5; i++) {
		event(demo, demo->greet, TFMT_SPAN_BEGIN, "name", "str", names[i]);
		event(demo, demo->greet, TFMT_SPAN_END, "return value", "str", names[i]);
	}
	for (int i = 0; i < 6; i++) {
		event(demo, demo->log, TFMT_SPAN_BEGIN, "level", "float", i < 3 ? "0.5" : "10.25");
		event(demo, demo->log, TFMT_SPAN_END, "return value", "NoneType", "None");
	}
	event(demo, demo->fail, TFMT_SPAN_BEGIN, "code", "int", "7");
	event(demo, demo->fail, TFMT_SPAN_END, "exception", "ValueError", "bad code");
	if (!is_open)
		event(demo, demo->main, TFMT_SPAN_END, "return value", "NoneType", "None");
}

static void add_processes(struct demo *demo)
{
	const uint32_t names[] = {text(demo, "python3"), text(demo, "sleep")};
	const uint32_t exes[] = {text(demo, "/usr/bin/python3.11"), text(demo, "/usr/bin/sleep")};
	struct tfmt_process process = {.start_ns = START_NS, .pid = 100, .ppid = 1};

	must(demo, tfmt_writer_add_process(demo->writer, &process, &demo->process));
	process.pid = 200;
	must(demo, tfmt_writer_add_process(demo->writer, &process, &demo->other));
	must(demo, tfmt_writer_add_thread(demo->writer,
			   &(struct tfmt_thread){
				   .start_ns = START_NS, .process = demo->process, .tid = 100},
			   &demo->thread));
	for (uint32_t i = 0; i < 2; i++)
		must(demo, tfmt_writer_life(
				   demo->writer, &(struct tfmt_life){.time_ns = START_NS,
							 .process = i ? demo->other : demo->process,
							 .event = TFMT_LIFE_EXEC,
							 .name = names[i],
							 .exe = exes[i]}));
}

static void add_code(struct demo *demo)
{
	demo->file = text(demo, "/srv/app/demo.py");
	demo->main = python_frame(demo, "main", 30);
	demo->fib = python_frame(demo, "fib", 1);
	demo->greet = python_frame(demo, "greet", 8);
	demo->log = python_frame(demo, "log", 12);
	demo->fail = python_frame(demo, "fail", 16);
}

static void add_sample(struct demo *demo)
{
	struct tfmt_stack stack = {.frame = demo->main};
	struct tfmt_sample sample = {.time_ns = START_NS + 5 * MS,
		.weight_ns = 4 * MS,
		.thread = demo->thread,
		.state = TFMT_STATE_RUNNING};

	must(demo, tfmt_writer_add_stack(demo->writer, &stack, &stack.parent));
	stack.frame = demo->fib;
	must(demo, tfmt_writer_add_stack(demo->writer, &stack, &sample.stack));
	must(demo, tfmt_writer_sample(demo->writer, &sample));
}

static void add_counters(struct demo *demo)
{
	struct tfmt_metric metric = {.name = text(demo, "rss"),
		.unit = text(demo, "bytes"),
		.help = text(demo, "resident memory"),
		.process = demo->process};
	struct tfmt_counter counter = {.time_ns = START_NS + 2 * MS, .value = 1 << 20};

	must(demo, tfmt_writer_add_metric(demo->writer, &metric, &counter.metric));
	must(demo, tfmt_writer_counter(demo->writer, &counter));
	metric.name = text(demo, "machine_memory");
	metric.process = 0;
	must(demo, tfmt_writer_add_metric(demo->writer, &metric, &counter.metric));
	must(demo, tfmt_writer_counter(demo->writer, &counter));
}

int main(int argc, char **argv)
{
	const struct tfmt_header header = {.time_ns = START_NS,
		.utc_ns = UTC_NS,
		.recorder = "filter_trace",
		.host = "host",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = "/srv/app"};
	struct demo demo = {.time_ns = START_NS};
	struct tfmt_error err;
	int fd;

	if (argc < 2)
		return 2;
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &demo.writer, &err))
		return 1;
	add_processes(&demo);
	add_code(&demo);
	run(&demo, argc > 2);
	add_sample(&demo);
	add_counters(&demo);
	must(&demo, tfmt_writer_instant(
			    demo.writer, &(struct tfmt_instant){.time_ns = START_NS + 20 * MS,
						 .thread = demo.thread,
						 .name = text(&demo, "log"),
						 .text = text(&demo, "half way")}));
	must(&demo, tfmt_writer_finish(demo.writer, &err));
	tfmt_writer_free(demo.writer);
	close(fd);
	return demo.failed;
}
