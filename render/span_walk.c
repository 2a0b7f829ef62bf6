#include "span_walk.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

#define MAX_RECURSION_SEARCH 1024 /* spans that are looked through for one of the same kind */

struct walk {
	const struct rend_model *model;
	struct rend_span_names *names;
	int (*each)(void *context, const struct rend_whole_span *span);
	void *context;
	struct rend_span_stacks stacks;
};

int rend_span_names_init(struct rend_span_names *names, const struct tfmt_trace *trace)
{
	*names = (struct rend_span_names){.trace = trace};
	names->of_scope =
		calloc((size_t)tfmt_trace_count(trace, TFMT_STRING) + 1, sizeof(uint32_t));
	names->of_frame = calloc((size_t)tfmt_trace_count(trace, TFMT_FRAME) + 1, sizeof(uint32_t));
	if (names->of_scope == NULL || names->of_frame == NULL)
		return TFMT_E_NOMEM;
	return rend_function_set_init(&names->functions);
}

void rend_span_names_release(struct rend_span_names *names)
{
	rend_function_set_release(&names->functions);
	free(names->whats);
	free(names->of_scope);
	free(names->of_frame);
	free(names->of_function);
	*names = (struct rend_span_names){0};
}

bool rend_span_is_scope(const struct rend_span_names *names, uint32_t what)
{
	return names->whats[what].function == 0;
}

struct tfmt_location rend_span_location(const struct rend_span_names *names, uint32_t what)
{
	if (!rend_span_is_scope(names, what))
		return names->functions.functions[names->whats[what].function];
	const char *name = tfmt_trace_text(names->trace, names->whats[what].scope);
	return (struct tfmt_location){
		.function = name[0] != '\0' ? name : "[no name]",
		.module = "",
		.file = "",
	};
}

static int add_what(struct rend_span_names *names, const struct rend_span_what *what, uint32_t *ret)
{
	if (names->count + 1 >= names->room) {
		uint32_t room = names->room > 0 ? names->room * 2 : 64;
		struct rend_span_what *whats = reallocarray(names->whats, room, sizeof(*whats));
		if (whats == NULL)
			return TFMT_E_NOMEM;
		names->whats = whats;
		names->room = room;
	}
	names->whats[++names->count] = *what;
	*ret = names->count;
	return 0;
}

/* Where the number of a function's `what` is kept. NULL: out of memory. */
static uint32_t *function_slot(struct rend_span_names *names, uint32_t function)
{
	if (function >= names->function_room) {
		size_t room = names->functions.room;
		uint32_t *slots = reallocarray(names->of_function, room, sizeof(*slots));
		if (slots == NULL)
			return NULL;
		memset(slots + names->function_room, 0,
			(room - names->function_room) * sizeof(*slots));
		names->of_function = slots;
		names->function_room = room;
	}
	return &names->of_function[function];
}

/* The number of what a span is of; `parent` is what it is in. */
static int find_what(struct rend_span_names *names, const struct tfmt_span *span, uint32_t parent,
	uint32_t *ret_what)
{
	struct rend_span_what what = {.parent = parent, .first_ns = span->time_ns};
	struct tfmt_location location;
	uint32_t *slot;
	if (span->frame == 0) {
		what.scope = span->name;
		slot = &names->of_scope[span->name];
		int status = *slot == 0 ? add_what(names, &what, slot) : 0;
		*ret_what = *slot;
		return status;
	}
	if (names->of_frame[span->frame] == 0) {
		tfmt_trace_locations(names->trace, span->frame, &location, 1);
		int status = rend_function_set_add(&names->functions, &location, &what.function);
		if (status < 0)
			return status;
		slot = function_slot(names, what.function);
		if (slot == NULL)
			return TFMT_E_NOMEM;
		status = *slot == 0 ? add_what(names, &what, slot) : 0;
		if (status < 0)
			return status;
		names->of_frame[span->frame] = *slot;
	}
	*ret_what = names->of_frame[span->frame];
	return 0;
}

static bool is_recursion(const struct rend_span_stack *stack, uint32_t what)
{
	for (uint32_t i = 1; i < stack->count && i <= MAX_RECURSION_SEARCH; i++) {
		const struct rend_open_span *outer = &stack->open[stack->count - 1 - i];
		if (outer->what == what && outer->is_taken)
			return true;
	}
	return false;
}

static int walk_begin(struct walk *walk, const struct tfmt_span *span, uint64_t number)
{
	const struct rend_span_stack *stack = &walk->stacks.threads[span->thread];
	uint32_t parent = stack->count > 0 ? stack->open[stack->count - 1].what : 0;
	struct rend_open_span *open;
	int status = rend_span_begin(&walk->stacks, span, &open);
	if (status < 0 || open == NULL)
		return status;
	status = find_what(walk->names, span, parent, &open->what);
	open->is_taken = rend_model_takes(walk->model, TFMT_SPAN, span, number);
	open->is_inner = is_recursion(stack, open->what);
	return status;
}

/* The innermost open span of a thread ends. */
static int walk_end(
	struct walk *walk, uint32_t thread, uint64_t end_ns, bool is_open, bool is_failed)
{
	const struct rend_model *model = walk->model;
	struct rend_span_stack *stack = &walk->stacks.threads[thread];
	const struct rend_open_span *open = &stack->open[--stack->count];
	struct rend_whole_span span = {
		.begin_ns = open->begin_ns < model->begin_ns ? model->begin_ns : open->begin_ns,
		.end_ns = end_ns > model->end_ns ? model->end_ns : end_ns,
		.thread = thread,
		.what = open->what,
		.is_inner = open->is_inner,
		.is_open = is_open,
		.is_failed = is_failed,
	};
	if (open->begin_ns > model->last_ns || end_ns < model->first_ns)
		return 0;
	if (span.end_ns < span.begin_ns)
		span.end_ns = span.begin_ns;
	uint64_t length_ns = span.end_ns - span.begin_ns;
	span.self_ns = length_ns > open->inner_ns ? length_ns - open->inner_ns : 0;
	if (stack->count > 0)
		stack->open[stack->count - 1].inner_ns += length_ns;
	return open->is_taken ? walk->each(walk->context, &span) : 0;
}

static int walk_record(void *context, const struct tfmt_span *span, uint64_t number)
{
	struct walk *walk = context;
	int status = 0;
	if (span->phase == TFMT_SPAN_BEGIN)
		return walk_begin(walk, span, number);
	struct rend_span_stack *stack = &walk->stacks.threads[span->thread];
	uint32_t count = rend_span_ended_count(&walk->stacks, span);
	if (count > 0 && rend_model_takes(walk->model, TFMT_SPAN, span, number))
		stack->open[stack->count - count].is_taken = true;
	for (uint32_t i = 1; status == 0 && i <= count; i++)
		status = walk_end(walk, span->thread, span->time_ns, false,
			i == count && (span->flags & TFMT_SPAN_EXCEPTION) != 0);
	return status;
}

/* Spans that have not ended do so with their threads. */
static int walk_open(struct walk *walk)
{
	int status = 0;
	for (uint32_t id = 1; status == 0 && id <= walk->model->thread_count; id++) {
		while (status == 0 && walk->stacks.threads[id].count > 0)
			status = walk_end(walk, id, walk->model->threads[id].end_ns, true, false);
	}
	return status;
}

int rend_span_walk(struct rend_model *model, struct rend_span_names *names,
	int (*each)(void *context, const struct rend_whole_span *span), void *context,
	struct tfmt_error *err)
{
	struct walk walk = {.model = model, .names = names, .each = each, .context = context};
	int status = rend_span_stacks_init(&walk.stacks, model);
	if (status == 0)
		status = rend_model_each_span(model, walk_record, &walk, err);
	if (status == 0)
		status = walk_open(&walk);
	rend_span_stacks_release(&walk.stacks);
	return status;
}
