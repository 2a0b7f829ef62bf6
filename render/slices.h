/*
 * The flame chart of one thread: its samples, in the order of time, made into slices of functions
 * that went on from sample to sample.
 *
 * A slice ends when its function does, or one further out. A wait lies below the functions of its
 * stack, which go on meanwhile; one whose stack is not known lies below the functions outside of
 * the kernel that are there before and after. When nothing was seen of a thread for longer than
 * `gap_ns`, only callers go on that are there before and after; after a long gap, none do. A stack
 * whose root side is missing tells nothing about the functions further out: what is open goes on.
 * Slices shorter than `min_ns` become blocks that say how much of them was busy.
 *
 * Memory: slices of at least min_ns each, so bounded by the width of the picture.
 */
#ifndef REND_SLICES_H
#define REND_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "path_tree.h"
#include "tracefmt/record.h"

enum rend_slice_type {
	REND_SLICE_CODE,
	REND_SLICE_WAIT,
	REND_SLICE_DENSE, /* several too short to be drawn */
};

struct rend_slice {
	uint64_t begin_ns, end_ns;
	uint64_t busy_ns;  /* of it taken by functions: all but for REND_SLICE_DENSE */
	uint64_t major_ns; /* at least so much of that by the function of `node` */
	uint32_t node;	   /* the path that ends in the slice's function; of a wait, its caller's */
	uint32_t count;	   /* slices in a dense one, waits in a row in a wait, else 1 */
	uint16_t syscall;  /* of waits, as in struct tfmt_sample */
	uint8_t state;	   /* of waits: enum tfmt_state */
	uint8_t type;	   /* enum rend_slice_type */
	bool is_assumed;   /* of waits: its place is that of another sample */
};

struct rend_slice_row {
	struct rend_slice *slices; /* in the order of time, not overlapping */
	size_t count, room;
	struct rend_slice dense; /* still growing; none when its count is 0 */
};

/* A wait that is not drawn yet: what follows it says which functions it happened in. */
struct rend_wait {
	uint64_t begin_ns, end_ns;
	uint32_t node;	/* its own path; 0: not known */
	uint32_t count; /* of waits that are alike, with next to nothing between them */
	uint16_t syscall;
	uint8_t state;
	bool is_assumed;
};

#define REND_MAX_WAITS 32

struct rend_slices {
	const struct rend_path_tree *tree; /* borrowed; may grow meanwhile */
	uint64_t gap_ns;
	uint64_t min_ns;
	uint32_t node;			      /* the path that is open */
	uint64_t begin_ns[REND_MAX_PATH + 1]; /* of its functions, by depth */
	uint64_t end_ns;		      /* seen so far */
	uint64_t whole_ns;		      /* when the root of the stack was seen last */
	struct rend_wait waits[REND_MAX_WAITS];
	size_t wait_count;
	struct rend_slice_row rows[REND_MAX_PATH]; /* outermost function first */
	uint32_t row_count;			   /* that have slices */
};

void rend_slices_init(struct rend_slices *slices, const struct rend_path_tree *tree,
	uint64_t gap_ns, uint64_t min_ns);
void rend_slices_release(struct rend_slices *slices);

/*
 * Add the thread's next sample, whose stack is the path `node` (0: not known). Samples that are no
 * interval of time (summed up, not sampled) are left out. Returns: 0; TFMT_E_NOMEM.
 */
int rend_slices_add(struct rend_slices *slices, const struct tfmt_sample *sample, uint32_t node);

/* Close what is open. Returns: 0; TFMT_E_NOMEM. */
int rend_slices_finish(struct rend_slices *slices);

/* After finish: all slices of all rows. */
size_t rend_slices_count(const struct rend_slices *slices);

/* After finish: fewer slices, by a longer `min_ns`. */
void rend_slices_coarsen(struct rend_slices *slices, uint64_t min_ns);

#endif
