#include "collect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meters.h"
#include "metrics.h"
#include "spans.h"

/* Different kinds of loss that are told apart. */
#define MAX_LOSSES 32

enum metric_role {
	METRIC_OTHER,
	METRIC_CPU,
	METRIC_USER,
	METRIC_SYSTEM,
	METRIC_RSS,
	METRIC_THREADS,
	METRIC_MACHINE_CPU,
	METRIC_MACHINE_MEMORY,
};

struct process_meters {
	struct rend_meter cpu, user, system;
	bool has_cpu_metric;  /* "cpu" */
	bool has_part_metric; /* user and system */
	uint64_t rss_bytes;
	uint64_t threads;
	bool has_ended; /* and given back what it held: a reading that comes late adds nothing */
};

struct collector {
	struct rend_model *model;
	uint8_t *roles; /* enum metric_role by metric id */
	struct process_meters *meters;
	bool fills_processes; /* the pass for series of processes, not the one for totals */
	uint32_t *ends;	      /* processes that ended, by time */
	size_t end_count, end_next;
	struct rend_meter machine_cpu;
	struct rend_gauge_sum memory, threads;
};

static void spread(struct tfmt_series *series, uint64_t begin_ns, uint64_t end_ns, uint64_t cpu_ns)
{
	if (series != NULL)
		tfmt_series_spread(series, begin_ns, end_ns > begin_ns ? end_ns : begin_ns + 1,
			(double)cpu_ns / 1e9);
}

static void add_cpu(struct collector *collector, struct rend_process *process, uint64_t begin_ns,
	uint64_t end_ns, uint64_t cpu_ns)
{
	struct rend_model *model = collector->model;
	if (collector->fills_processes) {
		if (process->cpu.bins == NULL)
			spread(process->cpu.owner, begin_ns, end_ns, cpu_ns);
		return;
	}
	uint64_t shown_ns = rend_model_part(model, begin_ns, end_ns, cpu_ns);
	process->has_cpu = true;
	process->cpu_ns += shown_ns;
	model->totals.has_cpu = true;
	model->totals.cpu_ns += shown_ns;
	spread(model->cpu.owner, begin_ns, end_ns, cpu_ns);
}

static void read_cpu(struct collector *collector, struct rend_process *process,
	struct rend_meter *meter, uint64_t time_ns, uint64_t value)
{
	uint64_t growth_ns;
	if (rend_meter_read(meter, time_ns, value, &growth_ns))
		add_cpu(collector, process, meter->from_ns, meter->to_ns, growth_ns);
}

/* User or system time: a part of the CPU time, and all of it where no other metric tells. */
static void read_cpu_part(struct collector *collector, struct rend_process *process, bool is_system,
	uint64_t time_ns, uint64_t value)
{
	struct rend_model *model = collector->model;
	struct process_meters *meters = &collector->meters[process->id];
	struct rend_meter *meter = is_system ? &meters->system : &meters->user;
	uint64_t growth_ns;
	if (rend_meter_read(meter, time_ns, value, &growth_ns) && !collector->fills_processes) {
		uint64_t shown_ns = rend_model_part(model, meter->from_ns, meter->to_ns, growth_ns);
		if (is_system) {
			process->system_ns += shown_ns;
			model->totals.system_ns += shown_ns;
			spread(model->system_cpu.owner, meter->from_ns, meter->to_ns, growth_ns);
		} else {
			model->totals.user_ns += shown_ns;
		}
	}
	if (!meters->has_cpu_metric)
		read_cpu(collector, process, &meters->cpu, time_ns,
			meters->user.value + meters->system.value);
}

static void read_rss(
	struct collector *collector, struct rend_process *process, uint64_t time_ns, int64_t value)
{
	struct process_meters *meters = &collector->meters[process->id];
	if (collector->fills_processes) {
		if (process->memory.owner != NULL && process->memory.bins == NULL)
			tfmt_series_point(process->memory.owner, time_ns,
				value == TFMT_VALUE_MISSING ? NAN : (double)value);
		return;
	}
	if (value == TFMT_VALUE_MISSING)
		return;
	uint64_t bytes = (uint64_t)value;
	if (!meters->has_ended) {
		rend_gauge_change(&collector->memory, collector->model, time_ns,
			(double)bytes - (double)meters->rss_bytes);
		meters->rss_bytes = bytes;
	}
	bool is_in_range =
		time_ns >= collector->model->begin_ns && time_ns <= collector->model->end_ns;
	if (is_in_range && bytes > process->peak_bytes) {
		process->peak_bytes = bytes;
		process->peak_ns = time_ns;
	}
}

static void read_threads(
	struct collector *collector, struct rend_process *process, uint64_t time_ns, int64_t value)
{
	struct process_meters *meters = &collector->meters[process->id];
	if (collector->fills_processes || value == TFMT_VALUE_MISSING)
		return;
	if (!meters->has_ended) {
		rend_gauge_change(&collector->threads, collector->model, time_ns,
			(double)value - (double)meters->threads);
		meters->threads = (uint64_t)value;
	}
	if (value > process->peak_threads && value <= UINT32_MAX)
		process->peak_threads = (uint32_t)value;
}

static void read_machine(
	struct collector *collector, enum metric_role role, uint64_t time_ns, int64_t value)
{
	struct rend_model *model = collector->model;
	uint64_t growth_ns;
	if (collector->fills_processes)
		return;
	if (role == METRIC_MACHINE_MEMORY) {
		tfmt_series_point(model->machine_memory.owner, time_ns,
			value == TFMT_VALUE_MISSING ? NAN : (double)value);
		return;
	}
	if (value != TFMT_VALUE_MISSING &&
		rend_meter_read(&collector->machine_cpu, time_ns, (uint64_t)value, &growth_ns))
		spread(model->machine_cpu.owner, collector->machine_cpu.from_ns,
			collector->machine_cpu.to_ns, growth_ns);
}

/* What ended processes held is given back when they end. */
static void end_processes(struct collector *collector, uint64_t until_ns)
{
	for (; collector->end_next < collector->end_count; collector->end_next++) {
		uint32_t id = collector->ends[collector->end_next];
		uint64_t end_ns = collector->model->processes[id].info->end_ns;
		struct process_meters *meters = &collector->meters[id];
		if (end_ns >= until_ns)
			break;
		if (meters->rss_bytes > 0)
			rend_gauge_change(&collector->memory, collector->model, end_ns,
				-(double)meters->rss_bytes);
		if (meters->threads > 0)
			rend_gauge_change(&collector->threads, collector->model, end_ns,
				-(double)meters->threads);
		meters->rss_bytes = 0;
		meters->threads = 0;
		meters->has_ended = true;
		if (collector->model->metrics != NULL)
			rend_metrics_end(collector->model->metrics, id, end_ns);
	}
}

static void read_counter(struct collector *collector, const struct tfmt_counter *counter)
{
	struct rend_model *model = collector->model;
	uint32_t metric_count = tfmt_trace_count(model->trace, TFMT_METRIC);
	if (counter->metric == 0 || counter->metric > metric_count)
		return;
	enum metric_role role = collector->roles[counter->metric];
	if (!collector->fills_processes) {
		end_processes(collector, counter->time_ns);
		rend_metrics_read(model->metrics, counter);
	}
	if (role == METRIC_OTHER)
		return;
	if (role == METRIC_MACHINE_CPU || role == METRIC_MACHINE_MEMORY) {
		read_machine(collector, role, counter->time_ns, counter->value);
		return;
	}

	uint32_t id = tfmt_trace_metric(model->trace, counter->metric)->process;
	struct rend_process *process = &model->processes[id];
	bool is_missing = counter->value == TFMT_VALUE_MISSING;
	if (!process->is_selected)
		return;
	end_processes(collector, counter->time_ns);
	if (role == METRIC_RSS)
		read_rss(collector, process, counter->time_ns, counter->value);
	else if (role == METRIC_THREADS)
		read_threads(collector, process, counter->time_ns, counter->value);
	else if (role == METRIC_CPU && !is_missing)
		read_cpu(collector, process, &collector->meters[id].cpu, counter->time_ns,
			(uint64_t)counter->value);
	else if (!is_missing)
		read_cpu_part(collector, process, role == METRIC_SYSTEM, counter->time_ns,
			(uint64_t)counter->value);
}

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

static bool has_metric(const struct process_meters *meters)
{
	return meters->has_cpu_metric || meters->has_part_metric;
}

/* Where no metric tells the CPU time, samples do: all of them, whatever the filter takes. */
static void read_sampled_cpu(struct collector *collector, const struct tfmt_sample *sample)
{
	struct rend_model *model = collector->model;
	uint32_t id = model->threads[sample->thread].info->process;
	if (!has_metric(&collector->meters[id]))
		add_cpu(collector, &model->processes[id], sample->time_ns - sample->weight_ns,
			sample->time_ns, sample->weight_ns);
}

static void read_running(struct collector *collector, const struct tfmt_sample *sample)
{
	struct rend_model *model = collector->model;
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

static int read_waiting(struct collector *collector, const struct tfmt_sample *sample)
{
	struct rend_model *model = collector->model;
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

static int read_samples(struct collector *collector, const struct tfmt_batch *batch)
{
	struct rend_model *model = collector->model;
	int status = 0;
	for (size_t i = 0; status == 0 && i < batch->count; i++) {
		struct tfmt_sample sample;
		if (!rend_model_clip(model, &batch->samples[i], &sample)) {
			model->dropped_count++;
			continue;
		}
		if (sample.state == TFMT_STATE_RUNNING)
			read_sampled_cpu(collector, &sample);
		if (collector->fills_processes)
			continue;
		if (!rend_model_takes(model, TFMT_SAMPLE, &batch->samples[i], 0)) {
			model->dropped_count++;
			continue;
		}
		if (sample.state == TFMT_STATE_RUNNING)
			read_running(collector, &sample);
		uint64_t weight = tfmt_weight_of(model->weight, &sample);
		if (weight > 0)
			status = tfmt_calltree_add_sample(model->tree, NULL, 0, &sample, weight);
		if (status == 0 && sample.state != TFMT_STATE_RUNNING)
			status = read_waiting(collector, &sample);
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

static int read_batch(struct collector *collector, const struct tfmt_batch *batch)
{
	int status = 0;
	switch (batch->kind) {
	case TFMT_COUNTER:
		for (size_t i = 0; i < batch->count; i++)
			read_counter(collector, &batch->counters[i]);
		break;
	case TFMT_SAMPLE:
		status = read_samples(collector, batch);
		break;
	case TFMT_SPAN:
		read_spans(collector->model, batch);
		break;
	case TFMT_LOST:
		for (size_t i = 0; i < batch->count; i++)
			read_lost(collector->model, &batch->losts[i]);
		break;
	case TFMT_COST:
		for (size_t i = 0; i < batch->count; i++)
			read_cost(collector->model, &batch->costs[i]);
		break;
	default:
		break;
	}
	return status;
}

/* Recordings of others may have counters of these names that are something else, such as rates. */
static enum metric_role role_of(const struct tfmt_trace *trace, const struct tfmt_metric *metric)
{
	static const struct {
		const char *name;
		bool is_machine;
		enum tfmt_metric_type type;
		enum metric_role role;
	} rows[] = {
		{"cpu", false, TFMT_METRIC_CUMULATIVE, METRIC_CPU},
		{"cpu_user", false, TFMT_METRIC_CUMULATIVE, METRIC_USER},
		{"cpu_system", false, TFMT_METRIC_CUMULATIVE, METRIC_SYSTEM},
		{"rss", false, TFMT_METRIC_GAUGE, METRIC_RSS},
		{"threads", false, TFMT_METRIC_GAUGE, METRIC_THREADS},
		{"machine_cpu", true, TFMT_METRIC_CUMULATIVE, METRIC_MACHINE_CPU},
		{"machine_memory", true, TFMT_METRIC_GAUGE, METRIC_MACHINE_MEMORY},
	};
	const char *name = tfmt_trace_text(trace, metric->name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(rows[i].name, name) == 0 && metric->thread == 0 &&
			rows[i].is_machine == (metric->process == 0) &&
			rows[i].type == metric->type)
			return rows[i].role;
	}
	return METRIC_OTHER;
}

static int compare_ends(const void *left, const void *right, void *context)
{
	const struct rend_model *model = context;
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;
	uint64_t end_a = model->processes[a].info->end_ns;
	uint64_t end_b = model->processes[b].info->end_ns;
	if (end_a != end_b)
		return end_a < end_b ? -1 : 1;
	return a < b ? -1 : 1;
}

static void init_meters(struct collector *collector, uint32_t id)
{
	struct rend_meter meter = rend_model_first_reading(collector->model, id);
	collector->meters[id].cpu = meter;
	collector->meters[id].user = meter;
	collector->meters[id].system = meter;
}

static int collector_init(struct collector *collector, struct rend_model *model)
{
	uint32_t metric_count = tfmt_trace_count(model->trace, TFMT_METRIC);
	*collector = (struct collector){.model = model};
	collector->roles = calloc((size_t)metric_count + 1, sizeof(*collector->roles));
	collector->meters = calloc((size_t)model->process_count + 1, sizeof(*collector->meters));
	collector->ends = calloc((size_t)model->process_count + 1, sizeof(*collector->ends));
	if (collector->roles == NULL || collector->meters == NULL || collector->ends == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= metric_count; id++) {
		const struct tfmt_metric *metric = tfmt_trace_metric(model->trace, id);
		if (metric->process > model->process_count)
			continue;
		enum metric_role role = role_of(model->trace, metric);
		collector->roles[id] = (uint8_t)role;
		if (role == METRIC_CPU)
			collector->meters[metric->process].has_cpu_metric = true;
		if (role == METRIC_USER || role == METRIC_SYSTEM)
			collector->meters[metric->process].has_part_metric = true;
	}
	for (uint32_t id = 1; id <= model->process_count; id++) {
		init_meters(collector, id);
		if (model->processes[id].is_selected && model->processes[id].info->end_ns > 0)
			collector->ends[collector->end_count++] = id;
	}
	qsort_r(collector->ends, collector->end_count, sizeof(*collector->ends), compare_ends,
		model);
	return 0;
}

static void collector_release(struct collector *collector)
{
	free(collector->roles);
	free(collector->meters);
	free(collector->ends);
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

static int read_all(struct collector *collector, uint32_t kinds, struct tfmt_error *err)
{
	const struct tfmt_batch *batch;
	struct tfmt_reader *reader = collector->model->reader;
	int status;
	while ((status = tfmt_reader_next(reader, kinds, &batch, err)) > 0) {
		status = read_batch(collector, batch);
		if (status < 0)
			return status;
	}
	return status;
}

static int init_series(struct rend_model *model)
{
	struct rend_series *all[] = {&model->cpu, &model->system_cpu, &model->memory,
		&model->thread_total, &model->machine_cpu, &model->machine_memory};
	int status = 0;
	for (size_t i = 0; status == 0 && i < sizeof(all) / sizeof(*all); i++)
		status = series_init(all[i], model, 0, model->bin_count);
	return status;
}

static void finish_totals(struct collector *collector)
{
	struct rend_model *model = collector->model;
	const uint64_t end_ns = model->end_ns;
	end_processes(collector, UINT64_MAX);
	rend_metrics_finish(model->metrics);
	rend_gauge_commit(&collector->memory, model, UINT64_MAX);
	rend_gauge_commit(&collector->threads, model, UINT64_MAX);
	/* A process has no memory only while it is being made or taken down: not a finding. */
	model->totals.has_memory = collector->memory.has_value && collector->memory.peak > 0;
	model->totals.peak_bytes = (uint64_t)collector->memory.peak;
	model->totals.peak_ns = collector->memory.peak_ns;
	struct rend_series *all[] = {&model->cpu, &model->system_cpu, &model->memory,
		&model->thread_total, &model->machine_cpu, &model->machine_memory};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		series_finish(all[i], end_ns);
}

int rend_collect_totals(struct rend_model *model, struct tfmt_error *err)
{
	const uint32_t kinds = TFMT_KIND_BIT(TFMT_COUNTER) | TFMT_KIND_BIT(TFMT_SAMPLE) |
			       TFMT_KIND_BIT(TFMT_SPAN) | TFMT_KIND_BIT(TFMT_LOST) |
			       TFMT_KIND_BIT(TFMT_COST);
	struct collector collector;
	size_t node_count;
	int status = collector_init(&collector, model);
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
	collector.memory.series = model->memory.owner;
	collector.threads.series = model->thread_total.owner;
	status = read_all(&collector, kinds, err);
	if (status < 0)
		goto out;
	finish_totals(&collector);
	status = tfmt_calltree_build(model->tree);
	if (status == 0 && tfmt_calltree_nodes(model->tree, &node_count)[0].total == 0) {
		tfmt_calltree_free(model->tree);
		model->tree = NULL;
	}
	rend_waits_finish(&model->waits);
out:
	collector_release(&collector);
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
	struct collector collector;
	uint32_t kinds = TFMT_KIND_BIT(TFMT_COUNTER);
	int status = collector_init(&collector, model);
	collector.fills_processes = true;
	for (size_t i = 0; status == 0 && i < count; i++) {
		status = init_process_series(model, &model->processes[ids[i]]);
		if (status == 0 && !has_metric(&collector.meters[ids[i]]))
			kinds |= TFMT_KIND_BIT(TFMT_SAMPLE);
	}
	if (status == 0)
		status = tfmt_reader_scan(model->reader, err);
	if (status == 0)
		status = read_all(&collector, kinds, err);
	for (size_t i = 0; status == 0 && i < count; i++) {
		struct rend_process *process = &model->processes[ids[i]];
		series_finish(&process->cpu, process->end_ns);
		series_finish(&process->memory, process->end_ns);
	}
	collector_release(&collector);
	return status;
}
