/*
 * What a thread does over time: it runs, waits for a CPU, or is blocked. Pure bookkeeping, one
 * struct per thread, fed by switch records, which are exact, or by totals that are read now and
 * then; never by both.
 *
 * Long waits are given out one by one; short ones and running time are added up for the caller to
 * write and set back to 0. In sum they are the thread's lifetime.
 */
#ifndef RECORD_NATIVE_SCHEDULE_H
#define RECORD_NATIVE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* Waits at least this long are given out; shorter ones are added up. */
#define REC_LONG_WAIT_NS 1000000ull
/* The same when all are wanted. */
#define REC_ANY_WAIT_NS 1000ull

enum rec_wait_kind { REC_WAIT_PREEMPTED, REC_WAIT_BLOCKED, REC_WAIT_KINDS };

/* All zero at first. */
struct rec_schedule {
	bool gives_all; /* short waits too; set by the owner */
	bool is_known;	/* what follows */
	bool is_running;
	enum rec_wait_kind wait; /* while it does not run */
	uint64_t since_ns;	 /* when that began */

	/* Not yet written, by a caller who sets them back. */
	uint64_t running_ns;
	uint64_t sampled_ns; /* of the running time: what samples stand for */
	uint64_t proven_ns;  /* the same since the last switch */
	uint64_t short_ns[REC_WAIT_KINDS];

	/* As last told to rec_schedule_totals(). */
	uint64_t total_run_ns, total_ready_ns, total_turns;
	bool has_totals;       /* it is told them */
	uint64_t counted_ns;   /* of the time from since_ns on: already added to the sums */
	uint64_t known_turns;  /* at since_ns */
	bool has_ended_a_wait; /* somewhere from since_ns on */
};

/* A thread was given a CPU, or lost it. */
struct rec_switch {
	uint64_t time_ns;
	bool runs;	   /* from now on */
	bool is_preempted; /* it lost the CPU but could go on */
};

/* A long wait that is over. */
struct rec_wait {
	uint64_t start_ns, end_ns;
	uint64_t length_ns; /* what of it is not in short_ns: whole microseconds */
	enum rec_wait_kind kind;
};

/*
 * `start_ns`: when the thread began, for its first switch. Two in a row that say the same mean that
 * one between was lost: what samples stand for was running then, and the rest short waits.
 * Returns: whether a long wait ended, in `ret_wait`. A switch older than the last one is ignored.
 */
bool rec_schedule_switch(struct rec_schedule *schedule, uint64_t start_ns,
	const struct rec_switch *change, struct rec_wait *ret_wait);

/* It runs, as a sample of it shows: before its first switch it has done so since `start_ns`. */
void rec_schedule_runs(struct rec_schedule *schedule, uint64_t start_ns);

/* A sample of it stands for `weight_ns` of running. */
void rec_schedule_sampled(struct rec_schedule *schedule, uint64_t weight_ns);

/* The same for who only sees totals of a thread's life, as in /proc/PID/task/TID/schedstat. */
struct rec_schedule_totals {
	uint64_t time_ns;  /* when they were read */
	uint64_t run_ns;   /* on a CPU */
	uint64_t ready_ns; /* waiting for one */
	uint64_t turns;	   /* how often it was given one */
	bool is_open;	   /* it is on a CPU or waits for one: not all of that is in the sums yet */
	bool waits;	   /* for something else */
};

/*
 * What is neither running nor waiting for a CPU was blocked, as far as a reading that is not open
 * can tell. That is one wait when the thread had one turn since, or a reading in between found it
 * waiting; else it counts as short waits. The first reading covers the time since `start_ns`.
 * Returns: as above.
 */
bool rec_schedule_totals(struct rec_schedule *schedule, uint64_t start_ns,
	const struct rec_schedule_totals *totals, struct rec_wait *ret_wait);

/* Take what has passed until `time_ns` into account: running time only, a wait goes on. */
void rec_schedule_pass(struct rec_schedule *schedule, uint64_t time_ns);

/* The thread ends, or the recording does. Returns: as above. */
bool rec_schedule_end(struct rec_schedule *schedule, uint64_t time_ns, struct rec_wait *ret_wait);

#endif
