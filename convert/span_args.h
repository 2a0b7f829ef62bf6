/*
 * Arguments by their span. They may come after it in the file: a format that writes both together
 * collects them in a first pass.
 */
#ifndef CONV_SPAN_ARGS_H
#define CONV_SPAN_ARGS_H

#include <stdbool.h>

#include "tracefmt/record.h"

struct conv_span_args {
	struct tfmt_arg *args;
	size_t count, capacity;
	bool is_sorted;
};

/* Starts zeroed. */
void conv_span_args_release(struct conv_span_args *args);

/* Returns: 0; TFMT_E_NOMEM. */
int conv_span_args_add(struct conv_span_args *args, const struct tfmt_arg *arg);

/*
 * The arguments of span record `number`, as they came; none are added from then on. Returns their
 * number, 0: it has none.
 */
size_t conv_span_args_find(
	struct conv_span_args *args, uint64_t number, const struct tfmt_arg **ret_first);

#endif
