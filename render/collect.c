#include "collect.h"

#include <stdlib.h>
#include <string.h>

#include "collect_counters.h"
#include "metrics.h"
#include "spans.h"

/* Different kinds of loss that are told apart. */
#define MAX_LOSSES 32

bool rend_model_clip(
	const struct rend_model *model, const struct tfmt_sample *sample, struct tfmt_sample *ret)
{
	if (sample->thread > model->thread_count || !model->threads[sample->thread].is_shown)
		return false;
	*ret = *sample;
	if (sample->state == TFMT_STATE_RUNNING || sample->weight_ns > sample->time_ns)
		return sample->time_ns >= model->first_ns && sample->time_ns <= model->last_ns;
	uint64_t begin_ns = sample->time_ns - sample->weight_ns;
	if (sample->time_ns < model->first_ns || begin_ns > model->last_ns)
		return false;
	if (ret->time_ns > model->last_ns)
		ret->time_ns = model->last_ns;
	if (begin_ns < model->first_ns)
		begin_ns = model->first_ns;
	ret->weight_ns = ret->time_ns - begin_ns;
	return true;
}

static void read_running(struct rend_model *model, const struct tfmt_sample *sample)
{
	struct rend_thread *thread = &model->threads[sample->thread];
	struct rend_process *process = &model->processes[thread->info->process];
	thread->running_ns += sample->weight_ns;
	process->sampled_ns += sample->weight_ns;
	model->totals.sampled_ns += sample->weight_ns;
	if (sample->flags & TFMT_SAMPLE_UNSAMPLED)
		return;
	thread->sample_count++;
	process->sample_count++;
	model->totals.sample_count++;
	if (sample->stack != 0 && !(sample->flags & TFMT_SAMPLE_TRUNCATED))
		model->totals.whole_count++;
	if ((sample->flags & TFMT_SAMPLE_UNMERGED) != 0)
		model->totals.unmerged_count++;
}

static int read_waiting(struct rend_model *model, const struct tfmt_sample *sample)
{
	struct rend_thread *thread = &model->threads[sample->thread];
	struct rend_process *process = &model->processes[thread->info->process];
	model->totals.wait_ns += sample->weight_ns;
	if (sample->state == TFMT_STATE_PREEMPTED) {
		thread->preempted_ns += sample->weight_ns;
		process->preempted_ns += sample->weight_ns;
		model->totals.preempted_ns += sample->weight_ns;
		return 0;
	}
	thread->blocked_ns += sample->weight_ns;
	process->blocked_ns += sample->weight_ns;
	model->totals.blocked_ns += sample->weight_ns;
	if (sample->flags & TFMT_SAMPLE_ASSUMED)
		model->totals.assumed_ns += sample->weight_ns;
	else if (sample->stack == 0)
		model->totals.placeless_ns += sample->weight_ns;
	return rend_waits_add(&model->waits, model, sample);
}

static int read_samples(struct rend_counters *counters, const struct tfmt_batch *batch)
{
	struct rend_model *model = counters->model;
	int status = 0;
	for (size_t i = 0; status == 0 && i < batch->count; i++) {
		struct tfmt_sample sample;
		if (!rend_model_clip(model, &batch->samples[i], &sample)) {
			model->dropped_count++;
			continue;
		}
		if (sample.state == TFMT_STATE_RUNNING)
			rend_counters_read_sample(counters, &sample);
		if (counters->fills_processes)
			continue;
		if (!rend_model_takes(model, TFMT_SAMPLE, &batch->samples[i], 0)) {
			model->dropped_count++;
			continue;
		}
		if (sample.state == TFMT_STATE_RUNNING)
			read_running(model, &sample);
		uint64_t weight = tfmt_weight_of(model->weight, &sample);
		if (weight > 0)
			status = tfmt_calltree_add_sample(model->tree, NULL, 0, &sample, weight);
		if (status == 0 && sample.state != TFMT_STATE_RUNNING)
			status = read_waiting(model, &sample);
	}
	return status;
}

static void read_spans(struct rend_model *model, const struct tfmt_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct tfmt_span *span = &batch->spans[i];
		if (!rend_model_takes_span(model, span, batch->first_id + i)) {
			model->dropped_span_count++;
			continue;
		}
		model->threads[span->thread].span_count++;
		model->totals.span_count++;
		model->totals.scope_count += span->frame == 0;
	}
}

static void read_lost(struct rend_model *model, const struct tfmt_lost *lost)
{
	if (strcmp(tfmt_trace_text(model->trace, lost->what), "sample") == 0)
		model->totals.lost_count += lost->count;
	for (size_t i = 0; i < model->loss_count; i++) {
		struct rend_loss *loss = &model->losses[i];
		if (loss->what == lost->what && loss->reason == lost->reason) {
			loss->count += lost->count;
			return;
		}
	}
	if (model->loss_count < MAX_LOSSES)
		model->losses[model->loss_count++] = (struct rend_loss){
			.what = lost->what, .reason = lost->reason, .count = lost->count};
}

static void read_cost(struct rend_model *model, const struct tfmt_cost *cost)
{
	static const char target[] = "target "; /* samples, switches, stopped */
	struct rend_costs *costs = &model->totals.costs;
	const char *name = tfmt_trace_text(model->trace, cost->name);
	if (cost->value <= 0)
		return;
	if (strcmp(name, "recorder cpu") == 0)
		costs->recorder_cpu_ns = (uint64_t)cost->value;
	else if (strcmp(name, "recorder memory") == 0)
		costs->recorder_bytes = (uint64_t)cost->value;
	else if (strcmp(name, "bytes written") == 0)
		costs->written_bytes = (uint64_t)cost->value;
	else if (strcmp(name, "metrics interval") == 0)
		costs->metrics_interval_ns = (uint64_t)cost->value;
	else if (strncmp(name, target, strlen(target)) == 0)
		costs->target_ns += (uint64_t)cost->value;
}

static int read_batch(struct rend_counters *counters, const struct tfmt_batch *batch)
{
	int status = 0;
	switch (batch->kind) {
	case TFMT_COUNTER:
		for (size_t i = 0; i < batch->count; i++)
			rend_counters_read(counters, &batch->counters[i]);
		break;
	case TFMT_SAMPLE:
		status = read_samples(counters, batch);
		break;
	case TFMT_SPAN:
		read_spans(counters->model, batch);
		break;
	case TFMT_LOST:
		for (size_t i = 0; i < batch->count; i++)
			read_lost(counters->model, &batch->losts[i]);
		break;
	case TFMT_COST:
		for (size_t i = 0; i < batch->count; i++)
			read_cost(counters->model, &batch->costs[i]);
		break;
	default:
		break;
	}
	return status;
}

/* Columns first .. first + count of the model. */
static int series_init(
	struct rend_series *series, const struct rend_model *model, size_t first, size_t count)
{
	series->first = first;
	series->count = count;
	return tfmt_series_new(model->begin_ns + first * model->column_ns,
		model->begin_ns + (first + count) * model->column_ns, count, &series->owner);
}

static void series_finish(struct rend_series *series, uint64_t time_ns)
{
	if (series->owner == NULL)
		return;
	tfmt_series_finish(series->owner, time_ns);
	series->bins = tfmt_series_bins(series->owner, &series->count);
}

static int read_all(struct rend_counters *counters, uint32_t kinds, struct tfmt_error *err)
{
	const struct tfmt_batch *batch;
	struct tfmt_reader *reader = counters->model->reader;
	int status;
	while ((status = tfmt_reader_next(reader, kinds, &batch, err)) > 0) {
		status = read_batch(counters, batch);
		if (status < 0)
			return status;
	}
	return status;
}

#define SERIES_COUNT 6

/* Those of all processes together, and of the machine. */
static void list_series(struct rend_model *model, struct rend_series *all[SERIES_COUNT])
{
	all[0] = &model->cpu;
	all[1] = &model->system_cpu;
	all[2] = &model->memory;
	all[3] = &model->thread_total;
	all[4] = &model->machine_cpu;
	all[5] = &model->machine_memory;
}

static int init_series(struct rend_model *model)
{
	struct rend_series *all[SERIES_COUNT];
	int status = 0;
	list_series(model, all);
	for (size_t i = 0; status == 0 && i < SERIES_COUNT; i++)
		status = series_init(all[i], model, 0, model->bin_count);
	return status;
}

static void finish_totals(struct rend_counters *counters)
{
	struct rend_model *model = counters->model;
	struct rend_series *all[SERIES_COUNT];
	rend_counters_finish(counters);
	list_series(model, all);
	for (size_t i = 0; i < SERIES_COUNT; i++)
		series_finish(all[i], model->end_ns);
}

int rend_collect_totals(struct rend_model *model, struct tfmt_error *err)
{
	const uint32_t kinds = TFMT_KIND_BIT(TFMT_COUNTER) | TFMT_KIND_BIT(TFMT_SAMPLE) |
			       TFMT_KIND_BIT(TFMT_SPAN) | TFMT_KIND_BIT(TFMT_LOST) |
			       TFMT_KIND_BIT(TFMT_COST);
	struct rend_counters counters;
	size_t node_count;
	int status = rend_counters_init(&counters, model, false);
	model->losses = calloc(MAX_LOSSES, sizeof(*model->losses));
	model->metrics = rend_metrics_new(model);
	if (model->losses == NULL || model->metrics == NULL)
		status = TFMT_E_NOMEM;
	if (status == 0)
		status = init_series(model);
	if (status == 0)
		status = tfmt_calltree_new(model->trace, &model->tree);
	if (status == 0)
		tfmt_calltree_merge_by(model->tree, model->key);
	if (status < 0)
		goto out;
	counters.memory.series = model->memory.owner;
	counters.threads.series = model->thread_total.owner;
	status = read_all(&counters, kinds, err);
	if (status < 0)
		goto out;
	finish_totals(&counters);
	status = tfmt_calltree_build(model->tree);
	if (status == 0 && tfmt_calltree_nodes(model->tree, &node_count)[0].total == 0) {
		tfmt_calltree_free(model->tree);
		model->tree = NULL;
	}
	rend_waits_finish(&model->waits);
out:
	rend_counters_release(&counters);
	return status;
}

static int init_process_series(struct rend_model *model, struct rend_process *process)
{
	if (process->cpu.owner != NULL || !process->is_shown)
		return 0;
	size_t first = (process->begin_ns - model->begin_ns) / model->column_ns;
	size_t last = (process->end_ns - model->begin_ns) / model->column_ns;
	if (last >= model->bin_count)
		last = model->bin_count - 1;
	if (first > last)
		first = last;
	int status = series_init(&process->cpu, model, first, last - first + 1);
	if (status == 0)
		status = series_init(&process->memory, model, first, last - first + 1);
	return status;
}

int rend_model_process_series(
	struct rend_model *model, const uint32_t *ids, size_t count, struct tfmt_error *err)
{
	struct rend_counters counters;
	uint32_t kinds = TFMT_KIND_BIT(TFMT_COUNTER);
	int status = rend_counters_init(&counters, model, true);
	for (size_t i = 0; status == 0 && i < count; i++) {
		status = init_process_series(model, &model->processes[ids[i]]);
		if (status == 0 && !rend_counters_tell_cpu(&counters, ids[i]))
			kinds |= TFMT_KIND_BIT(TFMT_SAMPLE);
	}
	if (status == 0)
		status = tfmt_reader_scan(model->reader, err);
	if (status == 0)
		status = read_all(&counters, kinds, err);
	for (size_t i = 0; status == 0 && i < count; i++) {
		struct rend_process *process = &model->processes[ids[i]];
		series_finish(&process->cpu, process->end_ns);
		series_finish(&process->memory, process->end_ns);
	}
	rend_counters_release(&counters);
	return status;
}
