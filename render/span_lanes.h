/*
 * Spans as bars over time: a lane for each function and each name of a scope, below the lane of
 * what it was first seen in. Bars that overlap, of several threads, lie one below the other. Memory
 * is bounded by the width of the picture.
 */
#ifndef REND_SPAN_LANES_H
#define REND_SPAN_LANES_H

#include "span_table.h"

#define REND_MAX_LANES	   24
#define REND_MAX_LANE_ROWS 4

struct rend_bar {
	uint64_t begin_ns, end_ns;
	uint64_t busy_ns; /* of it, of all its spans */
	uint32_t count;	  /* of spans: several that are too short to be drawn alone */
	uint32_t thread;  /* of the last one */
	bool is_open;	  /* has no end */
	bool is_failed;	  /* one was left by an exception */
};

struct rend_bar_row {
	struct rend_bar *bars; /* in the order of time, not overlapping */
	size_t count, room;
	struct rend_bar dense; /* still growing; none when its count is 0 */
	uint64_t end_ns;       /* of the last one */
};

struct rend_lane {
	const struct rend_span_row *row;
	uint32_t depth; /* of lanes that it is in */
	struct rend_bar_row rows[REND_MAX_LANE_ROWS];
	uint32_t row_count;
	uint64_t hidden_count; /* spans at the same time as others in all rows */
};

struct rend_span_lanes {
	struct rend_lane lanes[REND_MAX_LANES];
	size_t count;
	uint32_t max_rows; /* of each */
	uint64_t min_ns;
};

struct rend_lane_options {
	size_t max_lanes;  /* those with most time */
	uint32_t max_rows; /* of a lane, at most REND_MAX_LANE_ROWS */
	bool scopes_only;
	uint64_t min_ns; /* spans that are shorter are drawn together */
	size_t max_bars; /* in all */
};

/* Borrows the table. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM. Cost: a pass over the spans. */
int rend_span_lanes_init(struct rend_span_lanes *lanes, struct rend_model *model,
	struct rend_span_table *table, const struct rend_lane_options *options);
void rend_span_lanes_release(struct rend_span_lanes *lanes);

#endif
