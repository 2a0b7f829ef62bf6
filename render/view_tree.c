/* The call tree as text: callers above what they called, branches that never fork in one line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "code_line.h"
#include "facts.h"
#include "num.h"
#include "text.h"
#include "text_head.h"
#include "view.h"

#define MAX_RUN	    4	/* functions of one library in a row; more are folded */
#define MAX_FORKS   200 /* on the way to a branch; it ends there */
#define GUIDE_BYTES 512 /* of a guide: 3 bytes for each column of half a line, and more */

struct tree {
	const struct rend_model *model;
	const struct rend_text_frame *frame;
	struct rend_sources *sources;
	const struct tfmt_node *nodes;
	FILE *stream;
	uint64_t min_weight;
	int max_guide_columns;
};

/* What is left of the names of a branch: of its first line, and of all that follow. */
struct guide {
	int depth;
	char first[GUIDE_BYTES];
	char next[GUIDE_BYTES];
};

static bool has_data(const struct rend_model *model)
{
	size_t count;
	return model->tree != NULL && tfmt_calltree_nodes(model->tree, &count)[0].total > 0;
}

static const struct tfmt_location *location_of(const struct tree *tree, uint32_t node)
{
	return &tfmt_calltree_function(tree->model->tree, tree->nodes[node].function)->location;
}

/* Total as a share and an amount, self as a share; 0: left out. */
static void format_numbers(const struct tree *tree, uint64_t total, uint64_t self, char *text)
{
	char share[NUM_TEXT_BYTES], amount[NUM_TEXT_BYTES] = "", self_share[NUM_TEXT_BYTES];
	uint64_t all = tree->nodes[0].total;
	if (total > 0)
		rend_format_amount(tree->model, amount, total);
	rend_format_numbers(rend_format_share(share, total, all), amount,
		rend_format_share(self_share, self, all), text);
}

static void put_node(const struct tree *tree, uint32_t node, const char *guide)
{
	char numbers[REND_NUMBERS_BYTES], place[512];
	struct rend_code_line line = {.numbers = numbers, .guide = guide};
	format_numbers(tree, tree->nodes[node].total, tree->nodes[node].self, numbers);
	rend_code_line_set(
		&line, tree->model, tree->sources, location_of(tree, node), place, sizeof(place));
	rend_put_code_line(tree->frame, &line, tree->stream);
}

/* A line that stands for several functions. */
static void put_several(
	const struct tree *tree, const char *numbers, const char *guide, const char *text)
{
	rend_put_code_line(tree->frame,
		&(struct rend_code_line){.numbers = numbers,
			.guide = guide,
			.name = text,
			.place = "",
			.source = ""},
		tree->stream);
}

/* Children of a node: those that have a line of their own, and the rest. */
struct children {
	size_t count;
	uint32_t last;
	size_t rest_count;
	uint64_t rest;
};

static struct children children_of(const struct tree *tree, uint32_t node, int depth)
{
	struct children children = {0};
	for (uint32_t child = tree->nodes[node].first_child; child != 0;
		child = tree->nodes[child].next_sibling) {
		if (tree->nodes[child].total >= tree->min_weight && depth < MAX_FORKS) {
			children.count++;
			children.last = child;
		} else {
			children.rest_count++;
			children.rest += tree->nodes[child].total;
		}
	}
	return children;
}

static bool has_rest(const struct tree *tree, const struct children *children)
{
	return children->rest_count > 0 && children->rest >= tree->min_weight;
}

static bool is_foldable(const struct tree *tree, uint32_t node)
{
	const struct tfmt_location *location = location_of(tree, node);
	return !location->is_wait && !rend_model_is_own(tree->model, location);
}

/* How many nodes, from the first on, are of one library and without a say of their own. */
static size_t library_run(const struct tree *tree, const uint32_t *nodes, size_t count,
	char library[REND_LIBRARY_BYTES])
{
	size_t length = 0;
	for (; length < count && is_foldable(tree, nodes[length]); length++) {
		char name[REND_LIBRARY_BYTES];
		rend_model_library(location_of(tree, nodes[length]), name, sizeof(name));
		if (length == 0)
			memcpy(library, name, sizeof(name));
		if (strcmp(library, name) != 0)
			break;
		if (length > 1 && tree->nodes[nodes[length - 1]].self >= tree->min_weight)
			break;
	}
	return length;
}

static size_t recursion_run(const struct tree *tree, const uint32_t *nodes, size_t count)
{
	size_t length = 1;
	while (length < count &&
		tree->nodes[nodes[length]].function == tree->nodes[nodes[0]].function)
		length++;
	return length;
}

/* How many nodes are of the machinery of import, as long as others follow. */
static size_t import_run(const struct tree *tree, const uint32_t *nodes, size_t count)
{
	static const char file[] = "<frozen importlib";
	size_t length = 0;
	while (length + 1 < count &&
		strncmp(location_of(tree, nodes[length])->file, file, sizeof(file) - 1) == 0)
		length++;
	return length;
}

/* The line for `count` nodes that have none; what was theirs stays in the column of self. */
static void put_folded(const struct tree *tree, const uint32_t *nodes, size_t count, bool has_total,
	const char *guide, const char *what)
{
	char numbers[REND_NUMBERS_BYTES];
	uint64_t self = 0, total = has_total ? tree->nodes[nodes[0]].total : 0;
	for (size_t i = 0; i < count; i++)
		self += tree->nodes[nodes[i]].self;
	format_numbers(tree, total, self, numbers);
	put_several(tree, numbers, guide, what);
}

/*
 * Nodes that follow the one at hand and need no line each: how many, and what they are. 0: none. A
 * run is folded between its first and its last.
 */
static size_t fold_run(
	const struct tree *tree, const uint32_t *nodes, size_t count, char *text, size_t size)
{
	char library[REND_LIBRARY_BYTES];
	size_t run = recursion_run(tree, nodes, count);
	if (run > MAX_RUN) {
		snprintf(text, size, "⋮ %zu times itself", run - 2);
		return run - 2;
	}
	run = library_run(tree, nodes, count, library);
	if (run <= MAX_RUN)
		return 0;
	snprintf(text, size, "⋮ %zu functions of %s", run - 2, library);
	return run - 2;
}

/* A branch down to where it forks or ends. Recursion and long ways through a library are folded. */
static void put_chain(
	const struct tree *tree, const uint32_t *nodes, size_t count, const struct guide *guide)
{
	for (size_t i = 0; i < count;) {
		char text[REND_LIBRARY_BYTES + 64];
		const char *first = i == 0 ? guide->first : guide->next;
		size_t folded = import_run(tree, nodes + i, count - i);
		if (folded > 1) {
			snprintf(text, sizeof(text), "⋮ import: %zu functions", folded);
			put_folded(tree, nodes + i, folded, i == 0, first, text);
			i += folded;
			continue;
		}
		put_node(tree, nodes[i], first);
		folded = fold_run(tree, nodes + i, count - i, text, sizeof(text));
		if (folded > 0)
			put_folded(tree, nodes + i + 1, folded, false, guide->next, text);
		i += 1 + folded;
	}
}

/* The guides of a child of a branch whose guides are `of`. */
static void extend_guide(
	const struct tree *tree, const struct guide *of, bool is_last, struct guide *guide)
{
	/* Deeper ones stay where they are, or no room would be left for names. */
	bool has_room = rend_guide_columns(of->next) < tree->max_guide_columns;
	*guide = *of;
	guide->depth++;
	strcpy(guide->first, of->next);
	if (!has_room)
		return;
	strcat(guide->first, is_last ? "└ " : "├ ");
	strcat(guide->next, is_last ? "  " : "│ ");
}

static int put_children(const struct tree *tree, uint32_t node, const struct guide *of);

/* Returns 0 or TFMT_E_NOMEM. */
static int put_branch(const struct tree *tree, uint32_t node, const struct guide *guide)
{
	struct children children;
	uint32_t *chain = NULL;
	size_t count = 0, room = 0;
	for (;; node = children.last) {
		if (count == room) {
			room = room > 0 ? 2 * room : 16;
			uint32_t *grown = realloc(chain, room * sizeof(*chain));
			if (grown == NULL) {
				free(chain);
				return TFMT_E_NOMEM;
			}
			chain = grown;
		}
		chain[count++] = node;
		children = children_of(tree, node, guide->depth);
		if (children.count != 1 || has_rest(tree, &children))
			break;
	}
	put_chain(tree, chain, count, guide);
	free(chain);
	return put_children(tree, node, guide);
}

static int put_children(const struct tree *tree, uint32_t node, const struct guide *of)
{
	struct children children = children_of(tree, node, of->depth);
	char text[64], number[NUM_TEXT_BYTES], numbers[REND_NUMBERS_BYTES];
	struct guide guide;
	int status = 0;
	uint32_t child = children.count > 0 ? tree->nodes[node].first_child : 0;
	for (; child != 0 && status == 0; child = tree->nodes[child].next_sibling) {
		if (tree->nodes[child].total < tree->min_weight)
			continue;
		extend_guide(
			tree, of, child == children.last && !has_rest(tree, &children), &guide);
		status = put_branch(tree, child, &guide);
	}
	if (status == 0 && has_rest(tree, &children)) {
		extend_guide(tree, of, true, &guide);
		snprintf(text, sizeof(text), "… %s more", num_count(number, children.rest_count));
		format_numbers(tree, children.rest, 0, numbers);
		put_several(tree, numbers, guide.first, text);
	}
	return status;
}

static void put_heading(const struct tree *tree)
{
	const struct rend_model *model = tree->model;
	char text[REND_FACTS_BYTES], amount[NUM_TEXT_BYTES], min[NUM_TEXT_BYTES];
	rend_put_text_head(model, tree->frame->columns, tree->stream);
	rend_model_amount(model, amount, tree->nodes[0].total);
	num_percent(min, tree->frame->table.min_share, 1);
	snprintf(text, sizeof(text), "%s%s%s" REND_FACTS_GAP "branches of at least %s", amount,
		model->weight == TFMT_WEIGHT_SAMPLES ? "" : " ",
		model->weight == TFMT_WEIGHT_SAMPLES ? "" : tfmt_weight_title(model->weight), min);
	rend_put_last(tree->stream, text, tree->frame->columns);
	fprintf(tree->stream, "\n\n");
	char numbers[REND_NUMBERS_BYTES];
	rend_format_numbers("total", "", "self", numbers);
	put_several(tree, numbers, "", rend_by_name(tree->frame->table.by));
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct tree tree = {
		.model = model,
		.frame = frame,
		.sources = rend_code_line_has_source(frame) ? rend_sources_new(model) : NULL,
		.stream = stream,
		.max_guide_columns = (frame->columns - REND_NUMBERS_COLUMNS) / 2,
	};
	size_t count;
	tree.nodes = tfmt_calltree_nodes(model->tree, &count);
	tree.min_weight = (uint64_t)ceil(frame->table.min_share * (double)tree.nodes[0].total);
	put_heading(&tree);
	put_node(&tree, 0, "");
	int status = put_children(&tree, 0, &(struct guide){0});
	rend_sources_free(tree.sources);
	return status;
}

const struct rend_view rend_view_tree = {
	.name = "tree",
	.summary = "the call tree, with the share of every branch",
	.draws_stacks = true,
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.text = write_text,
};
