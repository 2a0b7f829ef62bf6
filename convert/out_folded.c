/*
 * Folded stacks, the input of flamegraph.pl and many others: "process;main;work 42", one line per
 * stack, root first; siblings in the order of their names. With --diff "process;main;work 42 45":
 * before and after, as difffolded.pl writes it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "after.h"
#include "format.h"
#include "process_name.h"
#include "tracefmt/calltree.h"
#include "tracefmt/diff.h"
#include "utf8.h"

/* Longer names are cut, so that a line has a bound. */
#define MAX_NAME_BYTES 4096
#define PLACE_BYTES    32 /* of what stands around a file's name */

struct folded_state {
	const struct conv_context *context;
	struct tfmt_calltree *tree;
	uint64_t seen_count;  /* samples */
	uint64_t taken_count; /* that have a part in the weight */
};

/* A node that still has to be written, and what it is called in a line. */
struct pending {
	const char *name;
	const char *suffix;
	const char *file; /* of Python functions, else "" */
	uint32_t line;	  /* of their declaration, 0: unknown */
	uint32_t node;
	uint32_t depth; /* 1: the process */
};

/* A stack of pending nodes; the line being built, and where each depth of it ends. */
struct walk {
	const struct tfmt_calltree *tree;
	const struct tfmt_diff *diff;			/* of two traces, else NULL */
	const struct tfmt_node *nodes[TFMT_SIDE_COUNT]; /* without a diff: only the first */
	struct conv_sink *out;
	struct pending *pending;
	size_t pending_count, pending_capacity;
	struct pending *group; /* the nodes of the line being written */
	size_t group_count, group_capacity;
	char *line;
	size_t line_capacity;
	size_t *ends; /* of the part of the line up to each depth, bytes */
	size_t ends_capacity;
};

static int folded_begin(void *opaque, const struct conv_context *context)
{
	struct folded_state *state = opaque;

	state->context = context;
	return tfmt_calltree_new(context->trace, &state->tree);
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct folded_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_sample *sample = record->sample;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, sample->thread);
	uint64_t weight = tfmt_weight_of(state->context->weight, sample);
	uint32_t name;

	state->seen_count++;
	if (!weight)
		return 0;
	state->taken_count++;
	/* A lost thread has no process, and is called so. */
	name = thread->process ? conv_process_name_at(trace, thread->process, sample->time_ns)
			       : thread->name;
	return tfmt_calltree_add_sample(state->tree, &name, 1, sample, weight);
}

/* Grow `*array` so that `count` items fit. */
static int reserve(void **array, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t grown_capacity = *capacity ? *capacity : 64;
	void *grown;

	if (count <= *capacity)
		return 0;
	while (grown_capacity < count)
		grown_capacity *= 2;
	grown = realloc(*array, grown_capacity * item_bytes);
	if (!grown)
		return TFMT_E_NOMEM;
	*array = grown;
	*capacity = grown_capacity;
	return 0;
}

/* By name, last first: the pending nodes are taken from the end. */
static int compare_pending(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;
	int order = strcmp(y->name, x->name);

	if (!order)
		order = strcmp(y->suffix, x->suffix);
	if (!order)
		order = strcmp(y->file, x->file);
	if (!order && *x->file)
		order = (y->line > x->line) - (y->line < x->line);
	return order;
}

static bool is_same(const struct pending *a, const struct pending *b)
{
	return a->depth == b->depth && !compare_pending(a, b);
}

static const struct tfmt_location *location_of(const struct walk *walk, uint32_t node)
{
	uint32_t function = walk->nodes[0][node].function;
	size_t count;

	if (walk->diff)
		return tfmt_diff_functions(walk->diff, &count)[function].location;
	return &tfmt_calltree_function(walk->tree, function)->location;
}

static int push_node(struct walk *walk, uint32_t node)
{
	const struct tfmt_location *location = location_of(walk, node);
	struct pending *pending;
	int status;

	status = reserve((void **)&walk->pending, &walk->pending_capacity, walk->pending_count + 1,
		sizeof(*walk->pending));
	if (status)
		return status;
	pending = &walk->pending[walk->pending_count++];
	pending->name = *location->function ? location->function : "[unknown]";
	pending->suffix = location->language == TFMT_LANG_KERNEL ? "_[k]" : "";
	pending->file = location->language == TFMT_LANG_PYTHON ? location->file : "";
	/* Between two versions of a file lines move. */
	pending->line = walk->diff ? 0 : location->first_line;
	pending->node = node;
	pending->depth = walk->nodes[0][node].depth;
	return 0;
}

/* Children are linked on the sides that they weigh something on. */
static int push_children(struct walk *walk, uint32_t parent)
{
	uint32_t node;
	int side, status;

	for (side = 0; side < (walk->diff ? TFMT_SIDE_COUNT : 1); side++)
		for (node = walk->nodes[side][parent].first_child; node;
			node = walk->nodes[side][node].next_sibling) {
			if (side && walk->nodes[0][node].total)
				continue;
			status = push_node(walk, node);
			if (status)
				return status;
		}
	return 0;
}

/*
 * Append a name to the line at `at`, where there is room for three times its bytes. What would end
 * the name or the line, or reach a terminal as a command, is replaced. Returns the new end.
 */
static size_t append_name(char *line, size_t at, const char *name, size_t length)
{
	size_t i, step;
	int length_or_error;

	for (i = 0; i < length; i += step) {
		length_or_error = utf8_step(name + i, length - i);
		step = (size_t)abs(length_or_error);
		if (length_or_error < 0) {
			memcpy(line + at, UTF8_REPLACEMENT, 3);
			at += 3;
		} else if (utf8_is_control(name + i)) {
			line[at++] = ' ';
		} else if (name[i] == ';') {
			line[at++] = ':';
		} else {
			memcpy(line + at, name + i, step);
			at += step;
		}
	}
	return at;
}

/* " (json/decoder.py:332)": the declaration of a Python function. */
static size_t append_place(char *line, size_t at, const struct pending *pending)
{
	char number[16];
	size_t length;
	const char *file = tfmt_python_file_name(pending->file, &length);

	line[at++] = ' ';
	line[at++] = '(';
	at = append_name(line, at, file, length < MAX_NAME_BYTES ? length : MAX_NAME_BYTES);
	length = pending->line ? (size_t)snprintf(number, sizeof(number), ":%u", pending->line) : 0;
	memcpy(line + at, number, length);
	at += length;
	line[at++] = ')';
	return at;
}

/* Make the line end in the name of `pending`, after the names of its callers. */
static int extend_line(struct walk *walk, const struct pending *pending)
{
	uint32_t depth = pending->depth;
	size_t length = strnlen(pending->name, MAX_NAME_BYTES), suffix = strlen(pending->suffix),
	       file = strnlen(pending->file, MAX_NAME_BYTES), at;
	int status;

	status = reserve(
		(void **)&walk->ends, &walk->ends_capacity, (size_t)depth + 1, sizeof(*walk->ends));
	if (status)
		return status;
	at = depth > 1 ? walk->ends[depth - 1] : 0;
	status = reserve((void **)&walk->line, &walk->line_capacity,
		at + 1 + 3 * (length + file) + suffix + PLACE_BYTES, 1);
	if (status)
		return status;
	if (depth > 1)
		walk->line[at++] = ';';
	at = append_name(walk->line, at, pending->name, length);
	memcpy(walk->line + at, pending->suffix, suffix);
	at += suffix;
	if (file)
		at = append_place(walk->line, at, pending);
	walk->ends[depth] = at;
	return 0;
}

static void put_line(struct walk *walk, uint32_t depth, const uint64_t weights[TFMT_SIDE_COUNT])
{
	int side;

	if (!weights[TFMT_BEFORE] && !weights[TFMT_AFTER])
		return;
	conv_put(walk->out, walk->line, walk->ends[depth]);
	for (side = 0; side < (walk->diff ? TFMT_SIDE_COUNT : 1); side++) {
		conv_put_char(walk->out, ' ');
		conv_put_u64(walk->out, weights[side]);
	}
	conv_put_char(walk->out, '\n');
}

static void sort_pending(struct walk *walk, size_t first)
{
	if (walk->pending_count > first)
		qsort(walk->pending + first, walk->pending_count - first, sizeof(*walk->pending),
			compare_pending);
}

/* Take the nodes of one line from the end of the pending ones into walk->group. */
static int take_group(struct walk *walk)
{
	size_t first = walk->pending_count - 1;
	const struct pending *last = &walk->pending[first];
	int status;

	while (first && is_same(&walk->pending[first - 1], last))
		first--;
	walk->group_count = walk->pending_count - first;
	status = reserve((void **)&walk->group, &walk->group_capacity, walk->group_count,
		sizeof(*walk->group));
	if (status)
		return status;
	memcpy(walk->group, walk->pending + first, walk->group_count * sizeof(*walk->group));
	walk->pending_count = first;
	return 0;
}

/*
 * Write the tree depth first. Siblings that differ in more than the name (the same function in two
 * libraries) share a line.
 */
static int walk_tree(struct walk *walk)
{
	size_t first, i;
	int side, status;

	status = push_children(walk, 0);
	sort_pending(walk, 0);
	while (!status && walk->pending_count) {
		uint64_t weights[TFMT_SIDE_COUNT] = {0};

		status = take_group(walk);
		if (!status)
			status = extend_line(walk, &walk->group[0]);
		first = walk->pending_count;
		for (i = 0; !status && i < walk->group_count; i++) {
			for (side = 0; side < (walk->diff ? TFMT_SIDE_COUNT : 1); side++)
				weights[side] += walk->nodes[side][walk->group[i].node].self;
			status = push_children(walk, walk->group[i].node);
		}
		if (status)
			break;
		put_line(walk, walk->group[0].depth, weights);
		sort_pending(walk, first);
	}
	return status;
}

static void walk_release(struct walk *walk)
{
	free(walk->pending);
	free(walk->group);
	free(walk->line);
	free(walk->ends);
}

static int write_tree(const struct folded_state *state)
{
	struct walk walk = {.tree = state->tree, .out = state->context->out};
	size_t count;
	int status;

	walk.nodes[0] = tfmt_calltree_nodes(state->tree, &count);
	status = walk_tree(&walk);
	walk_release(&walk);
	return status;
}

static int write_diff(const struct folded_state *state)
{
	struct walk walk = {.out = state->context->out};
	struct tfmt_diff *diff;
	size_t count;
	int side, status;

	status = conv_after_compare(state->context, state->tree, &diff);
	if (status)
		return status;
	walk.diff = diff;
	for (side = 0; side < TFMT_SIDE_COUNT; side++)
		walk.nodes[side] = tfmt_diff_nodes(diff, (enum tfmt_side)side, &count);
	status = walk_tree(&walk);
	walk_release(&walk);
	tfmt_diff_free(diff);
	return status;
}

static int folded_end(void *opaque)
{
	struct folded_state *state = opaque;
	const struct conv_context *context = state->context;
	int status;

	status = tfmt_calltree_build(state->tree);
	if (!status && context->ret_tree) {
		*context->ret_tree = state->tree;
		state->tree = NULL;
	} else if (!status) {
		status = context->after ? write_diff(state) : write_tree(state);
	}
	if (!status && state->seen_count && !state->taken_count)
		conv_warn_weightless(context);
	return status;
}

static void folded_release(void *opaque)
{
	struct folded_state *state = opaque;

	tfmt_calltree_free(state->tree);
}

const struct conv_format conv_format_folded = {
	.name = "folded",
	.extension = ".folded",
	.summary = "one line per stack, for flamegraph.pl and others",
	.carries = TFMT_KIND_BIT(TFMT_SAMPLE),
	.weight = TFMT_WEIGHT_SAMPLES,
	.can_diff = true,
	.state_size = sizeof(struct folded_state),
	.begin = folded_begin,
	.on = {[TFMT_SAMPLE] = on_sample},
	.end = folded_end,
	.release = folded_release,
};
