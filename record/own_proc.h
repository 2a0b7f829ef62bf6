/*
 * /proc must show the processes as we number them. In a pid namespace of its own that did not get
 * a new /proc, as made by `unshare -fp`, the numbers there are those of other processes.
 */
#ifndef RECORD_OWN_PROC_H
#define RECORD_OWN_PROC_H

#include <stdbool.h>

/*
 * Make sure of it: where /proc is that of others, mount one that only this process sees. Call when
 * the program was forked, which must not see it, and before any thread is started.
 * Returns false when /proc is that of others and stays so. No /proc at all is fine.
 */
bool rec_own_proc_ensure(void);

#endif
