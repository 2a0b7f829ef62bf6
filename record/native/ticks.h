/*
 * Python alone, where nothing else is allowed or wanted: a timer, at whose ticks the threads of all
 * processes with an interpreter are looked at. Nothing is stopped, and nothing is asked of the
 * kernel but /proc and the right to read the processes' memory.
 *
 * A tick tells of each thread that runs, or could: whoever takes that reads its Python stack at
 * once. Ticks do not drift; those that come too late are counted.
 */
#ifndef RECORD_NATIVE_TICKS_H
#define RECORD_NATIVE_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "native/ptrace_queue.h"

struct rec_ticks;

/* Returns NULL when there is no timer, or no memory. */
struct rec_ticks *rec_ticks_new(uint64_t rate_hz);
void rec_ticks_free(struct rec_ticks *ticks);
/* Readable when a tick is due. */
int rec_ticks_fd(const struct rec_ticks *ticks);

/* As of rec_ptrace_add() and so on. */
void rec_ticks_add(struct rec_ticks *ticks, pid_t pid, bool was_running);
void rec_ticks_remove(struct rec_ticks *ticks, pid_t pid);
void rec_ticks_executed(struct rec_ticks *ticks, pid_t pid);

/*
 * If a tick is due, tell `take` what is to be seen. Events are those of the thread that stops
 * others, but for REC_PTRACE_RUNS in place of REC_PTRACE_SAMPLE.
 * Cost: 1 us for a process with one thread, 1 us for each thread that is not asleep for long, 6 for
 * each that has just run and does not now.
 */
void rec_ticks_look(struct rec_ticks *ticks, rec_take_ptrace_event *take, void *context);

/* Ticks that were over before anybody looked. */
uint64_t rec_ticks_late(const struct rec_ticks *ticks);

#endif
