/*
 * A value over time, reduced to the pixels it is drawn on: each bin keeps the first, lowest,
 * highest and last value that held in it, so that no spike is lost and memory does not grow with
 * the trace.
 */
#ifndef TRACEFMT_SERIES_H
#define TRACEFMT_SERIES_H

#include <stddef.h>
#include <stdint.h>

struct tfmt_bin {
	double first;
	double min;
	double max;
	double last;
	double mean;	/* weighted by time; NAN when nothing held in the bin */
	uint32_t count; /* values that fell into the bin */
};

struct tfmt_series;

/* Bins of equal width over [begin_ns, end_ns). Returns: 0; TFMT_E_ARG; TFMT_E_NOMEM. */
int tfmt_series_new(
	uint64_t begin_ns, uint64_t end_ns, size_t bin_count, struct tfmt_series **ret_series);
void tfmt_series_free(struct tfmt_series *series);

/*
 * A gauge: `value` holds from `time_ns` to the next point, NAN: nothing does. Times ascending.
 */
void tfmt_series_point(struct tfmt_series *series, uint64_t time_ns, double value);

/*
 * A rate: `amount` spread evenly over [begin_ns, end_ns). Bins then hold amount per second: `mean`
 * of all that fell into the bin, over the bin's whole width, so that spreads which overlap add up;
 * the others of single spreads.
 */
void tfmt_series_spread(
	struct tfmt_series *series, uint64_t begin_ns, uint64_t end_ns, double amount);

/* Add `other`, bin by bin; both must have equal bins and be finished. NAN counts as 0 there. */
int tfmt_series_sum(struct tfmt_series *series, const struct tfmt_series *other);

/* Carry the last point to `time_ns`, where it stops holding. Call once. */
void tfmt_series_finish(struct tfmt_series *series, uint64_t time_ns);

/* bin_count bins; NAN in `min` marks an empty one. Borrowed until free. */
const struct tfmt_bin *tfmt_series_bins(const struct tfmt_series *series, size_t *ret_count);

#endif
