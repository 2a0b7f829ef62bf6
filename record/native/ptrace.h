/*
 * Samples of running threads where perf is refused: a thread of the recorder that looks at all
 * threads of the target up to 99 times a second, and stops those that run for a moment.
 *
 * What it finds is queued and given out by rec_ptrace_drain(): see ptrace_queue.h. In all, threads
 * are stopped for at most 2 % of the time: the more a stop takes, the fewer there are.
 *
 * Never stopped are threads that wait (some system calls would notice), that another program
 * traces, and processes so young that they may be about to ask for it.
 */
#ifndef RECORD_NATIVE_PTRACE_H
#define RECORD_NATIVE_PTRACE_H

#include <stdint.h>
#include <sys/types.h>

#include "native/ptrace_queue.h"
#include "native/ptrace_stop.h"

#define REC_PTRACE_MAX_HZ 99

struct rec_ptrace;

struct rec_ptrace_options {
	uint64_t rate_hz;   /* of looking */
	size_t stack_bytes; /* to copy */
};

/*
 * Look at a thread that stands still, besides its registers and stack, on the thread that has
 * stopped it. Returns: how many bytes it has written of `size_bytes`.
 */
typedef size_t rec_look_at_stopped(
	void *context, pid_t pid, pid_t tid, void *bytes, size_t size_bytes);
#define REC_PTRACE_LOOK_BYTES 65536

/* Starts the thread. Returns NULL when there is none, or no memory. */
struct rec_ptrace *rec_ptrace_new(const struct rec_ptrace_options *options);
/* Ends the thread; what it found can still be drained. */
void rec_ptrace_stop(struct rec_ptrace *ptrace);
void rec_ptrace_free(struct rec_ptrace *ptrace);

/*
 * All threads of `pid` from now on, until it ends or is removed. With `was_running` nothing of what
 * the present ones have done so far counts.
 */
void rec_ptrace_add(struct rec_ptrace *ptrace, pid_t pid, bool was_running);
void rec_ptrace_remove(struct rec_ptrace *ptrace, pid_t pid);
/* It has another program, with other mappings and rights. */
void rec_ptrace_executed(struct rec_ptrace *ptrace, pid_t pid);

/* To be called before there are processes; until rec_ptrace_stop(). */
void rec_ptrace_set_look(struct rec_ptrace *ptrace, rec_look_at_stopped *wanted, void *context);

void rec_ptrace_drain(struct rec_ptrace *ptrace, rec_take_ptrace_event *take, void *context);

struct rec_ptrace_counts {
	struct rec_stop_counts stop;
	uint64_t dropped; /* samples: the queue was full */
	uint64_t traced;  /* processes that another program traces */
	uint64_t refused; /* processes that may not be traced */
	uint64_t foreign; /* stops of 32-bit code */
};

/* Once the thread has ended. */
struct rec_ptrace_counts rec_ptrace_counts(const struct rec_ptrace *ptrace);

#endif
