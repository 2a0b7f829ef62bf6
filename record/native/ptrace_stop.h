/*
 * Stopping a running thread for the time that a copy of its registers and stack takes.
 *
 * A thread is seized, interrupted, copied and let go again in one go. It may also leave before it
 * stops, stop with a signal on its way, or be elsewhere until long after: then others go on
 * meanwhile, and it is copied when it does stop. All belongs to one thread of the recorder, which
 * may have no children of its own: when it ends, the kernel lets go of whatever it still held.
 */
#ifndef RECORD_NATIVE_PTRACE_STOP_H
#define RECORD_NATIVE_PTRACE_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "native/schedule.h"
#include "unwind/unwind.h"

/* Threads that were interrupted and have not stopped yet; no more are interrupted then. */
#define REC_STOP_MAX_LATE 8

/* What a thread was doing. It goes on already. */
struct rec_stopped {
	pid_t pid, tid;
	uint64_t stopped_ns;		    /* how long it stood still, about */
	struct rec_schedule_totals arrival; /* when we came, and what it had done until then */
	struct rec_schedule_totals totals;  /* when it stood still */
	bool is_64bit;			    /* otherwise nothing below */
	uint64_t regs[REC_PERF_REGS_COUNT];
	size_t stack_bytes; /* of `stack`, from the stack pointer upwards */
	const uint8_t *stack;
	size_t more_bytes; /* right behind the stack: what the stopper's `look` has found */
};

struct rec_stop_counts {
	uint64_t stops;
	uint64_t stopped_ns; /* in all */
	uint64_t in_syscall; /* stops that met a system call */
	uint64_t restarted;  /* of these: begun anew by us, see arch_restart_syscall() */
	uint64_t late;	     /* threads that did not stop in time */
};

struct rec_stopper {
	size_t stack_bytes; /* to copy */
	uint8_t *stack;
	void (*take)(void *context, const struct rec_stopped *stopped);
	/* While the thread stands still; NULL: nothing to do then. Returns: bytes it has written.
	 */
	size_t (*look)(void *context, pid_t pid, pid_t tid, void *bytes, size_t size_bytes);
	size_t look_bytes; /* room for it */
	void *context;
	struct rec_stop_counts counts;
	struct rec_held {
		pid_t pid, tid;
		struct rec_schedule_totals arrival;
		int schedstat_fd;
	} held[REC_STOP_MAX_LATE + 1];
	size_t held_count;
	int cpu;    /* where we are */
	int own_fd; /* our schedstat */
	uint64_t random;
	uint64_t looked_ns; /* when we last looked for stops */
	uint64_t held_ns;   /* when we last interrupted a thread */
	bool may_go_first;
	timer_t timer; /* interrupts waiting */
};

/* `stopper` has `stack_bytes`, `take` and `context` set. To be called on its thread. */
int rec_stopper_init(struct rec_stopper *stopper);
void rec_stopper_release(struct rec_stopper *stopper);

enum rec_stop_result {
	REC_STOP_DONE,	  /* shown to `take` now or later, unless it leaves */
	REC_STOP_NONE,	  /* none of them runs there now, or it has ended */
	REC_STOP_REFUSED, /* EPERM: not ours to trace, or traced by another */
};

/* A thread that may be running. */
struct rec_candidate {
	pid_t pid, tid;
	int schedstat_fd; /* its own; -1 afterwards when the stopper has taken it */
	uint64_t run_ns;  /* the stopper's */
};

/*
 * Stop whichever of the candidates runs on `cpu`, told in `ret_met`, and show it to `take`.
 *
 * It is stopped from its own CPU, where it does not run while we do. From another one it would run
 * on until the interrupt is there, 30 us on some virtual machines, and be found in its next system
 * call far too often. Takes about a millisecond, most of it asleep.
 */
enum rec_stop_result rec_stopper_visit(struct rec_stopper *stopper, int cpu,
	struct rec_candidate *candidates, size_t count, struct rec_candidate **ret_met);

/* Show and let go of late ones that stop until `until_ns`; returns early when there are none. */
void rec_stopper_collect(struct rec_stopper *stopper, uint64_t until_ns);

/* May threads of `pid` be stopped? Touches nothing. Returns 0, or the errno and, in words, the
 * call. */
int rec_stopper_probe(pid_t pid, const char **ret_call);

/* The process that traces `pid`; 0: none. */
pid_t rec_stopper_tracer(pid_t pid);

#endif
