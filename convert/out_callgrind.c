/*
 * Callgrind profiles (https://valgrind.org/docs/manual/cl-format.html), for KCachegrind and
 * callgrind_annotate: the time of each line itself, and of the calls made from it. "Calls" are the
 * samples that saw them.
 *
 * Viewers add up the calls into a function to know its inclusive time. So that this is right under
 * recursion too, only the call that entered a function first bears the time of a stack, those that
 * entered it again bear none; and so that every function has a caller, the root is one for the
 * process.
 */
#include <stdlib.h>

#include "cleantext.h"
#include "command.h"
#include "format.h"
#include "sums.h"
#include "tracefmt/limits.h"
#include "tracefmt/tracefmt.h"

#define UNKNOWN	       "???"
#define MAX_INLINED    256
#define MAX_NAME_BYTES 4096

/* Texts, written in full where they are met first, and as a number from then on. */
struct texts {
	struct conv_intern numbers;
	bool *is_written; /* by number */
};

/* Three numbers of texts. */
struct function_key {
	uint32_t name, file, object;
};

/* A line of a function, and what it calls. */
struct cost_key {
	uint32_t function;
	uint32_t line;
	uint32_t callee; /* function, 0: the line itself */
};

struct cost {
	struct cost_key key;
	uint32_t target_line; /* of the callee */
	uint64_t calls;
	struct conv_sum sum;
};

struct place {
	uint32_t function;
	uint32_t line;
	uint32_t first_line;
};

struct callgrind_state {
	const struct conv_context *context;
	struct conv_sums sums;
	struct texts names, files, objects;
	struct conv_intern functions; /* of struct function_key */
	struct conv_intern cost_keys; /* of struct cost_key */
	struct cost *costs;	      /* number - 1 */
	size_t cost_capacity;
	struct place *path; /* of one stack, leaf first */
	size_t path_count, path_capacity;
	uint32_t *entered_by; /* by function: the last sum that entered it */
	size_t entered_capacity;
	enum tfmt_weight events[TFMT_WEIGHT_COUNT];
	size_t event_count;
};

/* The weight asked for comes first: viewers sort by it. */
static void choose_events(struct callgrind_state *state)
{
	static const enum tfmt_weight usual[] = {
		TFMT_WEIGHT_CPU, TFMT_WEIGHT_OFFCPU, TFMT_WEIGHT_SAMPLES};
	size_t i;

	state->events[state->event_count++] = state->context->weight;
	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (usual[i] != state->context->weight)
			state->events[state->event_count++] = usual[i];
}

static int callgrind_begin(void *opaque, const struct conv_context *context)
{
	struct callgrind_state *state = opaque;

	state->context = context;
	choose_events(state);
	if (conv_sums_init(&state->sums) || conv_intern_init_texts(&state->names.numbers) ||
		conv_intern_init_texts(&state->files.numbers) ||
		conv_intern_init_texts(&state->objects.numbers) ||
		conv_intern_init(&state->functions, sizeof(struct function_key)) ||
		conv_intern_init(&state->cost_keys, sizeof(struct cost_key)))
		return TFMT_E_NOMEM;
	return 0;
}

static void release_texts(struct texts *texts)
{
	conv_intern_release(&texts->numbers);
	free(texts->is_written);
}

static void callgrind_release(void *opaque)
{
	struct callgrind_state *state = opaque;

	conv_sums_release(&state->sums);
	release_texts(&state->names);
	release_texts(&state->files);
	release_texts(&state->objects);
	conv_intern_release(&state->functions);
	conv_intern_release(&state->cost_keys);
	free(state->costs);
	free(state->path);
	free(state->entered_by);
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct callgrind_state *state = opaque;
	struct conv_sum_key key = conv_sum_key(state->context->trace, record->sample);

	return conv_sums_add(&state->sums, &key, record->sample);
}

/* --- stacks become costs --- */

/* Make room for `count` items of an array. Returns: 0; TFMT_E_NOMEM. */
static int reserve(void **array, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t grown_capacity = 2 * count;
	void *grown;

	if (count <= *capacity)
		return 0;
	grown = reallocarray(*array, grown_capacity, item_bytes);
	if (!grown)
		return TFMT_E_NOMEM;
	memset((char *)grown + *capacity * item_bytes, 0,
		(grown_capacity - *capacity) * item_bytes);
	*array = grown;
	*capacity = grown_capacity;
	return 0;
}

static int number_function(
	struct callgrind_state *state, const struct tfmt_location *location, uint32_t *ret_function)
{
	struct function_key key;
	int status;

	status = conv_intern_text(&state->names.numbers,
		*location->function ? location->function : UNKNOWN, &key.name);
	if (!status)
		status = conv_intern_text(&state->files.numbers,
			*location->file ? location->file : UNKNOWN, &key.file);
	if (!status)
		status = conv_intern_text(&state->objects.numbers,
			*location->module ? location->module : UNKNOWN, &key.object);
	if (!status)
		status = conv_intern_key(&state->functions, &key, ret_function);
	return status;
}

/* One step towards the root. */
static int push_place(struct callgrind_state *state, const struct tfmt_location *location)
{
	struct place place = {.line = location->line, .first_line = location->first_line};
	int status = number_function(state, location, &place.function);

	if (!status)
		status = reserve((void **)&state->path, &state->path_capacity,
			state->path_count + 1, sizeof(*state->path));
	if (!status)
		state->path[state->path_count++] = place;
	return status;
}

/* A place that is no code. */
static int push_name(struct callgrind_state *state, const char *name, const char *file)
{
	const struct tfmt_location location = {.function = name, .module = "", .file = file};

	return push_place(state, &location);
}

static int push_frame(struct callgrind_state *state, uint32_t frame)
{
	struct tfmt_location locations[MAX_INLINED];
	size_t count, i;
	int status = 0;

	count = tfmt_trace_locations(state->context->trace, frame, locations, MAX_INLINED);
	for (i = 0; !status && i < count && i < MAX_INLINED; i++)
		status = push_place(state, &locations[i]);
	return status;
}

/* The stack of a sum, leaf first, with the wait before it and the process behind it. */
static int build_path(struct callgrind_state *state, const struct conv_sum_key *key)
{
	const struct tfmt_trace *trace = state->context->trace;
	const char *wait = conv_sum_wait_name(key);
	const struct tfmt_stack *stack;
	uint32_t id = key->stack, depth;
	int status = 0;

	state->path_count = 0;
	if (wait)
		status = push_name(state, wait, "");
	if (!status && !id)
		status = push_name(state, TFMT_NO_STACK_NAME, "");
	for (depth = 0; !status && id && depth < TFMT_MAX_DEPTH; depth++) {
		stack = tfmt_trace_stack(trace, id);
		status = push_frame(state, stack->frame);
		id = stack->parent;
	}
	if (!status)
		status = push_name(state, tfmt_trace_text(trace, key->process_name), "[process]");
	return status;
}

/* The cost of a line of `place`, or of the calls from there to `callee`; NULL: no memory. */
static struct cost *cost_of(
	struct callgrind_state *state, const struct place *place, const struct place *callee)
{
	const struct cost_key key = {
		.function = place->function,
		.line = place->line,
		.callee = callee ? callee->function : 0,
	};
	struct cost *cost;
	uint32_t number;

	if (conv_intern_key(&state->cost_keys, &key, &number) ||
		reserve((void **)&state->costs, &state->cost_capacity, number,
			sizeof(*state->costs)))
		return NULL;
	cost = &state->costs[number - 1];
	cost->key = key;
	if (callee && !cost->calls)
		cost->target_line = callee->first_line ? callee->first_line : callee->line;
	return cost;
}

static void add_sum(struct conv_sum *total, const struct conv_sum *sum)
{
	int weight;

	for (weight = 0; weight < TFMT_WEIGHT_COUNT; weight++)
		total->weights[weight] += sum->weights[weight];
}

/* Spread the sum of `number` over the path that was built for it. Returns: 0; TFMT_E_NOMEM. */
static int add_path(struct callgrind_state *state, uint32_t number)
{
	const struct conv_sum *sum = &state->sums.sums[number - 1];
	const struct place *place, *callee;
	struct cost *cost;
	size_t i;

	if (reserve((void **)&state->entered_by, &state->entered_capacity,
		    (size_t)state->functions.count + 1, sizeof(*state->entered_by)))
		return TFMT_E_NOMEM;
	for (i = state->path_count - 1; i; i--) {
		place = &state->path[i];
		callee = &state->path[i - 1];
		cost = cost_of(state, place, callee);
		if (!cost)
			return TFMT_E_NOMEM;
		cost->calls += sum->count;
		if (state->entered_by[callee->function] != number)
			add_sum(&cost->sum, sum);
		state->entered_by[callee->function] = number;
	}
	cost = cost_of(state, &state->path[0], NULL);
	if (!cost)
		return TFMT_E_NOMEM;
	add_sum(&cost->sum, sum);
	return 0;
}

static int add_sums(struct callgrind_state *state)
{
	uint32_t number;
	int status = 0;

	for (number = 1; !status && number <= state->sums.keys.count; number++) {
		status = build_path(state, conv_intern_at(&state->sums.keys, number));
		if (!status)
			status = add_path(state, number);
	}
	return status;
}

/* --- the file --- */

static int compare_costs(const void *a, const void *b)
{
	const struct cost_key *x = &((const struct cost *)a)->key,
			      *y = &((const struct cost *)b)->key;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->callee > y->callee) - (x->callee < y->callee);
}

static void put_text(struct conv_sink *out, const char *field, struct texts *texts, uint32_t number)
{
	const char *text = conv_intern_text_at(&texts->numbers, number);

	conv_put_text(out, field);
	conv_put_text(out, "=(");
	conv_put_u64(out, number);
	conv_put_char(out, ')');
	if (!texts->is_written[number]) {
		conv_put_char(out, ' ');
		conv_put_clean(out, text, strnlen(text, MAX_NAME_BYTES));
		texts->is_written[number] = true;
	}
	conv_put_char(out, '\n');
}

static void put_function(struct callgrind_state *state, uint32_t number, bool is_callee)
{
	const struct function_key *key = conv_intern_at(&state->functions, number);
	struct conv_sink *out = state->context->out;

	put_text(out, is_callee ? "cob" : "ob", &state->objects, key->object);
	put_text(out, is_callee ? "cfi" : "fl", &state->files, key->file);
	put_text(out, is_callee ? "cfn" : "fn", &state->names, key->name);
}

static void put_values(const struct callgrind_state *state, const struct conv_sum *sum)
{
	struct conv_sink *out = state->context->out;
	size_t i;

	for (i = 0; i < state->event_count; i++) {
		conv_put_char(out, ' ');
		conv_put_u64(out, sum->weights[state->events[i]]);
	}
	conv_put_char(out, '\n');
}

static void put_cost(struct callgrind_state *state, const struct cost *cost)
{
	struct conv_sink *out = state->context->out;

	if (cost->key.callee) {
		put_function(state, cost->key.callee, true);
		conv_put_text(out, "calls=");
		conv_put_u64(out, cost->calls);
		conv_put_char(out, ' ');
		conv_put_u64(out, cost->target_line);
		conv_put_char(out, '\n');
	}
	conv_put_u64(out, cost->key.line);
	put_values(state, &cost->sum);
}

static void put_costs(struct callgrind_state *state)
{
	struct conv_sink *out = state->context->out;
	const struct cost *cost;
	uint32_t function = 0, i;

	for (i = 0; i < state->cost_keys.count; i++) {
		cost = &state->costs[i];
		if (cost->key.function != function) {
			function = cost->key.function;
			conv_put_char(out, '\n');
			put_function(state, function, false);
		}
		put_cost(state, cost);
	}
	conv_put_text(out, "\ntotals:");
	put_values(state, &state->sums.total);
}

static void put_header(const struct callgrind_state *state)
{
	static const char *const names[] = {
		[TFMT_WEIGHT_SAMPLES] = "Samples",
		[TFMT_WEIGHT_CPU] = "Cpu_ns",
		[TFMT_WEIGHT_OFFCPU] = "Offcpu_ns",
		[TFMT_WEIGHT_WALL] = "Wall_ns",
	};
	struct conv_sink *out = state->context->out;
	char command[512];
	size_t i;

	conv_command_text(state->context->header, command, sizeof(command));
	conv_put_text(
		out, "# callgrind format\nversion: 1\ncreator: tracefmt " TFMT_VERSION "\ncmd: ");
	conv_put_clean(out, command, strlen(command));
	conv_put_text(out, "\npositions: line\n");
	for (i = 0; i < state->event_count; i++) {
		conv_put_text(out, "event: ");
		conv_put_text(out, names[state->events[i]]);
		conv_put_text(out, " : ");
		conv_put_text(out, tfmt_weight_title(state->events[i]));
		conv_put_char(out, '\n');
	}
	conv_put_text(out, "events:");
	for (i = 0; i < state->event_count; i++) {
		conv_put_char(out, ' ');
		conv_put_text(out, names[state->events[i]]);
	}
	conv_put_char(out, '\n');
}

static int prepare_texts(struct texts *texts)
{
	texts->is_written = calloc((size_t)texts->numbers.count + 1, sizeof(*texts->is_written));
	return texts->is_written ? 0 : TFMT_E_NOMEM;
}

static int callgrind_end(void *opaque)
{
	struct callgrind_state *state = opaque;
	int status = add_sums(state);

	if (status)
		return status;
	if (prepare_texts(&state->names) || prepare_texts(&state->files) ||
		prepare_texts(&state->objects))
		return TFMT_E_NOMEM;
	if (state->cost_keys.count)
		qsort(state->costs, state->cost_keys.count, sizeof(*state->costs), compare_costs);
	put_header(state);
	put_costs(state);
	if (state->sums.keys.count && !state->sums.total.weights[state->context->weight])
		conv_warn_weightless(state->context);
	return 0;
}

const struct conv_format conv_format_callgrind = {
	.name = "callgrind",
	.extension = ".callgrind",
	.summary = "call graph with the time of each line, for KCachegrind and callgrind_annotate",
	.carries = TFMT_KIND_BIT(TFMT_SAMPLE),
	.weight = TFMT_WEIGHT_CPU,
	.state_size = sizeof(struct callgrind_state),
	.begin = callgrind_begin,
	.on = {[TFMT_SAMPLE] = on_sample},
	.end = callgrind_end,
	.release = callgrind_release,
};
