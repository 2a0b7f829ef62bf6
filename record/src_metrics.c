/*
 * CPU, memory and threads of every process, read from /proc at an interval, and the machine's
 * own beside them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procfs.h"
#include "source.h"

enum scope {
	PROCESS,
	MACHINE,
};

enum metric {
#define X(id, name, unit, type, scope, help) METRIC_##id,
#include "metrics.def"
#undef X
	METRIC_COUNT,
};

static const struct metric_row {
	const char *name, *unit, *help;
	enum tfmt_metric_type type;
	enum scope scope;
} metric_rows[] = {
#define X(id, name, unit, type, scope, help) {name, unit, help, TFMT_METRIC_##type, scope},
#include "metrics.def"
#undef X
};

/* The machine's figures cost more to read than those of three processes. */
#define MACHINE_PERIOD_NS 300000000ull
/* Reading may take this share of the wall time: one part in so many. */
#define COST_SHARE 50
/*
 * Younger processes are not read: most end at once, before they have memory to speak of. Their CPU
 * time is known afterwards.
 */
#define MIN_AGE_NS 5000000ull
/* So far may a process's clock be behind, for each running thread. */
#define MAX_CLOCK_LAG_NS 12000000ull

/* The values of one process or of the machine, as last written. */
struct series {
	uint32_t metric_id;
	int64_t value;
	uint64_t time_ns;	  /* of that value as last read */
	uint64_t written_time_ns; /* as last written; 0: never */
};

struct readings {
	struct series series[METRIC_COUNT];
	int stat_fd;
};

struct state {
	struct rec_context context;
	struct tfmt_writer *writer;
	struct readings machine;
	int stat_fd, meminfo_fd;
	uint64_t tick_ns;
	uint64_t now_ns;  /* of the last drain */
	uint64_t next_ns; /* when everything is read again */
	uint64_t next_machine_ns;
	bool has_young; /* processes that were not read yet */
	bool has_said_slow;
};

static bool probe(const struct rec_context *context, char *reason, size_t reason_bytes)
{
	if (access("/proc/self/stat", R_OK) == 0)
		return true;
	snprintf(reason, reason_bytes, "/proc is not mounted: no CPU and memory");
	return false;
}

static int prepare(void *opaque, const struct rec_context *context)
{
	struct state *state = opaque;
	state->context = *context;
	state->writer = rec_sink_writer(context->sink);
	state->stat_fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	state->meminfo_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	state->tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	return 0;
}

static uint32_t add_metric(struct state *state, enum metric metric, uint32_t process)
{
	const struct metric_row *row = &metric_rows[metric];
	uint32_t id = 0;
	struct tfmt_metric record = {
		.name = rec_sink_text(state->context.sink, row->name),
		.unit = rec_sink_text(state->context.sink, row->unit),
		.help = rec_sink_text(state->context.sink, row->help),
		.process = process,
		.type = (uint8_t)row->type,
	};
	tfmt_writer_add_metric(state->writer, &record, &id);
	return id;
}

static void write_value(struct state *state, struct series *series, uint64_t time_ns)
{
	struct tfmt_counter counter = {time_ns, series->value, series->metric_id};
	tfmt_writer_counter(state->writer, &counter);
	series->written_time_ns = time_ns;
}

/*
 * Write a value when it changes, and the one before at its last time first: what did not change
 * in between costs nothing, and a slope begins where it began.
 */
static void put(struct state *state, struct readings *readings, enum metric metric,
	uint32_t process, uint64_t time_ns, int64_t value)
{
	struct series *series = &readings->series[metric];
	if (series->metric_id == 0)
		series->metric_id = add_metric(state, metric, process);
	bool is_first = series->written_time_ns == 0;
	if (!is_first && series->value == value) {
		series->time_ns = time_ns;
		return;
	}
	if (!is_first && series->time_ns != series->written_time_ns)
		write_value(state, series, series->time_ns);
	series->value = value;
	series->time_ns = time_ns;
	write_value(state, series, time_ns);
}

/* The end of a series: its last value at its last time. */
static void close_series(struct state *state, struct readings *readings, uint64_t end_ns)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		struct series *series = &readings->series[i];
		uint64_t time_ns = series->time_ns < end_ns ? series->time_ns : end_ns;
		if (series->metric_id != 0 && time_ns > series->written_time_ns)
			write_value(state, series, time_ns);
	}
}

/* Totals are exact; the split follows the kernel's tick counts. */
static void put_cpu(struct state *state, struct readings *readings, uint32_t process,
	uint64_t time_ns, uint64_t cpu_ns, const struct rec_proc_stat *stat)
{
	struct series *series = readings->series;
	if (series[METRIC_CPU].metric_id && cpu_ns < (uint64_t)series[METRIC_CPU].value)
		return;
	put(state, readings, METRIC_CPU, process, time_ns, (int64_t)cpu_ns);
	uint64_t ticks_ns = stat ? stat->user_ns + stat->system_ns : 0;
	if (ticks_ns == 0)
		return;
	int64_t user = (int64_t)((double)cpu_ns * (double)stat->user_ns / (double)ticks_ns);
	int64_t system = (int64_t)cpu_ns - user;
	/* Neither part may shrink while the other is found to be larger than thought. */
	if (user < series[METRIC_CPU_USER].value)
		user = series[METRIC_CPU_USER].value;
	else if (system < series[METRIC_CPU_SYSTEM].value)
		user = (int64_t)cpu_ns - series[METRIC_CPU_SYSTEM].value;
	put(state, readings, METRIC_CPU_USER, process, time_ns, user);
	put(state, readings, METRIC_CPU_SYSTEM, process, time_ns, (int64_t)cpu_ns - user);
}

/*
 * By its switches, exact to the microsecond: a process's clock is behind by up to a tick of each of
 * its threads that runs. The clock decides where switches are not told, or some were lost.
 */
static int read_cpu(struct state *state, const struct rec_process *process, uint64_t time_ns,
	uint64_t *ret_cpu_ns)
{
	uint64_t clock_ns;
	if (rec_proc_cpu_ns(process->pid, &clock_ns) != 0)
		return -1;
	clock_ns -= process->base_cpu_ns;
	uint64_t switch_ns = rec_tree_cpu_ns(process, time_ns);
	uint64_t slack_ns = MAX_CLOCK_LAG_NS * (process->live_threads + 1);
	bool agrees = switch_ns + slack_ns > clock_ns && clock_ns + slack_ns > switch_ns;
	*ret_cpu_ns = switch_ns > 0 && agrees && !process->is_hidden ? switch_ns : clock_ns;
	return 0;
}

static void read_process(struct state *state, struct rec_process *process)
{
	struct readings *readings = process->slots[state->context.slot];
	struct rec_proc_stat stat;
	if (!readings)
		return;
	if (readings->stat_fd < 0)
		readings->stat_fd = rec_proc_open(process->pid, "stat");
	uint64_t time_ns = rec_tree_seen_ns(state->context.tree), cpu_ns;
	if (readings->stat_fd < 0 || rec_proc_read_stat(readings->stat_fd, &stat) != 0)
		return;
	/* It has ended already: what its clock still counts is the kernel's clean-up. */
	if (stat.state == 'Z' || stat.state == 'X')
		return;
	if (read_cpu(state, process, time_ns, &cpu_ns) == 0)
		put_cpu(state, readings, process->id, time_ns, cpu_ns, &stat);
	/* No memory left: it is just ending, or between two images. */
	if (stat.rss_bytes == 0)
		return;
	put(state, readings, METRIC_RSS, process->id, time_ns, (int64_t)stat.rss_bytes);
	put(state, readings, METRIC_THREADS, process->id, time_ns, stat.threads);
}

static void process_started(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	struct readings *readings = calloc(1, sizeof(*readings));
	if (!readings)
		return;
	readings->stat_fd = -1;
	process->slots[state->context.slot] = readings;
}

static void process_settled(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	struct readings *readings = process->slots[state->context.slot];
	if (!readings)
		return;
	struct series *cpu = &readings->series[METRIC_CPU];
	/* Switches end where the process does; its clock goes on through the kernel's clean-up. */
	uint64_t cpu_ns = process->switch_cpu_ns && !process->is_hidden ? process->switch_cpu_ns
									: process->clock_cpu_ns;
	if (cpu_ns > 0 && (cpu->metric_id == 0 || cpu_ns > (uint64_t)cpu->value)) {
		struct rec_proc_stat split = {
			.user_ns = (uint64_t)readings->series[METRIC_CPU_USER].value,
			.system_ns = (uint64_t)readings->series[METRIC_CPU_SYSTEM].value,
		};
		put_cpu(state, readings, process->id, process->end_ns, cpu_ns, &split);
	}
	close_series(state, readings, process->end_ns);
	if (readings->stat_fd >= 0)
		close(readings->stat_fd);
	free(readings);
	process->slots[state->context.slot] = NULL;
}

static void read_machine_cpu(struct state *state, uint64_t now_ns)
{
	char text[512];
	ssize_t n = pread(state->stat_fd, text, sizeof(text) - 1, 0);
	if (n < 5)
		return;
	text[n] = '\0';
	uint64_t ticks = 0;
	char *at = text + 4; /* after "cpu " */
	for (int i = 0; i < 8; i++) {
		uint64_t value = strtoull(at, &at, 10);
		bool is_idle = i == 3 || i == 4 || i == 7; /* idle, iowait, stolen by the host */
		ticks += is_idle ? 0 : value;
	}
	put(state, &state->machine, METRIC_MACHINE_CPU, 0, now_ns,
		(int64_t)(ticks * state->tick_ns));
}

static void read_machine_memory(struct state *state, uint64_t now_ns)
{
	char text[512];
	ssize_t n = pread(state->meminfo_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	const char *total = strstr(text, "MemTotal:"), *available = strstr(text, "MemAvailable:");
	if (!total || !available)
		return;
	int64_t used_kib = strtoll(total + 9, NULL, 10) - strtoll(available + 13, NULL, 10);
	put(state, &state->machine, METRIC_MACHINE_MEMORY, 0, now_ns, used_kib * 1024);
}

static void read_machine(struct state *state, uint64_t now_ns)
{
	if (state->stat_fd >= 0)
		read_machine_cpu(state, now_ns);
	if (state->meminfo_fd >= 0)
		read_machine_memory(state, now_ns);
}

/* Read every process, or only those that were too young before. */
static void read_processes(struct state *state, uint64_t now_ns, bool all)
{
	state->has_young = false;
	struct rec_process *process = rec_tree_first(state->context.tree);
	for (; process; process = rec_tree_next(process)) {
		const struct readings *readings = process->slots[state->context.slot];
		if (process->end_ns != 0 || !readings)
			continue;
		if (now_ns < process->start_ns + MIN_AGE_NS)
			state->has_young = true;
		else if (all || readings->stat_fd < 0)
			read_process(state, process);
	}
}

static void drain(void *opaque, uint64_t now_ns)
{
	struct state *state = opaque;
	state->now_ns = now_ns;
	if (now_ns < state->next_ns) {
		read_processes(state, now_ns, false);
		return;
	}
	uint64_t start_ns = rec_now_ns();
	if (now_ns >= state->next_machine_ns) {
		read_machine(state, now_ns);
		state->next_machine_ns = now_ns + MACHINE_PERIOD_NS;
	}
	read_processes(state, now_ns, true);
	uint64_t interval_ns = state->context.options->interval_ns;
	uint64_t affordable_ns = (rec_now_ns() - start_ns) * COST_SHARE;
	state->next_ns = now_ns + (affordable_ns > interval_ns ? affordable_ns : interval_ns);
	if (affordable_ns >= 2 * interval_ns && !state->has_said_slow) {
		rec_sink_note(state->context.sink, now_ns, "metrics",
			"many processes: read less often than asked, at 2 % of one CPU");
		state->has_said_slow = true;
	}
}

static uint64_t period_ns(void *opaque)
{
	const struct state *state = opaque;
	uint64_t rest_ns = state->next_ns - state->now_ns;
	return state->has_young && rest_ns > MIN_AGE_NS ? MIN_AGE_NS : rest_ns;
}

static void finish(void *opaque, uint64_t now_ns)
{
	struct state *state = opaque;
	read_machine(state, now_ns);
	close_series(state, &state->machine, now_ns);
}

static void release(void *opaque)
{
	struct state *state = opaque;
	if (state->stat_fd > 0)
		close(state->stat_fd);
	if (state->meminfo_fd > 0)
		close(state->meminfo_fd);
}

const struct rec_source rec_source_metrics = {
	.name = "metrics",
	.summary = "CPU, memory and threads of every process, and of the machine",
	.state_size = sizeof(struct state),
	.probe = probe,
	.prepare = prepare,
	.process_started = process_started,
	.process_settled = process_settled,
	.drain = drain,
	.period_ns = period_ns,
	.finish = finish,
	.release = release,
};
