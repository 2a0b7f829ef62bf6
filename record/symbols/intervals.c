#include "symbols/intervals.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

void rec_intervals_release(struct rec_intervals *set)
{
	free(set->items);
	*set = (struct rec_intervals){0};
}

/* How many ranges begin at or below `address`. */
static size_t count_below(const struct rec_intervals *set, uint64_t address)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool rec_intervals_contain(const struct rec_intervals *set, uint64_t address)
{
	size_t below = count_below(set, address);

	return below > 0 && address < set->items[below - 1].high;
}

void rec_intervals_clip(
	const struct rec_intervals *set, uint64_t address, struct rec_interval *range)
{
	size_t below = count_below(set, address);

	if (below > 0 && set->items[below - 1].high > range->low)
		range->low = set->items[below - 1].high;
	if (below < set->count && set->items[below].low < range->high)
		range->high = set->items[below].low;
}

int rec_intervals_add(struct rec_intervals *set, struct rec_interval range)
{
	size_t at = count_below(set, range.low);
	bool joins_left = at > 0 && set->items[at - 1].high == range.low;
	bool joins_right = at < set->count && set->items[at].low == range.high;

	if (joins_left && joins_right) {
		set->items[at - 1].high = set->items[at].high;
		set->count--;
		memmove(set->items + at, set->items + at + 1,
			(set->count - at) * sizeof(*set->items));
		return 0;
	}
	if (joins_left) {
		set->items[at - 1].high = range.high;
		return 0;
	}
	if (joins_right) {
		set->items[at].low = range.low;
		return 0;
	}
	if (set->count == set->capacity) {
		size_t capacity = set->capacity ? set->capacity * 2 : 64;
		struct rec_interval *items = reallocarray(set->items, capacity, sizeof(*items));

		if (!items)
			return TFMT_E_NOMEM;
		set->items = items;
		set->capacity = capacity;
	}
	memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof(*set->items));
	set->items[at] = range;
	set->count++;
	return 0;
}
