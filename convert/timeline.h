/*
 * Samples of many threads, laid out thread by thread: a lane per thread, and on it one run after
 * the other, each with a stack and its ns, without gaps: what no sample covers is an idle run.
 *
 * A sample of weight w that ended at t covers [t - w, t]. Weights stay exact: the runs of a stack
 * add up to its samples. Where samples overlap, the later one moves back, and the next idle run is
 * shorter. Sums (many short intervals added up, written about once a second) fill gaps of the
 * second before them first. Equal neighbours are one run.
 *
 * Samples come in the order of time and are wanted lane by lane: they are spooled (spool.h).
 */
#ifndef CONV_TIMELINE_H
#define CONV_TIMELINE_H

#include <stdbool.h>

#include "spool.h"

struct conv_run {
	uint64_t weight_ns;
	uint32_t stack; /* the caller's number; 0: idle */
};

struct conv_interval {
	uint64_t end_ns;
	struct conv_run run;
};

struct conv_timeline {
	struct conv_spool intervals; /* of struct conv_interval, by lane */
	struct conv_spool sums;	     /* the same */
	uint64_t tolerance_ns;	     /* shorter gaps are jitter, not idleness */
};

/* Returns: 0; TFMT_E_NOMEM. */
int conv_timeline_init(struct conv_timeline *timeline, size_t lane_count, uint64_t tolerance_ns);
void conv_timeline_release(struct conv_timeline *timeline);

/* Of samples at that rate; 0: not known. */
uint64_t conv_timeline_tolerance_ns(uint64_t rate_hz);

/* Add a sample to a lane. `is_sum`: not one interval. Returns: 0; TFMT_E_NOMEM; TFMT_E_IO. */
int conv_timeline_add(struct conv_timeline *timeline, size_t lane,
	const struct conv_interval *interval, bool is_sum);

/*
 * Read a lane from 0 to `length_ns`, or to its last sample when that is later. Sums fill no gaps
 * before `begin_ns`, where the thread began. One cursor of a timeline at a time; nothing may be
 * added meanwhile.
 */
struct conv_timeline_cursor {
	const struct conv_timeline *timeline;
	struct conv_spool_cursor intervals, sums;
	struct conv_interval interval, sum; /* the next of each, weight 0: not read yet */
	struct conv_run pending;	    /* to be merged with what follows, weight 0: none */
	uint64_t position_ns;
	uint64_t begin_ns;
	uint64_t length_ns;
};
void conv_timeline_rewind(struct conv_timeline_cursor *cursor, const struct conv_timeline *timeline,
	size_t lane, uint64_t begin_ns, uint64_t length_ns);
/* Returns: 1 and a run; 0 at the end; TFMT_E_IO. */
int conv_timeline_next(struct conv_timeline_cursor *cursor, struct conv_run *ret_run);

#endif
