#include <stdlib.h>
#include <string.h>

#include "calltree_state.h"

/* A child to be sorted: its weight and name beside it, for the comparison has no context. */
struct child {
	uint64_t total;
	const char *name;
	uint32_t node;
	bool is_last;
};

static int compare_children(const void *a, const void *b)
{
	const struct child *left = a, *right = b;
	int order;

	if (left->is_last != right->is_last)
		return left->is_last ? 1 : -1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	order = strcmp(left->name, right->name);
	if (order != 0)
		return order;
	return left->node < right->node ? -1 : 1;
}

static int compare_functions(const void *a, const void *b)
{
	const struct tfmt_function *left = *(const struct tfmt_function *const *)a;
	const struct tfmt_function *right = *(const struct tfmt_function *const *)b;
	int order;

	if (left->self != right->self)
		return left->self > right->self ? -1 : 1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	order = strcmp(left->location.function, right->location.function);
	if (order != 0)
		return order;
	return left < right ? -1 : 1;
}

/* Parents come before their children, so that one pass from the end sums all. */
static void sum_totals(struct tfmt_calltree *tree)
{
	for (size_t i = tree->node_count; i-- > 0;) {
		struct tfmt_node *node = &tree->nodes[i];
		struct tfmt_function *function = &tree->functions[node->function];

		node->total = tfmt_calltree__sum(node->total, node->self);
		node->total_count += node->self_count;
		function->self = tfmt_calltree__sum(function->self, node->self);
		function->self_count += node->self_count;
		if (i > 0) {
			struct tfmt_node *parent = &tree->nodes[node->parent];

			parent->total = tfmt_calltree__sum(parent->total, node->total);
			parent->total_count += node->total_count;
		}
	}
}

/* Link `count` children of one node, heaviest first. */
static void link_children(struct tfmt_calltree *tree, struct child *children, size_t count)
{
	uint32_t *link;

	if (count == 0)
		return;
	if (count > 1)
		qsort(children, count, sizeof(*children), compare_children);
	link = &tree->nodes[tree->nodes[children[0].node].parent].first_child;
	for (size_t i = 0; i < count; i++) {
		*link = children[i].node;
		link = &tree->nodes[children[i].node].next_sibling;
	}
	*link = 0;
}

static int order_children(struct tfmt_calltree *tree)
{
	size_t count = tree->node_count;
	struct child *children = malloc(count * sizeof(*children));
	uint32_t *ends = calloc(count + 1, sizeof(*ends)); /* by parent, into children */
	uint32_t begin = 0;

	if (!children || !ends) {
		free(children);
		free(ends);
		return TFMT_E_NOMEM;
	}
	for (size_t i = 1; i < count; i++)
		ends[tree->nodes[i].parent + 1]++;
	for (size_t i = 0; i < count; i++)
		ends[i + 1] += ends[i];
	/* ends[p] is now where the children of p begin, and becomes where they end. */
	for (size_t i = 1; i < count; i++) {
		const struct tfmt_node *node = &tree->nodes[i];

		children[ends[node->parent]++] = (struct child){.total = node->total,
			.name = tree->functions[node->function].location.function,
			.node = (uint32_t)i,
			.is_last = tree->no_stack != 0 && node->function == tree->no_stack};
	}
	for (size_t i = 0; i < count; i++) {
		link_children(tree, children + begin, ends[i] - begin);
		begin = ends[i];
	}
	free(children);
	free(ends);
	return 0;
}

/* Totals by function: a function counts once for each way down, however often it recurs. */
static int sum_functions(struct tfmt_calltree *tree)
{
	uint32_t *active = calloc(tree->function_count, sizeof(*active));
	uint32_t at = 0;

	if (!active)
		return TFMT_E_NOMEM;
	for (;;) {
		struct tfmt_node *node = &tree->nodes[at];
		struct tfmt_function *function = &tree->functions[node->function];

		if (active[node->function]++ == 0) {
			function->total = tfmt_calltree__sum(function->total, node->total);
			function->total_count += node->total_count;
		}
		if (node->first_child != 0) {
			at = node->first_child;
			continue;
		}
		for (;;) {
			active[tree->nodes[at].function]--;
			if (at == 0 || tree->nodes[at].next_sibling != 0)
				break;
			at = tree->nodes[at].parent;
		}
		if (at == 0)
			break;
		at = tree->nodes[at].next_sibling;
	}
	free(active);
	return 0;
}

static int order_functions(struct tfmt_calltree *tree)
{
	size_t count = tree->function_count - 1;

	tree->by_self = malloc((count + 1) * sizeof(*tree->by_self));
	if (!tree->by_self)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count; i++)
		tree->by_self[i] = &tree->functions[i + 1];
	qsort(tree->by_self, count, sizeof(*tree->by_self), compare_functions);
	return 0;
}

int tfmt_calltree__finish(struct tfmt_calltree *tree)
{
	int status;

	sum_totals(tree);
	status = order_children(tree);
	if (status == 0)
		status = sum_functions(tree);
	if (status == 0)
		status = order_functions(tree);
	return status;
}
