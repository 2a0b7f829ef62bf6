/*
 * Writes a synthetic trace of any size, the same for the same options:
 *
 *	gen_trace [options] FILE
 *	  --samples N      samples in all (1000000)
 *	  --stacks N       distinct stacks (16000)
 *	  --depth N        their mean depth (28)
 *	  --functions N    distinct functions (5500)
 *	  --threads N      threads in all (8), spread over the processes
 *	  --processes N    processes (1)
 *	  --rate HZ        samples a second and thread (1000)
 *	  --jitter NS      deviation of sample times, uniform (30000)
 *	  --tick NS        precision of sample times (1000)
 *	  --metrics MS     rss and cpu of each process every so many ms (0: none)
 *	  --symbols        name the functions (else frames are addresses)
 *	  --seed N         another trace of the same kind (1)
 *	  --level N        of zstd (1)
 *
 * Stacks share prefixes as those of real programs do (about 8 new nodes each at depth 28), are
 * drawn by a Zipf law of exponent 1.05, and threads tend to stay where they were.
 */
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS       UINT64_C(5000000000000)
#define SECOND_NS      UINT64_C(1000000000)
#define ZIPF_EXPONENT  1.05
#define STAY_PERCENT   40 /* samples that repeat the stack before, or one near it */
#define NEW_NODES_MEAN 8
#define MAX_DEPTH      1000
#define MODULES	       12

struct options {
	uint64_t samples, stacks, depth, functions, threads, processes, rate, jitter_ns, tick_ns;
	uint64_t metrics_ms, seed, level;
	bool with_symbols;
	const char *path;
};

/* A distinct stack before it is interned: frames, root first. */
struct shape {
	uint32_t *functions;
	uint32_t depth;
	uint32_t id; /* 0: not in the trace yet */
};

struct worker {
	uint32_t id; /* thread */
	uint64_t next_ns;
	uint32_t shape; /* where it was */
};

struct generator {
	struct options options;
	struct tfmt_writer *writer;
	uint64_t random;
	struct shape *shapes;
	double *zipf; /* cumulated */
	struct worker *workers;
	uint32_t *processes;
	uint32_t *metrics; /* two by process */
	uint32_t modules[MODULES];
	uint32_t *frames; /* by function, 0: not in the trace yet */
};

static void must(int status)
{
	if (status < 0) {
		fprintf(stderr, "gen_trace: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

static void *make(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		must(TFMT_E_NOMEM);
	return memory;
}

/* xorshift64*: good enough, and the same everywhere. */
static uint64_t draw(struct generator *g, uint64_t below)
{
	g->random ^= g->random >> 12;
	g->random ^= g->random << 25;
	g->random ^= g->random >> 27;
	return (g->random * UINT64_C(2685821657736338717) >> 33) % below;
}

static uint32_t text(struct generator *g, const char *data, size_t length)
{
	uint32_t id;

	must(tfmt_writer_intern(g->writer, data, length, &id));
	return id;
}

/* Extend a copy of the beginning of another stack. */
static void make_shape(struct generator *g, uint64_t index)
{
	struct shape *shape = &g->shapes[index];
	uint64_t depth = g->options.depth / 2 + draw(g, g->options.depth + 1);
	uint64_t shared = 0;

	depth = depth < 1 ? 1 : depth > MAX_DEPTH ? MAX_DEPTH : depth;
	shape->functions = make(depth, sizeof(*shape->functions));
	shape->depth = (uint32_t)depth;
	if (index > 0) {
		const struct shape *other = &g->shapes[draw(g, index)];
		uint64_t added = 1 + draw(g, 2 * NEW_NODES_MEAN - 1);

		shared = depth > added ? depth - added : 0;
		shared = shared < other->depth ? shared : other->depth;
		memcpy(shape->functions, other->functions, shared * sizeof(*shape->functions));
	}
	for (uint64_t i = shared; i < depth; i++) {
		/* Low functions are called from everywhere. */
		uint64_t a = draw(g, g->options.functions), b = draw(g, g->options.functions);

		shape->functions[i] = (uint32_t)(a < b ? a : b);
	}
}

static void make_shapes(struct generator *g)
{
	double sum = 0;

	g->shapes = make(g->options.stacks, sizeof(*g->shapes));
	g->zipf = make(g->options.stacks, sizeof(*g->zipf));
	for (uint64_t i = 0; i < g->options.stacks; i++) {
		make_shape(g, i);
		sum += pow((double)(i + 1), -ZIPF_EXPONENT);
		g->zipf[i] = sum;
	}
}

static uint32_t draw_shape(struct generator *g, uint32_t before)
{
	double at = (double)draw(g, 1u << 30) / (double)(1u << 30) * g->zipf[g->options.stacks - 1];
	size_t low = 0, high = g->options.stacks - 1;

	if (draw(g, 100) < STAY_PERCENT) {
		uint64_t near = before + draw(g, 4);

		return near < g->options.stacks ? (uint32_t)near : before;
	}
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (g->zipf[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)low;
}

static uint64_t address_of(uint32_t function)
{
	return 0x1000 + (uint64_t)(function * UINT64_C(2654435761) % 0x200000) * 16;
}

static void add_symbol(struct generator *g, uint32_t function, uint32_t mapping)
{
	struct tfmt_symbol symbol = {.mapping = mapping,
		.address = address_of(function) - function % 8,
		.length = 16,
		.line = 10 + function % 900,
		.first_line = 8 + function % 900};
	char name[96];
	int length = snprintf(name, sizeof(name), "app::Module%u::method_%u(int, char const*)",
		function % 97, function);

	symbol.function = text(g, name, (size_t)length);
	length = snprintf(name, sizeof(name), "/src/app/module%u.cc", function % 97);
	symbol.file = text(g, name, (size_t)length);
	must(tfmt_writer_symbol(g->writer, &symbol));
}

static uint32_t frame_of(struct generator *g, uint32_t function)
{
	struct tfmt_frame frame = {
		.mapping = g->modules[function % MODULES], .address = address_of(function)};

	if (g->frames[function] == 0) {
		must(tfmt_writer_add_frame(g->writer, &frame, &g->frames[function]));
		if (g->options.with_symbols)
			add_symbol(g, function, frame.mapping);
	}
	return g->frames[function];
}

/* Intern a stack the first time it is met, as a recorder does. */
static uint32_t stack_of(struct generator *g, uint32_t index)
{
	struct shape *shape = &g->shapes[index];
	uint32_t stack = 0;

	if (shape->id != 0)
		return shape->id;
	for (uint32_t i = 0; i < shape->depth; i++) {
		struct tfmt_stack row = {
			.parent = stack, .frame = frame_of(g, shape->functions[i])};

		must(tfmt_writer_add_stack(g->writer, &row, &stack));
	}
	return shape->id = stack;
}

static void add_modules(struct generator *g)
{
	for (unsigned int i = 0; i < MODULES; i++) {
		struct tfmt_mapping row = {.type = TFMT_MAPPING_FILE};
		char path[64], build_id[20];
		int length = snprintf(
			path, sizeof(path), i ? "/usr/lib/libpart%u.so.1" : "/usr/bin/app", i);

		memset(build_id, (int)(0xa0 + i), sizeof(build_id));
		row.path = text(g, path, (size_t)length);
		row.build_id = text(g, build_id, sizeof(build_id));
		must(tfmt_writer_add_mapping(g->writer, &row, &g->modules[i]));
	}
}

static void add_processes(struct generator *g)
{
	uint32_t unit = text(g, "bytes", 5), cpu_unit = text(g, "ns", 2);
	struct tfmt_life exec = {.time_ns = START_NS,
		.event = TFMT_LIFE_EXEC,
		.name = text(g, "app", 3),
		.exe = text(g, "/usr/bin/app", 12),
		.argv = text(g, "/usr/bin/app\0--work", 20),
		.cwd = text(g, "/home/user", 10)};

	for (uint64_t i = 0; i < g->options.processes; i++) {
		struct tfmt_process row = {.start_ns = START_NS,
			.pid = (uint32_t)(1000 + i),
			.ppid = i ? 1000 : 1,
			.parent = i ? g->processes[0] : 0};
		struct tfmt_metric rss = {.name = text(g, "rss", 3), .unit = unit};
		struct tfmt_metric cpu = {.name = text(g, "cpu", 3),
			.unit = cpu_unit,
			.type = TFMT_METRIC_CUMULATIVE};

		must(tfmt_writer_add_process(g->writer, &row, &g->processes[i]));
		exec.process = rss.process = cpu.process = g->processes[i];
		must(tfmt_writer_life(g->writer, &exec));
		if (g->options.metrics_ms == 0)
			continue;
		must(tfmt_writer_add_metric(g->writer, &rss, &g->metrics[2 * i]));
		must(tfmt_writer_add_metric(g->writer, &cpu, &g->metrics[2 * i + 1]));
	}
}

static void add_threads(struct generator *g)
{
	for (uint64_t i = 0; i < g->options.threads; i++) {
		uint64_t process = i % g->options.processes;
		struct tfmt_thread row = {.start_ns = START_NS,
			.process = g->processes[process],
			.tid = (uint32_t)(i < g->options.processes ? 1000 + process : 100000 + i)};

		must(tfmt_writer_add_thread(g->writer, &row, &g->workers[i].id));
		g->workers[i].next_ns =
			START_NS + (i + 1) * SECOND_NS / g->options.rate / g->options.threads;
	}
}

static void add_counters(struct generator *g, uint64_t now_ns)
{
	for (uint64_t i = 0; i < g->options.processes; i++) {
		struct tfmt_counter rss = {.time_ns = now_ns,
			.metric = g->metrics[2 * i],
			.value = (int64_t)((20 << 20) + draw(g, 1000) * 4096)};
		struct tfmt_counter cpu = {.time_ns = now_ns,
			.metric = g->metrics[2 * i + 1],
			.value = (int64_t)(now_ns - START_NS)};

		must(tfmt_writer_counter(g->writer, &rss));
		must(tfmt_writer_counter(g->writer, &cpu));
	}
}

/* Samples in the order of their times: threads take turns. */
static uint64_t add_samples(struct generator *g)
{
	const struct options *o = &g->options;
	uint64_t period_ns = SECOND_NS / o->rate, now_ns = START_NS;
	uint64_t metrics_ns = START_NS, flush_ns = START_NS;

	for (uint64_t i = 0; i < o->samples; i++) {
		struct worker *worker = &g->workers[i % o->threads];
		struct tfmt_sample sample = {.thread = worker->id, .weight_ns = period_ns};

		worker->shape = draw_shape(g, worker->shape);
		sample.stack = stack_of(g, worker->shape);
		now_ns = worker->next_ns;
		sample.time_ns = now_ns + (o->jitter_ns ? draw(g, o->jitter_ns) : 0);
		must(tfmt_writer_sample(g->writer, &sample));
		worker->next_ns += period_ns;
		if (o->metrics_ms != 0 && now_ns >= metrics_ns) {
			add_counters(g, now_ns);
			metrics_ns += o->metrics_ms * 1000000;
		}
		if (now_ns >= flush_ns) {
			must(tfmt_writer_flush(g->writer, now_ns));
			flush_ns += SECOND_NS / 10;
		}
	}
	return now_ns + period_ns;
}

static void generate(struct generator *g)
{
	struct tfmt_life exit_event = {.event = TFMT_LIFE_EXIT, .status_type = TFMT_STATUS_EXITED};

	make_shapes(g);
	g->workers = make(g->options.threads, sizeof(*g->workers));
	g->processes = make(g->options.processes, sizeof(*g->processes));
	g->metrics = make(2 * g->options.processes, sizeof(*g->metrics));
	g->frames = make(g->options.functions, sizeof(*g->frames));
	add_modules(g);
	add_processes(g);
	add_threads(g);
	exit_event.time_ns = add_samples(g);
	for (uint64_t i = 0; i < g->options.processes; i++) {
		exit_event.process = g->processes[i];
		must(tfmt_writer_life(g->writer, &exit_event));
	}
	must(tfmt_writer_finish(g->writer, NULL));
}

static void release(struct generator *g)
{
	for (uint64_t i = 0; i < g->options.stacks; i++)
		free(g->shapes[i].functions);
	free(g->shapes);
	free(g->zipf);
	free(g->workers);
	free(g->processes);
	free(g->metrics);
	free(g->frames);
	tfmt_writer_free(g->writer);
}

static int parse(int argc, char **argv, struct options *options)
{
	struct {
		const char *name;
		uint64_t *value;
	} numbers[] = {
		{"samples", &options->samples},
		{"stacks", &options->stacks},
		{"depth", &options->depth},
		{"functions", &options->functions},
		{"threads", &options->threads},
		{"processes", &options->processes},
		{"rate", &options->rate},
		{"jitter", &options->jitter_ns},
		{"tick", &options->tick_ns},
		{"metrics", &options->metrics_ms},
		{"seed", &options->seed},
		{"level", &options->level},
	};
	enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };
	struct option names[COUNT + 2] = {{0}};
	int found;

	for (int i = 0; i < COUNT; i++)
		names[i] = (struct option){numbers[i].name, required_argument, NULL, i};
	names[COUNT] = (struct option){"symbols", no_argument, NULL, COUNT};
	while ((found = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		if (found == COUNT)
			options->with_symbols = true;
		else if (found < COUNT)
			*numbers[found].value = strtoull(optarg, NULL, 10);
		else
			return -1;
	}
	if (optind + 1 != argc || options->stacks == 0 || options->functions == 0 ||
		options->threads == 0 || options->processes == 0 || options->rate == 0)
		return -1;
	options->path = argv[optind];
	return 0;
}

int main(int argc, char **argv)
{
	struct generator g = {.options = {.samples = 1000000,
				      .stacks = 16000,
				      .depth = 28,
				      .functions = 5500,
				      .threads = 8,
				      .processes = 1,
				      .rate = 1000,
				      .jitter_ns = 30000,
				      .tick_ns = 1000,
				      .seed = 1,
				      .level = 1}};
	const char *command[] = {"/usr/bin/app", "--work"};
	struct tfmt_header header = {.time_ns = START_NS,
		.utc_ns = INT64_C(1700000000000000000),
		.trace_id = "gen_trace 16byte",
		.recorder = "gen_trace",
		.host = "host",
		.boot_id = "00000000-0000-0000-0000-000000000000",
		.os = "Linux 6.1.0",
		.machine = "x86_64",
		.cwd = "/home/user",
		.argv = command,
		.argc = 2,
		.cpu_count = 4,
		.memory_bytes = UINT64_C(8) << 30};
	struct tfmt_writer_options options = {0};
	int fd;

	if (parse(argc, argv, &g.options) < 0) {
		fprintf(stderr, "usage: gen_trace [options] FILE; see the top of gen_trace.c\n");
		return 2;
	}
	g.random = g.options.seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	header.rate_hz = (uint32_t)g.options.rate;
	header.interval_ns = g.options.metrics_ms * 1000000;
	options.sample_tick_ns = g.options.tick_ns;
	options.level = (int)g.options.level;
	fd = open(g.options.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(g.options.path);
		return 1;
	}
	must(tfmt_writer_new(&header, &options, tfmt_sink_fd(&fd), &g.writer, NULL));
	generate(&g);
	printf("%llu samples, %llu bytes, %.2f bytes a sample (samples %.2f, stacks %.2f)\n",
		(unsigned long long)g.options.samples,
		(unsigned long long)tfmt_writer_bytes(g.writer, TFMT_NONE),
		(double)tfmt_writer_bytes(g.writer, TFMT_NONE) / (double)g.options.samples,
		(double)tfmt_writer_bytes(g.writer, TFMT_SAMPLE) / (double)g.options.samples,
		(double)tfmt_writer_bytes(g.writer, TFMT_STACK) / (double)g.options.samples);
	release(&g);
	return close(fd) < 0;
}
