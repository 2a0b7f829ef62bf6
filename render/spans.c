#include "spans.h"

#include <stdlib.h>

#include "tracefmt/error.h"

#define MAX_DEPTH  65536 /* spans of a thread that are kept */
#define MAX_SEARCH 256	 /* spans whose ends may have been lost at once */

int rend_span_stacks_init(struct rend_span_stacks *stacks, const struct rend_model *model)
{
	stacks->model = model;
	stacks->threads = calloc((size_t)model->thread_count + 1, sizeof(*stacks->threads));
	return stacks->threads != NULL ? 0 : TFMT_E_NOMEM;
}

void rend_span_stacks_release(struct rend_span_stacks *stacks)
{
	for (uint32_t id = 0; stacks->threads != NULL && id <= stacks->model->thread_count; id++)
		free(stacks->threads[id].open);
	free(stacks->threads);
	*stacks = (struct rend_span_stacks){0};
}

static int grow(struct rend_span_stack *stack)
{
	uint32_t room = stack->room > 0 ? stack->room * 2 : 16;
	struct rend_open_span *open = realloc(stack->open, room * sizeof(*open));
	if (open == NULL)
		return TFMT_E_NOMEM;
	stack->open = open;
	stack->room = room;
	return 0;
}

int rend_span_begin(struct rend_span_stacks *stacks, const struct tfmt_span *span,
	struct rend_open_span **ret_open)
{
	struct rend_span_stack *stack = &stacks->threads[span->thread];
	*ret_open = NULL;
	if (stack->count == MAX_DEPTH) {
		stack->deeper++;
		return 0;
	}
	if (stack->count == stack->room) {
		int status = grow(stack);
		if (status < 0)
			return status;
	}
	struct rend_open_span *open = &stack->open[stack->count++];
	*open = (struct rend_open_span){
		.begin_ns = span->time_ns,
		.frame = span->frame,
		.name = span->name,
	};
	*ret_open = open;
	return 0;
}

/* A call ends where it began, but maybe at another line. */
static bool is_same(const struct tfmt_trace *trace, const struct rend_open_span *open,
	const struct tfmt_span *span)
{
	if (span->frame == 0 || open->frame == 0)
		return span->name == open->name && span->frame == open->frame;
	if (span->frame == open->frame)
		return true;
	const struct tfmt_frame *begin = tfmt_trace_frame(trace, open->frame);
	const struct tfmt_frame *end = tfmt_trace_frame(trace, span->frame);
	return begin->function != 0 && begin->function == end->function &&
	       begin->file == end->file && begin->first_line == end->first_line;
}

uint32_t rend_span_ended_count(struct rend_span_stacks *stacks, const struct tfmt_span *span)
{
	struct rend_span_stack *stack = &stacks->threads[span->thread];
	if (stack->deeper > 0) {
		stack->deeper--;
		return 0;
	}
	/* An end without a name is that of what is open. */
	if (span->frame == 0 && span->name == 0)
		return stack->count > 0;
	for (uint32_t i = 1; i <= stack->count && i <= MAX_SEARCH; i++) {
		if (is_same(stacks->model->trace, &stack->open[stack->count - i], span))
			return i;
	}
	return 0;
}

bool rend_model_has_span_thread(const struct rend_model *model, const struct tfmt_span *span)
{
	return span->thread <= model->thread_count && model->threads[span->thread].is_shown;
}

bool rend_model_takes_span(
	const struct rend_model *model, const struct tfmt_span *span, uint64_t number)
{
	return rend_model_has_span_thread(model, span) && span->time_ns >= model->first_ns &&
	       span->time_ns <= model->last_ns && rend_model_takes(model, TFMT_SPAN, span, number);
}

int rend_model_each_span(struct rend_model *model,
	int (*each)(void *context, const struct tfmt_span *span, uint64_t number), void *context,
	struct tfmt_error *err)
{
	const struct tfmt_batch *batch;
	int status = tfmt_reader_scan(model->reader, err);
	while (status == 0 && (status = tfmt_reader_next(
				       model->reader, TFMT_KIND_BIT(TFMT_SPAN), &batch, err)) > 0) {
		status = 0;
		for (size_t i = 0; status == 0 && i < batch->count; i++) {
			if (rend_model_has_span_thread(model, &batch->spans[i]))
				status = each(context, &batch->spans[i], batch->first_id + i);
		}
	}
	return status;
}
