/*
 * A set of addresses, as disjoint ranges in ascending order.
 */
#ifndef RECORD_INTERVALS_H
#define RECORD_INTERVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec_interval {
	uint64_t low;
	uint64_t high; /* the first address that is not in it */
};

/* Zeroed: empty. */
struct rec_intervals {
	struct rec_interval *items;
	size_t count;
	size_t capacity;
};

void rec_intervals_release(struct rec_intervals *set);
bool rec_intervals_contain(const struct rec_intervals *set, uint64_t address);
/* Shrink a range around `address` (which is not in the set) to what is not in the set. */
void rec_intervals_clip(
	const struct rec_intervals *set, uint64_t address, struct rec_interval *range);
/* Add a range that overlaps nothing in the set. Returns 0 or TFMT_E_NOMEM. */
int rec_intervals_add(struct rec_intervals *set, struct rec_interval range);

#endif
