/* Counters of a trace as they come in: totals that grow, and gauges added up over processes. */
#ifndef REND_METERS_H
#define REND_METERS_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* Reads a cumulative counter: how much was added, and since when. */
struct rend_meter {
	bool has_value;
	uint64_t value;
	uint64_t from_ns, to_ns; /* of the newest step */
};

/*
 * Returns whether time has passed or the value grown since the last reading; the step is in
 * `meter`, the growth in `*ret_growth`. The first reading is where counting starts.
 */
bool rend_meter_read(
	struct rend_meter *meter, uint64_t time_ns, uint64_t value, uint64_t *ret_growth);

/*
 * The part of an amount that was spent evenly over [begin, end] which lies in the shown range.
 */
uint64_t rend_model_part(
	const struct rend_model *model, uint64_t begin_ns, uint64_t end_ns, uint64_t amount);

/*
 * Where totals of a process begin: at 0 when it began in the recording; of others the first
 * reading tells.
 */
struct rend_meter rend_model_first_reading(const struct rend_model *model, uint32_t process);

/* The sum of a gauge over processes, and its peak. Changes at one time are one step. */
struct rend_gauge_sum {
	struct tfmt_series *series; /* borrowed */
	bool has_value;
	uint64_t time_ns;
	double sum;
	double peak; /* within the shown range of the model */
	uint64_t peak_ns;
};

void rend_gauge_change(struct rend_gauge_sum *gauge, const struct rend_model *model,
	uint64_t time_ns, double change);

/* Take over what has changed before `until_ns`; UINT64_MAX: all. */
void rend_gauge_commit(
	struct rend_gauge_sum *gauge, const struct rend_model *model, uint64_t until_ns);

#endif
