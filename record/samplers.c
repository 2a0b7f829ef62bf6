#include "samplers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "perf/perf_attr.h"
#include "procfs.h"
#include "tracefmt/error.h"
#include "unwind/unwind.h"

/* Up to it samples may wake us one by one, for what must be read at once. */
#define MAX_EAGER_RATE_HZ 20000

/* ---- which ---- */

static const char *const names[] = {
	[REC_SAMPLER_PERF - 1] = "perf",
	[REC_SAMPLER_PTRACE - 1] = "ptrace",
	[REC_SAMPLER_TIMER - 1] = "timer",
	[REC_SAMPLER_NONE - 1] = "none",
};

int rec_samplers_parse(struct rec_options *options, const struct msg *msg)
{
	const size_t count = sizeof(names) / sizeof(*names);
	struct rec_perf_event event;
	if (!rec_perf_event_find(options->event, &event)) {
		msg_error(msg,
			"--event %s: cycles, instructions, cache-misses or branch-misses, with :u "
			"for user code only%s%s%s",
			options->event, event.name ? "; did you mean " : "",
			event.name ? event.name : "", event.name ? "?" : "");
		return -1;
	}
	for (size_t i = 0; options->sampler_name && i < count; i++)
		if (strcmp(options->sampler_name, names[i]) == 0)
			options->sampler = (enum rec_sampler)(i + 1);
	if (options->is_exact && !options->sampler_name)
		options->sampler = REC_SAMPLER_PTRACE;
	if (options->is_exact &&
		(options->sampler != REC_SAMPLER_PTRACE || options->without_native)) {
		msg_error(msg, "--exact stops threads, for native stacks too: not with %s",
			options->without_native ? "--no-native" : "another --sampler");
		return -1;
	}
	options->without_native |= options->sampler == REC_SAMPLER_TIMER;
	if (options->without_native && options->without_python)
		options->sampler = REC_SAMPLER_NONE;
	if (!options->sampler_name || options->sampler != REC_SAMPLER_ANY)
		return 0;
	const char *near = opts_nearest(options->sampler_name, names, count);
	msg_error(msg, "--sampler %s: perf, ptrace, timer or none%s%s%s", options->sampler_name,
		near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	return -1;
}

/* Say that something was refused, and remember it for the trace. */
static void say(struct rec_samplers *samplers, const struct msg *msg, const char *line)
{
	size_t used = strlen(samplers->refused);
	if (line[0] == '\0')
		return;
	msg_warn(msg, "%s", line);
	snprintf(samplers->refused + used, sizeof(samplers->refused) - used, "%s%s",
		used ? "; " : "", line);
}

static int open_perf(struct rec_samplers *samplers, const struct rec_options *options,
	const struct rec_samplers_target *target, char *reason, size_t reason_bytes)
{
	bool is_alone = rec_wants_python_alone(options);
	struct rec_perf_options wanted = {
		.is_unwanted = options->sampler == REC_SAMPLER_PTRACE ||
			       options->sampler == REC_SAMPLER_TIMER,
		.needs_samples = options->sampler == REC_SAMPLER_ANY,
		.with_samples = options->sampler != REC_SAMPLER_NONE,
		.rate_hz = options->rate_hz,
		.stack_bytes = is_alone ? 0 : (uint32_t)options->stack_bytes,
		.user_registers = is_alone ? 0 : REC_PERF_REGS_MASK,
		.event = options->event,
		.with_switch_stacks = options->wants_all_offcpu,
		.has_one_ring = target->has_one_ring,
		.prefers_machine = true,
		/* It costs the target a little; at high rates that adds up. */
		.wakes_at_samples = !options->without_python && !target->has_one_ring &&
				    options->rate_hz <= MAX_EAGER_RATE_HZ,
	};
	return rec_perf_open(&wanted, target->pid, &samplers->perf, reason, reason_bytes);
}

struct refusal {
	const char *call;
	int error;
};

/* Returns: whether threads can be stopped; if not, `ret_refusal`. */
static bool open_ptrace(struct rec_samplers *samplers, const struct rec_options *options, pid_t pid,
	struct refusal *ret_refusal)
{
	struct rec_ptrace_options wanted = {
		.rate_hz =
			options->rate_hz < REC_PTRACE_MAX_HZ ? options->rate_hz : REC_PTRACE_MAX_HZ,
		.stack_bytes = options->stack_bytes,
	};
	struct refusal refusal = {.call = ""};
	refusal.error = rec_stopper_probe(pid, &refusal.call);
	if (refusal.error == 0) {
		samplers->ptrace = rec_ptrace_new(&wanted);
		refusal = (struct refusal){"timer_create", EAGAIN};
	}
	if (!samplers->ptrace) {
		*ret_refusal = refusal;
		return false;
	}
	samplers->in_force = REC_SAMPLER_PTRACE;
	samplers->rate_hz = wanted.rate_hz;
	return true;
}

/* The same for a timer, which needs the right to read memory only. */
static bool open_ticks(struct rec_samplers *samplers, const struct rec_options *options, pid_t pid,
	struct refusal *ret_refusal)
{
	struct refusal refusal = {"/proc/PID/mem", 0};
	int fd = rec_proc_open(pid, "mem");
	if (fd < 0) {
		refusal.error = errno;
	} else {
		close(fd);
		samplers->ticks = rec_ticks_new(options->rate_hz);
		refusal = (struct refusal){"timerfd_create", EAGAIN};
	}
	if (!samplers->ticks) {
		*ret_refusal = refusal;
		return false;
	}
	samplers->in_force = REC_SAMPLER_TIMER;
	samplers->rate_hz = options->rate_hz;
	samplers->is_python_alone = true;
	return true;
}

static const char *way_out(const struct refusal *refusal, bool is_running)
{
	if (refusal->error != EAGAIN && strcmp(refusal->call, "ptrace") == 0)
		return "a seccomp filter refuses it: allow the call there";
	if (is_running)
		return "to allow them: run trec as the user of that process, with "
		       "kernel.yama.ptrace_scope at 0, or with CAP_SYS_PTRACE";
	return "to allow them: run trec as the same user, with "
	       "kernel.yama.ptrace_scope at 1 or lower, or CAP_SYS_PTRACE";
}

/* The next best: threads are stopped, or only Python stacks are read. `no_perf`: why, or nothing.
 */
static void open_without_perf(struct rec_samplers *samplers, const struct rec_options *options,
	const struct rec_samplers_target *target, const struct msg *msg, const char *no_perf)
{
	char line[512];
	pid_t pid = target->pid ? target->pid : target->running_pid;
	bool is_alone = rec_wants_python_alone(options) && options->sampler != REC_SAMPLER_PTRACE;
	struct refusal refusal = {"", 0}, no_ticks = {"", 0};
	const char *instead = "";
	if (!is_alone && open_ptrace(samplers, options, pid, &refusal))
		instead = ": threads are stopped briefly instead, at most 99 times a second";
	else if (!options->without_python && open_ticks(samplers, options, pid, &no_ticks) &&
		 is_alone)
		instead = ": Python stacks are read by a timer instead";
	if (is_alone)
		refusal = no_ticks;
	if (no_perf[0]) {
		snprintf(line, sizeof(line), "%s%s", no_perf, instead);
		say(samplers, msg, line);
	}
	if (refusal.error == 0)
		return;
	snprintf(line, sizeof(line), "%s: %s: %s; %s", refusal.call, strerror(refusal.error),
		samplers->ticks ? "no stacks but Python's, which a timer reads"
				: "no stacks, only processes, CPU and memory",
		way_out(&refusal, target->pid == 0));
	say(samplers, msg, line);
}

static void say_limits(
	struct rec_samplers *samplers, const struct rec_options *options, const struct msg *msg)
{
	uint64_t rate_hz = samplers->rate_hz;
	if (rate_hz > 0 && rate_hz < options->rate_hz)
		msg_warn(msg,
			"rate lowered to %llu Hz, the limit of "
			"kernel.perf_event_max_sample_rate",
			(unsigned long long)rate_hz);
}

int rec_samplers_open(struct rec_samplers *samplers, const struct rec_options *options,
	const struct rec_samplers_target *target, const struct msg *msg)
{
	char reason[256] = "";
	int status = open_perf(samplers, options, target, reason, sizeof(reason));
	if (status != 0)
		return status;
	samplers->in_force = REC_SAMPLER_NONE;
	samplers->is_python_alone = rec_wants_python_alone(options);
	if (rec_perf_mode(samplers->perf) >= REC_PERF_USER) {
		samplers->in_force = REC_SAMPLER_PERF;
		samplers->rate_hz = rec_perf_rate_hz(samplers->perf);
		say(samplers, msg, reason);
		say_limits(samplers, options, msg);
	} else if (options->sampler == REC_SAMPLER_ANY || options->sampler == REC_SAMPLER_PTRACE ||
		   options->sampler == REC_SAMPLER_TIMER) {
		open_without_perf(samplers, options, target, msg, reason);
	} else {
		say(samplers, msg, reason);
	}
	return 0;
}

void rec_samplers_close(struct rec_samplers *samplers)
{
	rec_ptrace_free(samplers->ptrace);
	rec_ticks_free(samplers->ticks);
	rec_perf_free(samplers->perf);
}

void rec_samplers_name(const struct rec_samplers *samplers, char *text, size_t text_bytes)
{
	bool with_kernel = rec_perf_mode(samplers->perf) == REC_PERF_KERNEL;
	if (samplers->in_force == REC_SAMPLER_PERF && samplers->is_python_alone)
		snprintf(text, text_bytes, "perf %s, Python alone",
			rec_perf_event_name(samplers->perf));
	else if (samplers->in_force == REC_SAMPLER_PERF)
		snprintf(text, text_bytes, "perf %s, user code%s",
			rec_perf_event_name(samplers->perf), with_kernel ? " and kernel" : "");
	else if (samplers->in_force == REC_SAMPLER_PTRACE)
		snprintf(text, text_bytes, "ptrace, user code");
	else if (samplers->in_force == REC_SAMPLER_TIMER)
		snprintf(text, text_bytes, "timer, Python alone");
	else
		snprintf(text, text_bytes, "none");
}

/* ---- the processes ---- */

static void process_started(void *context, struct rec_process *process)
{
	struct rec_samplers *samplers = context;
	if (samplers->ptrace)
		rec_ptrace_add(samplers->ptrace, process->pid, process->was_running);
	else
		rec_ticks_add(samplers->ticks, process->pid, process->was_running);
}

static void process_executed(void *context, struct rec_process *process)
{
	struct rec_samplers *samplers = context;
	if (samplers->ptrace)
		rec_ptrace_executed(samplers->ptrace, process->pid);
	else
		rec_ticks_executed(samplers->ticks, process->pid);
}

static void process_ended(void *context, struct rec_process *process)
{
	struct rec_samplers *samplers = context;
	if (samplers->ptrace)
		rec_ptrace_remove(samplers->ptrace, process->pid);
	else
		rec_ticks_remove(samplers->ticks, process->pid);
}

void rec_samplers_follow(
	struct rec_samplers *samplers, struct rec_tree *tree, bool nobody_else_tells_threads)
{
	samplers->tree = tree;
	samplers->tells_threads = nobody_else_tells_threads;
	if (!samplers->ptrace && !samplers->ticks)
		return;
	struct rec_tree_listener listener = {
		.context = samplers,
		.process_started = process_started,
		.process_executed = process_executed,
		.process_ended = process_ended,
	};
	rec_tree_listen(tree, &listener);
}

/* ---- the records ---- */

static void give(struct rec_samplers *samplers, const struct rec_perf_record *record)
{
	samplers->handle(samplers->handle_context, record);
}

/* A thread that nobody has told of: it began at the latest when it had nothing but run and waited.
 */
static void give_start(struct rec_samplers *samplers, const struct rec_ptrace_event *event)
{
	char file[64], name[32] = "";
	uint64_t age_ns = event->totals.run_ns + event->totals.ready_ns;
	struct rec_perf_record record = {
		.type = PERF_RECORD_FORK,
		.time_ns = event->time_ns - age_ns,
		.pid = (uint32_t)event->pid,
		.tid = (uint32_t)event->tid,
	};
	record.fork.ppid = record.pid;
	give(samplers, &record);
	snprintf(file, sizeof(file), "task/%d/comm", (int)event->tid);
	if (rec_proc_read(event->pid, file, name, sizeof(name)) <= 0)
		return;
	name[strcspn(name, "\n")] = '\0';
	record.type = PERF_RECORD_COMM;
	record.comm.name = name;
	give(samplers, &record);
}

static void take_event(void *context, const struct rec_ptrace_event *event)
{
	struct rec_samplers *samplers = context;
	struct rec_perf_record record = {
		.time_ns = event->time_ns,
		.pid = (uint32_t)event->pid,
		.tid = (uint32_t)event->tid,
	};
	const struct rec_process *process = rec_tree_process(samplers->tree, event->pid);
	if (!process)
		return;
	switch (event->type) {
	case REC_PTRACE_TOTALS:
		if (samplers->tells_threads && event->is_first &&
			!rec_tree_thread(samplers->tree, event->tid))
			give_start(samplers, event);
		record.type = REC_RECORD_TOTALS;
		record.totals.run_ns = event->totals.run_ns;
		record.totals.ready_ns = event->totals.ready_ns;
		record.totals.turns = event->totals.turns;
		record.totals.is_open = event->totals.is_open;
		record.totals.waits = event->totals.waits;
		break;
	case REC_PTRACE_SAMPLE:
		record.type = PERF_RECORD_SAMPLE;
		record.sample.period = event->sample.weight_ns;
		record.sample.registers = event->sample.regs;
		record.sample.stack = event->bytes;
		record.sample.stack_bytes = event->size_bytes - event->more_bytes;
		record.sample.is_stopped = true;
		record.sample.more = event->bytes + record.sample.stack_bytes;
		record.sample.more_bytes = event->more_bytes;
		break;
	case REC_PTRACE_RUNS:
		record.type = PERF_RECORD_SAMPLE;
		record.sample.period = event->sample.weight_ns;
		record.cpu = event->sample.cpu < 0 ? UINT32_MAX : (uint32_t)event->sample.cpu;
		break;
	case REC_PTRACE_MAPS:
		record.type = REC_RECORD_MAPS;
		record.maps.lines = (const char *)event->bytes;
		break;
	case REC_PTRACE_THREAD_END:
		/* The end of a whole process comes with its status, by another way. */
		if (event->pid == event->tid || !samplers->tells_threads)
			return;
		record.type = PERF_RECORD_EXIT;
		break;
	}
	give(samplers, &record);
}

void rec_samplers_drain(struct rec_samplers *samplers,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
	samplers->handle = handle;
	samplers->handle_context = context;
	if (samplers->ptrace)
		rec_ptrace_drain(samplers->ptrace, take_event, samplers);
}

int rec_samplers_tick_fd(const struct rec_samplers *samplers)
{
	return samplers->ticks ? rec_ticks_fd(samplers->ticks) : -1;
}

void rec_samplers_tick(struct rec_samplers *samplers,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
	samplers->handle = handle;
	samplers->handle_context = context;
	if (samplers->ticks)
		rec_ticks_look(samplers->ticks, take_event, samplers);
}

/* ---- the end ---- */

void rec_samplers_stop(struct rec_samplers *samplers)
{
	rec_perf_stop(samplers->perf);
	if (samplers->ptrace)
		rec_ptrace_stop(samplers->ptrace);
}

void rec_samplers_finish(struct rec_samplers *samplers, struct rec_sink *sink, uint64_t now_ns)
{
	if (samplers->ticks)
		rec_sink_lost(sink, now_ns, 0, "sample", "tick of the timer came too late",
			rec_ticks_late(samplers->ticks));
	if (!samplers->ptrace)
		return;
	struct rec_ptrace_counts counts = rec_ptrace_counts(samplers->ptrace);
	rec_sink_cost(sink, now_ns, "target stopped", "ns", counts.stop.stopped_ns);
	rec_sink_cost(sink, now_ns, "stops", "count", counts.stop.stops);
	rec_sink_cost(sink, now_ns, "stops in a system call", "count", counts.stop.in_syscall);
	rec_sink_cost(sink, now_ns, "system calls begun anew", "count", counts.stop.restarted);
	rec_sink_lost(sink, now_ns, 0, "sample", "recorder too slow", counts.dropped);
	rec_sink_lost(sink, now_ns, 0, "sample", "no 64-bit user registers", counts.foreign);
	rec_sink_lost(sink, now_ns, 0, "process", "traced by another program", counts.traced);
	rec_sink_lost(sink, now_ns, 0, "process", "ptrace refused", counts.refused);
}
