/*
 * What the thread that stops others knows of a process: its threads, what they have run so far,
 * where its code lies, and whether it may be touched. Nothing here stops anything.
 */
#ifndef RECORD_NATIVE_PTRACE_PROCESS_H
#define RECORD_NATIVE_PTRACE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "native/schedule.h"

struct rec_watched_thread {
	pid_t tid;
	int fd; /* its schedstat; -1: opened for each reading, there are too many */
	struct rec_schedule_totals totals, base; /* since it began; what of it does not count */
	uint64_t sampled_run_ns;		 /* of its run time: what samples stand for */
	int stat_fd;		       /* of rec_watched_cpu(); -1: opened for each reading */
	unsigned idle_looks;	       /* since when it has not moved */
	uint64_t last_look, next_look; /* numbers of looks */
	int cpu; /* it ran, or waited for a CPU, when last looked at; -1: it did not */
	bool is_new, is_gone;
};

struct rec_code_range {
	uint64_t start, end;
};

struct rec_watched {
	pid_t pid;
	clockid_t clock;
	uint64_t cpu_ns; /* at the last look */
	unsigned idle_looks;
	uint64_t next_look;

	struct rec_watched_thread *threads; /* ascending by tid */
	size_t thread_count, thread_capacity;
	uint64_t next_list_ns;

	bool is_grown_up; /* it will not ask to be traced any more */
	bool is_counted;  /* among those that may not be touched */
	uint64_t untouchable_until_ns;

	struct rec_code_range *code; /* ascending */
	size_t code_count, code_capacity;
	uint64_t next_maps_ns, maps_hash;
};

/* Returns: whether there is such a process. */
bool rec_watched_begin(struct rec_watched *process, pid_t pid);
void rec_watched_end(struct rec_watched *process);

/* Its CPU time has changed since the last call, or it is gone (-1). */
int rec_watched_has_run(struct rec_watched *process);

/*
 * Bring the list of threads up to date: new ones are marked, and those that are gone, which the
 * next call takes out. `open_files`: how many schedstat files are open, of `max_files`.
 */
void rec_watched_list(struct rec_watched *process, size_t *open_files, size_t max_files);
struct rec_watched_thread *rec_watched_thread(struct rec_watched *process, pid_t tid);

/* Returns 0, or -1 when the thread is gone. */
int rec_watched_read(struct rec_watched *process, struct rec_watched_thread *thread,
	struct rec_schedule_totals *ret_totals);

/* Of a thread's totals, what counts. */
struct rec_schedule_totals rec_watched_counted(
	const struct rec_watched_thread *thread, const struct rec_schedule_totals *totals);

/* What the thread has done so far does not count. */
void rec_watched_count_from_now(struct rec_watched *process, struct rec_watched_thread *thread);

/*
 * May it be about to ask its parent to trace it? Only what was forked a moment ago and has not
 * called exec does.
 */
bool rec_watched_is_young(struct rec_watched *process);

/* Does it run, or could it? Then its CPU, else -1. With `keeps_file` faster the next time. */
int rec_watched_cpu(
	struct rec_watched *process, struct rec_watched_thread *thread, bool keeps_file);

bool rec_watched_has_code_at(const struct rec_watched *process, uint64_t address);
/*
 * Read where its code is. Returns: the executable lines of its maps if they have changed since the
 * last call, to be freed by the caller; else NULL.
 */
char *rec_watched_read_maps(struct rec_watched *process);

#endif
