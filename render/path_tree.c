#include "path_tree.h"

#include <stdlib.h>

#include "tracefmt/error.h"

#define FIRST_SLOTS 1024 /* a power of two */

int rend_path_tree_init(struct rend_path_tree *tree)
{
	*tree = (struct rend_path_tree){.count = 1, .room = FIRST_SLOTS / 2};
	tree->nodes = calloc(tree->room, sizeof(*tree->nodes));
	tree->slots = calloc(FIRST_SLOTS, sizeof(*tree->slots));
	tree->slot_count = FIRST_SLOTS;
	if (tree->nodes == NULL || tree->slots == NULL) {
		rend_path_tree_release(tree);
		return TFMT_E_NOMEM;
	}
	return 0;
}

void rend_path_tree_release(struct rend_path_tree *tree)
{
	free(tree->nodes);
	free(tree->slots);
	*tree = (struct rend_path_tree){0};
}

/* The slot of that child, or the free one where it belongs. */
static uint32_t *find_slot(const struct rend_path_tree *tree, uint32_t parent, uint32_t function)
{
	uint64_t key = ((uint64_t)parent << 32 | function) * 0x9e3779b97f4a7c15u;
	for (size_t i = key >> 32;; i++) {
		uint32_t *slot = &tree->slots[i & (tree->slot_count - 1)];
		const struct rend_path_node *node = &tree->nodes[*slot];
		if (*slot == 0 || (node->parent == parent && node->function == function))
			return slot;
	}
}

static int grow(struct rend_path_tree *tree)
{
	size_t room = tree->room * 2;
	struct rend_path_node *nodes = realloc(tree->nodes, room * sizeof(*nodes));
	if (nodes == NULL)
		return TFMT_E_NOMEM;
	tree->nodes = nodes;
	uint32_t *slots = calloc(room * 2, sizeof(*slots));
	if (slots == NULL)
		return TFMT_E_NOMEM;
	free(tree->slots);
	tree->slots = slots;
	tree->slot_count = room * 2;
	tree->room = room;
	for (uint32_t i = 1; i < tree->count; i++)
		*find_slot(tree, nodes[i].parent, nodes[i].function) = i;
	return 0;
}

int rend_path_tree_child(
	struct rend_path_tree *tree, uint32_t node, uint32_t function, uint32_t *ret_child)
{
	uint32_t depth = tree->nodes[node].depth;
	if (depth == REND_MAX_PATH) {
		*ret_child = node;
		return 0;
	}
	uint32_t *slot = find_slot(tree, node, function);
	if (*slot == 0) {
		if (tree->count == tree->room) {
			int status = grow(tree);
			if (status < 0)
				return status;
			slot = find_slot(tree, node, function);
		}
		*slot = (uint32_t)tree->count;
		tree->nodes[tree->count++] = (struct rend_path_node){
			.parent = node, .function = function, .depth = depth + 1};
	}
	*ret_child = *slot;
	return 0;
}

uint32_t rend_path_tree_common(const struct rend_path_tree *tree, uint32_t a, uint32_t b)
{
	const struct rend_path_node *nodes = tree->nodes;
	while (a != b) {
		if (nodes[a].depth >= nodes[b].depth)
			a = nodes[a].parent;
		else
			b = nodes[b].parent;
	}
	return a;
}
