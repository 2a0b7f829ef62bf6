#include "span_args.h"

#include <stdlib.h>

#include "tracefmt/error.h"

void conv_span_args_release(struct conv_span_args *args)
{
	free(args->args);
}

int conv_span_args_add(struct conv_span_args *args, const struct tfmt_arg *arg)
{
	size_t capacity = args->capacity ? 2 * args->capacity : 256;
	struct tfmt_arg *grown;

	if (args->count == args->capacity) {
		grown = reallocarray(args->args, capacity, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		args->args = grown;
		args->capacity = capacity;
	}
	args->args[args->count++] = *arg;
	return 0;
}

static int compare_args(const void *a, const void *b)
{
	const struct tfmt_arg *x = a, *y = b;

	return (x->span > y->span) - (x->span < y->span);
}

size_t conv_span_args_find(
	struct conv_span_args *args, uint64_t number, const struct tfmt_arg **ret_first)
{
	size_t low = 0, high = args->count, middle, end;

	if (!args->is_sorted && args->count)
		qsort(args->args, args->count, sizeof(*args->args), compare_args);
	args->is_sorted = true;
	while (low < high) {
		middle = low + (high - low) / 2;
		if (args->args[middle].span < number)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < args->count && args->args[end].span == number; end++)
		;
	if (end > low)
		*ret_first = &args->args[low];
	return end - low;
}
