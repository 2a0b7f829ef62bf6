/*
 * How much CPU time a thread had until any time: its running samples added up, a line through
 * points. When points become too many every second one goes, so that memory does not grow with the
 * recording.
 */
#ifndef REND_THREAD_CPU_H
#define REND_THREAD_CPU_H

#include "model.h"

struct rend_cpu_point {
	uint64_t time_ns;
	uint64_t cpu_ns; /* until then */
};

struct rend_cpu_line {
	struct rend_cpu_point *points; /* by time */
	size_t count, room;
};

struct rend_thread_cpu {
	const struct rend_model *model;
	size_t max_points;	     /* of a thread */
	struct rend_cpu_line *lines; /* by thread */
};

/*
 * Of the threads that have spans. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM. Cost: a pass over the
 * samples.
 */
int rend_thread_cpu_init(struct rend_thread_cpu *cpu, struct rend_model *model);
void rend_thread_cpu_release(struct rend_thread_cpu *cpu);

/* The CPU time between two times; between points as if it were even. */
uint64_t rend_thread_cpu_between(
	const struct rend_thread_cpu *cpu, uint32_t thread, uint64_t begin_ns, uint64_t end_ns);

#endif
