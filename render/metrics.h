/*
 * Every metric of a trace by its name: over all shown processes as a series, and what each process
 * used. What a process could not be asked is known as such.
 */
#ifndef REND_METRICS_H
#define REND_METRICS_H

#include "meters.h"
#include "model.h"

struct rend_metric {
	const char *name, *unit, *help; /* live as long as the trace */
	bool is_total;			/* that grows; its series is a rate, per second */
	bool is_machine;
	uint32_t process_count; /* that have it */
	uint32_t missing_count; /* of which it could never be read */
	uint64_t growth;	/* of totals, within the shown range */
	struct rend_gauge_sum sum;
	struct rend_series series;
};

struct rend_metrics;

/* Of all shown processes of `model`. NULL: no memory. */
struct rend_metrics *rend_metrics_new(const struct rend_model *model);
void rend_metrics_free(struct rend_metrics *metrics);

/* All counters of the trace, in its order; ends of processes between them. */
void rend_metrics_read(struct rend_metrics *metrics, const struct tfmt_counter *counter);
void rend_metrics_end(struct rend_metrics *metrics, uint32_t process, uint64_t end_ns);
void rend_metrics_finish(struct rend_metrics *metrics);

/*
 * Shown processes of which nothing is known: they could not be asked, or did not live long enough
 * to be. A total is at least what it says.
 */
uint32_t rend_metric_unknown(const struct rend_model *model, const struct rend_metric *metric);

/* In the order of their first appearance. */
const struct rend_metric *rend_metrics_at(const struct rend_metrics *metrics, size_t i);
size_t rend_metrics_count(const struct rend_metrics *metrics);
/* NULL: the trace does not have it. */
const struct rend_metric *rend_metrics_find(const struct rend_metrics *metrics, const char *name);

enum rend_metric_state {
	REND_METRIC_ABSENT,
	REND_METRIC_MISSING, /* it could not be read */
	REND_METRIC_KNOWN,
};

/* Of one process: the growth of a total, the peak of a gauge. 0 unless known. */
enum rend_metric_state rend_metrics_of_process(const struct rend_metrics *metrics, uint32_t process,
	const char *name, uint64_t *ret_value);

/* Why a metric could not be read, "permission denied"; "" when the trace does not say. */
const char *rend_metrics_reason(const struct rend_model *model, const char *name);

#endif
