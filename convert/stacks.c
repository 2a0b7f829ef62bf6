#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"
#include "tracefmt/limits.h"
#include "tracefmt/weight.h"

/* Functions inlined into one place, beyond which the outermost are left out. */
#define MAX_INLINED 256
#define FEW_BUCKETS 1024

/* Make room for one more item of an array that doubles. Returns: 0; TFMT_E_NOMEM. */
static int reserve_one(void **array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
	uint32_t grown_capacity = *capacity ? 2 * *capacity : 256;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = reallocarray(*array, grown_capacity, item_bytes);
	if (!grown)
		return TFMT_E_NOMEM;
	*array = grown;
	*capacity = grown_capacity;
	return 0;
}

static int buckets_init(struct conv_buckets *buckets, uint32_t count)
{
	buckets->first = calloc(count, sizeof(*buckets->first));
	buckets->count = count;
	return buckets->first ? 0 : TFMT_E_NOMEM;
}

static uint32_t *bucket_of(const struct conv_buckets *buckets, uint32_t hash)
{
	return &buckets->first[hash & (buckets->count - 1)];
}

int conv_stacks_init(struct conv_stacks *stacks, const struct tfmt_trace *trace)
{
	int status;

	*stacks = (struct conv_stacks){
		.trace = trace,
		.function_count = 1,
		.node_count = 1,
		.stack_count = tfmt_trace_count(trace, TFMT_STACK) + 1,
	};
	status = buckets_init(&stacks->function_buckets, FEW_BUCKETS);
	if (!status)
		status = buckets_init(&stacks->node_buckets, FEW_BUCKETS);
	stacks->node_of_stack = calloc(stacks->stack_count, sizeof(*stacks->node_of_stack));
	stacks->path = calloc(TFMT_MAX_DEPTH, sizeof(*stacks->path));
	return stacks->node_of_stack && stacks->path ? status : TFMT_E_NOMEM;
}

void conv_stacks_release(struct conv_stacks *stacks)
{
	uint32_t i;

	for (i = 0; i < stacks->name_count; i++)
		free(stacks->names[i]);
	free(stacks->names);
	free(stacks->functions);
	free(stacks->function_buckets.first);
	free(stacks->nodes);
	free(stacks->node_buckets.first);
	free(stacks->node_of_stack);
	free(stacks->path);
}

/* --- functions --- */

/* FNV-1a of the name. */
static uint32_t hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

static bool is_same(const struct tfmt_location *a, const struct tfmt_location *b)
{
	if (a->mapping != b->mapping || a->language != b->language ||
		strcmp(a->function, b->function))
		return false;
	return a->language != TFMT_LANG_PYTHON ||
	       (a->first_line == b->first_line && !strcmp(a->file, b->file));
}

/* The number of the function at `location`, 0 when it has none yet. */
static uint32_t find_function(
	const struct conv_stacks *stacks, const struct tfmt_location *location)
{
	uint32_t number = *bucket_of(&stacks->function_buckets, hash_name(location->function));

	while (number && !is_same(&stacks->functions[number].location, location))
		number = stacks->functions[number].next;
	return number;
}

/* Twice as many buckets, when there are as many functions. Returns: 0; TFMT_E_NOMEM. */
static int spread_functions(struct conv_stacks *stacks)
{
	struct conv_buckets grown;
	uint32_t *bucket, i;

	if (stacks->function_count < stacks->function_buckets.count)
		return 0;
	if (buckets_init(&grown, 2 * stacks->function_buckets.count))
		return TFMT_E_NOMEM;
	for (i = 1; i < stacks->function_count; i++) {
		bucket = bucket_of(&grown, hash_name(stacks->functions[i].location.function));
		stacks->functions[i].next = *bucket;
		*bucket = i;
	}
	free(stacks->function_buckets.first);
	stacks->function_buckets = grown;
	return 0;
}

static int add_function(
	struct conv_stacks *stacks, const struct tfmt_location *location, uint32_t *ret_number)
{
	struct conv_function *function;
	uint32_t *bucket;
	int status;

	status = spread_functions(stacks);
	if (!status)
		status = reserve_one((void **)&stacks->functions, stacks->function_count,
			&stacks->function_capacity, sizeof(*stacks->functions));
	if (status)
		return status;
	bucket = bucket_of(&stacks->function_buckets, hash_name(location->function));
	function = &stacks->functions[stacks->function_count];
	*function = (struct conv_function){.location = *location, .next = *bucket};
	if (location->first_line)
		function->location.line = location->first_line;
	*bucket = *ret_number = stacks->function_count++;
	return 0;
}

int conv_stacks_number_name(struct conv_stacks *stacks, const char *name, uint32_t *ret_function)
{
	struct tfmt_location location = {.function = name, .module = "", .file = ""};
	uint32_t number = find_function(stacks, &location);
	char *copy;
	int status;

	if (number) {
		*ret_function = number;
		return 0;
	}
	status = reserve_one((void **)&stacks->names, stacks->name_count, &stacks->name_capacity,
		sizeof(*stacks->names));
	copy = status ? NULL : strdup(name);
	if (!copy)
		return TFMT_E_NOMEM;
	stacks->names[stacks->name_count++] = copy;
	location.function = copy;
	return add_function(stacks, &location, ret_function);
}

/* --- nodes --- */

static uint32_t hash_node(uint32_t parent, uint32_t function)
{
	uint64_t hash = ((uint64_t)parent << 32 | function) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(hash >> 32);
}

/* As spread_functions(). */
static int spread_nodes(struct conv_stacks *stacks)
{
	struct conv_buckets grown;
	struct conv_node *node;
	uint32_t *bucket, i;

	if (stacks->node_count < stacks->node_buckets.count)
		return 0;
	if (buckets_init(&grown, 2 * stacks->node_buckets.count))
		return TFMT_E_NOMEM;
	for (i = 1; i < stacks->node_count; i++) {
		node = &stacks->nodes[i];
		bucket = bucket_of(&grown, hash_node(node->parent, node->function));
		node->next = *bucket;
		*bucket = i;
	}
	free(stacks->node_buckets.first);
	stacks->node_buckets = grown;
	return 0;
}

int conv_stacks_add_node(
	struct conv_stacks *stacks, uint32_t parent, uint32_t function, uint32_t *ret_node)
{
	uint32_t *bucket, node, depth = parent ? stacks->nodes[parent].depth + 1 : 1;
	int status;

	status = spread_nodes(stacks);
	if (!status)
		status = reserve_one((void **)&stacks->nodes, stacks->node_count,
			&stacks->node_capacity, sizeof(*stacks->nodes));
	if (status)
		return status;
	bucket = bucket_of(&stacks->node_buckets, hash_node(parent, function));
	for (node = *bucket; node; node = stacks->nodes[node].next)
		if (stacks->nodes[node].parent == parent &&
			stacks->nodes[node].function == function)
			break;
	if (!node) {
		node = stacks->node_count++;
		stacks->nodes[node] = (struct conv_node){parent, function, depth, *bucket};
		*bucket = node;
		if (depth > stacks->max_depth)
			stacks->max_depth = depth;
	}
	*ret_node = node;
	return 0;
}

int conv_stacks_add_name(
	struct conv_stacks *stacks, uint32_t parent, const char *name, uint32_t *ret_node)
{
	uint32_t function;
	int status = conv_stacks_number_name(stacks, name, &function);

	return status ? status : conv_stacks_add_node(stacks, parent, function, ret_node);
}

/* Go from `*node` down into the functions of `frame`, outermost first. */
static int add_frame(struct conv_stacks *stacks, uint32_t frame, uint32_t *node)
{
	struct tfmt_location locations[MAX_INLINED];
	size_t count = tfmt_trace_locations(stacks->trace, frame, locations, MAX_INLINED);
	uint32_t function;
	int status = 0;

	if (count > MAX_INLINED)
		count = MAX_INLINED;
	while (!status && count) {
		count--;
		function = find_function(stacks, &locations[count]);
		if (!function)
			status = add_function(stacks, &locations[count], &function);
		if (!status)
			status = conv_stacks_add_node(stacks, *node, function, node);
	}
	return status;
}

int conv_stacks_add(struct conv_stacks *stacks, uint32_t stack, uint32_t *ret_node)
{
	uint32_t count = 0, node = 0, id;
	int status = 0;

	/* Up to a caller whose node is known, then down again. */
	for (id = stack; id && count < TFMT_MAX_DEPTH; count++) {
		node = id < stacks->stack_count ? stacks->node_of_stack[id] : 0;
		if (node)
			break;
		stacks->path[count] = id;
		id = tfmt_trace_stack(stacks->trace, id)->parent;
	}
	while (!status && count) {
		id = stacks->path[--count];
		status = add_frame(stacks, tfmt_trace_stack(stacks->trace, id)->frame, &node);
		if (!status && id < stacks->stack_count)
			stacks->node_of_stack[id] = node;
	}
	if (!status)
		*ret_node = node;
	return status;
}

int conv_stacks_add_sample(
	struct conv_stacks *stacks, const struct tfmt_sample *sample, uint32_t *ret_node)
{
	const char *wait = tfmt_wait_name(sample);
	int status;

	if (sample->stack)
		status = conv_stacks_add(stacks, sample->stack, ret_node);
	else
		status = conv_stacks_add_name(stacks, 0, TFMT_NO_STACK_NAME, ret_node);
	if (!status && wait)
		status = conv_stacks_add_name(stacks, *ret_node, wait, ret_node);
	return status;
}
