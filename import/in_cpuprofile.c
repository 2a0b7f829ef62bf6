/*
 * The CPU profiles of V8: node --cpu-prof, Chrome's developer tools. A tree of nodes, a node for
 * each sample, and the microseconds before each. Time in which V8 was idle is no CPU time.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "import.h"
#include "json.h"
#include "tracefmt/limits.h"

#define MAX_TIME_NS (INT64_MAX / 4)

enum { NODE, SAMPLE, DELTA, START };

static const char *const paths[] = {"nodes[]", "samples[]", "timeDeltas[]", "startTime", NULL};

struct node {
	uint32_t frame; /* 0: the root, and what is not defined */
	uint32_t parent;
	uint32_t stack; /* 0: not made yet */
	bool is_idle;
};

struct sample {
	int64_t delta_ns;
	uint32_t node;
};

struct state {
	struct imp_build *build;
	struct imp_ids numbers; /* of nodes, from 1, by their ids */
	struct node *nodes;	/* the first is none */
	size_t node_count, node_capacity;
	struct sample *samples;
	size_t sample_count, delta_count, sample_capacity;
	int64_t start_ns;
};

static int fail(struct state *state, const char *problem)
{
	return tfmt_error_set(&state->build->error, TFMT_E_FORMAT, 0, "%s", problem);
}

static int find_node(struct state *state, uint64_t id, uint32_t *ret_number)
{
	size_t capacity = state->node_capacity ? 2 * state->node_capacity : 64;
	struct node *grown;

	*ret_number = imp_ids_get(&state->numbers, id, 0);
	if (*ret_number)
		return 0;
	if (state->node_count + 1 >= state->node_capacity) {
		grown = realloc(state->nodes, capacity * sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		state->nodes = grown;
		state->node_capacity = capacity;
	}
	*ret_number = (uint32_t)++state->node_count;
	state->nodes[*ret_number] = (struct node){0};
	return imp_ids_put(&state->numbers, id, 0, *ret_number);
}

/* What a node stands for; its line is that of the function. */
static int add_frame(struct state *state, const struct imp_item *item, struct node *node)
{
	const struct imp_value *call = imp_member(item, item->values, "callFrame");
	const struct imp_value *name = imp_member(item, call, "functionName");
	const struct imp_value *url = imp_member(item, call, "url");
	int64_t line = -1;
	struct imp_frame frame = {
		.function = "(anonymous)",
		.function_length = 11,
		.language = TFMT_LANG_JIT,
	};

	if (!name)
		return fail(state, "a node without a function (callFrame.functionName)");
	node->is_idle = imp_is(item, name, "(idle)");
	if (node->is_idle || imp_is(item, name, "(root)"))
		return 0;
	if (name->text_length) {
		frame.function = item->text + name->text;
		frame.function_length = name->text_length;
	}
	if (url && url->text_length) {
		frame.file = item->text + url->text;
		frame.file_length = url->text_length;
	}
	imp_number(item, imp_member(item, call, "lineNumber"), 0, &line);
	frame.line = line >= 0 && line < INT32_MAX ? (uint32_t)line + 1 : 0;
	return imp_frame(state->build, &frame, &node->frame);
}

static int on_node(struct state *state, const struct imp_item *item)
{
	const struct imp_value *child = imp_child(item, imp_member(item, item->values, "children"));
	uint32_t number, child_number;
	uint64_t id;
	int status;

	if (!imp_unsigned(item, imp_member(item, item->values, "id"), &id))
		return fail(state, "a node without a number (id)");
	status = find_node(state, id, &number);
	if (!status)
		status = add_frame(state, item, &state->nodes[number]);
	for (; child && !status; child = imp_next(item, child)) {
		if (!imp_unsigned(item, child, &id))
			return fail(state, "a child that is no number");
		status = find_node(state, id, &child_number);
		if (!status)
			state->nodes[child_number].parent = number;
	}
	return status;
}

static int find_sample(struct state *state, size_t index, struct sample **ret_sample)
{
	size_t capacity = state->sample_capacity ? 2 * state->sample_capacity : 1024;
	struct sample *grown;

	if (index >= state->sample_capacity) {
		grown = realloc(state->samples, capacity * sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		state->samples = grown;
		state->sample_capacity = capacity;
	}
	*ret_sample = &state->samples[index];
	return 0;
}

static int on_item(void *context, size_t path, const struct imp_item *item)
{
	struct state *state = context;
	struct sample *sample;
	uint64_t id;
	int status;

	if (path == NODE)
		return on_node(state, item);
	if (path == START)
		return imp_number(item, item->values, 3, &state->start_ns) &&
				       state->start_ns >= 0 && state->start_ns < MAX_TIME_NS
			       ? 0
			       : fail(state, "a startTime that is no time");
	status = find_sample(
		state, path == SAMPLE ? state->sample_count++ : state->delta_count++, &sample);
	if (status)
		return status;
	if (path == SAMPLE)
		return imp_unsigned(item, item->values, &id)
			       ? find_node(state, id, &sample->node)
			       : fail(state, "a sample that is no node's number");
	return imp_number(item, item->values, 3, &sample->delta_ns)
		       ? 0
		       : fail(state, "a time difference that is no number");
}

/* The stack of a node: of its callers first. */
static int make_stack(struct state *state, uint32_t number)
{
	uint32_t *callers, at, stack = 0;
	size_t depth = 0;
	bool is_cut = false;
	int status = 0;

	if (state->nodes[number].stack)
		return 0;
	callers = malloc(TFMT_MAX_DEPTH * sizeof(*callers));
	if (!callers)
		return TFMT_E_NOMEM;
	for (at = number; at && !stack && depth < TFMT_MAX_DEPTH; at = state->nodes[at].parent) {
		stack = state->nodes[at].stack;
		if (!stack)
			callers[depth++] = at;
	}
	if (depth == TFMT_MAX_DEPTH)
		status = fail(state, "nodes that are deeper than 65536, or their own callers");
	while (depth && !status) {
		struct node *node = &state->nodes[callers[--depth]];

		if (node->frame)
			status = imp_push(state->build, node->frame, &stack, &is_cut);
		node->stack = stack;
	}
	free(callers);
	return status;
}

static int put_samples(struct state *state)
{
	struct tfmt_sample sample = {.time_ns = (uint64_t)state->start_ns};
	int64_t time_ns = state->start_ns;
	size_t i;
	int status = imp_thread(state->build, 1, 1, &sample.thread);

	for (i = 0; i < state->sample_count && !status; i++) {
		const struct sample *given = &state->samples[i];
		const struct node *node = &state->nodes[given->node];

		if (__builtin_add_overflow(time_ns, given->delta_ns, &time_ns) || time_ns < 0)
			return fail(
				state, "time differences that lead to before 0, or beyond 2^63");
		status = make_stack(state, given->node);
		sample.time_ns = (uint64_t)time_ns;
		/* Samples of several threads may be a little out of order. */
		sample.weight_ns = given->delta_ns > 0 ? (uint64_t)given->delta_ns : 0;
		sample.stack = node->stack;
		sample.state = node->is_idle ? TFMT_STATE_BLOCKED : TFMT_STATE_RUNNING;
		if (!status)
			status = tfmt_writer_sample(state->build->writer, &sample);
	}
	return status;
}

/* The start comes behind the nodes, but the trace begins with it. */
static int on_start(void *context, size_t path, const struct imp_item *item)
{
	return path == START ? on_item(context, path, item) : 0;
}

static int pass(struct imp_source *source, struct state *state, imp_item_fn *fn)
{
	const struct imp_json_options options = {.paths = paths, .on_item = fn, .context = state};
	int status = imp_source_rewind(source);

	return status ? status : imp_json_read(source, &options, &state->build->error);
}

static int read_profile(struct imp_source *source, struct state *state)
{
	const char *name = tfmt_base_name(source->name);
	uint32_t process;
	int status = imp_process(state->build, 1, &process);

	if (!status)
		status = imp_name(
			state->build, (uint64_t)state->start_ns, process, 0, name, strlen(name));
	if (!status)
		status = pass(source, state, on_item);
	if (!status && state->sample_count != state->delta_count)
		status = fail(state, "another number of timeDeltas than of samples");
	return status ? status : put_samples(state);
}

static int read_cpuprofile(struct imp_source *source, struct imp_build *build)
{
	struct state state = {.build = build};
	struct imp_begin begin = {.recorder = "V8 CPU profile"};
	int status = pass(source, &state, on_start);

	begin.time_ns = (uint64_t)state.start_ns;
	if (!status)
		status = imp_build_begin(build, &begin);
	if (!status)
		status = read_profile(source, &state);
	imp_ids_release(&state.numbers);
	free(state.nodes);
	free(state.samples);
	return status ? status : imp_build_end(build);
}

static bool matches(const char *head, size_t size_bytes)
{
	return *head == '{' && strstr(head, "\"nodes\"") && strstr(head, "\"callFrame\"");
}

const struct imp_format imp_format_cpuprofile = {
	.name = "cpuprofile",
	.summary = "V8's CPU profiles: node --cpu-prof, Chrome's developer tools",
	.matches = matches,
	.read = read_cpuprofile,
};
