/*
 * Whole spans, one after the other as they end: from their beginnings and ends, with a number for
 * each function and each name of a scope.
 */
#ifndef REND_SPAN_WALK_H
#define REND_SPAN_WALK_H

#include "function_set.h"
#include "spans.h"

/* A function that was called, or a scope: what spans are spans of. */
struct rend_span_what {
	uint32_t scope;	   /* string: its name; 0: a call */
	uint32_t function; /* number of the function of a call */
	uint32_t parent;   /* what it was first seen in; 0: nothing. Less than its own number */
	uint64_t first_ns; /* when it was first seen */
};

struct rend_span_names {
	const struct tfmt_trace *trace;
	struct rend_function_set functions;
	struct rend_span_what *whats; /* [1 .. count] */
	uint32_t count, room;
	uint32_t *of_scope;    /* by string; 0: none yet */
	uint32_t *of_frame;    /* by frame */
	uint32_t *of_function; /* by function */
	size_t function_room;
};

/* Returns: 0; TFMT_E_NOMEM. */
int rend_span_names_init(struct rend_span_names *names, const struct tfmt_trace *trace);
void rend_span_names_release(struct rend_span_names *names);

bool rend_span_is_scope(const struct rend_span_names *names, uint32_t what);

/* Its function; of a scope an empty location with its name. */
struct tfmt_location rend_span_location(const struct rend_span_names *names, uint32_t what);

/* A span as far as it is in the shown range. */
struct rend_whole_span {
	uint64_t begin_ns, end_ns;
	uint64_t self_ns; /* of it not in spans within it */
	uint32_t thread;
	uint32_t what;
	bool is_inner;	/* one of the same thread and `what` is around it */
	bool is_open;	/* has no end: it goes on to that of its thread */
	bool is_failed; /* left by an exception */
};

/*
 * A pass over all spans in which the shown range has a part, inner ones first. `names` grows.
 * `each` returns 0 to go on. Returns: 0, or what `each` or the reader gave, TFMT_E_NOMEM.
 */
int rend_span_walk(struct rend_model *model, struct rend_span_names *names,
	int (*each)(void *context, const struct rend_whole_span *span), void *context,
	struct tfmt_error *err);

#endif
