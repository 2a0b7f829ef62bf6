#include "span_table.h"

#include <math.h>
#include <stdlib.h>

#include "thread_cpu.h"
#include "tracefmt/error.h"

#define MAX_PROCESSES 256 /* whose memory is looked at */

struct collector {
	struct rend_span_table *table;
	struct rend_model *model;
	struct rend_thread_cpu cpu;
	uint32_t room; /* rows; by `what` until they are sorted */
	bool has_cpu;
};

static int make_room(struct collector *collector, uint32_t what)
{
	struct rend_span_table *table = collector->table;
	if (what >= collector->room) {
		uint32_t room = table->names.room;
		struct rend_span_row *rows = reallocarray(table->rows, room, sizeof(*rows));
		if (rows == NULL)
			return TFMT_E_NOMEM;
		table->rows = rows;
		collector->room = room;
	}
	while (table->count <= what) {
		table->rows[table->count] = (struct rend_span_row){.what = table->count};
		table->count++;
	}
	return 0;
}

/* Its memory there. NAN: not known. */
static double memory_at(const struct rend_series *series, uint64_t bin)
{
	if (series->bins == NULL || bin < series->first || bin - series->first >= series->count)
		return NAN;
	return series->bins[bin - series->first].last;
}

/* Readings are rare: what lies within one column of the model says nothing. */
static void add_growth(
	struct collector *collector, struct rend_span_row *row, const struct rend_whole_span *span)
{
	const struct rend_model *model = collector->model;
	const struct rend_series *series =
		&model->processes[model->threads[span->thread].info->process].memory;
	uint64_t first = (span->begin_ns - model->begin_ns) / model->column_ns;
	uint64_t last = (span->end_ns - model->begin_ns) / model->column_ns;
	double growth = memory_at(series, last) - memory_at(series, first);
	if (first == last || isnan(growth))
		return;
	row->growth_bytes += (int64_t)growth;
	row->has_growth = true;
	collector->table->has_growth = true;
}

static int add_span(void *context, const struct rend_whole_span *span)
{
	struct collector *collector = context;
	int status = make_room(collector, span->what);
	if (status < 0)
		return status;
	struct rend_span_row *row = &collector->table->rows[span->what];
	uint64_t length_ns = span->end_ns - span->begin_ns;
	row->count++;
	row->open_count += span->is_open;
	row->failed_count += span->is_failed;
	row->sum_ns += length_ns;
	row->self_ns += span->self_ns;
	if (length_ns > row->max_ns)
		row->max_ns = length_ns;
	if (span->is_inner)
		return 0;
	row->total_ns += length_ns;
	if (collector->has_cpu)
		row->cpu_ns += rend_thread_cpu_between(
			&collector->cpu, span->thread, span->begin_ns, span->end_ns);
	add_growth(collector, row, span);
	return 0;
}

static int compare_rows(const void *left, const void *right)
{
	const struct rend_span_row *a = left, *b = right;
	if (a->total_ns != b->total_ns)
		return a->total_ns < b->total_ns ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a->what > b->what ? 1 : -1;
}

/* Memory of the processes that have spans; of none when they are many, whose series take room. */
static int read_memory(struct rend_model *model)
{
	uint32_t *ids = calloc((size_t)model->process_count + 1, sizeof(*ids));
	bool *is_chosen = calloc((size_t)model->process_count + 1, sizeof(*is_chosen));
	size_t count = 0;
	int status = ids != NULL && is_chosen != NULL ? 0 : TFMT_E_NOMEM;
	for (uint32_t id = 1; status == 0 && id <= model->thread_count; id++) {
		uint32_t process = model->threads[id].info->process;
		if (model->threads[id].span_count == 0 || is_chosen[process])
			continue;
		is_chosen[process] = true;
		ids[count++] = process;
	}
	if (status == 0 && count <= MAX_PROCESSES)
		status = rend_model_process_series(model, ids, count, NULL);
	free(ids);
	free(is_chosen);
	return status;
}

int rend_span_table_init(struct rend_span_table *table, struct rend_model *model)
{
	struct collector collector = {.table = table, .model = model};
	uint32_t kept = 0;
	*table = (struct rend_span_table){.has_cpu = model->totals.sample_count > 0};
	int status = rend_span_names_init(&table->names, model->trace);
	collector.has_cpu = table->has_cpu;
	if (status == 0 && table->has_cpu)
		status = rend_thread_cpu_init(&collector.cpu, model);
	if (status == 0 && model->totals.has_memory)
		status = read_memory(model);
	if (status == 0)
		status = rend_span_walk(model, &table->names, add_span, &collector, NULL);
	rend_thread_cpu_release(&collector.cpu);
	if (status < 0) {
		rend_span_table_release(table);
		return status;
	}
	for (uint32_t i = 0; i < table->count; i++) {
		if (table->rows[i].count > 0)
			table->rows[kept++] = table->rows[i];
	}
	table->count = kept;
	if (kept > 0)
		qsort(table->rows, kept, sizeof(*table->rows), compare_rows);
	return 0;
}

void rend_span_table_release(struct rend_span_table *table)
{
	rend_span_names_release(&table->names);
	free(table->rows);
	*table = (struct rend_span_table){0};
}

uint64_t rend_span_mean_ns(const struct rend_span_row *row)
{
	return row->count > 0 ? row->sum_ns / row->count : 0;
}
