/*
 * What the scheduler says of a thread, for who may not see its switches: /proc/PID/task/TID.
 *
 * Time on a CPU is counted up to the last clock tick for a thread that runs right now (4 ms at
 * 250 Hz), exactly for every other.
 */
#ifndef RECORD_NATIVE_SCHEDSTAT_H
#define RECORD_NATIVE_SCHEDSTAT_H

#include <stdbool.h>
#include <sys/types.h>

#include "native/schedule.h"

/* A descriptor that follows this very thread, or -1 with errno: ENOENT and ESRCH when it is gone.
 */
int rec_schedstat_open(pid_t pid, pid_t tid);

/* Returns: 0, or -1 when the thread is gone. */
int rec_schedstat_read(int fd, struct rec_schedule_totals *ret_totals);

/* How many threads a process has; 0 when it is gone. */
unsigned rec_schedstat_threads(pid_t pid);

#endif
