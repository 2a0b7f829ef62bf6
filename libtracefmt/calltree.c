#include <stdlib.h>
#include <string.h>

#include "calltree_state.h"

#include "bytes.h"

static uint32_t hash_pair(uint32_t a, uint32_t b)
{
	uint64_t hash = tfmt_intern__mix(0, (uint64_t)a << 32 | b);

	return (uint32_t)tfmt_intern__mix(hash, hash >> 29);
}

int tfmt_calltree_new(const struct tfmt_trace *trace, struct tfmt_calltree **ret_tree)
{
	struct tfmt_calltree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return TFMT_E_NOMEM;
	tree->trace = trace;
	if (tfmt_array__grow(&tree->prefixes, &tree->prefix_capacity, 1, sizeof(*tree->prefixes)) <
		0) {
		tfmt_calltree_free(tree);
		return TFMT_E_NOMEM;
	}
	tree->prefixes[0] = (struct tfmt_prefix){0};
	tree->prefix_count = 1;
	*ret_tree = tree;
	return 0;
}

void tfmt_calltree_free(struct tfmt_calltree *tree)
{
	if (!tree)
		return;
	free(tree->sums);
	tfmt_intern__release(&tree->sum_index);
	free(tree->prefixes);
	tfmt_intern__release(&tree->prefix_index);
	free(tree->nodes);
	tfmt_intern__release(&tree->node_index);
	free(tree->functions);
	free(tree->line_weights);
	tfmt_intern__release(&tree->function_index);
	free(tree->by_self);
	free(tree->frames);
	free(tree->frame_functions);
	tfmt_arena__release(&tree->texts);
	free(tree);
}

void tfmt_calltree_merge_by(struct tfmt_calltree *tree, enum tfmt_calltree_key key)
{
	tree->key = key;
}

static int find_prefix(
	struct tfmt_calltree *tree, uint32_t parent, uint32_t name, uint32_t *ret_prefix)
{
	uint32_t hash = hash_pair(parent, name), at, id;

	for (at = hash; (id = tfmt_intern__next(&tree->prefix_index, hash, &at)) != 0;)
		if (tree->prefixes[id].parent == parent && tree->prefixes[id].name == name) {
			*ret_prefix = id;
			return 0;
		}
	if (tfmt_intern__reserve(&tree->prefix_index) < 0 ||
		tfmt_array__grow(&tree->prefixes, &tree->prefix_capacity, tree->prefix_count + 1,
			sizeof(*tree->prefixes)) < 0)
		return TFMT_E_NOMEM;
	id = (uint32_t)tree->prefix_count++;
	tree->prefixes[id] = (struct tfmt_prefix){.parent = parent, .name = name};
	tfmt_intern__insert(&tree->prefix_index, hash, id);
	*ret_prefix = id;
	return 0;
}

/* Add to the sum of the same prefix, stack and top. */
static int add_sum(struct tfmt_calltree *tree, const struct tfmt_stack_sum *added)
{
	uint32_t hash = hash_pair(added->prefix ^ added->top, added->stack), at, id;

	for (at = hash; (id = tfmt_intern__next(&tree->sum_index, hash, &at)) != 0;) {
		struct tfmt_stack_sum *sum = &tree->sums[id - 1];

		if (sum->prefix == added->prefix && sum->stack == added->stack &&
			sum->top == added->top) {
			sum->weight = tfmt_calltree__sum(sum->weight, added->weight);
			sum->count += added->count;
			return 0;
		}
	}
	if (tfmt_intern__reserve(&tree->sum_index) < 0 ||
		tfmt_array__grow(&tree->sums, &tree->sum_capacity, tree->sum_count + 1,
			sizeof(*tree->sums)) < 0)
		return TFMT_E_NOMEM;
	tree->sums[tree->sum_count++] = *added;
	tfmt_intern__insert(&tree->sum_index, hash, (uint32_t)tree->sum_count);
	return 0;
}

/* Add to the sum below a prefix. */
static int add_under(struct tfmt_calltree *tree, const uint32_t *prefix, size_t prefix_count,
	struct tfmt_stack_sum added)
{
	if (tree->is_built)
		return TFMT_E_ARG;
	for (size_t i = 0; i < prefix_count; i++)
		if (find_prefix(tree, added.prefix, prefix[i], &added.prefix) < 0)
			return TFMT_E_NOMEM;
	return add_sum(tree, &added);
}

int tfmt_calltree_add_under(struct tfmt_calltree *tree, const uint32_t *prefix, size_t prefix_count,
	uint32_t stack, uint64_t weight, uint64_t count)
{
	struct tfmt_stack_sum added = {.stack = stack, .weight = weight, .count = count};

	return add_under(tree, prefix, prefix_count, added);
}

int tfmt_calltree_add_sample(struct tfmt_calltree *tree, const uint32_t *prefix,
	size_t prefix_count, const struct tfmt_sample *sample, uint64_t weight)
{
	bool is_running = sample->state == TFMT_STATE_RUNNING;
	struct tfmt_stack_sum added = {
		.stack = sample->stack,
		.top = TFMT_TOP_OF(sample->state, is_running ? 0 : sample->syscall),
		.weight = weight,
		.count = !(sample->flags & TFMT_SAMPLE_UNSAMPLED),
	};

	return add_under(tree, prefix, prefix_count, added);
}

int tfmt_calltree_add(struct tfmt_calltree *tree, uint32_t stack, uint64_t weight, uint64_t count)
{
	return tfmt_calltree_add_under(tree, NULL, 0, stack, weight, count);
}

/* The child of a node for a function, made when it is not there. */
static int find_child(
	struct tfmt_calltree *tree, uint32_t parent, uint32_t function, uint32_t *ret_node)
{
	uint32_t hash = hash_pair(parent, function), at, id;

	for (at = hash; (id = tfmt_intern__next(&tree->node_index, hash, &at)) != 0;)
		if (tree->nodes[id].parent == parent && tree->nodes[id].function == function) {
			*ret_node = id;
			return 0;
		}
	if (tfmt_intern__reserve(&tree->node_index) < 0 ||
		tfmt_array__grow(&tree->nodes, &tree->node_capacity, tree->node_count + 1,
			sizeof(*tree->nodes)) < 0)
		return TFMT_E_NOMEM;
	id = (uint32_t)tree->node_count++;
	tree->nodes[id] = (struct tfmt_node){
		.function = function, .parent = parent, .depth = tree->nodes[parent].depth + 1};
	tfmt_intern__insert(&tree->node_index, hash, id);
	*ret_node = id;
	return 0;
}

static int make_root(struct tfmt_calltree *tree)
{
	uint32_t function;

	if (tfmt_calltree__function_of_text(tree, 0, &function) < 0 ||
		tfmt_array__grow(&tree->nodes, &tree->node_capacity, 1, sizeof(*tree->nodes)) < 0)
		return TFMT_E_NOMEM;
	tree->functions[function].location.function = "all";
	tree->nodes[0] = (struct tfmt_node){.function = function};
	tree->node_count = 1;
	return 0;
}

static int make_prefix_nodes(struct tfmt_calltree *tree)
{
	for (size_t i = 1; i < tree->prefix_count; i++) {
		struct tfmt_prefix *prefix = &tree->prefixes[i];
		uint32_t function;

		if (tfmt_calltree__function_of_text(tree, prefix->name, &function) < 0 ||
			find_child(tree, tree->prefixes[prefix->parent].node, function,
				&prefix->node) < 0)
			return TFMT_E_NOMEM;
	}
	return 0;
}

/* Where stacks of the prefix at hand ended, so that each is walked once. */
struct walk {
	uint32_t *nodes;    /* by stack id */
	uint32_t *prefixes; /* by stack id: for which prefix + 1 the node holds */
	uint32_t *chain;    /* stacks still to be placed, leaf first */
	size_t chain_capacity;
};

/* The node of `stack`, whose parent's is `node`. */
static int enter_stack(
	struct tfmt_calltree *tree, uint32_t stack, uint32_t node, uint32_t *ret_node)
{
	const uint32_t *functions;
	size_t count;

	if (tfmt_calltree__functions_of(
		    tree, tfmt_trace_stack(tree->trace, stack)->frame, &functions, &count) < 0)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count; i++)
		if (find_child(tree, node, functions[i], &node) < 0)
			return TFMT_E_NOMEM;
	*ret_node = node;
	return 0;
}

static int place_stack(struct tfmt_calltree *tree, struct walk *walk, uint32_t prefix,
	uint32_t stack, uint32_t *ret_node)
{
	uint32_t last = tfmt_trace_count(tree->trace, TFMT_STACK);
	uint32_t node = tree->prefixes[prefix].node;
	size_t length = 0;

	for (uint32_t at = stack; at != 0; at = tfmt_trace_stack(tree->trace, at)->parent) {
		at = at <= last ? at : last + 1; /* all lost ones are one */
		if (walk->prefixes[at] == prefix + 1) {
			node = walk->nodes[at];
			break;
		}
		if (tfmt_array__grow(&walk->chain, &walk->chain_capacity, length + 1,
			    sizeof(*walk->chain)) < 0)
			return TFMT_E_NOMEM;
		walk->chain[length++] = at;
	}
	while (length > 0) {
		uint32_t at = walk->chain[--length];

		if (enter_stack(tree, at, node, &node) < 0)
			return TFMT_E_NOMEM;
		walk->nodes[at] = node;
		walk->prefixes[at] = prefix + 1;
	}
	*ret_node = node;
	return 0;
}

static int compare_sums(const void *a, const void *b)
{
	const struct tfmt_stack_sum *left = a, *right = b;

	if (left->prefix != right->prefix)
		return left->prefix < right->prefix ? -1 : 1;
	if (left->stack != right->stack)
		return left->stack < right->stack ? -1 : 1;
	if (left->top != right->top)
		return left->top < right->top ? -1 : 1;
	return 0;
}

/* Go from the node of a sample's stack on to what stands on top of it. */
static int place_top(struct tfmt_calltree *tree, const struct tfmt_stack_sum *sum, uint32_t *node)
{
	struct tfmt_sample sample = {
		.state = TFMT_TOP_STATE(sum->top), .syscall = TFMT_TOP_SYSCALL(sum->top)};
	const char *wait = tfmt_wait_name(&sample);
	uint32_t function;
	int status = 0;

	if (sum->top == TFMT_TOP_NONE)
		return 0;
	if (sum->stack == 0) {
		status = tfmt_calltree__function_of_name(
			tree, TFMT_NO_STACK_NAME, false, &tree->no_stack);
		if (status == 0)
			status = find_child(tree, *node, tree->no_stack, node);
	}
	if (status == 0 && wait) {
		status = tfmt_calltree__function_of_name(tree, wait, true, &function);
		if (status == 0)
			status = find_child(tree, *node, function, node);
	}
	return status;
}

static int place_sums(struct tfmt_calltree *tree)
{
	size_t stacks = (size_t)tfmt_trace_count(tree->trace, TFMT_STACK) + 2;
	struct walk walk = {0};
	int status = 0;

	walk.nodes = malloc(stacks * sizeof(*walk.nodes));
	walk.prefixes = calloc(stacks, sizeof(*walk.prefixes));
	if (!walk.nodes || !walk.prefixes)
		status = TFMT_E_NOMEM;
	/* In this order, whatever order they were added in: same samples, same tree. */
	if (tree->sum_count > 0)
		qsort(tree->sums, tree->sum_count, sizeof(*tree->sums), compare_sums);
	for (size_t i = 0; i < tree->sum_count && status == 0; i++) {
		const struct tfmt_stack_sum *sum = &tree->sums[i];
		uint32_t node;

		status = place_stack(tree, &walk, sum->prefix, sum->stack, &node);
		if (status == 0)
			status = place_top(tree, sum, &node);
		if (status < 0)
			break;
		tree->nodes[node].self = tfmt_calltree__sum(tree->nodes[node].self, sum->weight);
		tree->nodes[node].self_count += sum->count;
	}
	free(walk.nodes);
	free(walk.prefixes);
	free(walk.chain);
	return status;
}

int tfmt_calltree_build(struct tfmt_calltree *tree)
{
	int status;

	if (tree->is_built)
		return 0;
	tree->is_built = true;
	status = make_root(tree);
	if (status == 0)
		status = make_prefix_nodes(tree);
	if (status == 0)
		status = place_sums(tree);
	tfmt_intern__release(&tree->node_index);
	tfmt_intern__release(&tree->sum_index);
	if (status == 0)
		status = tfmt_calltree__choose_lines(tree);
	if (status == 0)
		status = tfmt_calltree__finish(tree);
	return status;
}

const struct tfmt_node *tfmt_calltree_nodes(const struct tfmt_calltree *tree, size_t *ret_count)
{
	*ret_count = tree->node_count;
	return tree->nodes;
}

const struct tfmt_function *tfmt_calltree_function(
	const struct tfmt_calltree *tree, uint32_t function)
{
	return &tree->functions[function];
}

const struct tfmt_function *const *tfmt_calltree_functions(
	const struct tfmt_calltree *tree, size_t *ret_count)
{
	/* Function 0 is the root. */
	*ret_count = tree->function_count > 0 ? tree->function_count - 1 : 0;
	return tree->by_self;
}
