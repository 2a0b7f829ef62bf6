/*
 * What counters say of processes and of the machine: CPU time, memory, threads; and CPU time by
 * samples, of processes without such counters.
 */
#ifndef REND_COLLECT_COUNTERS_H
#define REND_COLLECT_COUNTERS_H

#include "meters.h"

struct rend_process_meters;

/* A pass over counters, in the order of time. */
struct rend_counters {
	struct rend_model *model;
	uint8_t *roles;			    /* what each metric is, by id */
	struct rend_process_meters *meters; /* by process */
	bool fills_processes; /* the pass for series of processes, not the one for totals */
	uint32_t *ends;	      /* processes that ended, by time */
	size_t end_count, end_next;
	struct rend_meter machine_cpu;
	struct rend_gauge_sum memory, threads;
};

/* Returns: 0; TFMT_E_NOMEM. To be released in both cases. */
int rend_counters_init(
	struct rend_counters *counters, struct rend_model *model, bool fills_processes);
void rend_counters_release(struct rend_counters *counters);

void rend_counters_read(struct rend_counters *counters, const struct tfmt_counter *counter);

/* Whether metrics tell the CPU time of a process. */
bool rend_counters_tell_cpu(const struct rend_counters *counters, uint32_t process);

/* A sample, clipped: it tells the CPU time where no metric does, whatever the filter takes. */
void rend_counters_read_sample(struct rend_counters *counters, const struct tfmt_sample *sample);

/* After the last one of the pass for totals: what is known of memory goes into the model. */
void rend_counters_finish(struct rend_counters *counters);

#endif
