/* What each function and scope adds up to, over all of its spans in the shown range. */
#ifndef REND_SPAN_TABLE_H
#define REND_SPAN_TABLE_H

#include "span_walk.h"

struct rend_span_row {
	uint32_t what;
	uint64_t count;
	uint64_t open_count;   /* of them without an end */
	uint64_t failed_count; /* left by an exception */
	uint64_t total_ns;     /* recursion counted once */
	uint64_t self_ns;
	uint64_t sum_ns; /* of all, recursion each time: for the mean */
	uint64_t max_ns;
	uint64_t cpu_ns;      /* that the threads ran within them, as samples say */
	int64_t growth_bytes; /* of the memory of their processes, from beginning to end */
	bool has_growth;      /* some are long enough for that to be seen */
};

struct rend_span_table {
	struct rend_span_names names;
	struct rend_span_row *rows; /* most time first */
	uint32_t count;
	bool has_cpu, has_growth;
};

/*
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 * Cost: a pass over spans, one over samples and one over counters where there are any.
 */
int rend_span_table_init(struct rend_span_table *table, struct rend_model *model);
void rend_span_table_release(struct rend_span_table *table);

/* Of all spans of a row, recursion each time. */
uint64_t rend_span_mean_ns(const struct rend_span_row *row);

#endif
