/*
 * When the recorder's main thread wakes: soon, for a process may be gone half a millisecond after
 * its exec and its arguments with it, but once for the many records that an exec makes.
 */
#ifndef RECORD_WAKEUPS_H
#define RECORD_WAKEUPS_H

#include <sched.h>
#include <stdint.h>

/* Call once, on the thread that waits, after the program was forked: it would inherit this. */
void rec_wakeups_prepare(void);

/* How the thread was before it hurried, and where it is. */
struct rec_hurry {
	cpu_set_t usual_cpus; /* those it may go to */
	int usual_nice;
	uint32_t cpu; /* where it stays; UINT32_MAX: anywhere */
	unsigned elsewhere_count;
};

/*
 * On that thread, where it is allowed: go before all others that want the CPU, and to the CPU that
 * the samples come from. A sample's Python stack is of another instant soon.
 */
void rec_wakeups_hurry(struct rec_hurry *hurry);
/* A sample has come from this CPU. One on another now and then is no reason to move. */
void rec_wakeups_follow(struct rec_hurry *hurry, uint32_t cpu);
void rec_wakeups_relax(const struct rec_hurry *hurry);

/* After a round: let what follows from the records just seen come together. */
void rec_wakeups_gather(void);

#endif
