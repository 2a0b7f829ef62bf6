/*
 * How much CPU time a thread had until any time: its running samples added up in bins, so that
 * memory does not grow with the recording.
 */
#ifndef REND_THREAD_CPU_H
#define REND_THREAD_CPU_H

#include "model.h"

struct rend_thread_cpu {
	const struct rend_model *model;
	size_t bin_count;
	double bin_ns;
	uint64_t **until_ns; /* by thread: CPU time up to the end of each bin; NULL: no samples */
};

/*
 * Of the threads that have spans. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM. Cost: a pass over the
 * samples.
 */
int rend_thread_cpu_init(struct rend_thread_cpu *cpu, struct rend_model *model);
void rend_thread_cpu_release(struct rend_thread_cpu *cpu);

/* Within the shown range. */
uint64_t rend_thread_cpu_between(
	const struct rend_thread_cpu *cpu, uint32_t thread, uint64_t begin_ns, uint64_t end_ns);

#endif
