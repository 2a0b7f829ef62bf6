#include "native/ptrace.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "native/ptrace_process.h"
#include "native/schedstat.h"
#include "procfs.h"
#include "unwind/arch.h"

/* Stopped time counts fifty times: 2 %. */
#define STOP_SHARE 50
/* Stops of one look may take so long before the next one is due. */
#define LOOK_STOPS_NS 2000000ull
/* From when we have the CPU until we look at the clock, well measured. */
#define SURPRISE_NS 40000ull
/* What a thread runs on its way to stop. */
#define RAN_ON_NS 20000ull
/* Threads that are looked for on a CPU. */
#define MAX_CANDIDATES 64
/* What does not move is looked at less and less often, down to each so many looks. */
#define MOST_SKIPPED 8u
/* Who is traced by another program may be free again. */
#define TRACED_NS 1000000000ull
/* New mappings are looked for so often where code runs that is in none, and everywhere. */
#define STRANGE_CODE_NS 100000000ull
#define MAPS_NS		1000000000ull
/* Threads that come as fast as others go are not told by their number. */
#define LIST_NS 500000000ull

enum command_type { COMMAND_ADD, COMMAND_ADD_RUNNING, COMMAND_REMOVE, COMMAND_EXECUTED };

struct command {
	enum command_type type;
	pid_t pid;
};

struct rec_ptrace {
	struct rec_ptrace_options options;
	struct rec_ptrace_queue *queue;
	pthread_t thread;
	bool has_thread;

	/* Shared. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct command *commands;
	size_t command_count, command_capacity;
	bool is_over;
	rec_look_at_stopped *look_at_stopped; /* NULL: none */
	void *look_context;
	int status; /* 0 when the thread is ready, an error when it will not be */

	/* The thread's own. */
	struct rec_stopper stopper;
	struct rec_watched *processes;
	size_t process_count, process_capacity;
	size_t open_files, max_files;
	uint64_t look;		   /* number */
	uint64_t counted_stops_ns; /* stopped time that next_stop_ns knows of */
	uint64_t next_stop_ns;
	struct rec_candidate candidates[MAX_CANDIDATES];
	size_t candidate_count;
	cpu_set_t cpus; /* where they may run */
	size_t first;	/* process to begin the look with: all have their turn */
	struct rec_ptrace_counts counts;
};

/* ---- what is sent ---- */

static void put_totals(struct rec_ptrace *ptrace, pid_t pid, struct rec_watched_thread *thread,
	const struct rec_schedule_totals *totals)
{
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_TOTALS,
		.pid = pid,
		.tid = thread->tid,
		.time_ns = totals->time_ns,
		.is_first = thread->is_new,
		.totals = *totals,
	};
	/* They are sums: one that is lost is in the next. */
	if (rec_ptrace_queue_put(ptrace->queue, &event, NULL))
		thread->is_new = false;
	thread->totals = *totals;
}

/* The same with what it does now: they are complete only if it waits. */
static void put_state(struct rec_ptrace *ptrace, struct rec_watched *process,
	struct rec_watched_thread *thread, struct rec_schedule_totals *totals)
{
	thread->cpu = rec_watched_cpu(process, thread, false);
	totals->is_open = thread->cpu >= 0;
	totals->waits = !totals->is_open;
	put_totals(ptrace, process->pid, thread, totals);
}

static void put_end(struct rec_ptrace *ptrace, pid_t pid, struct rec_watched_thread *thread)
{
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_THREAD_END,
		.pid = pid,
		.tid = thread->tid,
		.time_ns = rec_now_ns(),
	};
	rec_ptrace_queue_put(ptrace->queue, &event, NULL);
	thread->is_gone = true;
}

static void put_maps(struct rec_ptrace *ptrace, struct rec_watched *process, uint64_t now_ns)
{
	process->next_maps_ns = now_ns + MAPS_NS;
	char *text = rec_watched_read_maps(process);
	if (!text)
		return;
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_MAPS,
		.pid = process->pid,
		.time_ns = now_ns,
		.size_bytes = strlen(text) + 1,
	};
	if (!rec_ptrace_queue_put(ptrace->queue, &event, text))
		process->maps_hash = 0; /* again the next time */
	free(text);
}

/* Mappings that the sample's code may lie in, if they are not known yet. */
static void update_maps(
	struct rec_ptrace *ptrace, struct rec_watched *process, uint64_t address, uint64_t now_ns)
{
	bool is_strange = !rec_watched_has_code_at(process, address);
	uint64_t due_ns = process->next_maps_ns;
	if (is_strange && due_ns > MAPS_NS - STRANGE_CODE_NS)
		due_ns -= MAPS_NS - STRANGE_CODE_NS;
	if (now_ns >= due_ns)
		put_maps(ptrace, process, now_ns);
}

static struct rec_watched *find_process(struct rec_ptrace *ptrace, pid_t pid)
{
	for (size_t i = 0; i < ptrace->process_count; i++)
		if (ptrace->processes[i].pid == pid)
			return &ptrace->processes[i];
	return NULL;
}

/*
 * A thread that had waited for a CPU before we came was where the scheduler changes over, not where
 * it spends its time; one that ran on, on another CPU, was met by the interrupt in a system call.
 */
static bool was_surprised(const struct rec_stopped *stopped)
{
	const struct rec_schedule_totals *came = &stopped->arrival, *stood = &stopped->totals;
	return stood->ready_ns - came->ready_ns < stood->time_ns - came->time_ns + SURPRISE_NS &&
	       stood->run_ns - came->run_ns < RAN_ON_NS;
}

static size_t look_at_stopped(void *opaque, pid_t pid, pid_t tid, void *bytes, size_t size_bytes)
{
	struct rec_ptrace *ptrace = opaque;
	if (!ptrace->look_at_stopped)
		return 0;
	return ptrace->look_at_stopped(ptrace->look_context, pid, tid, bytes, size_bytes);
}

static void take_stopped(void *opaque, const struct rec_stopped *stopped)
{
	struct rec_ptrace *ptrace = opaque;
	struct rec_watched *process = find_process(ptrace, stopped->pid);
	struct rec_watched_thread *thread =
		process ? rec_watched_thread(process, stopped->tid) : NULL;
	if (!thread)
		return;
	struct rec_schedule_totals totals = rec_watched_counted(thread, &stopped->totals);
	put_totals(ptrace, process->pid, thread, &totals);
	if (!was_surprised(stopped))
		return;
	if (!stopped->is_64bit) {
		ptrace->counts.foreign++;
		return;
	}
	update_maps(ptrace, process, arch_perf_pc(stopped->regs), totals.time_ns);
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_SAMPLE,
		.pid = process->pid,
		.tid = thread->tid,
		.time_ns = totals.time_ns,
		.sample.weight_ns = totals.run_ns - thread->sampled_run_ns,
		.size_bytes = stopped->stack_bytes + stopped->more_bytes,
		.more_bytes = stopped->more_bytes,
	};
	memcpy(event.sample.regs, stopped->regs, sizeof(event.sample.regs));
	if (rec_ptrace_queue_put(ptrace->queue, &event, stopped->stack))
		thread->sampled_run_ns = totals.run_ns;
	else
		ptrace->counts.dropped++;
}

/* ---- a look ---- */

/* How long threads were stopped since the last look was over. */
static uint64_t stopped_ns(const struct rec_ptrace *ptrace)
{
	return ptrace->stopper.counts.stopped_ns - ptrace->counted_stops_ns;
}

static void take_refusal(struct rec_ptrace *ptrace, struct rec_watched *process, uint64_t now_ns)
{
	bool is_traced = rec_stopper_tracer(process->pid) != 0;
	process->untouchable_until_ns = is_traced ? now_ns + TRACED_NS : UINT64_MAX;
	if (!process->is_counted && is_traced)
		ptrace->counts.traced++;
	else if (!process->is_counted)
		ptrace->counts.refused++;
	process->is_counted = true;
}

/* A thread that runs or waits for a CPU may be met there. */
static void add_candidate(struct rec_ptrace *ptrace, struct rec_watched *process,
	const struct rec_watched_thread *thread, uint64_t now_ns)
{
	if (thread->cpu < 0 || thread->cpu >= CPU_SETSIZE ||
		ptrace->candidate_count == MAX_CANDIDATES || now_ns < ptrace->next_stop_ns ||
		now_ns < process->untouchable_until_ns || rec_watched_is_young(process))
		return;
	struct rec_candidate *candidate = &ptrace->candidates[ptrace->candidate_count];
	*candidate = (struct rec_candidate){.pid = process->pid, .tid = thread->tid};
	candidate->schedstat_fd = rec_schedstat_open(process->pid, thread->tid);
	if (candidate->schedstat_fd < 0)
		return;
	ptrace->candidate_count++;
	CPU_SET(thread->cpu, &ptrace->cpus);
}

/* Whoever runs on each CPU where some may. */
static void visit_cpus(struct rec_ptrace *ptrace)
{
	for (int i = 0; i < CPU_SETSIZE && ptrace->candidate_count > 0; i++) {
		/* All have their turn to be first. */
		int cpu = (int)((i + ptrace->look) % CPU_SETSIZE);
		struct rec_candidate *met = NULL;
		if (!CPU_ISSET(cpu, &ptrace->cpus) || stopped_ns(ptrace) > LOOK_STOPS_NS)
			continue;
		enum rec_stop_result result = rec_stopper_visit(
			&ptrace->stopper, cpu, ptrace->candidates, ptrace->candidate_count, &met);
		struct rec_watched *process = met ? find_process(ptrace, met->pid) : NULL;
		if (result == REC_STOP_REFUSED && process)
			take_refusal(ptrace, process, rec_now_ns());
	}
	for (size_t i = 0; i < ptrace->candidate_count; i++)
		if (ptrace->candidates[i].schedstat_fd >= 0)
			close(ptrace->candidates[i].schedstat_fd);
	ptrace->candidate_count = 0;
	CPU_ZERO(&ptrace->cpus);
}

static void schedule_look(const struct rec_ptrace *ptrace, unsigned *idle_looks, uint64_t *next)
{
	*next = ptrace->look + (*idle_looks < MOST_SKIPPED ? *idle_looks : MOST_SKIPPED);
	++*idle_looks;
}

/* Returns: whether it has moved since the last look. */
static bool look_at_thread(
	struct rec_ptrace *ptrace, struct rec_watched *process, struct rec_watched_thread *thread)
{
	struct rec_schedule_totals totals;
	if (thread->is_gone || thread->last_look == ptrace->look)
		return false;
	thread->last_look = ptrace->look;
	if (rec_watched_read(process, thread, &totals) != 0) {
		put_end(ptrace, process->pid, thread);
		process->next_list_ns = 0;
		return false;
	}
	bool has_moved =
		totals.turns != thread->totals.turns || totals.run_ns != thread->totals.run_ns;
	/* One that does not move waits: once more, so that it is known since when. */
	if (has_moved || thread->is_new || (thread->idle_looks == 0 && thread->cpu < 0))
		put_state(ptrace, process, thread, &totals);
	add_candidate(ptrace, process, thread, totals.time_ns);
	if (has_moved || thread->cpu >= 0)
		thread->idle_looks = 0;
	schedule_look(ptrace, &thread->idle_looks, &thread->next_look);
	return has_moved;
}

static void look_at_threads(struct rec_ptrace *ptrace, struct rec_watched *process)
{
	bool has_moved = false;
	uint64_t now_ns = rec_now_ns();
	if (now_ns >= process->next_list_ns ||
		rec_schedstat_threads(process->pid) != process->thread_count) {
		rec_watched_list(process, &ptrace->open_files, ptrace->max_files);
		process->next_list_ns = now_ns + LIST_NS;
	}
	/* Those that slept long only if none of the others can have used the time. */
	for (int with_sleepers = 0; with_sleepers <= !has_moved; with_sleepers++)
		for (size_t i = 0; i < process->thread_count; i++) {
			/* All have their turn to be first. */
			size_t at = (i + ptrace->look) % process->thread_count;
			struct rec_watched_thread *thread = &process->threads[at];
			bool is_due = ptrace->look >= thread->next_look;
			if (is_due != (with_sleepers == 1))
				has_moved |= look_at_thread(ptrace, process, thread);
		}
}

/* Returns: 1 when it is gone. */
static int look_at_process(struct rec_ptrace *ptrace, struct rec_watched *process)
{
	if (ptrace->look < process->next_look)
		return 0;
	int has_run = rec_watched_has_run(process);
	if (has_run < 0)
		return 1;
	if (has_run)
		process->idle_looks = 0;
	/* After it has stopped running its threads are read once more. */
	if (process->idle_looks <= 1)
		look_at_threads(ptrace, process);
	schedule_look(ptrace, &process->idle_looks, &process->next_look);
	return 0;
}

static void drop_process(struct rec_ptrace *ptrace, struct rec_watched *process)
{
	for (size_t i = 0; i < process->thread_count; i++)
		ptrace->open_files -= process->threads[i].fd >= 0;
	rec_watched_end(process);
	*process = ptrace->processes[--ptrace->process_count];
}

static void look(struct rec_ptrace *ptrace)
{
	ptrace->look++;
	rec_stopper_collect(&ptrace->stopper, 0);
	size_t count = ptrace->process_count;
	for (size_t i = 0; i < count && ptrace->process_count > 0; i++) {
		size_t at = (ptrace->first + i) % ptrace->process_count;
		if (look_at_process(ptrace, &ptrace->processes[at]) != 0)
			drop_process(ptrace, &ptrace->processes[at]);
	}
	visit_cpus(ptrace);
	ptrace->first++;
}

/* ---- the thread ---- */

static void add_process(struct rec_ptrace *ptrace, pid_t pid, bool was_running)
{
	if (ptrace->process_count == ptrace->process_capacity) {
		size_t capacity = ptrace->process_capacity ? 2 * ptrace->process_capacity : 16;
		struct rec_watched *processes =
			realloc(ptrace->processes, capacity * sizeof(*processes));
		if (!processes)
			return;
		ptrace->processes = processes;
		ptrace->process_capacity = capacity;
	}
	struct rec_watched *process = &ptrace->processes[ptrace->process_count];
	if (!rec_watched_begin(process, pid))
		return;
	ptrace->process_count++;
	if (!was_running)
		return;
	rec_watched_list(process, &ptrace->open_files, ptrace->max_files);
	for (size_t i = 0; i < process->thread_count; i++)
		rec_watched_count_from_now(process, &process->threads[i]);
}

static void obey(struct rec_ptrace *ptrace, const struct command *command)
{
	struct rec_watched *process = find_process(ptrace, command->pid);
	if (command->type == COMMAND_EXECUTED && process) {
		process->is_grown_up = true;
		process->is_counted = false;
		process->untouchable_until_ns = 0;
		process->next_maps_ns = process->next_list_ns = 0;
		/* Its mappings may have been seen before its exec was told. */
		process->maps_hash = 0;
		return;
	}
	if (process)
		drop_process(ptrace, process);
	if (command->type != COMMAND_REMOVE)
		add_process(ptrace, command->pid, command->type == COMMAND_ADD_RUNNING);
}

/* Wait for the next look, and take commands. Returns: false when it is over. */
static bool wait_until(struct rec_ptrace *ptrace, uint64_t time_ns)
{
	struct timespec until = {(time_t)(time_ns / 1000000000), (long)(time_ns % 1000000000)};
	rec_stopper_collect(&ptrace->stopper, time_ns);
	pthread_mutex_lock(&ptrace->mutex);
	while (!ptrace->is_over && rec_now_ns() < time_ns)
		pthread_cond_timedwait(&ptrace->changed, &ptrace->mutex, &until);
	for (size_t i = 0; i < ptrace->command_count; i++)
		obey(ptrace, &ptrace->commands[i]);
	ptrace->command_count = 0;
	bool goes_on = !ptrace->is_over;
	pthread_mutex_unlock(&ptrace->mutex);
	return goes_on;
}

static void *run(void *opaque)
{
	struct rec_ptrace *ptrace = opaque;
	uint64_t period_ns = 1000000000 / ptrace->options.rate_hz, next_ns = rec_now_ns();
	int status = rec_stopper_init(&ptrace->stopper);
	pthread_setname_np(pthread_self(), "trec-sampler"); /* as of cost.h */
	pthread_mutex_lock(&ptrace->mutex);
	ptrace->status = status;
	pthread_cond_signal(&ptrace->changed);
	pthread_mutex_unlock(&ptrace->mutex);
	if (status != 0)
		return NULL;
	while (wait_until(ptrace, next_ns)) {
		look(ptrace);
		uint64_t now_ns = rec_now_ns();
		uint64_t earliest_ns = now_ns + STOP_SHARE * stopped_ns(ptrace);
		if (ptrace->next_stop_ns < earliest_ns)
			ptrace->next_stop_ns = earliest_ns;
		ptrace->counted_stops_ns = ptrace->stopper.counts.stopped_ns;
		next_ns += period_ns;
		if (next_ns < now_ns)
			next_ns = now_ns + period_ns;
	}
	ptrace->counts.stop = ptrace->stopper.counts;
	while (ptrace->process_count > 0)
		drop_process(ptrace, &ptrace->processes[0]);
	/* What it still holds goes on when the thread ends. */
	rec_stopper_release(&ptrace->stopper);
	return NULL;
}

/* A quarter of the descriptors we may have. */
static size_t file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 256;
	return limit.rlim_cur / 4 < 16384 ? (size_t)limit.rlim_cur / 4 : 16384;
}

static int start_thread(struct rec_ptrace *ptrace)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ptrace->status = 1;
	ptrace->has_thread = pthread_create(&ptrace->thread, NULL, run, ptrace) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!ptrace->has_thread)
		return -1;
	pthread_mutex_lock(&ptrace->mutex);
	while (ptrace->status == 1)
		pthread_cond_wait(&ptrace->changed, &ptrace->mutex);
	pthread_mutex_unlock(&ptrace->mutex);
	return ptrace->status;
}

struct rec_ptrace *rec_ptrace_new(const struct rec_ptrace_options *options)
{
	struct rec_ptrace *ptrace = calloc(1, sizeof(*ptrace));
	pthread_condattr_t attributes;
	if (!ptrace)
		return NULL;
	ptrace->options = *options;
	ptrace->max_files = file_limit();
	ptrace->stopper.stack_bytes = options->stack_bytes;
	ptrace->stopper.take = take_stopped;
	ptrace->stopper.look = look_at_stopped;
	ptrace->stopper.look_bytes = REC_PTRACE_LOOK_BYTES;
	ptrace->stopper.context = ptrace;
	pthread_mutex_init(&ptrace->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ptrace->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	ptrace->queue = rec_ptrace_queue_new();
	if (ptrace->queue && start_thread(ptrace) == 0)
		return ptrace;
	rec_ptrace_free(ptrace);
	return NULL;
}

void rec_ptrace_stop(struct rec_ptrace *ptrace)
{
	if (!ptrace->has_thread)
		return;
	pthread_mutex_lock(&ptrace->mutex);
	ptrace->is_over = true;
	pthread_cond_signal(&ptrace->changed);
	pthread_mutex_unlock(&ptrace->mutex);
	pthread_join(ptrace->thread, NULL);
	ptrace->has_thread = false;
}

void rec_ptrace_free(struct rec_ptrace *ptrace)
{
	if (!ptrace)
		return;
	rec_ptrace_stop(ptrace);
	rec_ptrace_queue_free(ptrace->queue);
	pthread_cond_destroy(&ptrace->changed);
	pthread_mutex_destroy(&ptrace->mutex);
	free(ptrace->commands);
	free(ptrace->processes);
	free(ptrace);
}

/* ---- for the main thread ---- */

static void command(struct rec_ptrace *ptrace, enum command_type type, pid_t pid)
{
	pthread_mutex_lock(&ptrace->mutex);
	if (ptrace->command_count == ptrace->command_capacity) {
		size_t capacity = ptrace->command_capacity ? 2 * ptrace->command_capacity : 16;
		struct command *commands = realloc(ptrace->commands, capacity * sizeof(*commands));
		if (commands) {
			ptrace->commands = commands;
			ptrace->command_capacity = capacity;
		}
	}
	if (ptrace->command_count < ptrace->command_capacity)
		ptrace->commands[ptrace->command_count++] = (struct command){type, pid};
	pthread_mutex_unlock(&ptrace->mutex);
}

void rec_ptrace_add(struct rec_ptrace *ptrace, pid_t pid, bool was_running)
{
	command(ptrace, was_running ? COMMAND_ADD_RUNNING : COMMAND_ADD, pid);
}

void rec_ptrace_remove(struct rec_ptrace *ptrace, pid_t pid)
{
	command(ptrace, COMMAND_REMOVE, pid);
}

void rec_ptrace_executed(struct rec_ptrace *ptrace, pid_t pid)
{
	command(ptrace, COMMAND_EXECUTED, pid);
}

void rec_ptrace_set_look(struct rec_ptrace *ptrace, rec_look_at_stopped *wanted, void *context)
{
	pthread_mutex_lock(&ptrace->mutex);
	ptrace->look_at_stopped = wanted;
	ptrace->look_context = context;
	pthread_mutex_unlock(&ptrace->mutex);
}

void rec_ptrace_drain(struct rec_ptrace *ptrace, rec_take_ptrace_event *take, void *context)
{
	rec_ptrace_queue_drain(ptrace->queue, take, context);
}

struct rec_ptrace_counts rec_ptrace_counts(const struct rec_ptrace *ptrace)
{
	return ptrace->counts;
}
