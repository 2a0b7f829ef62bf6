/*
 * The stacks of threads that run already, once, now. A thread that waits is not stopped: its
 * stack stands still. One that runs gives a sample of perf, or is stopped for a moment where perf
 * is refused.
 */
#ifndef RECORD_DUMP_TAKE_H
#define RECORD_DUMP_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "unwind/unwind.h"

struct rec_dump_frame {
	struct rec_module *module; /* NULL: the kernel */
	uint64_t address;	   /* as in struct rec_stack_frame */
};

struct rec_dump_thread {
	pid_t pid, tid;
	struct rec_space *space; /* of its process */
	char name[16];
	char doing[64]; /* "running", "sleeping in futex" */
	struct rec_dump_frame *frames;
	size_t frame_count; /* leaf first; 0: no stack */
	bool is_whole;
	bool has_ended; /* before it was looked at */
	int refusal;	/* errno: we may not look at it */
};

struct rec_taker;

/* Returns NULL when there is no memory. */
struct rec_taker *rec_taker_new(struct rec_modules *modules);
void rec_taker_free(struct rec_taker *taker);

/*
 * Take the stacks of `count` threads whose `pid`, `tid` and `space` are set. Blocks until all that
 * run have been on a CPU, 200 ms at most. The caller frees `frames`.
 */
void rec_taker_take(struct rec_taker *taker, struct rec_dump_thread *threads, size_t count);

#endif
