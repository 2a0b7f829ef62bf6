/*
 * Joining a thread's native stack with its Python stack, by address and not by the names of
 * functions: each evaluation loop of the interpreter leaves a mark (struct py_frame's `anchor`)
 * within its own native frame, so the Python frames that it runs belong right there.
 *
 * Both stacks must be of the same instant. The native one is of the moment of the sample, the
 * Python one may be some 100 us younger. It is taken to be the same when every mark lies in a
 * native frame, and when the innermost loop holds, in its registers or its native frame, the
 * address of the very Python frame and of an instruction of its code, and of no other code that
 * has run in the same place: what is left over from an earlier call would be taken for the truth.
 */
#ifndef RECORD_CPYTHON_MERGE_H
#define RECORD_CPYTHON_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "cpython/stack.h"
#include "unwind/unwind.h"

/* Different code that was met at the place of a frame lately. */
#define PY_MAX_OTHERS 16

struct py_instructions {
	uint64_t frame;	      /* where it ran */
	uint64_t start, size; /* bytes */
};

/* What is kept of a Python stack that was read, until its sample comes. */
struct py_snapshot {
	struct py_place {
		uint32_t frame;	 /* in the trace */
		uint64_t anchor; /* as in struct py_frame */
	} * places;		 /* leaf first */
	size_t count;
	bool is_cut;
	/* Of the innermost frame: where it lies, and its instructions. */
	uint64_t leaf, instructions, instructions_size;
	/* Of other code; not all of it ran in the place of the leaf. Borrowed; NULL: none. */
	const struct py_instructions *others;
};

enum py_merge {
	PY_MERGED,
	PY_APART, /* not shown to be of the same instant, or a version without marks (3.8, 3.9) */
};

/* A frame of the joined stack. */
struct py_merged_frame {
	enum py_frame_kind {
		PY_FRAME_NATIVE,
		PY_FRAME_PYTHON,
		/* What is further in was called by one of the Python frames around, or by others.
		 */
		PY_FRAME_UNMERGED,
	} kind;
	uint32_t index; /* in the stack it comes from */
};

/*
 * `frames` has room for native->count + python->count + 1; leaf first. `user`: what the native
 * stack was unwound from; NULL for a thread that stood still, whose stacks cannot differ.
 * `is_interpreter` tells modules that hold the interpreter itself.
 * Stacks that stay apart are put one after the other: the Python frames in front of what the
 * interpreter had called, and a frame of its own between, which says so.
 */
enum py_merge py_merge(const struct rec_stack *native, const struct py_snapshot *python,
	const struct rec_user_state *user, bool (*is_interpreter)(const struct rec_module *module),
	struct py_merged_frame *frames, size_t *ret_count);

#endif
