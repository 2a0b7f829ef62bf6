#include "timeline.h"

/* How long before it was written a sum may have begun, when its weight does not tell. */
#define SUM_WINDOW_NS UINT64_C(1000000000)

int conv_timeline_init(struct conv_timeline *timeline, size_t lane_count, uint64_t tolerance_ns)
{
	int status;

	*timeline = (struct conv_timeline){.tolerance_ns = tolerance_ns};
	status = conv_spool_init(&timeline->intervals, lane_count, sizeof(struct conv_interval));
	if (!status)
		status = conv_spool_init(&timeline->sums, lane_count, sizeof(struct conv_interval));
	return status;
}

void conv_timeline_release(struct conv_timeline *timeline)
{
	conv_spool_release(&timeline->intervals);
	conv_spool_release(&timeline->sums);
}

uint64_t conv_timeline_tolerance_ns(uint64_t rate_hz)
{
	/* Ticks come late by microseconds: only a gap of a good part of a period is one. */
	return rate_hz ? UINT64_C(1000000000) / rate_hz / 4 : 0;
}

static uint64_t begin_of(const struct conv_interval *interval)
{
	return interval->end_ns > interval->run.weight_ns
		       ? interval->end_ns - interval->run.weight_ns
		       : 0;
}

int conv_timeline_add(struct conv_timeline *timeline, size_t lane,
	const struct conv_interval *interval, bool is_sum)
{
	struct conv_interval *last;
	uint64_t begin_ns = begin_of(interval);

	if (!interval->run.weight_ns)
		return 0;
	if (is_sum)
		return conv_spool_append(&timeline->sums, lane, interval);
	/* Alike and following closely: one interval. Its end lags behind, so that delays add up. */
	last = conv_spool_last(&timeline->intervals, lane);
	if (last && last->run.stack == interval->run.stack && begin_ns >= last->end_ns &&
		begin_ns - last->end_ns <= timeline->tolerance_ns) {
		last->run.weight_ns += interval->run.weight_ns;
		last->end_ns += interval->run.weight_ns;
		return 0;
	}
	return conv_spool_append(&timeline->intervals, lane, interval);
}

void conv_timeline_rewind(struct conv_timeline_cursor *cursor, const struct conv_timeline *timeline,
	size_t lane, uint64_t begin_ns, uint64_t length_ns)
{
	*cursor = (struct conv_timeline_cursor){
		.timeline = timeline,
		.begin_ns = begin_ns,
		.length_ns = length_ns,
	};
	conv_spool_rewind(&cursor->intervals, &timeline->intervals, lane);
	conv_spool_rewind(&cursor->sums, &timeline->sums, lane);
}

/* Make the next of a list known, unless it is. Weight 0 afterwards: there is none. */
static int peek(struct conv_interval *next, struct conv_spool_cursor *cursor,
	const struct conv_spool *spool)
{
	const void *item;
	int status;

	if (next->run.weight_ns)
		return 0;
	status = conv_spool_next(cursor, spool, &item);
	if (status > 0)
		*next = *(const struct conv_interval *)item;
	return status < 0 ? status : 0;
}

/* Take up to `weight_ns` of the next of a list. */
static struct conv_run take(struct conv_interval *next, uint64_t weight_ns)
{
	struct conv_run run = next->run;

	if (run.weight_ns > weight_ns)
		run.weight_ns = weight_ns;
	next->run.weight_ns -= run.weight_ns;
	return run;
}

static struct conv_run idle(uint64_t weight_ns)
{
	return (struct conv_run){.weight_ns = weight_ns};
}

/* What fills the gap before `end_ns`: the next sum, from where it may have begun, or nothing. */
static struct conv_run fill_gap(struct conv_timeline_cursor *cursor, uint64_t end_ns)
{
	const struct conv_interval *sum = &cursor->sum;
	uint64_t gap_ns = end_ns - cursor->position_ns, window_ns = SUM_WINDOW_NS, begin_ns;

	if (!sum->run.weight_ns)
		return idle(gap_ns);
	if (sum->run.weight_ns > window_ns)
		window_ns = sum->run.weight_ns;
	begin_ns = sum->end_ns > window_ns ? sum->end_ns - window_ns : 0;
	if (begin_ns < cursor->begin_ns)
		begin_ns = cursor->begin_ns;
	if (begin_ns >= end_ns)
		return idle(gap_ns);
	if (begin_ns > cursor->position_ns)
		return idle(begin_ns - cursor->position_ns);
	return take(&cursor->sum, gap_ns);
}

/* The next run, neighbours not yet merged. Weight 0: the end. */
static int step(struct conv_timeline_cursor *cursor, struct conv_run *ret_run)
{
	const struct conv_timeline *timeline = cursor->timeline;
	struct conv_interval *next = &cursor->interval;
	uint64_t begin_ns;
	int status;

	status = peek(&cursor->interval, &cursor->intervals, &timeline->intervals);
	if (!status)
		status = peek(&cursor->sum, &cursor->sums, &timeline->sums);
	if (status)
		return status;
	begin_ns = begin_of(next);
	/* A sum whose time has come is an interval as any other. */
	if (cursor->sum.run.weight_ns && (!next->run.weight_ns || cursor->sum.end_ns <= begin_ns)) {
		next = &cursor->sum;
		begin_ns = begin_of(next);
	}
	if (!next->run.weight_ns)
		*ret_run = idle(cursor->length_ns > cursor->position_ns
					? cursor->length_ns - cursor->position_ns
					: 0);
	else if (begin_ns <= cursor->position_ns ||
		 begin_ns - cursor->position_ns <= timeline->tolerance_ns)
		*ret_run = take(next, UINT64_MAX);
	else if (next == &cursor->sum)
		*ret_run = idle(begin_ns - cursor->position_ns);
	else
		*ret_run = fill_gap(cursor, begin_ns);
	cursor->position_ns += ret_run->weight_ns;
	return 0;
}

int conv_timeline_next(struct conv_timeline_cursor *cursor, struct conv_run *ret_run)
{
	struct conv_run run, next;
	int status;

	run = cursor->pending;
	cursor->pending.weight_ns = 0;
	for (;;) {
		status = step(cursor, &next);
		if (status)
			return status;
		if (!next.weight_ns)
			break;
		if (run.weight_ns && run.stack != next.stack) {
			cursor->pending = next;
			break;
		}
		next.weight_ns += run.weight_ns;
		run = next;
	}
	if (!run.weight_ns)
		return 0;
	*ret_run = run;
	return 1;
}
