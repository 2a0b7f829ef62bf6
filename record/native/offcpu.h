/*
 * What blocked threads wait in: stack and system call, read from the live thread without stopping
 * it. A blocked thread does not change its stack, and /proc/PID/task/TID/syscall tells where that
 * is. Who feeds it knows from switch records when each wait began and ended, so a reading counts
 * exactly when the whole of it lies within the wait.
 *
 * Readings are bounded in CPU time: the oldest waits come first, and threads that waited in the
 * same place each time they were looked at come last. What is not read of those is assumed.
 */
#ifndef RECORD_NATIVE_OFFCPU_H
#define RECORD_NATIVE_OFFCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"
#include "native/schedule.h"
#include "options.h"
#include "sink.h"
#include "tree/tree.h"
#include "unwind/unwind.h"

/* How often waits are looked for. Those of twice that length are all seen. */
#define REC_OFFCPU_PERIOD_NS 10000000ull

/* What a wait looks like in a sample. */
struct rec_wait_view {
	uint32_t stack;	  /* id; 0: not known */
	uint16_t syscall; /* number + 1; 0: none or not known */
	uint8_t flags;	  /* enum tfmt_sample_flag */
	bool is_gil;	  /* it waits for the lock that Python code must hold */
};

/* Waits of about one length: where the last ones were spent. */
struct rec_wait_habit {
	struct rec_wait_view view;
	unsigned streak; /* of waits read, one after the other */
};

enum { REC_HABIT_SHORT, REC_HABIT_LONG, REC_HABIT_KINDS };

/* What is kept with a thread. All zero at first. Private to offcpu.c. */
struct rec_offcpu_thread {
	struct rec_offcpu_thread *next, *previous; /* in `queue`, oldest wait first */
	struct rec_offcpu_queue *queue;		   /* NULL: in none */
	struct rec_thread *thread;
	uint64_t since_ns; /* when it blocked */
	int result;
	uint64_t read_ns; /* when its reading was over */
	struct rec_wait_view view;
	struct rec_wait_habit habits[REC_HABIT_KINDS];
	unsigned wait_count;
	uint64_t refused_until_ns;
	int fd;	     /* of its syscall file, + 1; 0: not open */
	bool is_met; /* it has been read before */
};

struct rec_offcpu_queue {
	struct rec_offcpu_thread *first, *last;
};

struct rec_offcpu;

/* Understand --offcpu. Returns 0, or -1 after an error was said, with the way out. */
int rec_offcpu_parse(struct rec_options *options, const struct msg *msg);

/* Unwinds a blocked thread: completes what is known of its wait. */
typedef void rec_offcpu_unwind(void *context, struct rec_thread *thread,
	const struct rec_blocked_state *blocked, struct rec_wait_view *view);

/* Returns NULL when there is no memory. */
struct rec_offcpu *rec_offcpu_new(rec_offcpu_unwind *unwind, void *context);
/* After all threads have been released. */
void rec_offcpu_free(struct rec_offcpu *offcpu);

/*
 * The thread blocked at `time_ns`, or is still blocked since then. To be told in the order of time,
 * within microseconds.
 */
void rec_offcpu_begin(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry,
	struct rec_thread *thread, uint64_t time_ns);
/* It runs again, or may. */
void rec_offcpu_cancel(struct rec_offcpu_thread *entry);
/*
 * A long wait of it is over, or the part up to wait->end_ns if `goes_on`: what it looked like.
 * Waits of two periods and more that nothing is known of are counted as lost.
 */
struct rec_wait_view rec_offcpu_end(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry,
	const struct rec_wait *wait, bool goes_on);
void rec_offcpu_release(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry);

/* Read waits that are on at `now_ns`, as far as they are worth it. Never blocks. */
void rec_offcpu_look(struct rec_offcpu *offcpu, uint64_t now_ns);

/* Write what was lost since the last call. */
void rec_offcpu_write_losses(struct rec_offcpu *offcpu, struct rec_sink *sink, uint64_t now_ns);

struct rec_offcpu_counts {
	uint64_t waits; /* long ones, of which */
	uint64_t read;
	uint64_t assumed;
	uint64_t lost; /* two periods and more, and nothing is known */
};
struct rec_offcpu_counts rec_offcpu_counts(const struct rec_offcpu *offcpu);

#endif
