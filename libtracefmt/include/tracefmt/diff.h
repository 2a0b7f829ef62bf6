/*
 * Two call trees as one: what was before and what is after some change.
 *
 *	tfmt_diff_new(before, after, aliases, alias_count, &diff);
 *	nodes[side] = tfmt_diff_nodes(diff, side, &count)	for both sides
 *	walk nodes[TFMT_AFTER] from node 0; nodes[TFMT_BEFORE][i] is the same node
 *
 * Nodes and functions have one numbering for both sides. Two functions are one when their names
 * and the last components of their modules' paths are equal, up to what a compiler or a version
 * adds; Python's when function and file are, wherever that lies and whatever the line; with
 * TFMT_BY_LINE, the line too. Code without a name is compared by address, within one build.
 */
#ifndef TRACEFMT_DIFF_H
#define TRACEFMT_DIFF_H

#include "tracefmt/calltree.h"
#include "tracefmt/header.h"

enum tfmt_side {
	TFMT_BEFORE,
	TFMT_AFTER,
	TFMT_SIDE_COUNT,
};

/*
 * What has another name after than before, and is the same: "sort-1.0" and "sort-1.1". Programs,
 * libraries and files, by the last component of their paths. Borrowed during tfmt_diff_new().
 */
struct tfmt_alias {
	const char *names[TFMT_SIDE_COUNT];
};

/*
 * By enum tfmt_side, in the unit of the trees; 0 where there is none. Recursion counts once in
 * `total`.
 */
struct tfmt_diff_function {
	const struct tfmt_location *location; /* of after; of before when after has it not */
	uint64_t total[TFMT_SIDE_COUNT];
	uint64_t self[TFMT_SIDE_COUNT];
	uint64_t total_count[TFMT_SIDE_COUNT]; /* the same in samples */
	uint64_t self_count[TFMT_SIDE_COUNT];
	bool is_address; /* has no name */
};

struct tfmt_diff;

/*
 * Both trees must be built, by the same key, and outlive the diff. Programs given on the command
 * lines of both are in `aliases`, see tfmt_diff_aliases().
 * Returns: 0; TFMT_E_NOMEM.
 * Cost: memory and time follow the nodes of both trees.
 */
int tfmt_diff_new(const struct tfmt_calltree *before, const struct tfmt_calltree *after,
	const struct tfmt_alias *aliases, size_t alias_count, struct tfmt_diff **ret_diff);
void tfmt_diff_free(struct tfmt_diff *diff);

/*
 * The tree of one side: links and order are those of its own weights, and lead only to nodes that
 * weigh something there. `parent`, `depth` and `function` hold for both. Borrowed until free.
 */
const struct tfmt_node *tfmt_diff_nodes(
	const struct tfmt_diff *diff, enum tfmt_side side, size_t *ret_count);

/* Index 0 is the root. Borrowed until free. */
const struct tfmt_diff_function *tfmt_diff_functions(
	const struct tfmt_diff *diff, size_t *ret_count);

/*
 * The aliases that follow from two command lines: what stands at the same place in both. Writes up
 * to `max`, returns how many. Borrowed from the headers.
 */
size_t tfmt_diff_aliases(const struct tfmt_header *before, const struct tfmt_header *after,
	struct tfmt_alias *aliases, size_t max);

#endif
