#include "native/ticks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cpython/runtime.h"
#include "native/ptrace_process.h"
#include "native/schedstat.h"
#include "procfs.h"

/* Threads that come as fast as others go are not told by their number, which is asked for often. */
#define LIST_NS	 500000000ull
#define COUNT_NS 10000000ull
/* An interpreter is mapped soon after an exec, or whenever the program likes. */
#define FIRST_MAPS_NS	    1000000ull
#define LAST_MAPS_NS	    100000000ull
#define LAST_PYTHON_MAPS_NS 1000000000ull
/* At one in so many ticks it is asked on which CPU a thread runs: 10 us. */
#define CPU_LOOKS 8
/* What does not move is looked at less and less often, down to each so many ticks. */
#define MOST_SKIPPED 8u

/* A thread that was looked at. */
struct seen {
	size_t thread; /* index */
	struct rec_schedule_totals totals;
	bool runs; /* it is on a CPU, or could be */
};

struct ticked {
	struct rec_watched watched;
	bool has_interpreter;
	bool has_threads;     /* or had: its clock is not that of one thread */
	uint64_t base_cpu_ns; /* of its clock: what does not count */
	uint64_t told_cpu_ns; /* of it: by the last look */
	uint64_t maps_period_ns, next_count_ns;
};

struct rec_ticks {
	int fd;
	uint64_t rate_hz;
	struct ticked *processes;
	size_t count, capacity;
	size_t open_files, max_files;
	uint64_t look; /* number */
	uint64_t late;
	struct seen *seen; /* of one process, in one look */
	size_t seen_count, seen_capacity;
	rec_take_ptrace_event *take; /* during a look */
	void *context;
};

/* A quarter of the descriptors we may have. */
static size_t file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 256;
	return limit.rlim_cur / 4 < 16384 ? (size_t)limit.rlim_cur / 4 : 16384;
}

struct rec_ticks *rec_ticks_new(uint64_t rate_hz)
{
	struct rec_ticks *ticks = calloc(1, sizeof(*ticks));
	struct itimerspec period = {.it_value.tv_nsec = 1};
	if (!ticks)
		return NULL;
	uint64_t period_ns = 1000000000 / rate_hz;
	period.it_interval.tv_sec = (time_t)(period_ns / 1000000000);
	period.it_interval.tv_nsec = (long)(period_ns % 1000000000);
	ticks->rate_hz = rate_hz;
	ticks->max_files = file_limit();
	ticks->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ticks->fd >= 0 && timerfd_settime(ticks->fd, 0, &period, NULL) == 0)
		return ticks;
	rec_ticks_free(ticks);
	return NULL;
}

void rec_ticks_free(struct rec_ticks *ticks)
{
	if (!ticks)
		return;
	for (size_t i = 0; i < ticks->count; i++)
		rec_watched_end(&ticks->processes[i].watched);
	free(ticks->processes);
	free(ticks->seen);
	if (ticks->fd >= 0)
		close(ticks->fd);
	free(ticks);
}

int rec_ticks_fd(const struct rec_ticks *ticks)
{
	return ticks->fd;
}

uint64_t rec_ticks_late(const struct rec_ticks *ticks)
{
	return ticks->late;
}

/* ---- the processes ---- */

static struct ticked *find_process(struct rec_ticks *ticks, pid_t pid)
{
	for (size_t i = 0; i < ticks->count; i++)
		if (ticks->processes[i].watched.pid == pid)
			return &ticks->processes[i];
	return NULL;
}

static void drop_process(struct rec_ticks *ticks, struct ticked *process)
{
	for (size_t i = 0; i < process->watched.thread_count; i++)
		ticks->open_files -= process->watched.threads[i].fd >= 0;
	rec_watched_end(&process->watched);
	*process = ticks->processes[--ticks->count];
}

static void count_from_now(struct rec_ticks *ticks, struct ticked *process)
{
	struct rec_watched *watched = &process->watched;
	rec_watched_list(watched, &ticks->open_files, ticks->max_files);
	process->has_threads = watched->thread_count > 1;
	for (size_t i = 0; i < watched->thread_count; i++)
		rec_watched_count_from_now(watched, &watched->threads[i]);
	/* A thread that has ended is in it too. */
	rec_watched_has_run(watched);
	process->base_cpu_ns = watched->cpu_ns;
}

void rec_ticks_add(struct rec_ticks *ticks, pid_t pid, bool was_running)
{
	if (ticks->count == ticks->capacity) {
		size_t capacity = ticks->capacity ? 2 * ticks->capacity : 16;
		struct ticked *processes =
			realloc(ticks->processes, capacity * sizeof(struct ticked));
		if (!processes)
			return;
		ticks->processes = processes;
		ticks->capacity = capacity;
	}
	struct ticked *process = &ticks->processes[ticks->count];
	*process = (struct ticked){.maps_period_ns = FIRST_MAPS_NS};
	if (!rec_watched_begin(&process->watched, pid))
		return;
	ticks->count++;
	if (was_running)
		count_from_now(ticks, process);
}

void rec_ticks_remove(struct rec_ticks *ticks, pid_t pid)
{
	struct ticked *process = find_process(ticks, pid);
	if (process)
		drop_process(ticks, process);
}

void rec_ticks_executed(struct rec_ticks *ticks, pid_t pid)
{
	struct ticked *process = find_process(ticks, pid);
	if (!process)
		return;
	process->has_interpreter = false;
	process->maps_period_ns = FIRST_MAPS_NS;
	process->watched.next_maps_ns = process->watched.next_list_ns = 0;
	/* Its mappings may have been seen before its exec was told. */
	process->watched.maps_hash = 0;
}

/* ---- what it has mapped ---- */

static bool names_interpreter(const char *lines)
{
	char path[4096];
	for (const char *line = lines, *next; line && *line; line = next ? next + 1 : NULL) {
		next = strchr(line, '\n');
		const char *slash = memchr(line, '/', next ? (size_t)(next - line) : strlen(line));
		size_t length = slash ? strcspn(slash, "\n") : 0;
		if (!slash || length >= sizeof(path))
			continue;
		memcpy(path, slash, length);
		path[length] = '\0';
		if (py_is_interpreter_name(path))
			return true;
	}
	return false;
}

static void put_maps(
	struct rec_ticks *ticks, struct ticked *process, const char *lines, uint64_t now_ns)
{
	size_t size_bytes = strlen(lines) + 1;
	struct rec_ptrace_event *event = malloc(sizeof(*event) + size_bytes);
	if (!event)
		return;
	*event = (struct rec_ptrace_event){
		.type = REC_PTRACE_MAPS,
		.pid = process->watched.pid,
		.time_ns = now_ns,
		.size_bytes = size_bytes,
	};
	memcpy(event->bytes, lines, size_bytes);
	ticks->take(ticks->context, event);
	free(event);
}

/* Only its mappings tell that there is an interpreter; it, and its library, may come at any time.
 */
static void look_at_maps(struct rec_ticks *ticks, struct ticked *process, uint64_t now_ns)
{
	if (now_ns < process->watched.next_maps_ns)
		return;
	char *lines = rec_watched_read_maps(&process->watched);
	if (lines) {
		process->has_interpreter = names_interpreter(lines);
		put_maps(ticks, process, lines, now_ns);
		free(lines);
	}
	process->watched.next_maps_ns = now_ns + process->maps_period_ns;
	if (process->maps_period_ns <
		(process->has_interpreter ? LAST_PYTHON_MAPS_NS : LAST_MAPS_NS))
		process->maps_period_ns *= 2;
}

/* ---- threads ---- */

static void put_end(
	struct rec_ticks *ticks, struct ticked *process, struct rec_watched_thread *thread)
{
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_THREAD_END,
		.pid = process->watched.pid,
		.tid = thread->tid,
		.time_ns = rec_now_ns(),
	};
	thread->is_gone = true;
	process->watched.next_list_ns = 0;
	ticks->take(ticks->context, &event);
}

/*
 * Whether a thread that has moved is on a CPU or waits for one. The clock of a process with one
 * thread goes on while that runs; one that we have taken the CPU from is told by its state.
 */
static bool runs_now(struct ticked *process, struct rec_watched_thread *thread)
{
	/* As many as schedstat files. */
	bool keeps_file = thread->fd >= 0;
	if (!process->has_threads && rec_watched_has_run(&process->watched) > 0)
		return true;
	return rec_watched_cpu(&process->watched, thread, keeps_file) >= 0;
}

static void put_totals(struct rec_ticks *ticks, struct ticked *process,
	struct rec_watched_thread *thread, const struct rec_schedule_totals *totals)
{
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_TOTALS,
		.pid = process->watched.pid,
		.tid = thread->tid,
		.time_ns = totals->time_ns,
		.is_first = thread->is_new,
		.totals = *totals,
	};
	thread->is_new = false;
	thread->totals = *totals;
	ticks->take(ticks->context, &event);
}

static void put_runs(
	struct rec_ticks *ticks, struct ticked *process, struct rec_watched_thread *thread)
{
	uint64_t run_ns = thread->totals.run_ns;
	struct rec_ptrace_event event = {
		.type = REC_PTRACE_RUNS,
		.pid = process->watched.pid,
		.tid = thread->tid,
		.time_ns = thread->totals.time_ns,
		.sample.weight_ns =
			run_ns > thread->sampled_run_ns ? run_ns - thread->sampled_run_ns : 0,
	};
	if (event.sample.weight_ns == 0)
		return;
	event.sample.cpu = ticks->look % CPU_LOOKS == 0
				   ? rec_watched_cpu(&process->watched, thread, thread->fd >= 0)
				   : -1;
	thread->sampled_run_ns = run_ns;
	ticks->take(ticks->context, &event);
}

static struct seen *add_seen(struct rec_ticks *ticks)
{
	if (ticks->seen_count == ticks->seen_capacity) {
		size_t capacity = ticks->seen_capacity ? 2 * ticks->seen_capacity : 16;
		struct seen *seen = realloc(ticks->seen, capacity * sizeof(*seen));
		if (!seen)
			return NULL;
		ticks->seen = seen;
		ticks->seen_capacity = capacity;
	}
	return &ticks->seen[ticks->seen_count++];
}

/* Returns: whether it has moved since the last look. */
static bool look_at_thread(struct rec_ticks *ticks, struct ticked *process, size_t index)
{
	struct rec_watched_thread *thread = &process->watched.threads[index];
	struct rec_schedule_totals totals;
	if (thread->is_gone || thread->last_look == ticks->look)
		return false;
	thread->last_look = ticks->look;
	if (rec_watched_read(&process->watched, thread, &totals) != 0) {
		put_end(ticks, process, thread);
		return false;
	}
	bool has_moved = !process->has_threads || totals.turns != thread->totals.turns ||
			 totals.run_ns > thread->totals.run_ns;
	bool may_run = has_moved || thread->cpu >= 0;
	struct seen *seen = may_run || thread->is_new ? add_seen(ticks) : NULL;
	if (seen) {
		*seen = (struct seen){index, totals, runs_now(process, thread)};
		thread->idle_looks = 0;
	}
	thread->next_look = ticks->look +
			    (thread->idle_looks < MOST_SKIPPED ? thread->idle_looks : MOST_SKIPPED);
	thread->idle_looks++;
	return has_moved;
}

static uint64_t growth(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

/*
 * The kernel adds up what a thread has run at its own ticks, 4 ms each, and when it loses the CPU;
 * only the clock of its process is exact. What that has gone on beyond all sums is of the one
 * thread that runs, or it is not known yet whose it is. What was too much is set right later.
 */
static void assume_run(struct rec_ticks *ticks, struct ticked *process)
{
	struct seen *runner = NULL;
	uint64_t known_ns = 0, cpu_ns = process->watched.cpu_ns;
	size_t runner_count = 0;
	for (size_t i = 0; i < ticks->seen_count; i++) {
		struct seen *seen = &ticks->seen[i];
		uint64_t before_ns = process->watched.threads[seen->thread].totals.run_ns;
		if (seen->runs)
			runner = seen;
		runner_count += seen->runs;
		known_ns += growth(seen->totals.run_ns, before_ns);
		if (seen->totals.run_ns < before_ns)
			seen->totals.run_ns = before_ns;
	}
	if (!process->has_threads && ticks->seen_count == 1)
		ticks->seen[0].totals.run_ns = cpu_ns - process->base_cpu_ns;
	else if (runner_count == 1)
		runner->totals.run_ns += growth(cpu_ns - process->told_cpu_ns, known_ns);
	process->told_cpu_ns = cpu_ns;
}

static void put_seen(struct rec_ticks *ticks, struct ticked *process)
{
	for (size_t i = 0; i < ticks->seen_count; i++) {
		struct seen *seen = &ticks->seen[i];
		struct rec_watched_thread *thread = &process->watched.threads[seen->thread];
		seen->totals.is_open = seen->runs;
		seen->totals.waits = !seen->runs;
		thread->cpu = seen->runs ? 0 : -1;
		put_totals(ticks, process, thread, &seen->totals);
		if (seen->runs)
			put_runs(ticks, process, thread);
	}
}

static void list_threads(struct rec_ticks *ticks, struct ticked *process, uint64_t now_ns)
{
	struct rec_watched *watched = &process->watched;
	if (now_ns < watched->next_list_ns &&
		(now_ns < process->next_count_ns ||
			rec_schedstat_threads(watched->pid) == watched->thread_count)) {
		return;
	}
	rec_watched_list(watched, &ticks->open_files, ticks->max_files);
	watched->next_list_ns = now_ns + LIST_NS;
	process->next_count_ns = now_ns + COUNT_NS;
	process->has_threads |= watched->thread_count > 1;
}

static void look_at_threads(struct rec_ticks *ticks, struct ticked *process, uint64_t now_ns)
{
	struct rec_watched *watched = &process->watched;
	bool has_moved = false;
	ticks->seen_count = 0;
	list_threads(ticks, process, now_ns);
	/* Those that slept long only if none of the others can have used the time. */
	for (int with_sleepers = 0; with_sleepers <= !has_moved; with_sleepers++)
		for (size_t i = 0; i < watched->thread_count; i++) {
			bool is_due = ticks->look >= watched->threads[i].next_look;
			if (is_due != (with_sleepers == 1))
				has_moved |= look_at_thread(ticks, process, i);
		}
	assume_run(ticks, process);
	put_seen(ticks, process);
}

/* Returns: 1 when it is gone. */
static int look_at_process(struct rec_ticks *ticks, struct ticked *process, uint64_t now_ns)
{
	struct rec_watched *watched = &process->watched;
	int has_run = rec_watched_has_run(watched);
	if (has_run < 0)
		return 1;
	if (has_run) {
		watched->idle_looks = 0;
		look_at_maps(ticks, process, now_ns);
	}
	/* After it has stopped running its threads are read once more. */
	if (process->has_interpreter && watched->idle_looks <= 1)
		look_at_threads(ticks, process, now_ns);
	watched->idle_looks++;
	return 0;
}

void rec_ticks_look(struct rec_ticks *ticks, rec_take_ptrace_event *take, void *context)
{
	uint64_t due;
	if (read(ticks->fd, &due, sizeof(due)) != sizeof(due))
		return;
	for (size_t i = 0; i < ticks->count; i++)
		if (ticks->processes[i].has_interpreter) {
			ticks->late += due - 1;
			break;
		}
	ticks->take = take;
	ticks->context = context;
	ticks->look++;
	uint64_t now_ns = rec_now_ns();
	for (size_t i = 0; i < ticks->count;) {
		if (look_at_process(ticks, &ticks->processes[i], now_ns) != 0)
			drop_process(ticks, &ticks->processes[i]);
		else
			i++;
	}
}
