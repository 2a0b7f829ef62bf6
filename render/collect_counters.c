#include "collect_counters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

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

struct rend_process_meters {
	struct rend_meter cpu, user, system;
	bool has_cpu_metric;  /* "cpu" */
	bool has_part_metric; /* user and system */
	uint64_t rss_bytes;
	uint64_t threads;
	bool has_ended; /* and given back what it held: a reading that comes late adds nothing */
};

static void spread(struct tfmt_series *series, uint64_t begin_ns, uint64_t end_ns, uint64_t cpu_ns)
{
	if (series != NULL)
		tfmt_series_spread(series, begin_ns, end_ns > begin_ns ? end_ns : begin_ns + 1,
			(double)cpu_ns / 1e9);
}

static void add_cpu(struct rend_counters *counters, struct rend_process *process, uint64_t begin_ns,
	uint64_t end_ns, uint64_t cpu_ns)
{
	struct rend_model *model = counters->model;
	if (counters->fills_processes) {
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

static void read_cpu(struct rend_counters *counters, struct rend_process *process,
	struct rend_meter *meter, uint64_t time_ns, uint64_t value)
{
	uint64_t growth_ns;
	if (rend_meter_read(meter, time_ns, value, &growth_ns))
		add_cpu(counters, process, meter->from_ns, meter->to_ns, growth_ns);
}

/* User or system time: a part of the CPU time, and all of it where no other metric tells. */
static void read_cpu_part(struct rend_counters *counters, struct rend_process *process,
	bool is_system, uint64_t time_ns, uint64_t value)
{
	struct rend_model *model = counters->model;
	struct rend_process_meters *meters = &counters->meters[process->id];
	struct rend_meter *meter = is_system ? &meters->system : &meters->user;
	uint64_t growth_ns;
	if (rend_meter_read(meter, time_ns, value, &growth_ns) && !counters->fills_processes) {
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
		read_cpu(counters, process, &meters->cpu, time_ns,
			meters->user.value + meters->system.value);
}

static void read_rss(struct rend_counters *counters, struct rend_process *process, uint64_t time_ns,
	int64_t value)
{
	struct rend_process_meters *meters = &counters->meters[process->id];
	if (counters->fills_processes) {
		if (process->memory.owner != NULL && process->memory.bins == NULL)
			tfmt_series_point(process->memory.owner, time_ns,
				value == TFMT_VALUE_MISSING ? NAN : (double)value);
		return;
	}
	if (value == TFMT_VALUE_MISSING)
		return;
	uint64_t bytes = (uint64_t)value;
	if (!meters->has_ended) {
		rend_gauge_change(&counters->memory, counters->model, time_ns,
			(double)bytes - (double)meters->rss_bytes);
		meters->rss_bytes = bytes;
	}
	bool is_in_range =
		time_ns >= counters->model->begin_ns && time_ns <= counters->model->end_ns;
	if (is_in_range && bytes > process->peak_bytes) {
		process->peak_bytes = bytes;
		process->peak_ns = time_ns;
	}
}

static void read_threads(struct rend_counters *counters, struct rend_process *process,
	uint64_t time_ns, int64_t value)
{
	struct rend_process_meters *meters = &counters->meters[process->id];
	if (counters->fills_processes || value == TFMT_VALUE_MISSING)
		return;
	if (!meters->has_ended) {
		rend_gauge_change(&counters->threads, counters->model, time_ns,
			(double)value - (double)meters->threads);
		meters->threads = (uint64_t)value;
	}
	if (value > process->peak_threads && value <= UINT32_MAX)
		process->peak_threads = (uint32_t)value;
}

static void read_machine(
	struct rend_counters *counters, enum metric_role role, uint64_t time_ns, int64_t value)
{
	struct rend_model *model = counters->model;
	uint64_t growth_ns;
	if (counters->fills_processes)
		return;
	if (role == METRIC_MACHINE_MEMORY) {
		tfmt_series_point(model->machine_memory.owner, time_ns,
			value == TFMT_VALUE_MISSING ? NAN : (double)value);
		return;
	}
	if (value != TFMT_VALUE_MISSING &&
		rend_meter_read(&counters->machine_cpu, time_ns, (uint64_t)value, &growth_ns))
		spread(model->machine_cpu.owner, counters->machine_cpu.from_ns,
			counters->machine_cpu.to_ns, growth_ns);
}

/* What ended processes held is given back when they end. */
static void end_processes(struct rend_counters *counters, uint64_t until_ns)
{
	for (; counters->end_next < counters->end_count; counters->end_next++) {
		uint32_t id = counters->ends[counters->end_next];
		uint64_t end_ns = counters->model->processes[id].info->end_ns;
		struct rend_process_meters *meters = &counters->meters[id];
		if (end_ns >= until_ns)
			break;
		if (meters->rss_bytes > 0)
			rend_gauge_change(&counters->memory, counters->model, end_ns,
				-(double)meters->rss_bytes);
		if (meters->threads > 0)
			rend_gauge_change(&counters->threads, counters->model, end_ns,
				-(double)meters->threads);
		meters->rss_bytes = 0;
		meters->threads = 0;
		meters->has_ended = true;
		if (counters->model->metrics != NULL)
			rend_metrics_end(counters->model->metrics, id, end_ns);
	}
}

void rend_counters_read(struct rend_counters *counters, const struct tfmt_counter *counter)
{
	struct rend_model *model = counters->model;
	uint32_t metric_count = tfmt_trace_count(model->trace, TFMT_METRIC);
	if (counter->metric == 0 || counter->metric > metric_count)
		return;
	enum metric_role role = counters->roles[counter->metric];
	if (!counters->fills_processes) {
		end_processes(counters, counter->time_ns);
		rend_metrics_read(model->metrics, counter);
	}
	if (role == METRIC_OTHER)
		return;
	if (role == METRIC_MACHINE_CPU || role == METRIC_MACHINE_MEMORY) {
		read_machine(counters, role, counter->time_ns, counter->value);
		return;
	}

	uint32_t id = tfmt_trace_metric(model->trace, counter->metric)->process;
	struct rend_process *process = &model->processes[id];
	bool is_missing = counter->value == TFMT_VALUE_MISSING;
	if (!process->is_selected)
		return;
	end_processes(counters, counter->time_ns);
	if (role == METRIC_RSS)
		read_rss(counters, process, counter->time_ns, counter->value);
	else if (role == METRIC_THREADS)
		read_threads(counters, process, counter->time_ns, counter->value);
	else if (role == METRIC_CPU && !is_missing)
		read_cpu(counters, process, &counters->meters[id].cpu, counter->time_ns,
			(uint64_t)counter->value);
	else if (!is_missing)
		read_cpu_part(counters, process, role == METRIC_SYSTEM, counter->time_ns,
			(uint64_t)counter->value);
}

bool rend_counters_tell_cpu(const struct rend_counters *counters, uint32_t process)
{
	const struct rend_process_meters *meters = &counters->meters[process];
	return meters->has_cpu_metric || meters->has_part_metric;
}

void rend_counters_read_sample(struct rend_counters *counters, const struct tfmt_sample *sample)
{
	struct rend_model *model = counters->model;
	uint32_t id = model->threads[sample->thread].info->process;
	if (!rend_counters_tell_cpu(counters, id))
		add_cpu(counters, &model->processes[id], sample->time_ns - sample->weight_ns,
			sample->time_ns, sample->weight_ns);
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

static void init_meters(struct rend_counters *counters, uint32_t id)
{
	struct rend_meter meter = rend_model_first_reading(counters->model, id);
	counters->meters[id].cpu = meter;
	counters->meters[id].user = meter;
	counters->meters[id].system = meter;
}

int rend_counters_init(
	struct rend_counters *counters, struct rend_model *model, bool fills_processes)
{
	uint32_t metric_count = tfmt_trace_count(model->trace, TFMT_METRIC);
	*counters = (struct rend_counters){.model = model, .fills_processes = fills_processes};
	counters->roles = calloc((size_t)metric_count + 1, sizeof(*counters->roles));
	counters->meters = calloc((size_t)model->process_count + 1, sizeof(*counters->meters));
	counters->ends = calloc((size_t)model->process_count + 1, sizeof(*counters->ends));
	if (counters->roles == NULL || counters->meters == NULL || counters->ends == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= metric_count; id++) {
		const struct tfmt_metric *metric = tfmt_trace_metric(model->trace, id);
		if (metric->process > model->process_count)
			continue;
		enum metric_role role = role_of(model->trace, metric);
		counters->roles[id] = (uint8_t)role;
		if (role == METRIC_CPU)
			counters->meters[metric->process].has_cpu_metric = true;
		if (role == METRIC_USER || role == METRIC_SYSTEM)
			counters->meters[metric->process].has_part_metric = true;
	}
	for (uint32_t id = 1; id <= model->process_count; id++) {
		init_meters(counters, id);
		if (model->processes[id].is_selected && model->processes[id].info->end_ns > 0)
			counters->ends[counters->end_count++] = id;
	}
	qsort_r(counters->ends, counters->end_count, sizeof(*counters->ends), compare_ends, model);
	return 0;
}

void rend_counters_release(struct rend_counters *counters)
{
	free(counters->roles);
	free(counters->meters);
	free(counters->ends);
}

void rend_counters_finish(struct rend_counters *counters)
{
	struct rend_model *model = counters->model;
	end_processes(counters, UINT64_MAX);
	rend_metrics_finish(model->metrics);
	rend_gauge_commit(&counters->memory, model, UINT64_MAX);
	rend_gauge_commit(&counters->threads, model, UINT64_MAX);
	/* A process has no memory only while it is being made or taken down: not a finding. */
	model->totals.has_memory = counters->memory.has_value && counters->memory.peak > 0;
	model->totals.peak_bytes = (uint64_t)counters->memory.peak;
	model->totals.peak_ns = counters->memory.peak_ns;
}
