/*
 * What the thread that stops others hands to the recorder's main thread: readings, samples with
 * their stack bytes, maps. Bounded: what does not fit is refused, and the sender counts it.
 */
#ifndef RECORD_NATIVE_PTRACE_QUEUE_H
#define RECORD_NATIVE_PTRACE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "native/schedule.h"
#include "unwind/unwind.h"

enum rec_ptrace_event_type {
	REC_PTRACE_TOTALS,     /* of a thread, perhaps a new one */
	REC_PTRACE_SAMPLE,     /* the bytes are its stack from the stack pointer upwards */
	REC_PTRACE_RUNS,       /* a sample of a thread that was not stopped: no registers */
	REC_PTRACE_MAPS,       /* the bytes are the executable lines of /proc/PID/maps */
	REC_PTRACE_THREAD_END, /* its number is not there any more */
};

struct rec_ptrace_event {
	enum rec_ptrace_event_type type;
	pid_t pid, tid;
	uint64_t time_ns;
	bool is_first; /* of this thread */
	union {
		struct rec_schedule_totals totals;
		struct {
			uint64_t weight_ns; /* CPU time since the thread's last sample */
			uint64_t regs[REC_PERF_REGS_COUNT];
			int cpu; /* of RUNS: where it runs; -1: nobody has looked */
		} sample;
	};
	size_t more_bytes; /* of SAMPLE: of `bytes`, behind its stack: what was seen besides */
	size_t size_bytes; /* of `bytes` */
	uint8_t bytes[];   /* MAPS: ended by a NUL, which is counted */
};

struct rec_ptrace_queue;

/* Returns NULL when there is no memory. */
struct rec_ptrace_queue *rec_ptrace_queue_new(void);
void rec_ptrace_queue_free(struct rec_ptrace_queue *queue);

/* `event` has no bytes of its own: they are at `bytes`. Returns: false when there is no room. */
bool rec_ptrace_queue_put(
	struct rec_ptrace_queue *queue, const struct rec_ptrace_event *event, const void *bytes);

typedef void rec_take_ptrace_event(void *context, const struct rec_ptrace_event *event);

/* Give everything to `take`, oldest first; what it is shown lives until it returns. */
void rec_ptrace_queue_drain(
	struct rec_ptrace_queue *queue, rec_take_ptrace_event *take, void *context);

#endif
