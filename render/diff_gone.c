#include "diff_gone.h"

#include <stdlib.h>

/* The first gone nodes on their ways down, which become children of the root. */
struct tops {
	uint32_t *nodes;
	size_t count;
};

static bool is_gone(const struct rend_diff *diff, uint32_t node)
{
	return diff->nodes[TFMT_BEFORE][node].total > 0 && diff->nodes[TFMT_AFTER][node].total == 0;
}

static int compare_tops(const void *left, const void *right, void *context)
{
	const struct rend_diff_gone *gone = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	if (gone->nodes[a].total != gone->nodes[b].total)
		return gone->nodes[a].total > gone->nodes[b].total ? -1 : 1;
	return a < b ? -1 : 1;
}

/* Copy the gone nodes, with their links as `numbers` says. Parents come first. */
static void copy_nodes(struct rend_diff_gone *gone, const struct rend_diff *diff,
	const uint32_t *numbers, struct tops *tops)
{
	for (uint32_t i = 1; i < diff->node_count; i++) {
		const struct tfmt_node *from = &diff->nodes[TFMT_BEFORE][i];
		uint32_t number = numbers[i];
		if (number == 0)
			continue;
		struct tfmt_node *node = &gone->nodes[number];
		*node = *from;
		node->parent = numbers[from->parent];
		node->depth = gone->nodes[node->parent].depth + 1;
		node->first_child = numbers[from->first_child];
		node->next_sibling = node->parent != 0 ? numbers[from->next_sibling] : 0;
		gone->origins[number] = i;
		if (node->parent == 0)
			tops->nodes[tops->count++] = number;
	}
}

static void link_tops(struct rend_diff_gone *gone, struct tops *tops)
{
	uint32_t *link = &gone->nodes[0].first_child;
	qsort_r(tops->nodes, tops->count, sizeof(*tops->nodes), compare_tops, gone);
	for (size_t i = 0; i < tops->count; i++) {
		const struct tfmt_node *node = &gone->nodes[tops->nodes[i]];
		gone->nodes[0].total += node->total;
		gone->nodes[0].total_count += node->total_count;
		*link = tops->nodes[i];
		link = &gone->nodes[tops->nodes[i]].next_sibling;
	}
}

int rend_diff_gone_init(struct rend_diff_gone *gone, const struct rend_diff *diff)
{
	*gone = (struct rend_diff_gone){.count = 1};
	uint32_t *numbers = calloc(diff->node_count, sizeof(*numbers));
	if (numbers == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t i = 1; i < diff->node_count; i++)
		numbers[i] = is_gone(diff, i) ? (uint32_t)gone->count++ : 0;
	struct tops tops = {.nodes = calloc(gone->count, sizeof(*tops.nodes))};
	gone->nodes = calloc(gone->count, sizeof(*gone->nodes));
	gone->origins = calloc(gone->count, sizeof(*gone->origins));
	bool has_memory = tops.nodes != NULL && gone->nodes != NULL && gone->origins != NULL;
	if (has_memory) {
		copy_nodes(gone, diff, numbers, &tops);
		link_tops(gone, &tops);
	} else {
		rend_diff_gone_release(gone);
	}
	free(tops.nodes);
	free(numbers);
	return has_memory ? 0 : TFMT_E_NOMEM;
}

void rend_diff_gone_release(struct rend_diff_gone *gone)
{
	free(gone->nodes);
	free(gone->origins);
	*gone = (struct rend_diff_gone){0};
}
