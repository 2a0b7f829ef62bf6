/*
 * Writes traces that are always the same, for pictures: render_trace SHAPE FILE.
 *
 *	make     a build with 4 jobs: a tree of processes, samples, one failure, one loss
 *	threads  one process with three threads that work and wait
 *	waits    a server that mostly waits: stacks, reasons and flags of all sorts
 *	many     3,000 short processes below two shells
 *	wide     90 processes that all live for 10 minutes, never the same for long
 *	hostile  names that try to break out of SVG and terminals
 *	metrics  one process without samples
 *	nonsense values, times and relations that no recorder would write
 *	big      1,000,000 samples of depth 28, 16,000 distinct stacks
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS UINT64_C(1000000000000)
#define SECOND	 UINT64_C(1000000000)
#define MS	 UINT64_C(1000000)
#define TICK_NS	 (100 * MS)
#define MIB	 UINT64_C(1048576)
#define MAX_JOBS 4000

struct job {
	const char *command; /* words joined by NULs, as in argv */
	size_t command_length;
	const char *name, *exe;
	int parent;	      /* index, -1: none */
	uint64_t begin, end;  /* ns from the start */
	double cores;	      /* used on average */
	double duty;	      /* share of each second in which it works, 1: always */
	uint64_t memory_from; /* bytes */
	uint64_t memory_to;
	int status;
	uint32_t threads;
	double jitter; /* share of the memory that comes and goes */
	/* Filled while writing. */
	uint32_t process, thread, cpu, user, system, rss, thread_metric;
	uint64_t cpu_ns;
};

struct build {
	struct tfmt_writer *writer;
	uint32_t random;
	uint32_t own, library, libc, kernel; /* mappings */
};

static void must(int status)
{
	if (status != 0) {
		fprintf(stderr, "render_trace: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

static uint32_t next_random(struct build *build)
{
	build->random = build->random * 1664525u + 1013904223u;
	return build->random >> 8;
}

static uint32_t intern(struct build *build, const char *data, size_t length)
{
	uint32_t id;
	must(tfmt_writer_intern(build->writer, data, length, &id));
	return id;
}

static uint32_t text(struct build *build, const char *data)
{
	return intern(build, data, strlen(data));
}

static uint32_t add_metric(struct build *build, const char *name, const char *unit,
	enum tfmt_metric_type type, uint32_t process)
{
	uint32_t id;
	struct tfmt_metric metric = {
		.name = text(build, name),
		.unit = text(build, unit),
		.process = process,
		.type = (uint8_t)type,
	};
	must(tfmt_writer_add_metric(build->writer, &metric, &id));
	return id;
}

static uint32_t add_mapping(struct build *build, const char *path, enum tfmt_mapping_type type)
{
	uint32_t id;
	struct tfmt_mapping mapping = {.path = text(build, path), .type = (uint8_t)type};
	must(tfmt_writer_add_mapping(build->writer, &mapping, &id));
	return id;
}

/* A stack with one more frame, of the function that `address` stands for. */
static uint32_t push(struct build *build, uint32_t parent, uint32_t mapping, uint64_t address)
{
	uint32_t frame, stack;
	struct tfmt_frame row = {
		.mapping = mapping,
		.address = address,
		.language = mapping == build->kernel ? TFMT_LANG_KERNEL : TFMT_LANG_NATIVE,
	};
	must(tfmt_writer_add_frame(build->writer, &row, &frame));
	must(tfmt_writer_add_stack(
		build->writer, &(struct tfmt_stack){.parent = parent, .frame = frame}, &stack));
	return stack;
}

static void add_symbol(struct build *build, uint32_t mapping, uint64_t address, const char *name,
	const char *file, uint32_t line)
{
	struct tfmt_symbol symbol = {
		.address = address,
		.length = 16,
		.mapping = mapping,
		.function = text(build, name),
		.file = text(build, file),
		.line = line,
		.first_line = line > 5 ? line - 5 : 1,
	};
	must(tfmt_writer_symbol(build->writer, &symbol));
}

static void begin(
	struct build *build, const int *fd, const char *const *argv, size_t argc, uint32_t cores)
{
	struct tfmt_header header = {
		.time_ns = START_NS,
		.utc_ns = INT64_C(1763725927) * (int64_t)SECOND,
		.recorder = "trec 0.1.0",
		.host = "example",
		.boot_id = "",
		.os = "Linux 6.18",
		.machine = "x86_64",
		.cwd = "/home/user/project",
		.argv = argv,
		.argc = argc,
		.cpu_count = cores,
		.memory_bytes = 8192 * MIB,
		.rate_hz = 999,
		.interval_ns = TICK_NS,
	};
	must(tfmt_writer_new(&header, NULL, tfmt_sink_fd(fd), &build->writer, NULL));
	build->random = 1;
	build->own = add_mapping(build, "/home/user/project/build/app", TFMT_MAPPING_FILE);
	build->library =
		add_mapping(build, "/usr/lib/x86_64-linux-gnu/liblzma.so.5", TFMT_MAPPING_FILE);
	build->libc = add_mapping(build, "/usr/lib/x86_64-linux-gnu/libc.so.6", TFMT_MAPPING_FILE);
	build->kernel = add_mapping(build, "[kernel]", TFMT_MAPPING_KERNEL);
}

static void start_job(struct build *build, struct job *jobs, int index)
{
	struct job *job = &jobs[index];
	uint32_t pid = 4101 + (uint32_t)index;
	uint32_t parent_pid = job->parent >= 0 ? 4101 + (uint32_t)job->parent : 4100;
	struct tfmt_process process = {
		.start_ns = START_NS + job->begin,
		.pid = pid,
		.ppid = parent_pid,
		.parent = job->parent >= 0 ? jobs[job->parent].process : 0,
	};
	must(tfmt_writer_add_process(build->writer, &process, &job->process));
	struct tfmt_thread thread = {
		.start_ns = START_NS + job->begin, .process = job->process, .tid = pid};
	must(tfmt_writer_add_thread(build->writer, &thread, &job->thread));
	struct tfmt_life life = {
		.time_ns = START_NS + job->begin,
		.process = job->process,
		.name = text(build, job->name),
		.exe = text(build, job->exe),
		.argv = intern(build, job->command, job->command_length),
		.cwd = text(build, "/home/user/project"),
		.event = TFMT_LIFE_START,
	};
	must(tfmt_writer_life(build->writer, &life));
	life.event = TFMT_LIFE_EXEC;
	must(tfmt_writer_life(build->writer, &life));
	job->cpu = add_metric(build, "cpu", "ns", TFMT_METRIC_CUMULATIVE, job->process);
	job->user = add_metric(build, "cpu_user", "ns", TFMT_METRIC_CUMULATIVE, job->process);
	job->system = add_metric(build, "cpu_system", "ns", TFMT_METRIC_CUMULATIVE, job->process);
	job->rss = add_metric(build, "rss", "bytes", TFMT_METRIC_GAUGE, job->process);
	job->thread_metric = add_metric(build, "threads", "count", TFMT_METRIC_GAUGE, job->process);
}

static void counter(struct build *build, uint32_t metric, uint64_t time, uint64_t value)
{
	struct tfmt_counter record = {
		.time_ns = START_NS + time, .metric = metric, .value = (int64_t)value};
	must(tfmt_writer_counter(build->writer, &record));
}

static void end_job(struct build *build, struct job *job)
{
	struct tfmt_life life = {
		.time_ns = START_NS + job->end,
		.process = job->process,
		.status = job->status,
		.status_type = TFMT_STATUS_EXITED,
		.event = TFMT_LIFE_EXIT,
	};
	counter(build, job->cpu, job->end, job->cpu_ns);
	must(tfmt_writer_life(build->writer, &life));
}

/* What a job did between two readings. */
static void run_job(struct build *build, struct job *job, uint64_t from, uint64_t to)
{
	double share = (double)(from % SECOND) / (double)SECOND < job->duty ? 1 : 0.05;
	double noise = 0.85 + 0.15 * (double)(next_random(build) % 1000) / 1000;
	uint64_t begin_ns = from > job->begin ? from : job->begin;
	uint64_t end_ns = to < job->end ? to : job->end;
	job->cpu_ns += (uint64_t)((double)(end_ns - begin_ns) * job->cores * share * noise);
	if (to > job->end)
		return;
	double age = (double)(to - job->begin) / (double)(job->end - job->begin);
	double memory = (double)job->memory_from +
			(double)(job->memory_to - job->memory_from) * age * (2 - age);
	if (job->jitter > 0)
		memory *= 1 - job->jitter * (double)(next_random(build) % 1000) / 1000;
	counter(build, job->cpu, to, job->cpu_ns);
	counter(build, job->user, to, job->cpu_ns * 9 / 10);
	counter(build, job->system, to, job->cpu_ns - job->cpu_ns * 9 / 10);
	counter(build, job->rss, to, (uint64_t)memory);
	counter(build, job->thread_metric, to, job->threads);
}

/* All jobs over time, and the machine around them. */
static void run_jobs(struct build *build, struct job *jobs, int count, uint64_t end)
{
	uint32_t machine_cpu = add_metric(build, "machine_cpu", "ns", TFMT_METRIC_CUMULATIVE, 0);
	uint32_t machine_memory =
		add_metric(build, "machine_memory", "bytes", TFMT_METRIC_GAUGE, 0);
	uint64_t busy_ns = 50 * SECOND;
	for (uint64_t to = TICK_NS; to <= end; to += TICK_NS) {
		uint64_t before_ns = 0, after_ns = 0;
		for (int i = 0; i < count; i++) {
			if (jobs[i].begin >= to || jobs[i].end <= to - TICK_NS)
				continue;
			if (jobs[i].process == 0)
				start_job(build, jobs, i);
			before_ns += jobs[i].cpu_ns;
			run_job(build, &jobs[i], to - TICK_NS, to);
			after_ns += jobs[i].cpu_ns;
			if (jobs[i].end <= to)
				end_job(build, &jobs[i]);
		}
		busy_ns += after_ns - before_ns + 10 * MS;
		counter(build, machine_cpu, to, busy_ns);
		counter(build, machine_memory, to, 2048 * MIB + next_random(build) % (64 * MIB));
	}
}

static void cost(struct build *build, uint64_t end, uint64_t cpu_ns)
{
	struct tfmt_cost record = {
		.time_ns = START_NS + end,
		.value = (int64_t)cpu_ns,
		.name = text(build, "recorder cpu"),
		.unit = text(build, "ns"),
	};
	must(tfmt_writer_cost(build->writer, &record));
}

static void finish(struct build *build)
{
	must(tfmt_writer_finish(build->writer, NULL));
	tfmt_writer_free(build->writer);
}

static void sample(struct build *build, uint32_t thread, uint64_t time, uint64_t weight,
	uint32_t stack, enum tfmt_state state, uint16_t syscall)
{
	struct tfmt_sample record = {
		.time_ns = START_NS + time,
		.weight_ns = weight,
		.thread = thread,
		.stack = stack,
		.state = (uint8_t)state,
		.syscall = syscall,
	};
	must(tfmt_writer_sample(build->writer, &record));
}

#define COMMAND(words) .command = words, .command_length = sizeof(words)

static void write_make(struct build *build)
{
	static const char *const argv[] = {"make", "-j4", "all"};
	static const char cc1[] = "/usr/libexec/gcc/x86_64-linux-gnu/12/cc1";
	struct job jobs[] = {
		{COMMAND("make\0-j4\0all"), "make", "/usr/bin/make", -1, 20 * MS, 29980 * MS, 0.03,
			1, 10 * MIB, 12 * MIB, 2, 1},
		{COMMAND("/usr/libexec/gcc/x86_64-linux-gnu/12/cc1\0-quiet\0lexer.c"), "cc1", cc1,
			0, 300 * MS, 4100 * MS, 0.93, 1, 8 * MIB, 148 * MIB, 0, 1},
		{COMMAND("/usr/libexec/gcc/x86_64-linux-gnu/12/cc1\0-quiet\0parser.c"), "cc1", cc1,
			0, 310 * MS, 9800 * MS, 0.95, 1, 8 * MIB, 312 * MIB, 0, 1},
		{COMMAND("/usr/libexec/gcc/x86_64-linux-gnu/12/cc1\0-quiet\0codegen.c"), "cc1", cc1,
			0, 400 * MS, 14600 * MS, 0.97, 1, 8 * MIB, 421 * MIB, 0, 1},
		{COMMAND("/usr/libexec/gcc/x86_64-linux-gnu/12/cc1\0-quiet\0util.c"), "cc1", cc1, 0,
			410 * MS, 2200 * MS, 0.9, 1, 8 * MIB, 84 * MIB, 0, 1},
		{COMMAND("python3\0gen_tables.py"), "python3", "/usr/bin/python3.11", 0, 2300 * MS,
			11400 * MS, 0.7, 0.6, 9 * MIB, 236 * MIB, 0, 1},
		{COMMAND("sh\0-c\0git describe --always --dirty"), "sh", "/bin/dash", 5, 3100 * MS,
			3480 * MS, 0.2, 1, 1 * MIB, 4 * MIB, 0, 1},
		{COMMAND("ld\0-o\0app\0lexer.o\0parser.o\0codegen.o\0util.o\0-lm\0-lpthread"), "ld",
			"/usr/bin/ld", 0, 14800 * MS, 19900 * MS, 0.8, 1, 20 * MIB, 690 * MIB, 0,
			1},
		{COMMAND("./app\0--selftest"), "app", "/home/user/project/build/app", 0, 20100 * MS,
			29400 * MS, 2.4, 1, 40 * MIB, 540 * MIB, 1, 4},
		{COMMAND("./app\0--worker"), "worker", "/home/user/project/build/app", 8,
			21000 * MS, 28800 * MS, 0.6, 1, 30 * MIB, 180 * MIB, 0, 1},
		{COMMAND("sh\0-c\0true"), "sh", "/bin/dash", 0, 29500 * MS, 29508 * MS, 0.9, 1, MIB,
			MIB, 0, 1},
	};
	const int count = sizeof(jobs) / sizeof(*jobs);
	begin(build, (const int[]){STDOUT_FILENO}, argv, 3, 4);
	run_jobs(build, jobs, count, 30 * SECOND);

	uint32_t main_stack = push(build, 0, build->own, 0x1000);
	uint32_t test_stack = push(build, main_stack, build->own, 0x1010);
	uint32_t sort_stack = push(build, test_stack, build->libc, 0x2000);
	uint32_t lzma_stack = push(build, test_stack, build->library, 0x3000);
	add_symbol(build, build->own, 0x1000, "main", "/home/user/project/src/main.c", 42);
	add_symbol(build, build->own, 0x1010, "run_selftest", "/home/user/project/src/test.c", 108);
	add_symbol(build, build->libc, 0x2000, "qsort_r", "", 0);
	add_symbol(build, build->library, 0x3000, "lzma_code", "/build/lzma/common.c", 202);
	for (uint64_t time = 20101 * MS; time < 29400 * MS; time += MS) {
		uint32_t chance = next_random(build) % 100;
		uint32_t stack = chance < 45   ? test_stack
				 : chance < 75 ? lzma_stack
				 : chance < 98 ? sort_stack
					       : main_stack;
		sample(build, jobs[8].thread, time, MS, stack, TFMT_STATE_RUNNING, 0);
	}
	struct tfmt_lost lost = {
		.time_ns = START_NS + 12 * SECOND,
		.count = 12,
		.what = text(build, "sample"),
		.reason = text(build, "ring overflow"),
	};
	must(tfmt_writer_lost(build->writer, &lost));
	cost(build, 30 * SECOND, 240 * MS);
	finish(build);
}

static uint32_t add_thread(struct build *build, uint32_t process, uint32_t tid, const char *name)
{
	uint32_t id;
	struct tfmt_thread thread = {
		.start_ns = START_NS + 1200 * MS, .process = process, .tid = tid};
	must(tfmt_writer_add_thread(build->writer, &thread, &id));
	struct tfmt_life life = {
		.time_ns = START_NS + 1200 * MS,
		.process = process,
		.thread = id,
		.name = text(build, name),
		.event = TFMT_LIFE_START,
	};
	must(tfmt_writer_life(build->writer, &life));
	return id;
}

static void write_threads(struct build *build)
{
	static const char *const argv[] = {"xz", "-T2", "-9", "--keep", "linux.tar"};
	static const char *const names[] = {"worker_start", "lzma_block_encode", "lzma_encode",
		"lzma_lzma_optimum_normal", "lzma_mf_bt4_find", "bt_find_func"};
	const size_t depth = sizeof(names) / sizeof(*names);
	const uint16_t futex = 202 + 1;
	struct job job = {COMMAND("xz\0-T2\0-9\0--keep\0linux.tar"), "xz",
		"/home/user/project/build/app", -1, 5 * MS, 12400 * MS, 1.77, 1, 4 * MIB, 694 * MIB,
		0, 3};
	uint32_t stacks[8];
	begin(build, (const int[]){STDOUT_FILENO}, argv, 5, 2);
	run_jobs(build, &job, 1, 12400 * MS);
	uint32_t workers[] = {add_thread(build, job.process, 4141, "worker"),
		add_thread(build, job.process, 4142, "worker")};
	uint32_t clone = push(build, 0, build->libc, 0x2000);
	for (size_t i = 0; i < depth; i++) {
		stacks[i] =
			push(build, i > 0 ? stacks[i - 1] : clone, build->library, 0x3000 + 16 * i);
		add_symbol(build, build->library, 0x3000 + 16 * i, names[i],
			"/build/lzma/lz_encoder_mf.c", 100 + 87 * (uint32_t)i);
	}
	uint32_t main_stack = push(build, 0, build->own, 0x1000);
	uint32_t read_stack = push(build, main_stack, build->own, 0x1010);
	uint32_t kernel_stack = push(build, read_stack, build->kernel, 0x9000);
	add_symbol(build, build->libc, 0x2000, "clone3", "", 0);
	add_symbol(build, build->own, 0x1000, "main", "/home/user/project/src/main.c", 12);
	add_symbol(build, build->own, 0x1010, "io_read", "/home/user/project/src/io.c", 77);
	add_symbol(build, build->kernel, 0x9000, "ksys_read", "", 0);
	for (uint64_t time = 10 * MS; time < 1200 * MS; time += MS)
		sample(build, job.thread, time, MS, time % 3 == 0 ? kernel_stack : read_stack,
			TFMT_STATE_RUNNING, 0);
	sample(build, job.thread, 9000 * MS, 7800 * MS, read_stack, TFMT_STATE_BLOCKED, futex);
	for (uint64_t time = 9 * SECOND; time < 12390 * MS; time += 4 * MS)
		sample(build, job.thread, time, MS, main_stack, TFMT_STATE_RUNNING, 0);
	for (size_t i = 0; i < 2; i++) {
		for (uint64_t time = 1201 * MS; time < 10300 * MS; time += MS) {
			uint32_t level = 2 + next_random(build) % (uint32_t)(depth - 2);
			if (time / (1500 * MS) % 4 == 3 && level > 4)
				level = 3;
			sample(build, workers[i], time, MS, stacks[level], TFMT_STATE_RUNNING, 0);
		}
		sample(build, workers[i], 12300 * MS, 2000 * MS, stacks[0], TFMT_STATE_BLOCKED,
			futex);
	}
	cost(build, 12400 * MS, 99 * MS);
	finish(build);
}

/* A sample that is no plain one. */
static void wait_sample(struct build *build, struct tfmt_sample record)
{
	record.time_ns += START_NS;
	must(tfmt_writer_sample(build->writer, &record));
}

/* Functions called by one another, root first, each at its own address. Returns the leaf's stack.
 */
static uint32_t call(struct build *build, uint32_t stack, const char *const *names,
	const uint32_t *mappings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t address = 0x4000;
		for (const char *c = names[i]; *c != '\0'; c++)
			address = address * 31 + (unsigned char)*c;
		address = 0x4000 + address % 0x10000 * 16;
		stack = push(build, stack, mappings[i], address);
		if (mappings[i] == build->own)
			add_symbol(build, mappings[i], address, names[i],
				"/home/user/project/src/server.c", 20 + (uint32_t)(address % 400));
		else
			add_symbol(build, mappings[i], address, names[i], "", 0);
	}
	return stack;
}

#define CALL(build, stack, mappings, ...)                                \
	call(build, stack, (const char *const[]){__VA_ARGS__}, mappings, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* System calls, as samples have them. */
enum {
	READ = 0 + 1,
	NANOSLEEP = 35 + 1,
	RECVFROM = 45 + 1,
	WAIT4 = 61 + 1,
	FUTEX = 202 + 1,
	EPOLL_WAIT = 232 + 1
};

/* The main thread: waits for requests, hands them on. */
static void run_acceptor(struct build *build, uint32_t thread, uint32_t main_stack)
{
	const uint32_t own[] = {build->own, build->own, build->libc};
	uint32_t serve = CALL(build, main_stack, own, "serve", "wait_events");
	uint32_t poll = CALL(build, serve, &build->libc, "epoll_wait");
	uint32_t parse = CALL(build, main_stack, own, "serve", "parse_request");
	uint32_t kernel = CALL(build, parse, &build->kernel, "do_syscall_64");
	for (uint64_t time = 20 * MS; time < 9900 * MS; time += 100 * MS) {
		wait_sample(build, (struct tfmt_sample){time + 80 * MS, 80 * MS, thread, poll,
					   EPOLL_WAIT, TFMT_STATE_BLOCKED, 0});
		for (uint64_t i = 81; i <= 100; i++)
			sample(build, thread, time + i * MS, MS, i % 4 == 0 ? kernel : parse,
				TFMT_STATE_RUNNING, 0);
	}
}

/* Asks a database, waits for a lock, computes, is preempted. */
static void run_worker(struct build *build, uint32_t thread, uint32_t root, uint64_t begin)
{
	const uint32_t own[] = {build->own, build->own};
	const uint32_t libc[] = {build->libc, build->libc};
	uint32_t handle = CALL(build, root, own, "worker_loop", "handle_request");
	uint32_t query = CALL(build, CALL(build, handle, own, "query_db"), libc, "recv");
	uint32_t lock = CALL(build, handle, libc, "pthread_mutex_lock", "__lll_lock_wait");
	uint32_t render = CALL(build, handle, own, "render_page");
	for (uint64_t time = begin; time < 9800 * MS; time += 120 * MS) {
		wait_sample(build, (struct tfmt_sample){time + 40 * MS, 40 * MS, thread, query,
					   RECVFROM, TFMT_STATE_BLOCKED, 0});
		for (uint64_t i = 41; i <= 60; i++)
			sample(build, thread, time + i * MS, MS, render, TFMT_STATE_RUNNING, 0);
		wait_sample(build, (struct tfmt_sample){time + 65 * MS, 5 * MS, thread, render, 0,
					   TFMT_STATE_PREEMPTED, TFMT_SAMPLE_ASSUMED});
		for (uint64_t i = 66; i <= 70; i++)
			sample(build, thread, time + i * MS, MS, render, TFMT_STATE_RUNNING, 0);
		wait_sample(build, (struct tfmt_sample){time + 120 * MS, 50 * MS, thread, lock,
					   FUTEX, TFMT_STATE_BLOCKED,
					   time % (3 * MS) == 0 ? TFMT_SAMPLE_ASSUMED : 0});
	}
}

/* Reads files: page faults, waits without a place, short waits, time no sample saw. */
static void run_loader(struct build *build, uint32_t thread, uint32_t root)
{
	const uint32_t own[] = {build->own, build->own};
	uint32_t load = CALL(build, root, own, "worker_loop", "load_file");
	uint32_t read = CALL(build, load, &build->libc, "read");
	uint32_t copy = CALL(build, load, &build->libc, "memcpy");
	uint32_t kernel = CALL(build, copy, &build->kernel, "clear_page_erms");
	uint32_t unseen = CALL(build, 0, &build->kernel, "[kernel, not sampled]");
	for (uint64_t time = 1300 * MS; time < 9500 * MS; time += SECOND / 2) {
		wait_sample(build, (struct tfmt_sample){time + 300 * MS, 300 * MS, thread, read,
					   READ, TFMT_STATE_BLOCKED, 0});
		for (uint64_t i = 301; i <= 340; i++)
			sample(build, thread, time + i * MS, MS, i % 3 == 0 ? kernel : copy,
				TFMT_STATE_RUNNING, 0);
		wait_sample(build, (struct tfmt_sample){time + 370 * MS, 30 * MS, thread, copy,
					   TFMT_SYSCALL_FAULT, TFMT_STATE_BLOCKED, 0});
		for (uint64_t i = 371; i <= 400; i++)
			sample(build, thread, time + i * MS, MS, kernel, TFMT_STATE_RUNNING, 0);
		wait_sample(build, (struct tfmt_sample){time + 440 * MS, 40 * MS, thread, 0, 0,
					   TFMT_STATE_BLOCKED, 0});
		for (uint64_t i = 441; i <= 480; i++)
			sample(build, thread, time + i * MS, MS, kernel, TFMT_STATE_RUNNING, 0);
		wait_sample(build, (struct tfmt_sample){time + 490 * MS, 7 * MS, thread, 0, 0,
					   TFMT_STATE_BLOCKED, TFMT_SAMPLE_SUMMED});
		wait_sample(build,
			(struct tfmt_sample){time + 490 * MS, 2 * MS, thread, unseen, 0,
				TFMT_STATE_RUNNING, TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED});
	}
}

static void write_waits(struct build *build)
{
	static const char *const argv[] = {"./server", "--port", "8080"};
	struct job jobs[] = {
		{COMMAND("./server\0--port\0008080"), "server", "/home/user/project/build/app", -1,
			5 * MS, 10 * SECOND, 0.6, 1, 12 * MIB, 94 * MIB, 0, 4},
		{COMMAND("sh\0-c\0sleep 5; date"), "sh", "/bin/dash", 0, 1500 * MS, 6600 * MS,
			0.001, 1, MIB, 2 * MIB, 0, 1},
	};
	begin(build, (const int[]){STDOUT_FILENO}, argv, 3, 2);
	run_jobs(build, jobs, 2, 10 * SECOND);
	uint32_t clone = CALL(build, 0, &build->libc, "clone3");
	uint32_t shell = add_mapping(build, "/bin/dash", TFMT_MAPPING_FILE);
	uint32_t wait = CALL(build, CALL(build, 0, &shell, "waitproc"), &build->libc, "wait4");
	uint32_t workers[3];
	for (uint32_t i = 0; i < 3; i++)
		workers[i] = add_thread(build, jobs[0].process, 4201 + i, "worker");
	run_acceptor(build, jobs[0].thread, CALL(build, 0, &build->own, "main"));
	run_worker(build, workers[0], clone, 1200 * MS);
	run_worker(build, workers[1], clone, 1250 * MS);
	run_loader(build, workers[2], clone);
	sample(build, jobs[1].thread, 1503 * MS, MS, wait, TFMT_STATE_RUNNING, 0);
	sample(build, jobs[1].thread, 6590 * MS, 5085 * MS, wait, TFMT_STATE_BLOCKED, WAIT4);
	cost(build, 10 * SECOND, 60 * MS);
	finish(build);
}

static void write_many(struct build *build)
{
	static const char *const argv[] = {"./configure"};
	struct job *jobs = calloc(MAX_JOBS, sizeof(*jobs));
	int count = 0;
	if (jobs == NULL)
		must(TFMT_E_NOMEM);
	jobs[count++] = (struct job){COMMAND("/bin/sh\0./configure"), "configure", "/bin/dash", -1,
		10 * MS, 59900 * MS, 0.2, 1, 2 * MIB, 6 * MIB, 0, 1};
	jobs[count++] = (struct job){COMMAND("make\0-j8"), "make", "/usr/bin/make", 0, 20 * SECOND,
		58 * SECOND, 0.02, 1, 2 * MIB, 8 * MIB, 0, 1};
	for (int i = 0; i < 3000; i++) {
		uint64_t start = 50 * MS + (uint64_t)i * 19 * MS;
		bool is_long = i % 40 == 0;
		jobs[count++] = (struct job){COMMAND("cc1\0-quiet\0conftest.c"),
			i % 3 == 0 ? "cc1" : "sed", "/usr/bin/cc1", start > 20 * SECOND ? 1 : 0,
			start, start + (is_long ? 1800 * MS : 9 * MS), 0.9, 1, 4 * MIB,
			(is_long ? 90 : 5) * MIB, i % 500 == 499, 1};
	}
	begin(build, (const int[]){STDOUT_FILENO}, argv, 1, 8);
	run_jobs(build, jobs, count, 60 * SECOND);
	finish(build);
	free(jobs);
}

static void write_wide(struct build *build)
{
	static const char *const argv[] = {"./server"};
	struct job *jobs = calloc(MAX_JOBS, sizeof(*jobs));
	if (jobs == NULL)
		must(TFMT_E_NOMEM);
	for (int i = 0; i < 90; i++)
		jobs[i] = (struct job){COMMAND("./server\0--worker"), "server", "/usr/bin/server",
			i > 0 ? 0 : -1, 10 * MS, 599 * SECOND, 0.9, 0.7, 4 * MIB, 90 * MIB, 0, 8,
			0.5};
	begin(build, (const int[]){STDOUT_FILENO}, argv, 1, 128);
	run_jobs(build, jobs, 90, 600 * SECOND);
	finish(build);
	free(jobs);
}

static void write_hostile(struct build *build)
{
	static const char *const argv[] = {
		"./a</text><script>alert(1)</script>", "\"'&;\x01\x1b[31m", "\xff\xfe caf\xc3\xa9"};
	struct job jobs[] = {
		{COMMAND("./a</text><script>alert(1)</script>\0\"'&;\x01\x1b[31m\0\xff\xfe"),
			"<b>&\x1b[31m", "/tmp/]]>", -1, 10 * MS, 1900 * MS, 0.9, 1, MIB, 40 * MIB,
			3, 1},
		{COMMAND("\xe2\x80\xae\0\xed\xa0\x80 \xef\xbf\xbf \xf4\x90\x80\x80\0日本語"), "-->",
			"/tmp/x", 0, 100 * MS, 900 * MS, 0.5, 1, MIB, 8 * MIB, 0, 1},
	};
	begin(build, (const int[]){STDOUT_FILENO}, argv, 3, 1);
	run_jobs(build, jobs, 2, 2 * SECOND);
	uint32_t stack = push(build, 0, build->own, 0x1000);
	add_symbol(build, build->own, 0x1000, "operator<<\"&'</title>\x02\xff", "/tmp/<>.c", 1);
	for (uint64_t time = 20 * MS; time < 1800 * MS; time += MS)
		sample(build, jobs[0].thread, time, MS, stack, TFMT_STATE_RUNNING, 0);
	finish(build);
}

static void write_metrics(struct build *build)
{
	static const char *const argv[] = {"sleep", "2"};
	struct job job = {COMMAND("sleep\0002"), "sleep", "/usr/bin/sleep", -1, 2 * MS, 2003 * MS,
		0.002, 1, MIB, 2 * MIB, 0, 1};
	begin(build, (const int[]){STDOUT_FILENO}, argv, 2, 2);
	run_jobs(build, &job, 1, 2100 * MS);
	finish(build);
}

static void write_nonsense(struct build *build)
{
	static const char *const argv[] = {""};
	static const uint64_t values[] = {0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, 1000};
	const size_t value_count = sizeof(values) / sizeof(*values);
	static const char *const metrics[] = {"cpu", "cpu_user", "cpu_system", "rss", "threads"};
	struct job jobs[] = {
		{COMMAND("a\0b"), "a", "/a", -1, 0, SECOND, 1, 1, MIB, MIB, 0, 1},
		{COMMAND("c"), "c", "", 0, SECOND / 2, SECOND / 4, 1, 1, MIB, MIB, 0, 1},
		{COMMAND(""), "", "", -1, 0, 0, 1, 1, MIB, MIB, 99, 1},
	};
	begin(build, (const int[]){STDOUT_FILENO}, argv, 1, 0);
	for (int i = 0; i < 3; i++)
		start_job(build, jobs, i);
	uint32_t stack = push(build, 0, build->own, UINT64_MAX);
	for (size_t i = 0; i < 5 * value_count; i++) {
		uint64_t value = values[i % value_count];
		uint64_t time = values[(i / 2 + 3) % value_count];
		uint32_t id = add_metric(
			build, metrics[i % 5], "ns", TFMT_METRIC_CUMULATIVE, jobs[i % 3].process);
		counter(build, id, time, value);
		counter(build, id, value, time);
		counter(build, i % 2 == 0 ? jobs[0].rss : jobs[0].cpu, value, value);
		sample(build, jobs[i % 3].thread, time, value, stack, (enum tfmt_state)(i % 4),
			(uint16_t)value);
		cost(build, time, value);
	}
	for (int i = 0; i < 2; i++)
		end_job(build, &jobs[i]);
	struct tfmt_lost lost = {.count = UINT64_MAX};
	must(tfmt_writer_lost(build->writer, &lost));
	must(tfmt_writer_lost(build->writer, &lost));
	finish(build);
}

static void write_big(struct build *build)
{
	enum { DEPTH = 28, STACKS = 16000, FUNCTIONS = 2000, SAMPLES = 1000000 };
	static const char *const argv[] = {"./server", "--benchmark"};
	static uint32_t stacks[STACKS];
	struct job job = {COMMAND("./server\0--benchmark"), "server",
		"/home/user/project/build/app", -1, 1 * MS, 1000 * SECOND, 0.99, 1, 4 * MIB,
		900 * MIB, 0, 1};
	begin(build, (const int[]){STDOUT_FILENO}, argv, 2, 2);
	run_jobs(build, &job, 1, 1000 * SECOND);
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		char name[64];
		snprintf(name, sizeof(name), "module_%u::function_%u", i % 37, i);
		add_symbol(build, i % 3 == 0 ? build->own : build->library, 0x10000 + 16 * i, name,
			"/home/user/project/src/server.cc", i + 1);
	}
	for (uint32_t i = 0; i < STACKS; i++) {
		uint32_t stack = 0;
		/* Stacks share their outer frames: the nearer to the leaf, the more differ. */
		for (uint32_t level = 0; level < DEPTH; level++) {
			uint32_t choices = level < 4 ? 1 : level < 12 ? 2 : 4;
			uint32_t seed = (i >> (level % 13)) % choices + level * 61;
			uint32_t function = (level + 1 == DEPTH ? i * 7 + 13 : seed) % FUNCTIONS;
			stack = push(build, stack, function % 3 == 0 ? build->own : build->library,
				0x10000 + 16 * function);
		}
		stacks[i] = stack;
	}
	for (uint64_t i = 0; i < SAMPLES; i++) {
		uint32_t index = next_random(build) % STACKS;
		if (index > 400)
			index = next_random(build) % (index + 1);
		sample(build, job.thread, 2 * MS + i * MS - i * MS / 500, MS, stacks[index],
			TFMT_STATE_RUNNING, 0);
	}
	finish(build);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(struct build *build);
	} shapes[] = {
		{"make", write_make},
		{"threads", write_threads},
		{"waits", write_waits},
		{"many", write_many},
		{"wide", write_wide},
		{"hostile", write_hostile},
		{"metrics", write_metrics},
		{"nonsense", write_nonsense},
		{"big", write_big},
	};
	struct build build = {0};
	for (size_t i = 0; argc == 3 && i < sizeof(shapes) / sizeof(*shapes); i++) {
		if (strcmp(argv[1], shapes[i].name) != 0)
			continue;
		if (freopen(argv[2], "w", stdout) == NULL) {
			perror(argv[2]);
			return 1;
		}
		shapes[i].write(&build);
		return 0;
	}
	fputs("usage: render_trace make|threads|waits|many|wide|hostile|metrics|nonsense|big FILE\n",
		stderr);
	return 2;
}
