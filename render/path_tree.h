/*
 * Stacks as paths of functions, root first: a prefix tree, cut at the rows a picture has. Two
 * samples are in the same call of a function as far as the picture can tell when they have the
 * same node; what two paths share is found by walking up.
 */
#ifndef REND_PATH_TREE_H
#define REND_PATH_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REND_MAX_PATH 24

struct rend_path_node {
	uint32_t parent;
	uint32_t function; /* whatever number the caller gives functions */
	uint32_t depth;	   /* 0 for the empty path, node 0; at most REND_MAX_PATH */
	bool is_kernel;	   /* set by the caller: nothing waits in it but what is seen there */
	bool is_scope;	   /* set by the caller: it is no function */
};

struct rend_path_tree {
	struct rend_path_node *nodes;
	size_t count, room;
	uint32_t *slots; /* hash table of nodes; 0: free */
	size_t slot_count;
};

/* Returns: 0; TFMT_E_NOMEM. */
int rend_path_tree_init(struct rend_path_tree *tree);
void rend_path_tree_release(struct rend_path_tree *tree);

/*
 * The path `node` with `function` called from it; `node` itself when it is at full depth.
 * Returns: 0; TFMT_E_NOMEM.
 */
int rend_path_tree_child(
	struct rend_path_tree *tree, uint32_t node, uint32_t function, uint32_t *ret_child);

/* What the two paths have in common, from the root. Cost: the rows in which they differ. */
uint32_t rend_path_tree_common(const struct rend_path_tree *tree, uint32_t a, uint32_t b);

#endif
