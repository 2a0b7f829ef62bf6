#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "metrics.h"

/* The end of what was recorded: of the last thing that has a time. */
static int find_end(struct tfmt_reader *reader, uint64_t *ret_end_ns, struct tfmt_error *err)
{
	const struct tfmt_trace *trace = tfmt_reader_trace(reader);
	uint32_t count = tfmt_trace_count(trace, TFMT_PROCESS);
	uint64_t end_ns = 0;
	bool is_known = count > 0;
	for (uint32_t id = 1; id <= count; id++) {
		uint64_t process_end_ns = tfmt_trace_process(trace, id)->end_ns;
		is_known = is_known && process_end_ns > 0;
		if (process_end_ns > end_ns)
			end_ns = process_end_ns;
	}
	if (is_known) {
		*ret_end_ns = end_ns;
		return 0;
	}

	const uint32_t kinds = TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SAMPLE) |
			       TFMT_KIND_BIT(TFMT_COUNTER) | TFMT_KIND_BIT(TFMT_CLOCK) |
			       TFMT_KIND_BIT(TFMT_SPAN);
	const struct tfmt_batch *batch;
	uint64_t extent_ns;
	int status;
	if (tfmt_reader_extent(reader, kinds, &extent_ns)) {
		*ret_end_ns = extent_ns > end_ns ? extent_ns : end_ns;
		return 0;
	}
	while ((status = tfmt_reader_next(reader, kinds, &batch, err)) > 0) {
		if (batch->end_ns > end_ns)
			end_ns = batch->end_ns;
	}
	if (status < 0)
		return status;
	*ret_end_ns = end_ns;
	return tfmt_reader_scan(reader, err);
}

/* The shown range, a whole number of nanoseconds to each column. */
static int set_range(struct rend_model *model, const struct rend_model_options *options,
	uint64_t trace_end_ns, struct tfmt_error *err)
{
	uint64_t end_ns = trace_end_ns;
	model->origin_ns = model->header->time_ns;
	model->recorded_ns = end_ns > model->origin_ns ? end_ns - model->origin_ns : 0;
	model->begin_ns = model->origin_ns + options->from_ns;
	if (options->to_ns > 0 && model->origin_ns + options->to_ns < end_ns)
		end_ns = model->origin_ns + options->to_ns;
	if (options->to_ns > 0 && options->to_ns <= options->from_ns)
		return tfmt_error_set(err, TFMT_E_ARG, 0, "--from is not before --to");
	if (options->from_ns > 0 && model->begin_ns >= end_ns)
		return tfmt_error_set(err, TFMT_E_ARG, 0, "the recording ends before --from");
	model->bin_count = options->bin_count > 0 ? options->bin_count : 1;
	/* A recording in which no time passed still has an axis. */
	uint64_t length_ns = end_ns > model->begin_ns ? end_ns - model->begin_ns : 1000000;
	model->column_ns = (length_ns + model->bin_count - 1) / model->bin_count;
	model->end_ns = model->begin_ns + model->column_ns * model->bin_count;
	/* Samples, being rounded, may be a little later than the end of their process. */
	model->first_ns = options->from_ns > 0 ? model->begin_ns : 0;
	model->last_ns = options->to_ns > 0 ? model->end_ns : UINT64_MAX;
	return 0;
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* True for the process of that pid, and those below it. Parents have lower ids. */
static bool is_selected(const struct rend_model *model, const struct rend_process *process)
{
	if (model->pid == 0 || process->info->pid == model->pid)
		return true;
	uint32_t parent = process->info->parent;
	return parent < process->id && parent > 0 && model->processes[parent].is_selected;
}

/* Leave out processes of which the filter takes nothing, whatever they started. */
static void filter_processes(struct rend_model *model)
{
	for (uint32_t id = 1; model->filter != NULL && id <= model->process_count; id++) {
		if (!tfmt_filter_takes_process(model->filter, id))
			model->processes[id].is_selected = false;
	}
}

static void init_processes(struct rend_model *model)
{
	for (uint32_t id = 1; id <= model->process_count; id++) {
		struct rend_process *process = &model->processes[id];
		const struct tfmt_process_info *info = tfmt_trace_process(model->trace, id);
		process->id = id;
		process->info = info;
		process->is_selected = is_selected(model, process);
		if (model->root == 0 && process->is_selected)
			model->root = id;
	}
	filter_processes(model);
	for (uint32_t id = 1; id <= model->process_count; id++) {
		struct rend_process *process = &model->processes[id];
		const struct tfmt_process_info *info = process->info;
		uint64_t end_ns = info->end_ns > 0 ? info->end_ns : model->end_ns;
		process->begin_ns = clamp(info->start_ns, model->begin_ns, model->end_ns);
		process->end_ns = clamp(end_ns, process->begin_ns, model->end_ns);
		process->is_shown = process->is_selected && info->start_ns < model->end_ns &&
				    end_ns >= model->begin_ns;
	}
}

static void init_threads(struct rend_model *model)
{
	for (uint32_t id = 1; id <= model->thread_count; id++) {
		struct rend_thread *thread = &model->threads[id];
		const struct tfmt_thread_info *info = tfmt_trace_thread(model->trace, id);
		thread->id = id;
		thread->info = info;
		if (info->process == 0 || info->process > model->process_count)
			continue;
		const struct rend_process *process = &model->processes[info->process];
		uint64_t end_ns = info->end_ns > 0 ? info->end_ns : process->end_ns;
		thread->begin_ns = clamp(info->start_ns, process->begin_ns, process->end_ns);
		thread->end_ns = clamp(end_ns, thread->begin_ns, process->end_ns);
		thread->is_shown =
			process->is_shown && info->start_ns < model->end_ns &&
			end_ns >= model->begin_ns &&
			(model->filter == NULL || tfmt_filter_takes_thread(model->filter, id));
		if (thread->is_shown)
			model->totals.thread_count++;
	}
}

/* qsort_r: latest first, so that pushing to the front of a list gives the order of starts. */
static int compare_starts(const void *left, const void *right, void *context)
{
	const struct rend_model *model = context;
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;
	uint64_t start_a = model->processes[a].info->start_ns;
	uint64_t start_b = model->processes[b].info->start_ns;
	if (start_a != start_b)
		return start_a < start_b ? 1 : -1;
	return a < b ? 1 : -1;
}

static uint32_t shown_parent(const struct rend_model *model, uint32_t id)
{
	uint32_t parent = model->processes[id].info->parent;
	while (parent > 0 && parent < id && !model->processes[parent].is_shown) {
		id = parent;
		parent = model->processes[id].info->parent;
	}
	return parent < id ? parent : 0;
}

static int build_tree(struct rend_model *model)
{
	uint32_t *order = calloc(model->process_count + 1, sizeof(*order));
	size_t count = 0;
	if (order == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= model->process_count; id++) {
		if (model->processes[id].is_shown)
			order[count++] = id;
	}
	qsort_r(order, count, sizeof(*order), compare_starts, model);
	for (size_t i = 0; i < count; i++) {
		struct rend_process *process = &model->processes[order[i]];
		process->parent = shown_parent(model, order[i]);
		struct rend_process *parent = &model->processes[process->parent];
		process->next_sibling = parent->first_child;
		parent->first_child = order[i];
	}
	model->totals.process_count = (uint32_t)count;
	free(order);
	return 0;
}

static void init_totals(struct rend_model *model)
{
	uint64_t wall_ns = model->end_ns - model->begin_ns;
	if (model->root > 0 && model->processes[model->root].is_shown) {
		const struct rend_process *root = &model->processes[model->root];
		uint64_t begin_ns = root->begin_ns, end_ns = root->end_ns;
		/* Several recordings have several commands. */
		for (uint32_t id = 1; id <= model->process_count; id++) {
			const struct rend_process *process = &model->processes[id];
			if (!process->is_shown || process->parent != 0)
				continue;
			begin_ns = process->begin_ns < begin_ns ? process->begin_ns : begin_ns;
			end_ns = process->end_ns > end_ns ? process->end_ns : end_ns;
		}
		wall_ns = end_ns - begin_ns;
	}
	model->totals.wall_ns = wall_ns;
}

int rend_model_new(struct tfmt_reader *reader, const struct rend_model_options *options,
	struct rend_model **ret_model, struct tfmt_error *err)
{
	uint64_t end_ns = 0;
	int status = tfmt_reader_scan(reader, err);
	if (status == 0 && !options->shows_native)
		status = tfmt_reader_hide_interpreter(reader);
	if (status == 0)
		status = find_end(reader, &end_ns, err);
	if (status < 0)
		return status;

	const struct tfmt_trace *trace = tfmt_reader_trace(reader);
	struct rend_model *model = calloc(1, sizeof(*model));
	if (model == NULL)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "out of memory");
	model->reader = reader;
	model->header = tfmt_reader_header(reader);
	model->trace = trace;
	model->damage = tfmt_reader_damage(reader);
	model->own_paths = options->own_paths;
	model->own_count = options->own_count;
	model->source_paths = options->source_paths;
	model->source_path_count = options->source_path_count;
	model->pid = options->pid;
	model->filter = options->filter;
	model->metric_names = options->metric_names;
	model->heat = options->heat;
	model->weight = options->weight;
	model->key = options->key;
	model->process_count = tfmt_trace_count(trace, TFMT_PROCESS);
	model->thread_count = tfmt_trace_count(trace, TFMT_THREAD);
	model->processes = calloc((size_t)model->process_count + 1, sizeof(*model->processes));
	model->threads = calloc((size_t)model->thread_count + 1, sizeof(*model->threads));
	status = TFMT_E_NOMEM;
	if (model->processes == NULL || model->threads == NULL)
		goto out;
	status = set_range(model, options, end_ns, err);
	if (status < 0)
		goto out;
	init_processes(model);
	init_threads(model);
	init_totals(model);
	if (model->pid != 0 && model->root == 0) {
		status = tfmt_error_set(
			err, TFMT_E_ARG, 0, "no process %u in the recording", (unsigned)model->pid);
		goto out;
	}
	/* Counters are read in full: those before the range tell the values at its start. */
	tfmt_reader_between(reader, TFMT_KIND_BIT(TFMT_SAMPLE), model->first_ns, model->last_ns);
	status = build_tree(model);
	if (status == 0)
		status = rend_collect_totals(model, err);
	if (status == 0)
		*ret_model = model;
out:
	if (status == TFMT_E_NOMEM)
		tfmt_error_set(err, TFMT_E_NOMEM, 0, "out of memory");
	if (status < 0)
		rend_model_free(model);
	return status;
}

void rend_model_free(struct rend_model *model)
{
	if (model == NULL)
		return;
	for (uint32_t id = 1; model->processes != NULL && id <= model->process_count; id++) {
		tfmt_series_free(model->processes[id].cpu.owner);
		tfmt_series_free(model->processes[id].memory.owner);
	}
	tfmt_series_free(model->cpu.owner);
	tfmt_series_free(model->system_cpu.owner);
	tfmt_series_free(model->memory.owner);
	tfmt_series_free(model->thread_total.owner);
	tfmt_series_free(model->machine_cpu.owner);
	tfmt_series_free(model->machine_memory.owner);
	tfmt_calltree_free(model->tree);
	rend_waits_release(&model->waits);
	free(model->processes);
	free(model->threads);
	rend_metrics_free(model->metrics);
	free(model->losses);
	free(model);
}

bool rend_model_takes(
	const struct rend_model *model, enum tfmt_kind kind, const void *row, uint64_t number)
{
	return model->filter == NULL || tfmt_filter_takes(model->filter, kind, row, number);
}

int rend_model_each_sample(struct rend_model *model,
	int (*each)(void *context, const struct tfmt_sample *sample), void *context,
	struct tfmt_error *err)
{
	const struct tfmt_batch *batch;
	int status = tfmt_reader_scan(model->reader, err);
	while (status == 0 && (status = tfmt_reader_next(model->reader, TFMT_KIND_BIT(TFMT_SAMPLE),
				       &batch, err)) > 0) {
		status = 0;
		for (size_t i = 0; status == 0 && i < batch->count; i++) {
			struct tfmt_sample sample;
			if (rend_model_takes(model, TFMT_SAMPLE, &batch->samples[i], 0) &&
				rend_model_clip(model, &batch->samples[i], &sample))
				status = each(context, &sample);
		}
	}
	return status;
}

int rend_compare_cpu(const void *left, const void *right, void *context)
{
	const struct rend_model *model = context;
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;
	uint64_t cpu_a = model->processes[a].cpu_ns;
	uint64_t cpu_b = model->processes[b].cpu_ns;
	if (cpu_a != cpu_b)
		return cpu_a < cpu_b ? 1 : -1;
	return a < b ? -1 : 1;
}
