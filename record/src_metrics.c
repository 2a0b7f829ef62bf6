/*
 * CPU, memory, I/O and the like of every process, read from /proc at an interval, and the machine's
 * own beside them. What is dear is read seldom, by a thread of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "metrics/readings.h"
#include "metrics/whole.h"
#include "procfs.h"
#include "source.h"

/* Slow readings in a row that are no accident. */
#define SLOW_ROUNDS 3
/* The machine's figures cost more to read than those of three processes. */
#define MACHINE_PERIOD_NS 300000000ull
/* Reading may take this share of a CPU: one part in so many. */
#define COST_SHARE 50
/* And what is read seldom this share, from a little credit on. */
#define SELDOM_SHARE	 1000
#define SELDOM_CREDIT_NS 5000000ull
/* What one seldom reading costs, if nothing better is known: for itself, and by resident MiB. */
#define SELDOM_BASE_NS	  60000.0
#define SELDOM_NS_BY_BYTE (10000.0 / (1 << 20))
/*
 * It is read again when its descriptors or its memory have changed, and memory holds still again or
 * has changed for so long; or when it has run for longer.
 */
#define SELDOM_AGE_NS	 30000000ull
#define SELDOM_GROWTH_NS 1000000000ull
#define SELDOM_PERIOD_NS 5000000000ull
#define CHANGED_BYTES	 (1u << 20)
#define CHANGED_SHARE	 20
/*
 * Younger processes are not read: most end at once, before they have memory to speak of. Their CPU
 * time is known afterwards.
 */
#define MIN_AGE_NS 5000000ull
/* Descriptors that may be kept open: this part of those that are allowed, and never more than. */
#define KEPT_FDS_SHARE 4
#define MAX_KEPT_FDS   4096

struct state {
	struct rec_context context;
	struct rec_readings_context readings;
	struct rec_whole whole;
	struct rec_seldom *seldom;
	double seldom_factor;	   /* what it cost by what was expected */
	double seldom_expected_ns; /* of what is being read */
	uint64_t seldom_spent_ns;  /* CPU time */
	uint64_t start_ns;
	uint64_t now_ns;  /* of the last drain */
	uint64_t next_ns; /* when everything is read again */
	uint64_t next_machine_ns;
	uint64_t round_count; /* how often everything was read */
	unsigned slow_rounds; /* in a row */
	bool has_young;	      /* processes that were not read yet */
	bool has_said_slow;
};

static bool probe(const struct rec_context *context, char *reason, size_t reason_bytes)
{
	if (access("/proc/self/stat", R_OK) == 0)
		return true;
	snprintf(reason, reason_bytes, "/proc is not mounted: no CPU and memory");
	return false;
}

static bool kernel_has(const struct msg *msg, const char *path)
{
	bool has = access(path, R_OK) == 0;
	if (!has)
		msg_info(msg, "%s: not there: not recorded", path);
	return has;
}

static unsigned max_kept_fds(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	rlim_t most = limit.rlim_cur / KEPT_FDS_SHARE;
	return most < MAX_KEPT_FDS ? (unsigned)most : MAX_KEPT_FDS;
}

static int prepare(void *opaque, const struct rec_context *context)
{
	struct state *state = opaque;
	state->context = *context;
	state->readings = (struct rec_readings_context){
		.sink = context->sink,
		.max_kept_fds = max_kept_fds(),
		.has_io = kernel_has(context->msg, "/proc/self/io"),
		.sees_switches = rec_perf_mode(context->samplers->perf) != REC_PERF_NONE,
	};
	kernel_has(context->msg, "/proc/self/smaps_rollup");
	rec_whole_init(&state->whole, context->msg);
	state->seldom_factor = 1;
	state->start_ns = rec_now_ns();
	state->seldom = rec_seldom_new(!state->readings.sees_switches);
	return state->seldom ? 0 : TFMT_E_NOMEM;
}

static struct rec_readings *readings_of(
	const struct state *state, const struct rec_process *process)
{
	return process->slots[state->context.slot];
}

static void process_started(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	process->slots[state->context.slot] = rec_readings_new(process->id);
}

static void process_ended(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	struct rec_readings *readings = readings_of(state, process);
	if (readings)
		rec_readings_last_words(readings, &state->readings, process);
}

static void process_settled(void *opaque, struct rec_process *process)
{
	struct state *state = opaque;
	struct rec_readings *readings = readings_of(state, process);
	struct rec_readings *parent = process->parent ? readings_of(state, process->parent) : NULL;
	if (readings && parent)
		rec_readings_child_ended(parent, readings);
	if (readings)
		rec_readings_end(readings, &state->readings, process);
	process->slots[state->context.slot] = NULL;
}

static void perf_record(void *opaque, const struct rec_perf_record *record)
{
	struct state *state = opaque;
	bool is_switch =
		record->type == PERF_RECORD_SWITCH && (record->misc & PERF_RECORD_MISC_SWITCH_OUT);
	bool is_thread = record->type == PERF_RECORD_FORK && record->pid != record->tid;
	if (!is_switch && !is_thread)
		return;
	const struct rec_thread *thread = rec_tree_thread(state->context.tree, (pid_t)record->tid);
	struct rec_readings *readings = thread ? readings_of(state, thread->process) : NULL;
	if (readings && is_thread)
		rec_readings_threads(readings, &state->readings);
	else if (readings)
		rec_readings_switch(
			readings, !(record->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT));
}

/* Read every process, or only those that were too young before. */
static void read_processes(struct state *state, uint64_t now_ns, bool all)
{
	uint64_t time_ns = rec_tree_seen_ns(state->context.tree);
	state->has_young = false;
	struct rec_process *process = rec_tree_first(state->context.tree);
	for (; process; process = rec_tree_next(process)) {
		struct rec_readings *readings = readings_of(state, process);
		if (process->end_ns != 0 || !readings)
			continue;
		if (now_ns < process->start_ns + MIN_AGE_NS)
			state->has_young = true;
		else if (all || readings->read_ns == 0)
			rec_readings_read(readings, &state->readings, process, time_ns);
	}
}

/* ---- what is read seldom ---- */

static void take_seldom(struct state *state, const struct rec_seldom_reading *seldom)
{
	const struct rec_process *process = rec_tree_process(state->context.tree, seldom->pid);
	if (process && process->id == seldom->process && process->end_ns == 0)
		rec_readings_put_seldom(readings_of(state, process), &state->readings, seldom);
}

/* Is there something new to see of its memory? */
static bool is_memory_due(const struct state *state, const struct rec_readings *readings)
{
	uint64_t rss_bytes = rec_series_value(&readings->set, REC_METRIC_RSS);
	uint64_t last_bytes = readings->asked_rss_bytes;
	uint64_t change_bytes =
		rss_bytes > last_bytes ? rss_bytes - last_bytes : last_bytes - rss_bytes;
	bool has_changed =
		change_bytes > CHANGED_BYTES && change_bytes > last_bytes / CHANGED_SHARE;
	bool is_still = rss_bytes == readings->passed_rss_bytes;
	bool has_run = readings->cpu_ns != readings->asked_cpu_ns;
	if (readings->asked_ns == 0)
		return true;
	if (has_changed && (is_still || state->now_ns > readings->asked_ns + SELDOM_GROWTH_NS))
		return true;
	return has_run && state->now_ns > readings->asked_ns + SELDOM_PERIOD_NS;
}

/* Or of its descriptors? */
static bool is_due(const struct state *state, const struct rec_process *process,
	const struct rec_readings *readings)
{
	if (process->end_ns != 0 || state->now_ns < process->start_ns + SELDOM_AGE_NS ||
		readings->read_ns == 0)
		return false;
	return rec_series_value(&readings->set, REC_METRIC_FDS) != readings->asked_fds ||
	       is_memory_due(state, readings);
}

/* Those that have waited longest, in this order. Returns how many. */
static size_t choose_seldom(struct state *state, struct rec_process *chosen[REC_SELDOM_MAX])
{
	size_t count = 0;
	struct rec_process *process = rec_tree_first(state->context.tree);
	for (; process; process = rec_tree_next(process)) {
		struct rec_readings *readings = readings_of(state, process);
		bool is_wanted = readings && is_due(state, process, readings);
		if (!is_wanted)
			continue;
		size_t i = count < REC_SELDOM_MAX ? count++ : count;
		for (; i > 0 && readings->asked_ns < readings_of(state, chosen[i - 1])->asked_ns;
			i--)
			if (i < REC_SELDOM_MAX)
				chosen[i] = chosen[i - 1];
		if (i < REC_SELDOM_MAX)
			chosen[i] = process;
	}
	return count;
}

static void note_passed(struct state *state)
{
	struct rec_process *process = rec_tree_first(state->context.tree);
	for (; process; process = rec_tree_next(process)) {
		struct rec_readings *readings = readings_of(state, process);
		if (readings)
			readings->passed_rss_bytes =
				rec_series_value(&readings->set, REC_METRIC_RSS);
	}
}

static void ask_seldom(struct state *state)
{
	struct rec_process *chosen[REC_SELDOM_MAX];
	struct rec_seldom_reading questions[REC_SELDOM_MAX];
	size_t count = 0, chosen_count = choose_seldom(state, chosen);
	double left_ns = (double)((state->now_ns - state->start_ns) / SELDOM_SHARE) +
			 (double)SELDOM_CREDIT_NS - (double)state->seldom_spent_ns;
	state->seldom_expected_ns = 0;
	for (size_t i = 0; i < chosen_count; i++) {
		struct rec_readings *readings = readings_of(state, chosen[i]);
		uint64_t rss_bytes = rec_series_value(&readings->set, REC_METRIC_RSS);
		bool has_memory = is_memory_due(state, readings);
		double cost_ns = SELDOM_BASE_NS;
		if (has_memory)
			cost_ns += SELDOM_NS_BY_BYTE * (double)rss_bytes;
		if (state->seldom_factor * (state->seldom_expected_ns + cost_ns) > left_ns)
			break;
		state->seldom_expected_ns += cost_ns;
		readings->asked_fds = rec_series_value(&readings->set, REC_METRIC_FDS);
		if (has_memory) {
			readings->asked_ns = state->now_ns;
			readings->asked_rss_bytes = rss_bytes;
			readings->asked_cpu_ns = readings->cpu_ns;
		}
		questions[count++] = (struct rec_seldom_reading){
			.pid = chosen[i]->pid, .process = chosen[i]->id, .has_memory = has_memory};
	}
	note_passed(state);
	if (count > 0)
		rec_seldom_ask(state->seldom, questions, count);
}

static void read_seldom(struct state *state)
{
	struct rec_seldom_reading seldom[REC_SELDOM_MAX];
	size_t count;
	if (!rec_seldom_take(state->seldom, seldom, &count))
		return;
	for (size_t i = 0; i < count; i++)
		take_seldom(state, &seldom[i]);
	uint64_t spent_ns = rec_seldom_cpu_ns(state->seldom);
	if (count > 0 && state->seldom_expected_ns > 0) {
		double factor =
			(double)(spent_ns - state->seldom_spent_ns) / state->seldom_expected_ns;
		state->seldom_factor = (state->seldom_factor + factor) / 2;
	}
	state->seldom_spent_ns = spent_ns;
	ask_seldom(state);
}

/* ---- rounds ---- */

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void say_slow(struct state *state, uint64_t period_ns)
{
	char text[128];
	state->has_said_slow = true;
	snprintf(text, sizeof(text),
		"many processes: read every %llu ms, not every %llu ms, to cost 2 %% of a CPU",
		(unsigned long long)(period_ns / 1000000),
		(unsigned long long)(state->context.options->interval_ns / 1000000));
	rec_sink_note(state->context.sink, state->now_ns, "metrics", text);
	msg_info(state->context.msg, "metrics: %s", text);
}

static void drain(void *opaque, uint64_t now_ns)
{
	struct state *state = opaque;
	state->now_ns = now_ns;
	if (now_ns < state->next_ns) {
		read_processes(state, now_ns, false);
		return;
	}
	uint64_t start_ns = thread_cpu_ns();
	if (now_ns >= state->next_machine_ns) {
		rec_whole_read(&state->whole, state->context.sink, now_ns);
		state->next_machine_ns = now_ns + MACHINE_PERIOD_NS;
	}
	read_processes(state, now_ns, true);
	read_seldom(state);
	state->round_count++;
	uint64_t interval_ns = state->context.options->interval_ns;
	uint64_t affordable_ns = (thread_cpu_ns() - start_ns) * COST_SHARE;
	state->next_ns = now_ns + (affordable_ns > interval_ns ? affordable_ns : interval_ns);
	state->slow_rounds = affordable_ns >= 2 * interval_ns ? state->slow_rounds + 1 : 0;
	if (state->slow_rounds == SLOW_ROUNDS && !state->has_said_slow)
		say_slow(state, affordable_ns);
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
	if (state->has_said_slow)
		rec_sink_cost(state->context.sink, now_ns, "metrics interval", "ns",
			(now_ns - state->start_ns) / state->round_count);
	rec_whole_read(&state->whole, state->context.sink, now_ns);
	rec_series_close(&state->whole.set, state->context.sink, now_ns);
}

static void release(void *opaque)
{
	struct state *state = opaque;
	rec_whole_release(&state->whole);
	rec_seldom_free(state->seldom);
}

const struct rec_source rec_source_metrics = {
	.name = "metrics",
	.summary = "CPU, memory, I/O and the like of every process, and of the machine",
	.state_size = sizeof(struct state),
	.probe = probe,
	.prepare = prepare,
	.process_started = process_started,
	.process_ended = process_ended,
	.process_settled = process_settled,
	.perf_record = perf_record,
	.drain = drain,
	.period_ns = period_ns,
	.finish = finish,
	.release = release,
};
