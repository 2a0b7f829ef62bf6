/*
 * Merged stacks: what flame graphs, folded stacks and tables of functions are made of.
 *
 *	tfmt_calltree_new(trace, &tree);
 *	tfmt_calltree_add_sample(tree, NULL, 0, sample, sample->weight_ns);	for each sample
 *	tfmt_calltree_build(tree);
 *	walk tfmt_calltree_nodes() from node 0
 *
 * Two frames are merged when function, module and language are equal, whatever the line; Python's
 * when function, file and first line are; or by another key. Inlined functions are nodes of their
 * own. Sums that no recording has, beyond 64 bits, stay at the most.
 * Sums by stack come first, so adding a sample costs two adds, whatever its depth.
 */
#ifndef TRACEFMT_CALLTREE_H
#define TRACEFMT_CALLTREE_H

#include "tracefmt/error.h"
#include "tracefmt/trace.h"
#include "tracefmt/weight.h"

struct tfmt_calltree;

/* A node of the merged tree. Children follow as a list; indexes are into the node array. */
struct tfmt_node {
	uint64_t total;	      /* weight of it and all below */
	uint64_t self;	      /* weight where it is the leaf */
	uint64_t total_count; /* the same in samples */
	uint64_t self_count;
	uint32_t function;    /* index for tfmt_calltree_function() */
	uint32_t parent;      /* node; the root is its own */
	uint32_t first_child; /* node, 0: none. Heaviest first, ties by name; unknown stacks last */
	uint32_t next_sibling;
	uint32_t depth; /* 0 for the root */
};

/* A function over the whole tree. Recursion counts once in `total`. */
struct tfmt_function {
	struct tfmt_location location; /* the line is that of its heaviest place */
	uint64_t total;
	uint64_t self;
	uint64_t total_count;
	uint64_t self_count;
};

/* What makes two frames one: what is then called a function. */
enum tfmt_calltree_key {
	TFMT_BY_FUNCTION,
	TFMT_BY_LINE,	/* of a function: as it, with its line */
	TFMT_BY_FILE,	/* named by the source file; the module's where that is not known */
	TFMT_BY_MODULE, /* named by program or library; Python's by package, or by file */
};

/* `trace` must be scanned, and outlive the tree. Returns: 0; TFMT_E_NOMEM. */
int tfmt_calltree_new(const struct tfmt_trace *trace, struct tfmt_calltree **ret_tree);
void tfmt_calltree_free(struct tfmt_calltree *tree);

/* Before build. Names of the root and of waits stay as they are. */
void tfmt_calltree_merge_by(struct tfmt_calltree *tree, enum tfmt_calltree_key key);

/* Add `count` samples of `weight` in all. Returns: 0; TFMT_E_ARG after build; TFMT_E_NOMEM. */
int tfmt_calltree_add(struct tfmt_calltree *tree, uint32_t stack, uint64_t weight, uint64_t count);

/*
 * As tfmt_calltree_add(), with frames of the caller's own between the root and the stack, such as
 * the process and the thread: `prefix` are `prefix_count` string ids, outermost first.
 */
int tfmt_calltree_add_under(struct tfmt_calltree *tree, const uint32_t *prefix, size_t prefix_count,
	uint32_t stack, uint64_t weight, uint64_t count);

/*
 * Add a sample that weighs `weight`, with a prefix as above. On top of the stack of one that was
 * off the CPU there is a frame that says why; an unknown stack is a frame that says so. Both are of
 * tracefmt/weight.h. Returns: as tfmt_calltree_add().
 */
int tfmt_calltree_add_sample(struct tfmt_calltree *tree, const uint32_t *prefix,
	size_t prefix_count, const struct tfmt_sample *sample, uint64_t weight);

/* Merge. Returns: 0; TFMT_E_NOMEM. */
int tfmt_calltree_build(struct tfmt_calltree *tree);

/* After build. Node 0 is the root, "all". Borrowed until free. */
const struct tfmt_node *tfmt_calltree_nodes(const struct tfmt_calltree *tree, size_t *ret_count);
const struct tfmt_function *tfmt_calltree_function(
	const struct tfmt_calltree *tree, uint32_t function);
/* All functions, by self weight, heaviest first, ties by name. Borrowed until free. */
const struct tfmt_function *const *tfmt_calltree_functions(
	const struct tfmt_calltree *tree, size_t *ret_count);

#endif
