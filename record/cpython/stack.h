/*
 * The Python stack of one thread, read from outside while the thread may run on. What is read can
 * be torn: every frame is checked, and a stack that fails is read again or given up, never guessed.
 */
#ifndef RECORD_CPYTHON_STACK_H
#define RECORD_CPYTHON_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/codes.h"
#include "cpython/memory.h"
#include "cpython/runtime.h"

/* Frames of one stack; a deeper one is cut at the root side. */
#define PY_MAX_FRAMES 20000
/* Addresses of frames that are read ahead of their turn, for where they were last time. */
#define PY_MAX_PREDICTED 48

struct py_frame {
	struct py_code *code;
	int64_t offset;		    /* of the instruction in bytes; -1: not begun */
	uint64_t address, previous; /* of the frame, and of what comes after it in memory */
	/*
	 * The outermost of its evaluation loop: an address within the native frame of that loop.
	 * 0: not the outermost, or not known.
	 */
	uint64_t anchor;
};

struct py_stack {
	struct py_frame *frames; /* leaf first; owned by the reader */
	size_t count;
	bool is_cut; /* after PY_MAX_FRAMES */
	/* The thread called and returned too fast: its innermost frames are left out. */
	bool is_common;
	bool is_root_sure; /* the outermost frame is of a kind that never loses its caller */
	bool holds_gil, in_gc;
	uint64_t running_task; /* address of the task of asyncio that it is in; 0: none */
	/* Filled in by py_process_read(). */
	const char *task; /* its name; NULL: none, or not in the frames */
	size_t task_root; /* index of the outermost frame of that task */
};

/* What is remembered of a thread between readings. All zero at first. */
struct py_thread {
	uint64_t address; /* of its PyThreadState */
	uint64_t interpreter;
	uint64_t cframe;	/* last seen */
	uint64_t chunk, newest; /* where frames are, and where the newest one was */
	uint64_t root_code;	/* of its outermost frame */
	uint64_t other_root;	/* one seen in the last samples, not yet believed */
	unsigned other_root_count;
	uint64_t predicted[PY_MAX_PREDICTED]; /* frames outside of chunks, root first */
	size_t predicted_count;
};

enum py_result {
	PY_OK,	 /* maybe with no frame at all: the thread runs no Python code */
	PY_TORN, /* changed while it was read, twice */
	PY_GONE, /* the thread state cannot be read any more */
};

struct py_reader;

/* Returns: NULL without memory. All three are borrowed. */
struct py_reader *py_reader_new(
	struct py_memory *memory, const struct py_runtime *runtime, struct py_codes *codes);
void py_reader_free(struct py_reader *reader);
/* Where a thread state tells its task; 0: nowhere. */
void py_reader_set_running_task(struct py_reader *reader, uint32_t offset);

/* Whether an address lies in the lock of an interpreter whose threads have been read. */
bool py_reader_is_gil(const struct py_reader *reader, uint64_t address);

/*
 * Read the stack of a thread now. `ret_stack->frames` lives until the next call.
 * Cost: 4 us for 16 frames, from 3.11 on; one more system call for each frame of a generator that
 * was not there the last time.
 */
enum py_result py_read_stack(struct py_reader *reader, struct py_thread *thread, uint64_t now_ns,
	struct py_stack *ret_stack);

#endif
