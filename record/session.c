#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/attach.h"
#include "cost.h"
#include "machine.h"
#include "num.h"
#include "output.h"
#include "own_proc.h"
#include "procfs.h"
#include "samplers.h"
#include "source.h"
#include "symbols/cut_files.h"
#include "target.h"
#include "tree/connector.h"
#include "tree/pidfds.h"
#include "tree/walk.h"
#include "unwind/unwind.h"
#include "wakeups.h"

/* A record younger than this may have an older one still being written on another CPU. */
#define PERF_AGE_NS 500000ull
/* What was younger is looked at again so soon. */
#define LEFT_OVER_NS 1000000ull
/* The rings are looked at so often even when nobody wakes us. */
#define ROUND_NS 100000000ull
/* What a killed recorder may lose. */
#define FLUSH_NS	 1000000000ull
#define SETTLE_PERIOD_NS 20000000ull
#define CLOCK_PERIOD_NS	 10000000000ull
/* Chunks that may wait for a slow output. */
#define QUEUE_BYTES (8u << 20)
#define MAX_SOURCES REC_TREE_SLOTS
/* Where that is allowed, with -p. */
#define ATTACHED_NICE (-10)
/* Of our children, not of what another thread of ours may trace. */
#define OWN_ENDS (WEXITED | WNOHANG | __WNOTHREAD)

struct running_source {
	const struct rec_source *source;
	void *state;
	uint64_t next_ns;
};

struct session {
	const struct rec_options *options;
	const struct msg *msg;
	struct rec_inherited inherited;
	int signal_fd;
	struct rec_target target;
	struct rec_attach *attach; /* -p: there is no target; NULL otherwise */
	struct rec_output output;
	struct rec_sink *sink;
	struct rec_tree *tree;
	struct rec_samplers samplers;
	struct rec_perf *perf; /* the samplers' own */
	struct running_source sources[MAX_SOURCES];
	size_t source_count;
	int connector_fd;
	struct rec_pidfds *pidfds;
	int epoll_fd;
	uint64_t start_ns;
	uint64_t next_clock_ns;
	uint64_t next_flush_ns;
	uint64_t next_settle_ns;
	uint64_t next_round_ns;
	uint64_t connector_losses;
	struct rec_cost cost;
	uint64_t drained_ns;  /* when the rings were */
	bool has_left_overs;  /* perf records too young for the last round */
	bool was_told_to_end; /* by a signal, with -p */
	bool output_failed;
};

/* ---- what happens in the tree ---- */

/* What follows in it and in its children only the connector tells, and /proc. */
static void follow_hidden(struct session *s)
{
	if (s->connector_fd >= 0)
		rec_connector_everything(s->connector_fd);
	rec_walk(s->tree, rec_now_ns(), true);
}

static void take_life(struct session *s, const struct rec_perf_record *record)
{
	pid_t pid = (pid_t)record->pid, tid = (pid_t)record->tid;
	switch (record->type) {
	case PERF_RECORD_FORK:
		rec_tree_fork(s->tree, record->time_ns, (pid_t)record->fork.ppid, pid, tid);
		break;
	case PERF_RECORD_COMM:
		if (record->misc & PERF_RECORD_MISC_COMM_EXEC)
			rec_tree_exec(s->tree, record->time_ns, pid, record->comm.name);
		else
			rec_tree_name(s->tree, record->time_ns, tid, record->comm.name);
		break;
	case PERF_RECORD_MMAP2:
		rec_tree_mapped(s->tree, pid, record->mmap.path);
		break;
	case PERF_RECORD_EXIT:
		if (pid == tid && rec_tree_hides(s->tree, record->time_ns, pid))
			follow_hidden(s);
		else
			rec_tree_exit(s->tree, record->time_ns, pid, tid);
		break;
	case PERF_RECORD_SWITCH:
		rec_tree_switch(s->tree, record->time_ns, tid,
			!(record->misc & PERF_RECORD_MISC_SWITCH_OUT));
		break;
	}
}

/* Where perf tells of every process of the machine: not one of ours, nor begun by one. */
static bool is_foreign(struct session *s, const struct rec_perf_record *record)
{
	if (!rec_perf_is_machine_wide(s->perf) || record->type == PERF_RECORD_LOST)
		return false;
	/* CPUs go on telling of a thread after its end. */
	if (record->type == PERF_RECORD_SAMPLE || record->type == PERF_RECORD_SWITCH)
		return !rec_tree_thread(s->tree, (pid_t)record->tid);
	pid_t pid = (pid_t)(record->type == PERF_RECORD_FORK ? record->fork.ppid : record->pid);
	return !rec_tree_process(s->tree, pid);
}

static void take_perf_record(void *context, const struct rec_perf_record *record)
{
	struct session *s = context;
	if (is_foreign(s, record))
		return;
	rec_cost_count(&s->cost, record);
	if (!s->attach || rec_attach_seen(s->attach, record))
		take_life(s, record);
	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].source->perf_record)
			s->sources[i].source->perf_record(s->sources[i].state, record);
}

/* As far as is known before the record's turn: a fork may be still to come. */
static bool may_be_ours(struct session *s, const struct rec_perf_record *record)
{
	struct rec_proc_stat stat;
	if (!is_foreign(s, record))
		return true;
	int fd = rec_proc_open((pid_t)record->pid, "stat");
	bool is_ours = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0 &&
		       rec_tree_process(s->tree, stat.ppid);
	if (fd >= 0)
		close(fd);
	return is_ours;
}

static void read_ahead(void *context, const struct rec_perf_record *record)
{
	struct session *s = context;
	if (record->type == PERF_RECORD_COMM && (record->misc & PERF_RECORD_MISC_COMM_EXEC) &&
		may_be_ours(s, record))
		rec_tree_read_ahead(s->tree, record->time_ns, (pid_t)record->pid);
	/* Before it can be gone. */
	if (record->type == PERF_RECORD_FORK && record->pid == record->tid &&
		may_be_ours(s, record))
		rec_pidfds_add(s->pidfds, (pid_t)record->pid);
}

/* Of processes that perf tells nothing of, or not any more. */
static bool only_connector_tells(const struct session *s, const struct rec_connector_event *event)
{
	bool is_fork = event->type == REC_CONNECTOR_FORK;
	pid_t pid = is_fork ? event->parent_pid : event->pid;
	const struct rec_process *process = rec_tree_process(s->tree, pid);
	if (rec_perf_mode(s->perf) == REC_PERF_NONE)
		return true;
	/* A walk over /proc may have been faster. */
	return process && process->is_hidden && !(is_fork && rec_tree_thread(s->tree, event->tid));
}

/* The connector tells everything, of every process: take the tree's own. */
static void take_connector_life(struct session *s, const struct rec_connector_event *event)
{
	bool is_ours = rec_tree_process(s->tree, event->pid) != NULL;
	uint64_t cpu_ns;
	switch (event->type) {
	case REC_CONNECTOR_FORK:
		/* Of a new thread the kernel names the parent of its process. */
		if (event->pid != event->tid ? is_ours
					     : rec_tree_process(s->tree, event->parent_pid) != NULL)
			rec_tree_fork(
				s->tree, event->time_ns, event->parent_pid, event->pid, event->tid);
		break;
	case REC_CONNECTOR_EXEC:
		if (is_ours) {
			char name[32] = "";
			rec_proc_read(event->pid, "comm", name, sizeof(name));
			name[strcspn(name, "\n")] = '\0';
			rec_tree_exec(s->tree, event->time_ns, event->pid, name);
		}
		break;
	case REC_CONNECTOR_NAME:
		rec_tree_name(s->tree, event->time_ns, event->tid, event->name);
		break;
	case REC_CONNECTOR_EXIT:
		/* Until it is reaped its clock can be read. */
		if (is_ours && rec_proc_cpu_ns(event->pid, &cpu_ns) == 0)
			rec_tree_clock(s->tree, event->pid, cpu_ns);
		rec_tree_exit(s->tree, event->time_ns, event->pid, event->tid);
		break;
	case REC_CONNECTOR_LOST:
		break;
	}
}

static void take_connector_event(void *context, const struct rec_connector_event *event)
{
	struct session *s = context;
	bool ends = event->type == REC_CONNECTOR_EXIT && event->pid == event->tid;
	if (ends)
		rec_tree_ends(s->tree, event->pid);
	if (only_connector_tells(s, event))
		take_connector_life(s, event);
	if (ends)
		rec_tree_status(s->tree, event->time_ns, event->pid, event->wait_status, false);
	if (event->type == REC_CONNECTOR_LOST)
		s->connector_losses++;
}

/* ---- signals ---- */

/* Children that have ended: the program, and with --wait-all those that came to us. */
static void reap(struct session *s, uint64_t now_ns)
{
	for (;;) {
		siginfo_t info = {0};
		int wait_status;
		uint64_t cpu_ns;
		if (waitid(P_ALL, 0, &info, OWN_ENDS | WNOWAIT) != 0 || info.si_pid == 0)
			return;
		pid_t pid = info.si_pid;
		/* Its clock can be read until it is reaped, and some of /proc. */
		rec_tree_ends(s->tree, pid);
		if (rec_proc_cpu_ns(pid, &cpu_ns) == 0)
			rec_tree_clock(s->tree, pid, cpu_ns);
		if (waitpid(pid, &wait_status, WNOHANG | __WNOTHREAD) != pid)
			return;
		const struct rec_process *process = rec_tree_process(s->tree, pid);
		rec_tree_status(s->tree, now_ns, pid, wait_status, true);
		if ((process && process->is_hidden) ||
			(rec_perf_mode(s->perf) == REC_PERF_NONE && s->connector_fd < 0))
			rec_tree_exit(s->tree, now_ns, pid, 0);
		if (pid != s->target.pid)
			continue;
		s->target.has_ended = true;
		s->target.wait_status = wait_status;
	}
}

static void take_signals(struct session *s, uint64_t now_ns)
{
	struct signalfd_siginfo info;
	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap(s, now_ns);
			continue;
		}
		/* The terminal sends to the whole foreground group: the program has it already. */
		bool from_kernel = info.ssi_code > 0;
		if (s->attach || s->target.has_ended)
			s->was_told_to_end |=
				rec_inherited_ends(&s->inherited, info.ssi_signo, from_kernel);
		else if (!from_kernel)
			kill(s->target.pid, (int)info.ssi_signo);
	}
}

/* ---- rounds ---- */

static void fail_output(struct session *s, int error)
{
	if (error == 0 || s->output_failed)
		return;
	s->output_failed = true;
	const char *name = s->output.path ? s->output.path : "standard output";
	msg_error(s->msg, "cannot write %s: %s: the recording ends here, the program goes on", name,
		strerror(error));
}

static void watch_output(struct session *s)
{
	fail_output(s, rec_sink_error(s->sink));
}

static void begin_output(struct session *s)
{
	if (rec_output_begin(&s->output) == 0)
		rec_sink_start(s->sink);
	else
		fail_output(s, errno);
}

/* A sample that must be looked at before its turn. */
static void look_ahead(void *context, const struct rec_perf_record *record)
{
	struct session *s = context;
	for (size_t i = 0; record->type == PERF_RECORD_SAMPLE && i < s->source_count; i++)
		if (s->sources[i].source->sample_ahead)
			s->sources[i].source->sample_ahead(s->sources[i].state, record);
}

static void drain_rings(struct session *s, uint64_t until_ns)
{
	/* What is read together with samples is of more worth the sooner it is read. */
	rec_perf_peek_samples(s->perf, look_ahead, s);
	s->drained_ns = rec_now_ns();
	s->has_left_overs = rec_perf_drain(s->perf, until_ns, take_perf_record, s);
	rec_samplers_drain(&s->samplers, take_perf_record, s);
	rec_samplers_tick(&s->samplers, take_perf_record, s);
	uint64_t now_ns = rec_now_ns();
	rec_tree_set_seen(s->tree, until_ns < now_ns ? until_ns : now_ns);
}

static void drain_all(struct session *s, uint64_t until_ns)
{
	/* Statuses first: their processes may be gone from the tree a moment later. */
	if (s->connector_fd >= 0)
		rec_connector_drain(s->connector_fd, take_connector_event, s);
	else if (rec_perf_mode(s->perf) == REC_PERF_NONE) {
		rec_pidfds_drain(s->pidfds);
		rec_walk(s->tree, rec_now_ns(), false);
	}
	rec_tree_read_again(s->tree);
	rec_perf_peek(s->perf, read_ahead, s);
	drain_rings(s, until_ns);
}

static void drain_sources(struct session *s, uint64_t now_ns)
{
	for (size_t i = 0; i < s->source_count; i++) {
		struct running_source *running = &s->sources[i];
		if (!running->source->drain || now_ns < running->next_ns)
			continue;
		running->source->drain(running->state, now_ns);
		rec_cost_add(&s->cost, running->source->name);
		running->next_ns += running->source->period_ns(running->state);
		if (running->next_ns < now_ns)
			running->next_ns = now_ns;
	}
}

static void run_round(struct session *s)
{
	uint64_t now_ns = rec_now_ns();
	rec_cost_start(&s->cost);
	drain_all(s, now_ns - PERF_AGE_NS);
	rec_cost_add(&s->cost, "rings and stacks");
	drain_sources(s, now_ns);
	s->next_round_ns = now_ns + ROUND_NS;
	if (now_ns >= s->next_settle_ns) {
		if (rec_perf_mode(s->perf) != REC_PERF_NONE)
			rec_walk(s->tree, now_ns, true);
		rec_tree_settle(s->tree, now_ns);
		rec_cost_add(&s->cost, "processes");
		s->next_settle_ns = now_ns + SETTLE_PERIOD_NS;
	}
	if (now_ns >= s->next_clock_ns) {
		struct tfmt_clock clocks = rec_machine_clocks();
		tfmt_writer_clock(rec_sink_writer(s->sink), &clocks);
		s->next_clock_ns = now_ns + CLOCK_PERIOD_NS;
	}
	/* All kinds together: samples that reach the disk have their names there too. */
	if (now_ns >= s->next_flush_ns) {
		rec_sink_flush(s->sink);
		rec_cost_add(&s->cost, "output");
		s->next_flush_ns = now_ns + FLUSH_NS;
	}
	if (s->attach)
		rec_attach_check(s->attach, now_ns);
	watch_output(s);
}

static bool tree_has_ended(const struct session *s)
{
	if (s->attach) {
		const struct rec_process *process = rec_tree_first(s->tree);
		while (process && process->end_ns != 0)
			process = rec_tree_next((struct rec_process *)process);
		return !process;
	}
	if (!s->options->waits_for_all)
		return s->target.has_ended;
	/* As their subreaper we are the parent of all that are left. */
	siginfo_t info = {0};
	return s->target.has_ended && waitid(P_ALL, 0, &info, OWN_ENDS | WNOWAIT) != 0 &&
	       errno == ECHILD;
}

static bool recording_is_over(const struct session *s)
{
	uint64_t limit_ns = s->options->duration_ns;
	return s->output_failed || s->was_told_to_end || tree_has_ended(s) ||
	       (limit_ns > 0 && rec_now_ns() >= s->start_ns + limit_ns);
}

static int wait_ms(const struct session *s)
{
	uint64_t now_ns = rec_now_ns(), round_ns = rec_perf_round_ns(s->perf);
	if (s->has_left_overs)
		round_ns = LEFT_OVER_NS;
	uint64_t until_ns = s->drained_ns + (round_ns < ROUND_NS ? round_ns : ROUND_NS);
	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].source->drain && s->sources[i].next_ns < until_ns)
			until_ns = s->sources[i].next_ns;
	return until_ns > now_ns ? (int)((until_ns - now_ns + 999999) / 1000000) : 0;
}

/* Nobody has woken us, as news of processes do: there are samples and switches at most. */
static bool is_quiet(const struct session *s)
{
	bool tells_itself = s->samplers.in_force == REC_SAMPLER_PERF ||
			    (s->samplers.in_force == REC_SAMPLER_TIMER && s->connector_fd >= 0);
	return tells_itself && !s->has_left_overs && rec_now_ns() < s->next_round_ns;
}

static void run_quiet_round(struct session *s)
{
	uint64_t now_ns = rec_now_ns();
	rec_cost_start(&s->cost);
	drain_rings(s, now_ns - PERF_AGE_NS);
	rec_cost_add(&s->cost, "rings and stacks");
	drain_sources(s, now_ns);
}

/* Who has started us to record something may go on with it. */
static void tell_ready(const struct session *s)
{
	int fd = (int)s->options->ready_fd;
	if (fd == 0)
		return;
	if (write(fd, "\n", 1) != 1)
		msg_warn(s->msg, "--ready-fd %d: %s", fd, strerror(errno));
	close(fd);
}

/* What has come is to be looked at now, but needs no round. */
static bool is_of_sampler(const struct session *s, int fd)
{
	return fd == rec_perf_sample_fd(s->perf) || fd == rec_samplers_tick_fd(&s->samplers);
}

static void record(struct session *s)
{
	struct epoll_event events[8];
	while (!recording_is_over(s)) {
		int count = epoll_wait(s->epoll_fd, events, 8, wait_ms(s));
		if (count == 1 && is_of_sampler(s, events[0].data.fd)) {
			rec_perf_peek_samples(s->perf, look_ahead, s);
			rec_samplers_tick(&s->samplers, take_perf_record, s);
			if (wait_ms(s) > 0)
				continue;
			count = 0;
		}
		if (count == 0 && is_quiet(s)) {
			run_quiet_round(s);
			continue;
		}
		/* Signals come last: an end is taken in after what led to it. */
		run_round(s);
		take_signals(s, rec_now_ns());
		/* Who must be asked for its status may not wait. */
		if (s->connector_fd >= 0)
			rec_wakeups_gather();
	}
}

/* After the recording only signals matter, or `fd` (-1: none). */
static void wait_for_signals(struct session *s, int fd)
{
	struct pollfd fds[] = {{s->signal_fd, POLLIN, 0}, {fd, POLLIN, 0}};
	poll(fds, 2, -1);
	take_signals(s, rec_now_ns());
}

static void wait_for_target(struct session *s)
{
	while (!s->attach && !s->target.has_ended)
		wait_for_signals(s, -1);
}

/* ---- the beginning ---- */

static void watch(struct session *s, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (fd >= 0)
		epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void start_sources(struct session *s)
{
	for (size_t i = 0; i < rec_source_count && s->source_count < MAX_SOURCES; i++) {
		const struct rec_source *source = rec_sources[i];
		struct running_source *running = &s->sources[s->source_count];
		struct rec_context context = {
			s->options, s->msg, s->sink, s->tree, &s->samplers, s->source_count};
		char reason[256] = "";
		if (!source->probe(&context, reason, sizeof(reason))) {
			if (reason[0])
				msg_warn(s->msg, "%s: %s", source->name, reason);
			continue;
		}
		void *state = calloc(1, source->state_size);
		if (!state || source->prepare(state, &context) != 0) {
			msg_warn(s->msg, "%s: no memory: recorded without it", source->name);
			if (state)
				source->release(state);
			free(state);
			continue;
		}
		*running = (struct running_source){source, state, 0};
		s->source_count++;
		struct rec_tree_listener listener = {
			.context = state,
			.process_started = source->process_started,
			.process_executed = source->process_executed,
			.process_ended = source->process_ended,
			.process_settled = source->process_settled,
			.thread_ended = source->thread_ended,
		};
		rec_tree_listen(s->tree, &listener);
	}
}

static int open_samplers(struct session *s)
{
	struct rec_samplers_target target = {
		.pid = s->attach ? 0 : s->target.pid,
		.running_pid = s->attach ? rec_attach_pid(s->attach, 0) : 0,
		.has_one_ring = s->attach && rec_attach_needs_one_ring(s->attach),
	};
	int status = rec_samplers_open(&s->samplers, s->options, &target, s->msg);
	s->perf = s->samplers.perf;
	return status;
}

static int open_sink(struct session *s)
{
	char sampler[64];
	const char *refusal = s->samplers.refused;
	rec_samplers_name(&s->samplers, sampler, sizeof(sampler));
	struct tfmt_note notes[] = {
		{"sampler", sampler},
		{"exit status",
			s->connector_fd >= 0 ? "of every process" : "of those that could be asked"},
		{"refused", refusal},
	};
	struct rec_machine machine;
	struct tfmt_header header;
	rec_machine_describe(s->options, &machine, &header);
	header.rate_hz = (uint32_t)s->samplers.rate_hz;
	header.notes = notes;
	header.note_count = refusal[0] ? 3 : 2;
	s->start_ns = header.time_ns;
	struct tfmt_error err;
	if (rec_sink_new(s->output.fd, &header, QUEUE_BYTES, &s->sink, &err) != 0) {
		msg_error(s->msg, "cannot begin the trace: %s", err.message);
		return -1;
	}
	return 0;
}

/* Returns 0, or -1 after an error was said. */
static int start_target(struct session *s)
{
	if (s->options->waits_for_all)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (rec_target_start(&s->target, s->options->command, &s->inherited,
		    s->output.redirects_child) != 0) {
		msg_error(s->msg, "cannot start a process: %s", strerror(errno));
		return -1;
	}
	return rec_output_name(&s->output, s->options->command[0], s->target.pid, s->msg);
}

static int find_attached(struct session *s)
{
	if (rec_attach_scan(s->attach) != 0)
		return -1;
	return rec_output_name(
		&s->output, rec_attach_name(s->attach, 0), rec_attach_pid(s->attach, 0), s->msg);
}

/* The tree's first process: the program, which waits for its exec. */
static void plant_target(struct session *s)
{
	rec_tree_fork(s->tree, rec_now_ns(), getpid(), s->target.pid, s->target.pid);
	/* Its clock has run since we forked it. */
	struct rec_process *root = rec_tree_process(s->tree, s->target.pid);
	if (root)
		rec_proc_cpu_ns(root->pid, &root->base_cpu_ns);
	/* The rings see nothing of it before its exec, and then it runs. */
	if (root && rec_perf_mode(s->perf) != REC_PERF_NONE)
		rec_tree_switch(s->tree, root->start_ns, root->pid, true);
}

/* A thread that is on a CPU, or waits, without anybody having seen it begin. */
static void found_thread(void *context, uint64_t time_ns, pid_t pid, pid_t tid, bool runs)
{
	struct rec_perf_record record = {
		.type = PERF_RECORD_SWITCH,
		.misc = runs ? 0 : PERF_RECORD_MISC_SWITCH_OUT,
		.time_ns = time_ns,
		.pid = (uint32_t)pid,
		.tid = (uint32_t)tid,
	};
	take_perf_record(context, &record);
}

static void plant_attached(struct session *s)
{
	struct rec_attach_listener listener = {s, found_thread};
	/* Servers may keep all CPUs busy: who reads the rings too late loses what is in them. */
	if (getpriority(PRIO_PROCESS, 0) > ATTACHED_NICE)
		setpriority(PRIO_PROCESS, 0, ATTACHED_NICE);
	rec_attach_watch(s->attach, s->perf);
	rec_attach_adopt(s->attach, s->tree, s->sink, &listener);
}

/* Everything armed, the program waiting. Returns 0, or -1 after an error was said. */
static int set_up(struct session *s)
{
	if (rec_output_open(&s->output, s->options->output, s->msg) != 0)
		return -1;
	s->signal_fd = rec_inherited_take(&s->inherited);
	if (s->signal_fd < 0) {
		msg_error(s->msg, "signalfd: %s", strerror(errno));
		return -1;
	}
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if ((s->attach ? find_attached(s) : start_target(s)) != 0)
		return -1;
	if (!rec_own_proc_ensure()) {
		msg_error(s->msg, "/proc shows the processes of another pid namespace: mount the "
				  "own one first, as unshare --mount-proc does");
		return -1;
	}
	s->connector_fd = rec_connector_open();
	if (open_samplers(s) != 0)
		return -1;
	bool perf_tells = rec_perf_mode(s->perf) != REC_PERF_NONE;
	if (perf_tells && s->connector_fd >= 0)
		rec_connector_only_ends(s->connector_fd);
	if (open_sink(s) != 0)
		return -1;
	s->tree = rec_tree_new(s->sink);
	if (s->tree)
		s->pidfds = rec_pidfds_new(s->tree, !perf_tells && s->connector_fd < 0);
	if (!s->pidfds)
		return -1;
	start_sources(s);
	rec_samplers_follow(&s->samplers, s->tree, s->connector_fd < 0);
	watch(s, s->signal_fd);
	watch(s, s->connector_fd);
	watch(s, rec_perf_fd(s->perf));
	watch(s, rec_perf_sample_fd(s->perf));
	watch(s, rec_samplers_tick_fd(&s->samplers));
	watch(s, rec_pidfds_fd(s->pidfds));
	if (s->attach)
		plant_attached(s);
	else
		plant_target(s);
	return 0;
}

/* ---- the end ---- */

static void finish(struct session *s)
{
	rec_cost_start(&s->cost);
	rec_samplers_stop(&s->samplers);
	drain_all(s, UINT64_MAX);
	uint64_t now_ns = rec_now_ns();
	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].source->drain)
			s->sources[i].source->drain(s->sources[i].state, now_ns);
	rec_tree_finish(s->tree, now_ns);
	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].source->finish)
			s->sources[i].source->finish(s->sources[i].state, now_ns);
	rec_sink_lost(s->sink, now_ns, 0, "life", "proc connector overflow", s->connector_losses);
	struct tfmt_clock clocks = rec_machine_clocks();
	tfmt_writer_clock(rec_sink_writer(s->sink), &clocks);
	rec_samplers_finish(&s->samplers, s->sink, now_ns);
	rec_cost_add(&s->cost, "end");
	rec_cost_write(&s->cost, s->perf, s->sink, now_ns);
	rec_sink_end(s->sink);
}

/* A slow reader is waited for, as every filter does; a signal ends that. */
static void wait_for_output(struct session *s)
{
	eventfd_t done;
	s->was_told_to_end = false;
	while (!s->was_told_to_end && !s->output_failed &&
		eventfd_read(rec_sink_fd(s->sink), &done) != 0)
		wait_for_signals(s, rec_sink_fd(s->sink));
	watch_output(s);
	if (s->was_told_to_end && !s->output_failed)
		msg_warn(s->msg, "stopped before all of the trace was read: it has no end");
}

static void say_result(const struct session *s)
{
	char size[NUM_TEXT_BYTES];
	if (s->output_failed)
		return;
	msg_info(s->msg, "%s of trace", num_bytes(size, rec_sink_bytes(s->sink)));
	if (!s->output.is_own_name)
		return;
	msg_warn(s->msg, "wrote %s (%s); next: trender -o report.svg %s", s->output.path,
		num_bytes(size, rec_sink_bytes(s->sink)), s->output.path);
}

static void tear_down(struct session *s, bool discard)
{
	rec_target_abandon(&s->target);
	if (s->tree) /* takes back what sources keep with processes */
		rec_tree_finish(s->tree, rec_now_ns());
	for (size_t i = 0; i < s->source_count; i++) {
		s->sources[i].source->release(s->sources[i].state);
		free(s->sources[i].state);
	}
	rec_tree_free(s->tree);
	rec_pidfds_free(s->pidfds);
	rec_samplers_close(&s->samplers);
	rec_attach_free(s->attach);
	rec_sink_free(s->sink);
	rec_output_close(&s->output, discard);
	if (s->connector_fd >= 0)
		close(s->connector_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}

int rec_session_run(const struct rec_options *options, const struct msg *msg)
{
	bool attaches = options->pids.count > 0;
	struct session s = {
		.options = options,
		.msg = msg,
		.signal_fd = -1,
		.target = {.pid = -1, .go_fd = -1, .error_fd = -1},
		.output.fd = -1,
		.connector_fd = -1,
		.epoll_fd = -1,
	};
	rec_survive_cut_files();
	int refusal = attaches ? rec_attach_new(&options->pids, msg, &s.attach) : 0;
	if (refusal != 0)
		return refusal;
	if (set_up(&s) != 0) {
		tear_down(&s, true);
		return attaches ? EXIT_FAILED : REC_EXIT_FAILED;
	}
	int error = attaches ? 0 : rec_target_release(&s.target);
	if (error != 0) {
		msg_error(msg, "cannot execute %s: %s", options->command[0], strerror(error));
		tear_down(&s, true);
		return error == ENOENT ? REC_EXIT_NOT_FOUND : REC_EXIT_NOT_EXECUTABLE;
	}
	begin_output(&s);
	rec_wakeups_prepare();
	tell_ready(&s);
	record(&s);
	finish(&s);
	wait_for_output(&s);
	say_result(&s);
	wait_for_target(&s);
	int status = rec_target_exit_status(&s.target);
	if (attaches)
		status = s.output_failed ? EXIT_FAILED : EXIT_OK;
	tear_down(&s, false);
	return status;
}
