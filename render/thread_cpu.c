#include "thread_cpu.h"

#include <stdlib.h>

#include "tracefmt/error.h"

#define ALL_BINS (1u << 21) /* of all threads together: 16 MiB */
#define MAX_BINS (1u << 16)
#define MIN_BINS 64

static double bin_of(const struct rend_thread_cpu *cpu, uint64_t time_ns)
{
	const struct rend_model *model = cpu->model;
	if (time_ns <= model->begin_ns)
		return 0;
	double bin = (double)(time_ns - model->begin_ns) / cpu->bin_ns;
	return bin < (double)cpu->bin_count ? bin : (double)cpu->bin_count;
}

/* A running sample over the bins of its interval, by their parts of it. */
static int add_sample(void *context, const struct tfmt_sample *sample)
{
	struct rend_thread_cpu *cpu = context;
	if (sample->state != TFMT_STATE_RUNNING || sample->weight_ns == 0 ||
		sample->weight_ns > sample->time_ns ||
		cpu->model->threads[sample->thread].span_count == 0)
		return 0;
	uint64_t **bins = &cpu->until_ns[sample->thread];
	if (*bins == NULL)
		*bins = calloc(cpu->bin_count, sizeof(**bins));
	if (*bins == NULL)
		return TFMT_E_NOMEM;
	double from = bin_of(cpu, sample->time_ns - sample->weight_ns);
	double to = bin_of(cpu, sample->time_ns);
	uint64_t left_ns = (uint64_t)((to - from) * cpu->bin_ns);
	for (size_t bin = (size_t)from; bin < cpu->bin_count && left_ns > 0; bin++) {
		double end = to < (double)(bin + 1) ? to : (double)(bin + 1);
		double begin = from > (double)bin ? from : (double)bin;
		uint64_t part_ns = (uint64_t)((end - begin) * cpu->bin_ns + 0.5);
		if (part_ns > left_ns || end >= to)
			part_ns = left_ns;
		(*bins)[bin] += part_ns;
		left_ns -= part_ns;
	}
	return 0;
}

int rend_thread_cpu_init(struct rend_thread_cpu *cpu, struct rend_model *model)
{
	size_t thread_count = 0;
	*cpu = (struct rend_thread_cpu){.model = model};
	for (uint32_t id = 1; id <= model->thread_count; id++)
		thread_count += model->threads[id].span_count > 0;
	cpu->bin_count = ALL_BINS / (thread_count > 0 ? thread_count : 1);
	if (cpu->bin_count > MAX_BINS)
		cpu->bin_count = MAX_BINS;
	if (cpu->bin_count < MIN_BINS)
		cpu->bin_count = MIN_BINS;
	cpu->bin_ns = (double)(model->end_ns - model->begin_ns) / (double)cpu->bin_count;
	cpu->until_ns = calloc((size_t)model->thread_count + 1, sizeof(*cpu->until_ns));
	if (cpu->until_ns == NULL)
		return TFMT_E_NOMEM;
	int status = rend_model_each_sample(model, add_sample, cpu, NULL);
	for (uint32_t id = 1; id <= model->thread_count; id++) {
		uint64_t *bins = cpu->until_ns[id];
		for (size_t bin = 1; bins != NULL && bin < cpu->bin_count; bin++)
			bins[bin] += bins[bin - 1];
	}
	return status;
}

void rend_thread_cpu_release(struct rend_thread_cpu *cpu)
{
	for (uint32_t id = 0; cpu->until_ns != NULL && id <= cpu->model->thread_count; id++)
		free(cpu->until_ns[id]);
	free(cpu->until_ns);
	*cpu = (struct rend_thread_cpu){0};
}

/* CPU time up to there: within a bin, as if it were even. */
static double until(const struct rend_thread_cpu *cpu, const uint64_t *bins, uint64_t time_ns)
{
	double at = bin_of(cpu, time_ns);
	size_t bin = (size_t)at;
	if (bin >= cpu->bin_count)
		return (double)bins[cpu->bin_count - 1];
	double before = bin > 0 ? (double)bins[bin - 1] : 0;
	return before + ((double)bins[bin] - before) * (at - (double)bin);
}

uint64_t rend_thread_cpu_between(
	const struct rend_thread_cpu *cpu, uint32_t thread, uint64_t begin_ns, uint64_t end_ns)
{
	const uint64_t *bins = cpu->until_ns[thread];
	return bins != NULL ? (uint64_t)(until(cpu, bins, end_ns) - until(cpu, bins, begin_ns)) : 0;
}
