/*
 * Spans: calls and scopes, which begin and end, and nest in each thread.
 *
 * Their records are read from the beginning of the trace, so that what is open at the beginning of
 * the shown range is known. rend_model_takes_span() says which of them are shown.
 */
#ifndef REND_SPANS_H
#define REND_SPANS_H

#include "model.h"

/* A span that has begun and not ended. */
struct rend_open_span {
	uint64_t begin_ns;
	uint64_t inner_ns; /* of it spent in spans within it, as far as these have ended */
	uint32_t frame, name;
	uint32_t what; /* whatever number the caller gives functions and scopes */
	bool is_taken; /* by the filter: its beginning is, or its end */
	bool is_inner; /* one of the same `what` is open further out: recursion */
};

/* Spans open in one thread, outermost first. All zero: none. */
struct rend_span_stack {
	struct rend_open_span *open;
	uint32_t count, room;
	uint32_t deeper; /* more than are kept */
};

/* By thread id, [0 .. thread_count]. */
struct rend_span_stacks {
	const struct rend_model *model;
	struct rend_span_stack *threads;
};

/* Returns: 0; TFMT_E_NOMEM. */
int rend_span_stacks_init(struct rend_span_stacks *stacks, const struct rend_model *model);
void rend_span_stacks_release(struct rend_span_stacks *stacks);

/*
 * A span begins. `*ret_open`: the new one, until the stack changes; NULL when it is deeper than any
 * that is kept. Returns: 0; TFMT_E_NOMEM.
 */
int rend_span_begin(struct rend_span_stacks *stacks, const struct tfmt_span *span,
	struct rend_open_span **ret_open);

/*
 * How many of the innermost spans the end `span` ends: usually 1; more when the ends of inner ones
 * were lost; 0 when its beginning is not in the trace. The caller removes them, `count--`.
 */
uint32_t rend_span_ended_count(struct rend_span_stacks *stacks, const struct tfmt_span *span);

/* Whether a span record is shown: by its time, its thread and the filter. */
bool rend_model_takes_span(
	const struct rend_model *model, const struct tfmt_span *span, uint64_t number);

/*
 * A pass over the span records of the shown processes, in the order of the file: of any time, see
 * above. `each` returns 0 to go on. Returns: 0, or what `each` or the reader gave.
 */
int rend_model_each_span(struct rend_model *model,
	int (*each)(void *context, const struct tfmt_span *span, uint64_t number), void *context,
	struct tfmt_error *err);

/* True for records of threads that are not filtered out. */
bool rend_model_has_span_thread(const struct rend_model *model, const struct tfmt_span *span);

#endif
