/*
 * Writes one program before and after a change, as trec does, always the same:
 * diff_trace before|after FILE. After, `lookup` is twice as slow, `escape_html` is faster, the
 * cache is gone and `arena_alloc` new. All else is as it was, but built elsewhere, with other
 * lines.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS UINT64_C(1000000000000)
#define MS	 UINT64_C(1000000)
#define MAX_NAME 64

enum side {
	BEFORE,
	AFTER,
};

/* Frames from the root on: "shop", or of "libz:", "kernel:", "python:", "vendor:", "inline:". */
static const struct {
	const char *stack;
	unsigned ms[2];
} rows[] = {
	{"main;serve;parse_request", {120, 120}},
	{"main;serve;parse_request;inline:next_token", {80, 83}},
	{"main;serve;route;lookup", {100, 200}},
	{"main;serve;route", {40, 40}},
	{"main;serve;render_page", {30, 30}},
	{"main;serve;render_page;escape_html", {150, 60}},
	{"main;serve;render_page;libz:deflate", {110, 110}},
	{"main;serve;render_page;libz:deflate;kernel:clear_page", {20, 20}},
	{"main;serve;legacy_cache", {20, 0}},
	{"main;serve;legacy_cache;evict", {70, 0}},
	{"main;serve;arena_alloc", {0, 45}},
	{"main;run_plugins;python:<module>;python:handle", {25, 24}},
	{"main;run_plugins;python:<module>;python:handle;python:to_json", {60, 66}},
	{"main;run_plugins;vendor:", {15, 15}},
};

struct trace {
	struct tfmt_writer *writer;
	enum side side;
	uint32_t process, thread, cpu, rss;
	uint32_t shop, libz, vendor, kernel; /* mappings */
	uint64_t now_ns;
};

static void must(int status)
{
	if (status != 0) {
		fprintf(stderr, "diff_trace: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

static uint32_t text(struct trace *trace, const char *data)
{
	uint32_t id;
	must(tfmt_writer_intern(trace->writer, data, strlen(data), &id));
	return id;
}

static uint32_t mapping(struct trace *trace, const char *path, const char *build_id, bool is_kernel)
{
	struct tfmt_mapping row = {.path = text(trace, path),
		.type = is_kernel ? TFMT_MAPPING_KERNEL : TFMT_MAPPING_FILE};
	uint32_t id;
	if (build_id[0] != '\0')
		row.build_id = text(trace, build_id);
	must(tfmt_writer_add_mapping(trace->writer, &row, &id));
	return id;
}

static void write_mappings(struct trace *trace)
{
	bool is_after = trace->side == AFTER;
	trace->shop = mapping(trace, is_after ? "/opt/shop/bin/shop-1.1" : "/home/me/shop-1.0",
		is_after ? "shop after" : "shop before", false);
	trace->libz = mapping(
		trace, is_after ? "/usr/lib/libz.so.1.3" : "/usr/lib/libz.so.1.2.13", "", false);
	trace->vendor = mapping(
		trace, "/usr/lib/libvendor.so", is_after ? "vendor after" : "vendor before", false);
	trace->kernel = mapping(trace, "[kernel]", "", true);
}

/* Where a name is: behind another in a build after. */
static uint64_t address_of(const struct trace *trace, const char *name)
{
	uint64_t address = trace->side == AFTER ? 4096 : 0;
	for (const char *c = name; *c != '\0'; c++)
		address = (address * 31 + (unsigned char)*c) & 0xffffff;
	return address * 16;
}

static void add_symbol(
	struct trace *trace, uint32_t in, uint64_t address, const char *name, bool is_inlined)
{
	struct tfmt_symbol symbol = {.mapping = in,
		.address = address,
		.length = 16,
		.function = text(trace, name),
		.inlined = is_inlined};
	if (in == trace->shop) {
		symbol.file = text(trace, trace->side == AFTER ? "/src/v2/shop.c" : "shop.c");
		symbol.line = (uint32_t)(address % 500) + 20;
	}
	must(tfmt_writer_symbol(trace->writer, &symbol));
}

static uint32_t python_frame(struct trace *trace, const char *name)
{
	uint32_t line = trace->side == AFTER ? 14 : 3;
	struct tfmt_frame frame = {.language = TFMT_LANG_PYTHON,
		.function = text(trace, name),
		.file = text(trace, trace->side == AFTER ? "/opt/shop/plugins/export.py"
							 : "/home/me/plugins/export.py"),
		.first_line = line,
		.line = line + 2};
	uint32_t id;
	must(tfmt_writer_add_frame(trace->writer, &frame, &id));
	return id;
}

/* `name` with its prefix; the function that an inlined one is in is `caller`. */
static uint32_t add_frame(struct trace *trace, const char *name, const char *caller)
{
	static const char *const prefixes[] = {"libz:", "kernel:", "vendor:", "inline:", "python:"};
	uint32_t mappings[] = {trace->libz, trace->kernel, trace->vendor, trace->shop};
	struct tfmt_frame frame = {.mapping = trace->shop, .address = address_of(trace, name)};
	bool is_inlined = strncmp(name, "inline:", 7) == 0;
	const char *function = name;
	uint32_t id;
	for (size_t i = 0; i < 5; i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) != 0)
			continue;
		function = name + strlen(prefixes[i]);
		if (i == 4)
			return python_frame(trace, function);
		frame.mapping = mappings[i];
	}
	frame.language = frame.mapping == trace->kernel ? TFMT_LANG_KERNEL : TFMT_LANG_NATIVE;
	if (function[0] != '\0')
		add_symbol(trace, frame.mapping, frame.address, function, is_inlined);
	if (is_inlined)
		add_symbol(trace, frame.mapping, frame.address, caller, false);
	must(tfmt_writer_add_frame(trace->writer, &frame, &id));
	return id;
}

static uint32_t add_stack(struct trace *trace, const char *frames)
{
	struct tfmt_stack stack = {0};
	char name[MAX_NAME], caller[MAX_NAME] = "";
	uint32_t outer = 0, id = 0;
	while (*frames != '\0') {
		size_t length = strcspn(frames, ";");
		snprintf(name, sizeof(name), "%.*s", (int)length, frames);
		/* One frame has both an inlined function and the one that it is in. */
		stack.parent = strncmp(name, "inline:", 7) == 0 ? outer : id;
		outer = id;
		stack.frame = add_frame(trace, name, caller);
		must(tfmt_writer_add_stack(trace->writer, &stack, &id));
		snprintf(caller, sizeof(caller), "%s", name);
		frames += length + (frames[length] == ';');
	}
	return id;
}

static uint32_t metric(
	struct trace *trace, const char *name, const char *unit, enum tfmt_metric_type type)
{
	struct tfmt_metric row = {.name = text(trace, name),
		.unit = text(trace, unit),
		.help = text(trace, ""),
		.type = type,
		.process = trace->process};
	uint32_t id;
	must(tfmt_writer_add_metric(trace->writer, &row, &id));
	return id;
}

static void write_life(struct trace *trace, const char *const argv[2])
{
	struct tfmt_process process = {.start_ns = START_NS, .pid = 4000, .ppid = 1};
	struct tfmt_life exec = {.time_ns = START_NS, .event = TFMT_LIFE_EXEC};
	char arguments[64];
	int length = snprintf(arguments, sizeof(arguments), "%s%c%s", argv[0], 0, argv[1]) + 1;
	must(tfmt_writer_add_process(trace->writer, &process, &trace->process));
	must(tfmt_writer_add_thread(trace->writer,
		&(struct tfmt_thread){.start_ns = START_NS, .process = trace->process, .tid = 4000},
		&trace->thread));
	exec.process = trace->process;
	exec.name = text(trace, argv[0] + 2);
	exec.exe =
		text(trace, trace->side == AFTER ? "/opt/shop/bin/shop-1.1" : "/home/me/shop-1.0");
	must(tfmt_writer_intern(trace->writer, arguments, (size_t)length, &exec.argv));
	must(tfmt_writer_life(trace->writer, &exec));
	trace->cpu = metric(trace, "cpu", "ns", TFMT_METRIC_CUMULATIVE);
	trace->rss = metric(trace, "rss", "bytes", TFMT_METRIC_GAUGE);
}

/* Every 20 ms of its CPU time; after, memory grows faster. */
static void write_counters(struct trace *trace)
{
	uint64_t used_ns = trace->now_ns - START_NS;
	struct tfmt_counter cpu = {
		.time_ns = trace->now_ns, .metric = trace->cpu, .value = (int64_t)used_ns};
	uint64_t mib = 40 + used_ns / MS / (trace->side == AFTER ? 10 : 20);
	struct tfmt_counter rss = {
		.time_ns = trace->now_ns, .metric = trace->rss, .value = (int64_t)(mib << 20)};
	must(tfmt_writer_counter(trace->writer, &cpu));
	must(tfmt_writer_counter(trace->writer, &rss));
}

static void write_samples(struct trace *trace)
{
	write_counters(trace);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint32_t stack = rows[i].ms[trace->side] > 0 ? add_stack(trace, rows[i].stack) : 0;
		for (unsigned ms = 0; ms < rows[i].ms[trace->side]; ms++) {
			trace->now_ns += MS;
			must(tfmt_writer_sample(
				trace->writer, &(struct tfmt_sample){.time_ns = trace->now_ns,
						       .weight_ns = MS,
						       .thread = trace->thread,
						       .stack = stack}));
			if ((trace->now_ns - START_NS) % (20 * MS) == 0)
				write_counters(trace);
		}
	}
	write_counters(trace);
}

int main(int argc, char **argv)
{
	struct trace trace = {.now_ns = START_NS};
	if (argc != 3 || (strcmp(argv[1], "before") != 0 && strcmp(argv[1], "after") != 0)) {
		fprintf(stderr, "usage: diff_trace before|after FILE\n");
		return 2;
	}
	trace.side = strcmp(argv[1], "after") == 0 ? AFTER : BEFORE;
	const char *const command[] = {
		trace.side == AFTER ? "./shop-1.1" : "./shop-1.0", "--requests=1000"};
	struct tfmt_header header = {.time_ns = START_NS,
		.utc_ns = INT64_C(1767225600000000000),
		.recorder = "trec 0.1.0",
		.host = "host",
		.boot_id = "",
		.os = "Linux 6.1.0",
		.machine = "x86_64",
		.cwd = trace.side == AFTER ? "/opt/shop/bin" : "/home/me",
		.argv = command,
		.argc = 2,
		.cpu_count = 2,
		.rate_hz = 1000,
		.interval_ns = 20 * MS};
	int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	must(tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &trace.writer, NULL));
	write_life(&trace, command);
	write_mappings(&trace);
	write_samples(&trace);
	must(tfmt_writer_life(trace.writer, &(struct tfmt_life){.time_ns = trace.now_ns,
						    .process = trace.process,
						    .event = TFMT_LIFE_EXIT,
						    .status_type = TFMT_STATUS_EXITED}));
	must(tfmt_writer_finish(trace.writer, NULL));
	tfmt_writer_free(trace.writer);
	return close(fd) != 0;
}
