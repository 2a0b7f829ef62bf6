#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "calltree_state.h"
#include "diff_match.h"
#include "intern.h"

struct tfmt_diff {
	const struct tfmt_calltree *trees[TFMT_SIDE_COUNT];
	struct tfmt_match_rules rules;
	struct tfmt_node *nodes[TFMT_SIDE_COUNT]; /* node_count of each; 0 is the root */
	size_t node_count, node_capacity[TFMT_SIDE_COUNT];
	struct tfmt_intern node_index;
	struct tfmt_diff_function *functions;
	struct tfmt_match *matches; /* by function */
	size_t function_count, function_capacity, match_capacity;
	struct tfmt_intern function_index;
};

void tfmt_diff_free(struct tfmt_diff *diff)
{
	if (!diff)
		return;
	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		free(diff->nodes[side]);
	tfmt_intern__release(&diff->node_index);
	free(diff->functions);
	free(diff->matches);
	tfmt_intern__release(&diff->function_index);
	free(diff);
}

static int add_function(struct tfmt_diff *diff, const struct tfmt_match *match,
	const struct tfmt_location *location, uint32_t *ret_function)
{
	if (tfmt_intern__reserve(&diff->function_index) < 0 ||
		tfmt_array__grow(&diff->functions, &diff->function_capacity,
			diff->function_count + 1, sizeof(*diff->functions)) < 0 ||
		tfmt_array__grow(&diff->matches, &diff->match_capacity, diff->function_count + 1,
			sizeof(*diff->matches)) < 0)
		return TFMT_E_NOMEM;
	*ret_function = (uint32_t)diff->function_count++;
	diff->matches[*ret_function] = *match;
	diff->functions[*ret_function] =
		(struct tfmt_diff_function){.location = location, .is_address = match->is_address};
	/* The root's place is taken first and is not to be found. */
	if (*ret_function > 0)
		tfmt_intern__insert(&diff->function_index, match->hash, *ret_function);
	return 0;
}

static int find_function(struct tfmt_diff *diff, enum tfmt_side side,
	const struct tfmt_location *location, uint32_t *ret_function)
{
	struct tfmt_match match =
		tfmt_match__of(&diff->rules, side, diff->trees[side]->trace, location);
	uint32_t at, id;

	for (at = match.hash;
		(id = tfmt_intern__next(&diff->function_index, match.hash, &at)) != 0;) {
		if (tfmt_match__is_equal(&diff->matches[id], &match)) {
			*ret_function = id;
			return 0;
		}
	}
	return add_function(diff, &match, location, ret_function);
}

static int find_child(
	struct tfmt_diff *diff, uint32_t parent, uint32_t function, uint32_t *ret_node)
{
	uint64_t mixed = tfmt_intern__mix(0, (uint64_t)parent << 32 | function);
	uint32_t hash = (uint32_t)tfmt_intern__mix(mixed, mixed >> 29), at, id;

	for (at = hash; (id = tfmt_intern__next(&diff->node_index, hash, &at)) != 0;) {
		const struct tfmt_node *node = &diff->nodes[TFMT_AFTER][id];

		if (node->parent == parent && node->function == function) {
			*ret_node = id;
			return 0;
		}
	}
	if (tfmt_intern__reserve(&diff->node_index) < 0)
		return TFMT_E_NOMEM;
	id = (uint32_t)diff->node_count;
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		if (tfmt_array__grow(&diff->nodes[side], &diff->node_capacity[side],
			    diff->node_count + 1, sizeof(*diff->nodes[side])) < 0)
			return TFMT_E_NOMEM;
		diff->nodes[side][id] = (struct tfmt_node){
			.function = function,
			.parent = parent,
			.depth = id > 0 ? diff->nodes[side][parent].depth + 1 : 0,
		};
	}
	diff->node_count++;
	if (id > 0)
		tfmt_intern__insert(&diff->node_index, hash, id);
	*ret_node = id;
	return 0;
}

static void add_amounts(struct tfmt_node *node, const struct tfmt_node *added)
{
	node->total = tfmt_calltree__sum(node->total, added->total);
	node->self = tfmt_calltree__sum(node->self, added->self);
	node->total_count += added->total_count;
	node->self_count += added->self_count;
}

/* Bring in the tree of one side. Its parents come before their children. */
static int add_tree(struct tfmt_diff *diff, enum tfmt_side side)
{
	const struct tfmt_calltree *tree = diff->trees[side];
	uint32_t *functions = malloc((tree->function_count + 1) * sizeof(*functions));
	uint32_t *nodes = malloc((tree->node_count + 1) * sizeof(*nodes));
	int status = functions && nodes ? 0 : TFMT_E_NOMEM;

	if (status == 0)
		functions[0] = nodes[0] = 0;
	for (size_t i = 1; i < tree->function_count && status == 0; i++)
		status = find_function(diff, side, &tree->functions[i].location, &functions[i]);
	for (size_t i = 1; i < tree->node_count && status == 0; i++)
		status = find_child(diff, nodes[tree->nodes[i].parent],
			functions[tree->nodes[i].function], &nodes[i]);
	for (size_t i = 0; i < tree->node_count && status == 0; i++)
		add_amounts(&diff->nodes[side][nodes[i]], &tree->nodes[i]);
	free(functions);
	free(nodes);
	return status;
}

static int add_root(struct tfmt_diff *diff)
{
	const struct tfmt_calltree *after = diff->trees[TFMT_AFTER];
	struct tfmt_match match = {.name = {"", 0}, .place = {"", 0}, .build_id = {"", 0}};
	uint32_t id;

	if (add_function(diff, &match, &after->functions[0].location, &id) < 0)
		return TFMT_E_NOMEM;
	return find_child(diff, 0, 0, &id);
}

/* A child to be sorted among all of its side. */
struct child {
	uint32_t parent, node;
	uint64_t total;
	const char *name;
	bool is_last;
};

static int compare_children(const void *a, const void *b)
{
	const struct child *left = a, *right = b;
	int order;

	if (left->parent != right->parent)
		return left->parent < right->parent ? -1 : 1;
	if (left->is_last != right->is_last)
		return left->is_last ? 1 : -1;
	if (left->total != right->total)
		return left->total > right->total ? -1 : 1;
	order = strcmp(left->name, right->name);
	return order != 0 ? order : left->node < right->node ? -1 : 1;
}

static int link_children(struct tfmt_diff *diff, enum tfmt_side side)
{
	struct tfmt_node *nodes = diff->nodes[side];
	struct child *children = malloc(diff->node_count * sizeof(*children));
	size_t count = 0;

	if (!children)
		return TFMT_E_NOMEM;
	for (uint32_t i = 1; i < diff->node_count; i++) {
		const char *name = diff->functions[nodes[i].function].location->function;

		if (nodes[i].total > 0)
			children[count++] = (struct child){.parent = nodes[i].parent,
				.node = i,
				.total = nodes[i].total,
				.name = name,
				.is_last = strcmp(name, TFMT_NO_STACK_NAME) == 0};
	}
	if (count > 0)
		qsort(children, count, sizeof(*children), compare_children);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && children[i - 1].parent == children[i].parent)
			nodes[children[i - 1].node].next_sibling = children[i].node;
		else
			nodes[children[i].parent].first_child = children[i].node;
	}
	free(children);
	return 0;
}

static void add_to_function(struct tfmt_diff_function *function, enum tfmt_side side,
	const struct tfmt_node *node, bool is_outermost)
{
	function->self[side] = tfmt_calltree__sum(function->self[side], node->self);
	function->self_count[side] += node->self_count;
	if (!is_outermost)
		return;
	function->total[side] = tfmt_calltree__sum(function->total[side], node->total);
	function->total_count[side] += node->total_count;
}

/* A function counts once for each way down, however often it recurs. */
static int sum_functions(struct tfmt_diff *diff, enum tfmt_side side)
{
	const struct tfmt_node *nodes = diff->nodes[side];
	uint32_t *active = calloc(diff->function_count, sizeof(*active));
	uint32_t at = 0;

	if (!active)
		return TFMT_E_NOMEM;
	for (;;) {
		const struct tfmt_node *node = &nodes[at];

		add_to_function(&diff->functions[node->function], side, node,
			active[node->function]++ == 0);
		if (node->first_child != 0) {
			at = node->first_child;
			continue;
		}
		active[node->function]--;
		while (at != 0 && nodes[at].next_sibling == 0) {
			at = nodes[at].parent;
			active[nodes[at].function]--;
		}
		if (at == 0)
			break;
		at = nodes[at].next_sibling;
	}
	free(active);
	return 0;
}

int tfmt_diff_new(const struct tfmt_calltree *before, const struct tfmt_calltree *after,
	const struct tfmt_alias *aliases, size_t alias_count, struct tfmt_diff **ret_diff)
{
	struct tfmt_diff *diff = calloc(1, sizeof(*diff));
	int status;

	if (!diff)
		return TFMT_E_NOMEM;
	diff->trees[TFMT_BEFORE] = before;
	diff->trees[TFMT_AFTER] = after;
	diff->rules = (struct tfmt_match_rules){aliases, alias_count, after->key};
	status = add_root(diff);
	/* After first: its locations are what is shown. */
	if (status == 0)
		status = add_tree(diff, TFMT_AFTER);
	if (status == 0)
		status = add_tree(diff, TFMT_BEFORE);
	for (int side = 0; side < TFMT_SIDE_COUNT && status == 0; side++) {
		status = link_children(diff, side);
		if (status == 0)
			status = sum_functions(diff, side);
	}
	tfmt_intern__release(&diff->node_index);
	tfmt_intern__release(&diff->function_index);
	free(diff->matches);
	diff->matches = NULL;
	if (status < 0)
		tfmt_diff_free(diff);
	else
		*ret_diff = diff;
	return status;
}

const struct tfmt_node *tfmt_diff_nodes(
	const struct tfmt_diff *diff, enum tfmt_side side, size_t *ret_count)
{
	*ret_count = diff->node_count;
	return diff->nodes[side];
}

const struct tfmt_diff_function *tfmt_diff_functions(
	const struct tfmt_diff *diff, size_t *ret_count)
{
	*ret_count = diff->function_count;
	return diff->functions;
}
