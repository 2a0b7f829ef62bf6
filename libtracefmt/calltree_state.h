/* The inside of struct tfmt_calltree: sums by stack, and what they are merged into. */
#ifndef TFMT_CALLTREE_STATE_H
#define TFMT_CALLTREE_STATE_H

#include <stdbool.h>

#include "arena.h"
#include "intern.h"

#include "tracefmt/calltree.h"

/* What stands on top of a stack, or instead of it: nothing, or state and system call of a sample.
 */
#define TFMT_TOP_NONE		   0
#define TFMT_TOP_OF(state, number) (1u << 31 | (uint32_t)(state) << 16 | (number))
#define TFMT_TOP_STATE(top)	   ((uint8_t)((top) >> 16 & 0xff))
#define TFMT_TOP_SYSCALL(top)	   ((uint16_t)(top))

/* Weights that add up to more than there can be, as no recorder writes them, stay the most. */
static inline uint64_t tfmt_calltree__sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* What was added for one stack below one prefix. */
struct tfmt_stack_sum {
	uint32_t prefix; /* index */
	uint32_t stack;
	uint32_t top;
	uint64_t weight;
	uint64_t count;
};

/* A node of the prefixes: a frame of the caller's own. Prefix 0 is the empty one. */
struct tfmt_prefix {
	uint32_t parent;
	uint32_t name; /* string */
	uint32_t node; /* once built */
};

/* The functions of a frame, outermost first: [first, first + count) of frame_functions. */
struct tfmt_frame_functions {
	uint32_t first;
	uint32_t count; /* 0: not looked up yet */
};

struct tfmt_calltree {
	const struct tfmt_trace *trace;
	bool is_built;
	enum tfmt_calltree_key key;
	struct tfmt_arena texts; /* names made for the key */

	struct tfmt_stack_sum *sums;
	size_t sum_count;
	size_t sum_capacity;
	struct tfmt_intern sum_index;

	struct tfmt_prefix *prefixes;
	size_t prefix_count;
	size_t prefix_capacity;
	struct tfmt_intern prefix_index;

	struct tfmt_node *nodes;
	size_t node_count;
	size_t node_capacity;
	struct tfmt_intern node_index;

	struct tfmt_function *functions;
	uint64_t *line_weights; /* by function: the weight at its line */
	size_t function_count;
	size_t function_capacity;
	size_t line_capacity;
	struct tfmt_intern function_index;
	const struct tfmt_function **by_self;
	uint32_t no_stack; /* the function that stands for unknown stacks; 0: there are none */

	struct tfmt_frame_functions *frames; /* by frame id */
	uint32_t *frame_functions;
	size_t frame_function_count;
	size_t frame_function_capacity;
};

/*
 * The functions of a frame, outermost first. Borrowed until the next call.
 * Returns: 0; TFMT_E_NOMEM.
 */
int tfmt_calltree__functions_of(struct tfmt_calltree *tree, uint32_t frame,
	const uint32_t **ret_functions, size_t *ret_count);

/* The function that stands for a frame of the caller's own. Returns: 0; TFMT_E_NOMEM. */
int tfmt_calltree__function_of_text(
	struct tfmt_calltree *tree, uint32_t string, uint32_t *ret_function);

/* The function of a name that is no code. Returns: 0; TFMT_E_NOMEM. */
int tfmt_calltree__function_of_name(
	struct tfmt_calltree *tree, const char *name, bool is_wait, uint32_t *ret_function);

/* Give each function the line of its heaviest frame. Returns: 0; TFMT_E_NOMEM. */
int tfmt_calltree__choose_lines(struct tfmt_calltree *tree);

/* After the nodes have their sums: totals, children in order. Returns: 0; TFMT_E_NOMEM. */
int tfmt_calltree__finish(struct tfmt_calltree *tree);

#endif
