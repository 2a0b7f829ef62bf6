/*
 * When the recorder's main thread wakes: soon, for a process may be gone half a millisecond after
 * its exec and its arguments with it, but once for the many records that an exec makes.
 */
#ifndef RECORD_WAKEUPS_H
#define RECORD_WAKEUPS_H

/* Call once, on the thread that waits, after the program was forked: it would inherit this. */
void rec_wakeups_prepare(void);

/*
 * On that thread, where it is allowed: go before all others that want the CPU. A sample's Python
 * stack is of another instant soon. Returns the nice value to give back to rec_wakeups_relax().
 */
int rec_wakeups_hurry(void);
void rec_wakeups_relax(int nice);

/* After a round: let what follows from the records just seen come together. */
void rec_wakeups_gather(void);

#endif
