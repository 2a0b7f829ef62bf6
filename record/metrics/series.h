/*
 * The values of one process, or of the machine, on their way into the trace: written when they
 * change, and the one before at its last time first. What did not change costs nothing, and a
 * slope begins where it began.
 */
#ifndef RECORD_METRICS_SERIES_H
#define RECORD_METRICS_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#include "sink.h"

enum rec_metric {
#define X(id, name, unit, type, scope, help) REC_METRIC_##id,
#include "metrics.def"
#undef X
	REC_METRIC_COUNT,
};

struct rec_series {
	uint32_t metric_id; /* in the trace; 0: nothing was put yet */
	int64_t value;	    /* as last put, or TFMT_VALUE_MISSING */
	uint64_t time_ns;   /* until when it is known to hold */
	uint64_t written_ns;
};

struct rec_series_set {
	uint32_t process; /* in the trace; 0: the machine */
	struct rec_series series[REC_METRIC_COUNT];
};

/* `value` was read at `time_ns`. Totals that would shrink stay: they were read late. */
void rec_series_put(struct rec_series_set *set, struct rec_sink *sink, enum rec_metric metric,
	uint64_t time_ns, int64_t value);

/* These metrics cannot be read. */
void rec_series_miss(struct rec_series_set *set, struct rec_sink *sink,
	const enum rec_metric *metrics, size_t count, uint64_t time_ns);

/* All that held at `from_ns` still holds at `to_ns`. */
void rec_series_hold(struct rec_series_set *set, uint64_t from_ns, uint64_t to_ns);

/* The end: last values at their last times, none later than `end_ns`. */
void rec_series_close(struct rec_series_set *set, struct rec_sink *sink, uint64_t end_ns);

/* As last put; 0 when nothing was, or it could not be read. */
uint64_t rec_series_value(const struct rec_series_set *set, enum rec_metric metric);

#endif
