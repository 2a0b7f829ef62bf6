/*
 * From frames to the ids of frames and stacks in the trace.
 *
 * Samples of one thread mostly differ near the leaf only, so each thread keeps the path of its last
 * sample: what is equal from the root on costs a comparison instead of a table lookup.
 */
#ifndef RECORD_NATIVE_STACK_IDS_H
#define RECORD_NATIVE_STACK_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/merge.h"
#include "native/namer.h"
#include "sink.h"
#include "unwind/unwind.h"

struct rec_stack_ids;

/* The last stack of a thread, root first. All zero at first. */
struct rec_stack_path {
	struct rec_stack_step {
		uint32_t frame, stack;
	} * steps;
	size_t count, capacity;
};
void rec_stack_path_release(struct rec_stack_path *path);

/* New addresses are given to `namer`. Returns NULL when there is no memory. */
struct rec_stack_ids *rec_stack_ids_new(struct rec_sink *sink, struct rec_namer *namer);
void rec_stack_ids_free(struct rec_stack_ids *ids);

/*
 * The id of a user stack with kernel frames on top of it (leaf first; addresses as perf gives
 * them); 0 when both are empty. `path` is the thread's and becomes this stack's.
 */
uint32_t rec_stack_ids_add(struct rec_stack_ids *ids, struct rec_stack_path *path,
	const struct rec_stack *user, const uint64_t *kernel_frames, size_t kernel_frame_count);

/* A user stack with Python frames among the native ones, leaf first. */
struct rec_joined_stack {
	const struct py_merged_frame *frames;
	size_t count;
	const struct py_place *python; /* what the Python ones among them stand for */
	bool is_apart;		       /* as of PY_APART: so are kernel frames on top of it */
};

/* The same for such a stack; `user` is what its native frames stand for. */
uint32_t rec_stack_ids_add_joined(struct rec_stack_ids *ids, struct rec_stack_path *path,
	const struct rec_joined_stack *joined, const struct rec_stack *user,
	const uint64_t *kernel_frames, size_t kernel_frame_count);

/* The id of a stack with one frame that says what is not known. */
uint32_t rec_stack_ids_marker(struct rec_stack_ids *ids, const char *text);

#endif
