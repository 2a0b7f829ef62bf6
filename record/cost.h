/*
 * What recording costs: the recorder's own CPU time, part by part, and what the records of the
 * kernel cost the programs that are recorded.
 */
#ifndef RECORD_COST_H
#define RECORD_COST_H

#include <stddef.h>
#include <stdint.h>

#include "perf/perf.h"
#include "sink.h"

#define REC_COST_MAX_PARTS 12

struct rec_cost_part {
	const char *name;
	uint64_t cpu_ns;
};

struct rec_cost {
	struct rec_cost_part parts[REC_COST_MAX_PARTS];
	size_t part_count;
	uint64_t mark_ns;
	uint64_t sample_count, switch_count; /* that perf has told */
};

/*
 * The CPU time of the calling thread belongs to parts from now on. Other threads are named
 * "trec-PART" and belong to that part.
 */
void rec_cost_start(struct rec_cost *cost);
/* What it has used since the last rec_cost_start() or rec_cost_add() was for `part`. */
void rec_cost_add(struct rec_cost *cost, const char *part);

/* A record of perf has come. */
void rec_cost_count(struct rec_cost *cost, const struct rec_perf_record *record);

/*
 * Write it all. Where there were enough records to be worth it, what one costs is measured first,
 * on a thread of our own: about 5 ms.
 */
void rec_cost_write(struct rec_cost *cost, const struct rec_perf *perf, struct rec_sink *sink,
	uint64_t time_ns);

#endif
