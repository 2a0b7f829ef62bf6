#include <stdlib.h>
#include <string.h>

#include "calltree_state.h"

#include "bytes.h"

/* Inlined functions of one frame beyond this many are dropped from the root side. */
#define MAX_INLINED 64

/* Where a function without a module is told apart by its file, as Python's are. */
static const char *place_of(const struct tfmt_location *location)
{
	return location->module[0] != '\0' ? location->module : location->file;
}

static bool is_same(const struct tfmt_calltree *tree, const struct tfmt_location *a,
	const struct tfmt_location *b)
{
	if (a->language != b->language || a->is_wait != b->is_wait ||
		strcmp(a->function, b->function) != 0 || strcmp(place_of(a), place_of(b)) != 0)
		return false;
	if (tree->key == TFMT_BY_LINE && (a->line != b->line || strcmp(a->file, b->file) != 0))
		return false;
	return a->language != TFMT_LANG_PYTHON || a->first_line == b->first_line;
}

static uint32_t hash_location(const struct tfmt_location *location)
{
	const char *place = place_of(location);
	uint64_t hash = tfmt_intern__hash(location->function, strlen(location->function));

	hash = tfmt_intern__mix(hash, tfmt_intern__hash(place, strlen(place)));
	if (location->language == TFMT_LANG_PYTHON)
		hash = tfmt_intern__mix(hash, location->first_line);
	return (uint32_t)tfmt_intern__mix(hash, location->language | location->is_wait << 8);
}

/* The function at a location. Functions 1 and up are indexed; 0 is the root. */
static int find_function(
	struct tfmt_calltree *tree, const struct tfmt_location *location, uint32_t *ret_function)
{
	uint32_t hash = hash_location(location), at, id;

	for (at = hash; (id = tfmt_intern__next(&tree->function_index, hash, &at)) != 0;) {
		if (is_same(tree, &tree->functions[id].location, location)) {
			*ret_function = id;
			return 0;
		}
	}
	if (tfmt_intern__reserve(&tree->function_index) < 0 ||
		tfmt_array__grow(&tree->functions, &tree->function_capacity,
			tree->function_count + 1, sizeof(*tree->functions)) < 0)
		return TFMT_E_NOMEM;
	id = (uint32_t)tree->function_count++;
	tree->functions[id] = (struct tfmt_function){.location = *location};
	/* The root's place is taken first and is not to be found. */
	if (id > 0)
		tfmt_intern__insert(&tree->function_index, hash, id);
	*ret_function = id;
	return 0;
}

int tfmt_calltree__function_of_text(
	struct tfmt_calltree *tree, uint32_t string, uint32_t *ret_function)
{
	struct tfmt_location location = {.function = tfmt_trace_text(tree->trace, string),
		.module = "",
		.file = "",
		.function_id = string};

	return find_function(tree, &location, ret_function);
}

int tfmt_calltree__function_of_name(
	struct tfmt_calltree *tree, const char *name, bool is_wait, uint32_t *ret_function)
{
	struct tfmt_location location = {
		.function = name, .module = "", .file = "", .is_wait = is_wait};

	return find_function(tree, &location, ret_function);
}

/* The package of a Python file as text; the file itself when it is in none; NULL without memory. */
static const char *python_module(struct tfmt_calltree *tree, const char *file)
{
	struct tfmt_python_package package;

	if (!tfmt_python_package_of(file, &package))
		return file;
	return tfmt_arena__text(&tree->texts, package.name, package.length);
}

/* Make of a location what it is by the tree's key. Returns: 0; TFMT_E_NOMEM. */
static int apply_key(struct tfmt_calltree *tree, struct tfmt_location *location)
{
	const char *name;

	if (tree->key == TFMT_BY_FUNCTION || tree->key == TFMT_BY_LINE)
		return 0;
	if (tree->key == TFMT_BY_FILE)
		name = location->file;
	else if (location->language == TFMT_LANG_PYTHON)
		name = python_module(tree, location->file);
	else
		name = location->module;
	if (!name)
		return TFMT_E_NOMEM;
	if (name[0] == '\0')
		name = location->module[0] != '\0' ? location->module : location->function;
	*location = (struct tfmt_location){
		.function = name,
		.module = location->module,
		.file = name == location->file ? name : "",
		.language = location->language,
		.is_interpreter = location->is_interpreter,
	};
	return 0;
}

static int look_up(struct tfmt_calltree *tree, uint32_t frame, struct tfmt_frame_functions *found)
{
	struct tfmt_location locations[MAX_INLINED];
	size_t count = tfmt_trace_locations(tree->trace, frame, locations, MAX_INLINED);

	count = count < MAX_INLINED ? count : MAX_INLINED;
	if (tfmt_array__grow(&tree->frame_functions, &tree->frame_function_capacity,
		    tree->frame_function_count + count, sizeof(*tree->frame_functions)) < 0)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count; i++) {
		uint32_t *function = &tree->frame_functions[tree->frame_function_count + i];
		struct tfmt_location *location = &locations[count - 1 - i];

		if (apply_key(tree, location) < 0 || find_function(tree, location, function) < 0)
			return TFMT_E_NOMEM;
	}
	found->first = (uint32_t)tree->frame_function_count;
	found->count = (uint32_t)count;
	tree->frame_function_count += count;
	return 0;
}

int tfmt_calltree__functions_of(struct tfmt_calltree *tree, uint32_t frame,
	const uint32_t **ret_functions, size_t *ret_count)
{
	uint32_t last = tfmt_trace_count(tree->trace, TFMT_FRAME);
	struct tfmt_frame_functions *found;

	if (!tree->frames)
		tree->frames = calloc((size_t)last + 2, sizeof(*tree->frames));
	if (!tree->frames)
		return TFMT_E_NOMEM;
	frame = frame <= last ? frame : last + 1;
	found = &tree->frames[frame];
	if (found->count == 0 && look_up(tree, frame, found) < 0)
		return TFMT_E_NOMEM;
	*ret_functions = tree->frame_functions + found->first;
	*ret_count = found->count;
	return 0;
}

/* Weight of every frame, wherever in a stack it is: sums go up the tree of stacks first. */
static int weigh_frames(struct tfmt_calltree *tree, uint64_t *frame_weights, uint32_t last_frame)
{
	uint32_t last = tfmt_trace_count(tree->trace, TFMT_STACK);
	uint64_t *weights = calloc((size_t)last + 2, sizeof(*weights));

	if (!weights)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < tree->sum_count; i++) {
		uint32_t stack = tree->sums[i].stack;

		weights[stack <= last ? stack : last + 1] += tree->sums[i].weight;
	}
	/* Parents have smaller ids. */
	for (uint32_t stack = last; stack > 0; stack--) {
		const struct tfmt_stack *row = tfmt_trace_stack(tree->trace, stack);

		if (weights[stack] == 0)
			continue;
		if (row->frame <= last_frame)
			frame_weights[row->frame] += weights[stack];
		if (row->parent < stack)
			weights[row->parent] += weights[stack];
	}
	free(weights);
	return 0;
}

static void offer_line(
	struct tfmt_calltree *tree, const struct tfmt_location *location, uint64_t weight)
{
	uint32_t function;

	/* It is there already: the lookup cannot fail. */
	if (find_function(tree, location, &function) < 0 || function >= tree->function_count)
		return;
	if (weight <= tree->line_weights[function])
		return;
	tree->line_weights[function] = weight;
	tree->functions[function].location = *location;
}

int tfmt_calltree__choose_lines(struct tfmt_calltree *tree)
{
	uint32_t last = tfmt_trace_count(tree->trace, TFMT_FRAME);
	uint64_t *frame_weights;
	struct tfmt_location locations[MAX_INLINED];
	int status = TFMT_E_NOMEM;

	/* By line each has its own, files and modules have none. */
	if (tree->key != TFMT_BY_FUNCTION)
		return 0;
	frame_weights = calloc((size_t)last + 2, sizeof(*frame_weights));
	free(tree->line_weights);
	tree->line_weights = calloc(tree->function_count + 1, sizeof(*tree->line_weights));
	if (frame_weights && tree->line_weights)
		status = weigh_frames(tree, frame_weights, last);
	for (uint32_t frame = 1; frame <= last && status == 0; frame++) {
		size_t count;

		if (frame_weights[frame] == 0)
			continue;
		count = tfmt_trace_locations(tree->trace, frame, locations, MAX_INLINED);
		for (size_t i = 0; i < count && i < MAX_INLINED; i++)
			offer_line(tree, &locations[i], frame_weights[frame]);
	}
	free(frame_weights);
	return status;
}
