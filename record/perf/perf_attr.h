/* What is asked of perf_event_open(2): see its manual for the members. */
#ifndef RECORD_PERF_ATTR_H
#define RECORD_PERF_ATTR_H

#include <linux/perf_event.h>
#include <stdbool.h>

#include "perf/perf.h"

/* What decides when a sample is taken. */
struct rec_perf_event {
	const char *name; /* without a modifier */
	uint32_t type;	  /* PERF_TYPE_* */
	uint64_t config;
	uint64_t count_by_s; /* of a busy CPU, roughly; 0: it is time that is counted */
	bool is_user_only;
};

/*
 * Find NAME or NAME:u; NULL: CPU time. Returns: false when there is none of that name;
 * `ret_event` then has the name of the nearest one, or NULL.
 */
bool rec_perf_event_find(const char *name, struct rec_perf_event *ret_event);

/* Processes: forks, names, programs, mappings, ends. */
struct perf_event_attr rec_perf_attr_life(void);
void rec_perf_attr_add_life(struct perf_event_attr *attr);
/* Stacks, and when threads run and when they do not. */
struct perf_event_attr rec_perf_attr_samples(const struct rec_perf_options *options,
	const struct rec_perf_event *event, bool with_kernel);
/* The stack of a thread at every moment when it loses the CPU, laid out as samples are. */
struct perf_event_attr rec_perf_attr_switch_stacks(
	const struct rec_perf_options *options, bool with_kernel_frames);
/* Only when threads run and when they do not. */
struct perf_event_attr rec_perf_attr_switches(void);

#endif
