/*
 * The stacks of threads that run already, once, now. A thread that waits is not stopped: its
 * stack stands still. One that runs gives a sample of perf, or is stopped for a moment where perf
 * is refused. The Python stack of a thread that waits is read while its native one stands still;
 * of one that runs samples are taken until one is shown to be of the same instant.
 */
#ifndef RECORD_DUMP_TAKE_H
#define RECORD_DUMP_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dump/python.h"
#include "native/image.h"
#include "unwind/unwind.h"

struct rec_dump_frame {
	struct rec_module *module;	     /* NULL: the kernel, or Python code */
	uint64_t address;		     /* as in struct rec_stack_frame */
	const struct rec_symbol_row *python; /* NULL: native */
};

struct rec_dump_thread {
	pid_t pid, tid;
	struct rec_image *image; /* of its process */
	char name[16];
	char doing[64]; /* "running", "sleeping in futex" */
	struct rec_dump_frame *frames;
	size_t frame_count; /* leaf first; 0: no stack */
	struct py_known_thread known;
	struct rec_dump_python python;
	bool is_whole;
	bool is_apart; /* its Python frames may be of another instant than the native ones */
	bool waits_for_gil;
	bool is_taken;	/* no better stack is to be had */
	bool has_ended; /* before it was looked at */
	int refusal;	/* errno: we may not look at it */
};

struct rec_taker;

/* Without `wants_native` only Python stacks are read. Returns NULL when there is no memory. */
struct rec_taker *rec_taker_new(struct rec_modules *modules, bool wants_native);
void rec_taker_free(struct rec_taker *taker);

/*
 * Take the stacks of `count` threads whose `pid`, `tid` and `image` are set. Blocks until all that
 * run have been on a CPU, 200 ms at most. The caller releases them.
 */
void rec_taker_take(struct rec_taker *taker, struct rec_dump_thread *threads, size_t count);
void rec_dump_thread_release(struct rec_dump_thread *thread);

#endif
