#include "metrics/series.h"

enum scope {
	PROCESS,
	MACHINE,
};

static const struct metric_row {
	const char *name, *unit, *help;
	enum tfmt_metric_type type;
	enum scope scope;
} metric_rows[] = {
#define X(id, name, unit, type, scope, help) {name, unit, help, TFMT_METRIC_##type, scope},
#include "metrics.def"
#undef X
};

static uint32_t add_metric(struct rec_sink *sink, enum rec_metric metric, uint32_t process)
{
	const struct metric_row *row = &metric_rows[metric];
	uint32_t id = 0;
	struct tfmt_metric record = {
		.name = rec_sink_text(sink, row->name),
		.unit = rec_sink_text(sink, row->unit),
		.help = rec_sink_text(sink, row->help),
		.process = row->scope == MACHINE ? 0 : process,
		.type = (uint8_t)row->type,
	};
	tfmt_writer_add_metric(rec_sink_writer(sink), &record, &id);
	return id;
}

static void write_value(struct rec_series *series, struct rec_sink *sink, uint64_t time_ns)
{
	struct tfmt_counter counter = {time_ns, series->value, series->metric_id};
	tfmt_writer_counter(rec_sink_writer(sink), &counter);
	series->written_ns = time_ns;
}

void rec_series_put(struct rec_series_set *set, struct rec_sink *sink, enum rec_metric metric,
	uint64_t time_ns, int64_t value)
{
	struct rec_series *series = &set->series[metric];
	bool is_first = series->metric_id == 0;
	bool is_total = metric_rows[metric].type == TFMT_METRIC_CUMULATIVE;
	if (is_first)
		series->metric_id = add_metric(sink, metric, set->process);
	else if (is_total && value != TFMT_VALUE_MISSING && value < series->value)
		value = series->value;
	if (!is_first && series->value == value) {
		series->time_ns = time_ns;
		return;
	}
	if (!is_first && series->time_ns != series->written_ns)
		write_value(series, sink, series->time_ns);
	series->value = value;
	series->time_ns = time_ns;
	write_value(series, sink, time_ns);
}

void rec_series_miss(struct rec_series_set *set, struct rec_sink *sink,
	const enum rec_metric *metrics, size_t count, uint64_t time_ns)
{
	for (size_t i = 0; i < count; i++)
		rec_series_put(set, sink, metrics[i], time_ns, TFMT_VALUE_MISSING);
}

void rec_series_hold(struct rec_series_set *set, uint64_t from_ns, uint64_t to_ns)
{
	for (size_t i = 0; i < REC_METRIC_COUNT; i++)
		if (set->series[i].metric_id != 0 && set->series[i].time_ns == from_ns)
			set->series[i].time_ns = to_ns;
}

void rec_series_close(struct rec_series_set *set, struct rec_sink *sink, uint64_t end_ns)
{
	for (size_t i = 0; i < REC_METRIC_COUNT; i++) {
		struct rec_series *series = &set->series[i];
		uint64_t time_ns = series->time_ns < end_ns ? series->time_ns : end_ns;
		if (series->metric_id != 0 && time_ns > series->written_ns)
			write_value(series, sink, time_ns);
	}
}

uint64_t rec_series_value(const struct rec_series_set *set, enum rec_metric metric)
{
	int64_t value = set->series[metric].value;
	return set->series[metric].metric_id != 0 && value > 0 ? (uint64_t)value : 0;
}
