#include "merge_clock.h"

#include <stdlib.h>

#include "tracefmt/error.h"

int imp_clock_add(struct imp_clock *clock, uint64_t time_ns, int64_t utc_ns)
{
	size_t capacity = clock->capacity ? 2 * clock->capacity : 16;
	struct imp_instant *grown;

	if (time_ns > INT64_MAX)
		return 0;
	if (clock->count == clock->capacity) {
		grown = reallocarray(clock->instants, capacity, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		clock->instants = grown;
		clock->capacity = capacity;
	}
	clock->instants[clock->count++] = (struct imp_instant){(int64_t)time_ns, utc_ns};
	return 0;
}

static int compare_instants(const void *left, const void *right)
{
	const struct imp_instant *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return (a->utc_ns > b->utc_ns) - (a->utc_ns < b->utc_ns);
}

void imp_clock_finish(struct imp_clock *clock)
{
	struct imp_instant *instants = clock->instants;
	size_t kept = 0, i;

	if (clock->count)
		qsort(instants, clock->count, sizeof(*instants), compare_instants);
	for (i = 0; i < clock->count; i++)
		if (!kept || (instants[i].time_ns > instants[kept - 1].time_ns &&
				     instants[i].utc_ns > instants[kept - 1].utc_ns))
			instants[kept++] = instants[i];
	clock->count = kept;
}

void imp_clock_release(struct imp_clock *clock)
{
	free(clock->instants);
	*clock = (struct imp_clock){0};
}

/* From one clock to the other, by the two instants (or the same one twice) nearest to `value`. */
static int64_t convert(int64_t value, int64_t from_0, int64_t from_1, int64_t to_0, int64_t to_1)
{
	__int128 passed = (__int128)value - from_0, result;

	if (from_0 == from_1)
		result = to_0 + passed;
	else
		result = to_0 + passed * ((__int128)to_1 - to_0) / ((__int128)from_1 - from_0);
	if (result > INT64_MAX)
		return INT64_MAX;
	return result < INT64_MIN ? INT64_MIN : (int64_t)result;
}

/* The instants around a value: `*ret_before` may be `*ret_after`. */
static void find(const struct imp_clock *clock, int64_t value, bool by_utc,
	const struct imp_instant **ret_before, const struct imp_instant **ret_after)
{
	size_t low = 0, high = clock->count, middle, last = clock->count - 1;

	while (low < high) {
		middle = low + (high - low) / 2;
		if ((by_utc ? clock->instants[middle].utc_ns : clock->instants[middle].time_ns) <=
			value)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_before = &clock->instants[low ? low - 1 : 0];
	*ret_after = &clock->instants[low <= last ? low : last];
	if (!low)
		*ret_after = *ret_before;
}

int64_t imp_clock_utc(const struct imp_clock *clock, int64_t time_ns)
{
	const struct imp_instant *a, *b;

	find(clock, time_ns, false, &a, &b);
	return convert(time_ns, a->time_ns, b->time_ns, a->utc_ns, b->utc_ns);
}

int64_t imp_clock_time(const struct imp_clock *clock, int64_t utc_ns)
{
	const struct imp_instant *a, *b;

	find(clock, utc_ns, true, &a, &b);
	return convert(utc_ns, a->utc_ns, b->utc_ns, a->time_ns, b->time_ns);
}
