#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "meters.h"

/* More different names are not kept apart: they are left out. */
#define MAX_METRICS 64

/* A metric of one process. */
struct row {
	struct rend_metric *metric; /* NULL: not shown */
	uint32_t next;		    /* row of the same process, 0: none */
	bool has_value;
	bool has_ended;		 /* and given back what it held: what comes late adds nothing */
	struct rend_meter meter; /* of totals */
	uint64_t value;		 /* of gauges: held now */
	uint64_t result;	 /* growth or peak, within the range */
};

struct rend_metrics {
	const struct rend_model *model;
	struct rend_metric metrics[MAX_METRICS];
	size_t count;
	struct row *rows; /* by metric id of the trace */
	uint32_t row_count;
	uint32_t *first_rows; /* by process */
};

uint32_t rend_metric_unknown(const struct rend_model *model, const struct rend_metric *metric)
{
	uint32_t known_count = metric->process_count - metric->missing_count;
	if (metric->is_machine || known_count >= model->totals.process_count)
		return 0;
	return model->totals.process_count - known_count;
}

const struct rend_metric *rend_metrics_at(const struct rend_metrics *metrics, size_t i)
{
	return &metrics->metrics[i];
}

size_t rend_metrics_count(const struct rend_metrics *metrics)
{
	return metrics->count;
}

const struct rend_metric *rend_metrics_find(const struct rend_metrics *metrics, const char *name)
{
	for (size_t i = 0; i < metrics->count; i++) {
		if (strcmp(metrics->metrics[i].name, name) == 0)
			return &metrics->metrics[i];
	}
	return NULL;
}

static struct rend_metric *add_metric(
	struct rend_metrics *metrics, const struct tfmt_metric *record, const char *name)
{
	const struct rend_model *model = metrics->model;
	if (metrics->count == MAX_METRICS)
		return NULL;
	struct rend_metric *metric = &metrics->metrics[metrics->count];
	*metric = (struct rend_metric){
		.name = name,
		.unit = tfmt_trace_text(model->trace, record->unit),
		.help = tfmt_trace_text(model->trace, record->help),
		.is_total = record->type == TFMT_METRIC_CUMULATIVE,
		.is_machine = record->process == 0,
		.series = {.count = model->bin_count},
	};
	if (tfmt_series_new(model->begin_ns, model->begin_ns + model->bin_count * model->column_ns,
		    model->bin_count, &metric->series.owner) != 0)
		return NULL;
	metric->sum.series = metric->series.owner;
	metrics->count++;
	return metric;
}

/* The metric a row belongs to, if that is shown. */
static struct rend_metric *metric_of(struct rend_metrics *metrics, const struct tfmt_metric *record)
{
	const struct rend_model *model = metrics->model;
	if (record->thread != 0 || record->process > model->process_count)
		return NULL;
	if (record->process != 0 && !model->processes[record->process].is_selected)
		return NULL;
	const char *name = tfmt_trace_text(model->trace, record->name);
	for (size_t i = 0; i < metrics->count; i++) {
		struct rend_metric *metric = &metrics->metrics[i];
		bool is_total = record->type == TFMT_METRIC_CUMULATIVE;
		if (strcmp(metric->name, name) != 0)
			continue;
		bool is_same = metric->is_total == is_total &&
			       metric->is_machine == (record->process == 0);
		return is_same ? metric : NULL;
	}
	return add_metric(metrics, record, name);
}

struct rend_metrics *rend_metrics_new(const struct rend_model *model)
{
	struct rend_metrics *metrics = calloc(1, sizeof(*metrics));
	if (metrics == NULL)
		return NULL;
	metrics->model = model;
	metrics->row_count = tfmt_trace_count(model->trace, TFMT_METRIC);
	metrics->rows = calloc((size_t)metrics->row_count + 1, sizeof(*metrics->rows));
	metrics->first_rows =
		calloc((size_t)model->process_count + 1, sizeof(*metrics->first_rows));
	if (metrics->rows == NULL || metrics->first_rows == NULL) {
		rend_metrics_free(metrics);
		return NULL;
	}
	for (uint32_t id = 1; id <= metrics->row_count; id++) {
		const struct tfmt_metric *record = tfmt_trace_metric(model->trace, id);
		struct row *row = &metrics->rows[id];
		row->metric = metric_of(metrics, record);
		if (row->metric == NULL)
			continue;
		row->next = metrics->first_rows[record->process];
		metrics->first_rows[record->process] = id;
		row->metric->process_count++;
		if (record->process != 0)
			row->meter = rend_model_first_reading(model, record->process);
	}
	return metrics;
}

void rend_metrics_free(struct rend_metrics *metrics)
{
	if (metrics == NULL)
		return;
	for (size_t i = 0; i < metrics->count; i++)
		tfmt_series_free(metrics->metrics[i].series.owner);
	free(metrics->rows);
	free(metrics->first_rows);
	free(metrics);
}

/* Times are added up in seconds: their rate is a share. */
static double scaled(const struct rend_metric *metric, uint64_t amount)
{
	return strcmp(metric->unit, "ns") == 0 ? (double)amount / 1e9 : (double)amount;
}

static void read_total(
	struct rend_metrics *metrics, struct row *row, uint64_t time_ns, uint64_t value)
{
	struct rend_metric *metric = row->metric;
	uint64_t growth;
	if (!rend_meter_read(&row->meter, time_ns, value, &growth))
		return;
	uint64_t from_ns = row->meter.from_ns, to_ns = row->meter.to_ns;
	uint64_t shown = rend_model_part(metrics->model, from_ns, to_ns, growth);
	row->result += shown;
	metric->growth += shown;
	tfmt_series_spread(metric->series.owner, from_ns, to_ns > from_ns ? to_ns : from_ns + 1,
		scaled(metric, growth));
}

static void read_gauge(
	struct rend_metrics *metrics, struct row *row, uint64_t time_ns, uint64_t value)
{
	const struct rend_model *model = metrics->model;
	if (!row->has_ended)
		rend_gauge_change(
			&row->metric->sum, model, time_ns, (double)value - (double)row->value);
	row->value = value;
	bool is_in_range = time_ns >= model->begin_ns && time_ns <= model->end_ns;
	if (is_in_range && value > row->result)
		row->result = value;
}

void rend_metrics_read(struct rend_metrics *metrics, const struct tfmt_counter *counter)
{
	struct row *row = counter->metric <= metrics->row_count ? &metrics->rows[counter->metric]
								: &metrics->rows[0];
	if (row->metric == NULL)
		return;
	bool is_missing = counter->value == TFMT_VALUE_MISSING;
	row->has_value = row->has_value || !is_missing;
	if (is_missing && row->metric->is_machine)
		tfmt_series_point(row->metric->series.owner, counter->time_ns, NAN);
	else if (is_missing && !row->metric->is_total)
		read_gauge(metrics, row, counter->time_ns, 0);
	else if (!is_missing && row->metric->is_total)
		read_total(metrics, row, counter->time_ns, (uint64_t)counter->value);
	else if (!is_missing)
		read_gauge(metrics, row, counter->time_ns, (uint64_t)counter->value);
}

void rend_metrics_end(struct rend_metrics *metrics, uint32_t process, uint64_t end_ns)
{
	for (uint32_t id = metrics->first_rows[process]; id != 0; id = metrics->rows[id].next) {
		struct row *row = &metrics->rows[id];
		if (!row->metric->is_total)
			read_gauge(metrics, row, end_ns, 0);
		row->has_ended = true;
	}
}

/* A sum over processes none of which could be asked is not 0: there is none. */
static bool is_known(const struct rend_metric *metric)
{
	return metric->is_machine || metric->missing_count < metric->process_count;
}

void rend_metrics_finish(struct rend_metrics *metrics)
{
	for (uint32_t id = 1; id <= metrics->row_count; id++) {
		const struct row *row = &metrics->rows[id];
		if (row->metric != NULL && !row->has_value)
			row->metric->missing_count++;
	}
	for (size_t i = 0; i < metrics->count; i++) {
		struct rend_metric *metric = &metrics->metrics[i];
		if (!metric->is_total)
			rend_gauge_commit(&metric->sum, metrics->model, UINT64_MAX);
		tfmt_series_finish(metric->series.owner, metrics->model->end_ns);
		if (is_known(metric))
			metric->series.bins =
				tfmt_series_bins(metric->series.owner, &metric->series.count);
	}
}

enum rend_metric_state rend_metrics_of_process(
	const struct rend_metrics *metrics, uint32_t process, const char *name, uint64_t *ret_value)
{
	*ret_value = 0;
	for (uint32_t id = metrics->first_rows[process]; id != 0; id = metrics->rows[id].next) {
		const struct row *row = &metrics->rows[id];
		if (strcmp(row->metric->name, name) != 0)
			continue;
		*ret_value = row->result;
		return row->has_value ? REND_METRIC_KNOWN : REND_METRIC_MISSING;
	}
	return REND_METRIC_ABSENT;
}

/* "io: permission denied" is about io_read as well; "pss, uss, swap: ..." about three. */
static bool is_about(const char *reason, const char *name)
{
	const char *end = strchr(reason, ':');
	for (const char *at = reason; end != NULL && at < end;) {
		size_t length = strcspn(at, ",:");
		if (strncmp(at, name, length) == 0 && (name[length] == '\0' || name[length] == '_'))
			return true;
		at += length + strspn(at + length, ", ");
		at += *at == ':';
	}
	return false;
}

const char *rend_metrics_reason(const struct rend_model *model, const char *name)
{
	for (size_t i = 0; i < model->loss_count; i++) {
		const struct rend_loss *loss = &model->losses[i];
		const char *reason = tfmt_trace_text(model->trace, loss->reason);
		if (strcmp(tfmt_trace_text(model->trace, loss->what), REND_LOSS_COUNTER) == 0 &&
			is_about(reason, name))
			return strchr(reason, ':') + 2;
	}
	return "";
}
