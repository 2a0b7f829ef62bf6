/*
 * Writes a small trace that is always the same, with records of every kind and with names that
 * try to break out of every format: tiny_trace FILE. With "empty" as a second argument the trace
 * has a header and an end only.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS UINT64_C(1000000000000)
#define MS	 UINT64_C(1000000)

/* Separators, quotes, markup, a terminal command, bytes that are no UTF-8. */
static const char hostile[] = "ev;il\"\\\n<b>&\x1b[31m\xff";

struct ids {
	uint32_t prog, worker, evil, exe, argv, cwd;
	uint32_t process, child;
	uint32_t main_thread, worker_thread, silent_thread, child_thread;
	uint32_t stack_main, stack_work, stack_inlined, stack_kernel, stack_unknown, stack_evil;
	uint32_t frame_evil;
	uint32_t rss, cpu, machine;
};

static int failed;

/* Every call of the writer must succeed. */
static void must(int status)
{
	if (status) {
		fprintf(stderr, "tiny_trace: %s\n", tfmt_strerror(status));
		failed = 1;
	}
}

static uint32_t text(struct tfmt_writer *w, const char *data)
{
	uint32_t id = 0;

	must(tfmt_writer_intern(w, data, strlen(data), &id));
	return id;
}

static uint32_t native_frame(struct tfmt_writer *w, uint32_t mapping, uint64_t address)
{
	const struct tfmt_frame frame = {.mapping = mapping, .address = address};
	uint32_t id = 0;

	must(tfmt_writer_add_frame(w, &frame, &id));
	return id;
}

static uint32_t stack(struct tfmt_writer *w, uint32_t parent, uint32_t frame)
{
	const struct tfmt_stack row = {.parent = parent, .frame = frame};
	uint32_t id = 0;

	must(tfmt_writer_add_stack(w, &row, &id));
	return id;
}

static void add_processes(struct tfmt_writer *w, struct ids *ids)
{
	const uint64_t child_ns = START_NS + 10 * MS;

	must(tfmt_writer_add_process(w,
		&(struct tfmt_process){.start_ns = START_NS, .pid = 100, .ppid = 1},
		&ids->process));
	must(tfmt_writer_add_process(w,
		&(struct tfmt_process){
			.start_ns = child_ns, .pid = 200, .ppid = 100, .parent = ids->process},
		&ids->child));
	must(tfmt_writer_add_thread(w,
		&(struct tfmt_thread){.start_ns = START_NS, .process = ids->process, .tid = 100},
		&ids->main_thread));
	must(tfmt_writer_add_thread(w,
		&(struct tfmt_thread){
			.start_ns = START_NS + MS, .process = ids->process, .tid = 101},
		&ids->worker_thread));
	must(tfmt_writer_add_thread(w,
		&(struct tfmt_thread){
			.start_ns = START_NS + MS, .process = ids->process, .tid = 102},
		&ids->silent_thread));
	must(tfmt_writer_add_thread(w,
		&(struct tfmt_thread){.start_ns = child_ns, .process = ids->child, .tid = 200},
		&ids->child_thread));
}

static void add_symbols(struct tfmt_writer *w, uint32_t mapping)
{
	const uint32_t file = text(w, "/src/prog.c");
	const struct tfmt_symbol symbols[] = {
		{.address = 0x1000,
			.length = 0x100,
			.function = text(w, "main"),
			.file = file,
			.line = 12,
			.first_line = 10},
		{.address = 0x2000,
			.length = 0x100,
			.function = text(w, "work"),
			.file = file,
			.line = 25,
			.first_line = 20},
		{.address = 0x3000,
			.length = 0x10,
			.function = text(w, "inner"),
			.file = file,
			.line = 33,
			.first_line = 30,
			.inlined = true},
		{.address = 0x3000,
			.length = 0x10,
			.function = text(w, "outer"),
			.file = file,
			.line = 44,
			.first_line = 40},
	};

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		struct tfmt_symbol symbol = symbols[i];

		symbol.mapping = mapping;
		must(tfmt_writer_symbol(w, &symbol));
	}
}

static void add_code(struct tfmt_writer *w, struct ids *ids)
{
	uint32_t build_id = 0, program = 0, kernel = 0, syscall = 0, evil = 0;
	const struct tfmt_frame evil_frame = {.function = ids->evil,
		.file = ids->evil,
		.first_line = 1,
		.line = 2,
		.language = TFMT_LANG_PYTHON};

	must(tfmt_writer_intern(w, "\x01\xab\xff\x00", 4, &build_id));
	must(tfmt_writer_add_mapping(
		w, &(struct tfmt_mapping){.path = ids->exe, .build_id = build_id}, &program));
	must(tfmt_writer_add_mapping(w,
		&(struct tfmt_mapping){.path = text(w, "[kernel]"), .type = TFMT_MAPPING_KERNEL},
		&kernel));
	must(tfmt_writer_add_frame(w,
		&(struct tfmt_frame){.mapping = kernel,
			.address = UINT64_C(0xffffffff81000000),
			.function = text(w, "do_syscall_64"),
			.language = TFMT_LANG_KERNEL},
		&syscall));
	must(tfmt_writer_add_frame(w, &evil_frame, &evil));
	ids->frame_evil = evil;
	ids->stack_main = stack(w, 0, native_frame(w, program, 0x1004));
	ids->stack_work = stack(w, ids->stack_main, native_frame(w, program, 0x2008));
	ids->stack_inlined = stack(w, ids->stack_work, native_frame(w, program, 0x3004));
	ids->stack_kernel = stack(w, ids->stack_main, syscall);
	ids->stack_unknown = stack(w, ids->stack_main, native_frame(w, program, 0x9999));
	ids->stack_evil = stack(w, ids->stack_main, evil);
	add_symbols(w, program);
}

static void add_lives(struct tfmt_writer *w, const struct ids *ids)
{
	const struct tfmt_life lives[] = {
		{.time_ns = START_NS, .process = ids->process, .event = TFMT_LIFE_START},
		{.time_ns = START_NS,
			.process = ids->process,
			.event = TFMT_LIFE_EXEC,
			.name = ids->prog,
			.exe = ids->exe,
			.argv = ids->argv,
			.cwd = ids->cwd},
		{.time_ns = START_NS,
			.process = ids->process,
			.thread = ids->main_thread,
			.event = TFMT_LIFE_START},
		{.time_ns = START_NS + MS,
			.process = ids->process,
			.thread = ids->worker_thread,
			.event = TFMT_LIFE_START},
		{.time_ns = START_NS + MS,
			.process = ids->process,
			.thread = ids->worker_thread,
			.event = TFMT_LIFE_NAME,
			.name = ids->worker},
		{.time_ns = START_NS + 10 * MS, .process = ids->child, .event = TFMT_LIFE_START},
		{.time_ns = START_NS + 11 * MS,
			.process = ids->child,
			.event = TFMT_LIFE_EXEC,
			.name = ids->evil,
			.exe = ids->evil,
			.argv = ids->evil},
		{.time_ns = START_NS + 20 * MS,
			.process = ids->child,
			.event = TFMT_LIFE_EXIT,
			.status_type = TFMT_STATUS_SIGNALED,
			.status = 9},
		{.time_ns = START_NS + 21 * MS,
			.process = ids->process,
			.thread = ids->worker_thread,
			.event = TFMT_LIFE_EXIT},
		{.time_ns = START_NS + 25 * MS,
			.process = ids->process,
			.event = TFMT_LIFE_EXIT,
			.status_type = TFMT_STATUS_EXITED,
			.status = 3},
	};

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
		must(tfmt_writer_life(w, &lives[i]));
}

static void add_samples(struct tfmt_writer *w, const struct ids *ids)
{
	const struct tfmt_sample samples[] = {
		/* two alike, a little late: one run, no gap */
		{START_NS + MS, MS, ids->main_thread, ids->stack_work, .state = 0},
		{START_NS + 2 * MS + 3000, MS, ids->main_thread, ids->stack_work, .state = 0},
		{START_NS + 3 * MS, MS, ids->worker_thread, ids->stack_inlined, .state = 0},
		/* a wait of 4 ms, then work again */
		{START_NS + 6 * MS, 4 * MS, ids->main_thread, ids->stack_kernel, .syscall = 202 + 1,
			.state = TFMT_STATE_BLOCKED},
		{START_NS + 7 * MS, MS, ids->main_thread, ids->stack_kernel, .state = 0},
		{START_NS + 8 * MS, MS, ids->main_thread, ids->stack_unknown, .state = 0},
		/* overlaps the one before by half: weights stay exact */
		{START_NS + 8 * MS + MS / 2, MS, ids->main_thread, ids->stack_work, .state = 0},
		{START_NS + 9 * MS, MS / 2, ids->worker_thread, ids->stack_inlined,
			.state = TFMT_STATE_PREEMPTED},
		{START_NS + 12 * MS, MS, ids->child_thread, ids->stack_evil, .state = 0},
		{START_NS + 13 * MS, MS, ids->child_thread, 0, .state = 0,
			.flags = TFMT_SAMPLE_UNSAMPLED | TFMT_SAMPLE_SUMMED},
		{START_NS + 15 * MS, MS, ids->child_thread, 0, .state = TFMT_STATE_BLOCKED},
	};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		must(tfmt_writer_sample(w, &samples[i]));
}

static void add_counters(struct tfmt_writer *w, struct ids *ids)
{
	const uint32_t bytes = text(w, "bytes"), ns = text(w, "ns");

	must(tfmt_writer_add_metric(w,
		&(struct tfmt_metric){.name = text(w, "rss"),
			.unit = bytes,
			.help = text(w, "resident memory"),
			.process = ids->process},
		&ids->rss));
	must(tfmt_writer_add_metric(w,
		&(struct tfmt_metric){.name = text(w, "cpu user"),
			.unit = ns,
			.process = ids->process,
			.type = TFMT_METRIC_CUMULATIVE},
		&ids->cpu));
	must(tfmt_writer_add_metric(w,
		&(struct tfmt_metric){.name = text(w, "memory free"), .unit = bytes},
		&ids->machine));
	const struct tfmt_counter counters[] = {
		{START_NS, 4096, ids->rss},
		{START_NS, 0, ids->cpu},
		{START_NS, INT64_MAX, ids->machine},
		{START_NS + 10 * MS, TFMT_VALUE_MISSING, ids->rss},
		{START_NS + 10 * MS, (int64_t)(5 * MS), ids->cpu},
		{START_NS + 20 * MS, 8192, ids->rss},
		{START_NS + 20 * MS, (int64_t)(20 * MS), ids->cpu},
		{START_NS + 20 * MS, -1, ids->machine},
	};
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		must(tfmt_writer_counter(w, &counters[i]));
}

/* A scope with an argument, a call inside it, and a scope that never ends. */
static void add_spans(struct tfmt_writer *w, const struct ids *ids)
{
	const uint32_t scope = text(w, "load file"), type = text(w, "str");
	const struct tfmt_span spans[] = {
		{START_NS + 2 * MS, ids->main_thread, .name = scope, .flags = TFMT_SPAN_SCOPE},
		{START_NS + 3 * MS, ids->main_thread, .frame = ids->frame_evil,
			.flags = TFMT_SPAN_CALL},
		{START_NS + 4 * MS, ids->main_thread, .frame = ids->frame_evil,
			.phase = TFMT_SPAN_END, .flags = TFMT_SPAN_CALL | TFMT_SPAN_EXCEPTION},
		{START_NS + 5 * MS, ids->main_thread, .name = scope, .phase = TFMT_SPAN_END,
			.flags = TFMT_SPAN_SCOPE},
		{START_NS + 6 * MS, ids->worker_thread, .name = ids->evil,
			.flags = TFMT_SPAN_SCOPE},
		{START_NS + 7 * MS, ids->child_thread, .name = scope, .phase = TFMT_SPAN_END,
			.flags = TFMT_SPAN_SCOPE},
	};

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		uint64_t number = 0;

		must(tfmt_writer_span(w, &spans[i], &number));
		if (i == 0)
			must(tfmt_writer_arg(w, &(struct tfmt_arg){.span = number,
							.name = text(w, "path"),
							.type = type,
							.value = text(w, "/etc/passwd")}));
		if (i == 2)
			must(tfmt_writer_arg(w, &(struct tfmt_arg){.span = number,
							.name = ids->evil,
							.type = type,
							.value = ids->evil,
							.flags = TFMT_ARG_CUT}));
	}
}

static void add_others(struct tfmt_writer *w, const struct ids *ids)
{
	const uint32_t allocator = text(w, "malloc");

	must(tfmt_writer_alloc(w, &(struct tfmt_alloc){START_NS + 4 * MS, UINT64_C(0x7f00deadbeef),
					  64, ids->main_thread, ids->stack_work, allocator}));
	must(tfmt_writer_release(w, &(struct tfmt_free){START_NS + 5 * MS, UINT64_C(0x7f00deadbeef),
					    ids->main_thread, 0, allocator}));
	must(tfmt_writer_instant(w, &(struct tfmt_instant){START_NS + 6 * MS, ids->main_thread,
					    text(w, "log"), ids->evil}));
	must(tfmt_writer_instant(w,
		&(struct tfmt_instant){START_NS + 7 * MS, 0, text(w, "note"), text(w, "hello")}));
	must(tfmt_writer_clock(w, &(struct tfmt_clock){START_NS, -5, 77}));
	must(tfmt_writer_lost(w, &(struct tfmt_lost){START_NS + 8 * MS, 12, ids->child,
					 text(w, "sample"), text(w, "ring overflow")}));
	must(tfmt_writer_cost(w, &(struct tfmt_cost){START_NS + 30 * MS, -7,
					 text(w, "recorder cpu"), text(w, "ns")}));
}

static void add_all(struct tfmt_writer *w)
{
	static const char argv[] = "./prog\0two words";
	struct ids ids = {
		.prog = text(w, "prog"),
		.worker = text(w, "worker"),
		.evil = text(w, hostile),
		.exe = text(w, "/usr/bin/prog"),
		.cwd = text(w, "/home/me"),
	};

	must(tfmt_writer_intern(w, argv, sizeof(argv), &ids.argv));
	add_processes(w, &ids);
	add_code(w, &ids);
	add_lives(w, &ids);
	add_samples(w, &ids);
	add_counters(w, &ids);
	add_spans(w, &ids);
	add_others(w, &ids);
}

int main(int argc, char **argv)
{
	static const char *const command[] = {"./prog", "two words"};
	static const struct tfmt_note notes[] = {{"sampler", "perf"}};
	const struct tfmt_header header = {
		.time_ns = START_NS,
		.utc_ns = INT64_C(1700000000123456789),
		.trace_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255},
		.recorder = "tiny_trace",
		.host = "host<1>",
		.boot_id = "boot",
		.os = "Linux 6.1.0",
		.machine = "x86_64",
		.cwd = "/home/\xff",
		.argv = command,
		.argc = 2,
		.cpu_count = 2,
		.memory_bytes = UINT64_C(1) << 40,
		.rate_hz = 1000,
		.interval_ns = 10 * MS,
		.notes = notes,
		.note_count = 1,
	};
	struct tfmt_error err = {0};
	struct tfmt_writer *w = NULL;
	int fd;

	if (argc < 2) {
		fputs("usage: tiny_trace FILE [empty]\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	must(tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &w, &err));
	if (!failed && argc == 2)
		add_all(w);
	if (!failed)
		must(tfmt_writer_finish(w, &err));
	tfmt_writer_free(w);
	if (close(fd))
		failed = 1;
	return failed;
}
