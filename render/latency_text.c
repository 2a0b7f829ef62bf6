#include "latency_text.h"

#include <string.h>

#include "cells.h"
#include "facts.h"
#include "heat.h"
#include "heat_ramp.h"
#include "num.h"
#include "text.h"
#include "text_head.h"

#define LEFT_COLUMNS	 10
#define RIGHT_COLUMNS	 5
#define MIN_COLUMNS	 40
#define MAX_CELL_COLUMNS 4
#define DEFAULT_ROWS	 20
#define TIME_STEP	 10 /* columns between times */

void rend_latency_facts(const struct rend_latency *latency, char *text, size_t size)
{
	char p50[NUM_TEXT_BYTES], p99[NUM_TEXT_BYTES], max[NUM_TEXT_BYTES], open[64] = "";
	char count[NUM_TEXT_BYTES];
	if (latency->open_count > 0)
		snprintf(open, sizeof(open), REND_FACTS_GAP "%s did not end",
			num_count(count, latency->open_count));
	snprintf(text, size, "p50 %s" REND_FACTS_GAP "p99 %s" REND_FACTS_GAP "longest %s%s",
		num_duration(p50, latency->p50_ns), num_duration(p99, latency->p99_ns),
		num_duration(max, latency->max_ns), open);
}

void rend_latency_missing(const struct rend_latency *latency, char *text, size_t size)
{
	char count[NUM_TEXT_BYTES];
	const char *name = latency->model->heat.latency;
	if (latency->open_count > 0)
		snprintf(text, size, "%s of %.200s did not end: no duration is known.",
			num_count(count, latency->open_count), name);
	else
		snprintf(text, size,
			"No call, scope or wait is called %.200s, nor has one a function of that "
			"name.",
			name);
}

void rend_latency_title(const struct rend_latency *latency, const struct rend_latency_rows *rows,
	uint32_t column, uint32_t row, char *text)
{
	char count[NUM_TEXT_BYTES], low[NUM_TEXT_BYTES], high[NUM_TEXT_BYTES];
	char from[REND_HEAT_TIME_BYTES], to[REND_HEAT_TIME_BYTES];
	uint32_t first = rows->first + row * rows->group;
	uint64_t begin_ns = latency->begin_ns + column * latency->column_ns;
	rend_heat_exact_time(latency->model, begin_ns, from);
	rend_heat_exact_time(latency->model, begin_ns + latency->column_ns, to);
	snprintf(text, REND_LATENCY_TITLE_BYTES, "%s of %s to %s\n--from %s --to %s",
		num_count(count, rend_latency_count(latency, rows, column, row)),
		num_duration(low, rend_latency_class_ns(first)),
		num_duration(high, rend_latency_class_ns(first + rows->group)), from, to);
}

struct plot {
	const struct rend_latency *latency;
	const struct rend_heat_ramp *ramp;
	struct rend_latency_rows rows;
	double max;
	int cell_columns;
	FILE *stream;
};

static void put_row(const struct plot *plot, uint32_t row)
{
	const struct rend_latency *latency = plot->latency;
	uint32_t first = plot->rows.first + row * plot->rows.group;
	uint32_t end = first + plot->rows.group;
	uint32_t p50 = rend_latency_class(latency->p50_ns);
	uint32_t p99 = rend_latency_class(latency->p99_ns);
	char name[NUM_TEXT_BYTES];
	num_duration(name, rend_latency_class_ns(first));
	rend_put_cell_right(plot->stream, row % 2 == 0 ? name : "", LEFT_COLUMNS - 1);
	fputs("|", plot->stream);
	for (uint32_t column = 0; column < latency->columns; column++) {
		double count = (double)rend_latency_count(latency, &plot->rows, column, row);
		for (int i = 0; i < plot->cell_columns; i++)
			fputs(rend_heat_step(plot->ramp, count, plot->max), plot->stream);
	}
	fputs("|", plot->stream);
	if (p99 >= first && p99 < end)
		fputs(" p99", plot->stream);
	if (p50 >= first && p50 < end)
		fputs(" p50", plot->stream);
	fputc('\n', plot->stream);
}

static void put_times(const struct plot *plot)
{
	const struct rend_latency *latency = plot->latency;
	int at = 0, width = (int)latency->columns * plot->cell_columns;
	fprintf(plot->stream, "%*s", LEFT_COLUMNS, "");
	for (uint32_t i = 0; i < latency->columns; i += TIME_STEP) {
		char text[NUM_TEXT_BYTES];
		int x = (int)i * plot->cell_columns;
		num_duration(text,
			latency->begin_ns - latency->model->origin_ns + i * latency->column_ns);
		if (x < at || x + rend_text_columns(text) > width)
			continue;
		fprintf(plot->stream, "%*s%s", x - at, "", text);
		at = x + rend_text_columns(text);
	}
	fputc('\n', plot->stream);
}

static void put_plot(const struct plot *plot, const struct rend_text_frame *frame)
{
	const struct rend_latency *latency = plot->latency;
	char text[REND_FACTS_BYTES], column[NUM_TEXT_BYTES];
	rend_put_text_head(latency->model, frame->columns, plot->stream);
	rend_latency_heading(latency, text, sizeof(text));
	size_t length = strlen(text);
	snprintf(text + length, sizeof(text) - length, REND_FACTS_GAP);
	length = strlen(text);
	rend_latency_facts(latency, text + length, sizeof(text) - length);
	rend_put_last(plot->stream, text, frame->columns);
	fprintf(plot->stream, "\n\n");
	for (uint32_t row = plot->rows.rows; row-- > 0;)
		put_row(plot, row);
	put_times(plot);
	fprintf(plot->stream, "%*s0 ", LEFT_COLUMNS, "");
	for (int i = 1; i < plot->ramp->count; i++)
		fputs(plot->ramp->steps[i], plot->stream);
	fprintf(plot->stream, " %.6g in %s\n", plot->max, num_duration(column, latency->column_ns));
}

int rend_latency_write_text(
	struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct plot plot = {.ramp = rend_heat_ramp(), .stream = stream};
	struct rend_latency *latency;
	uint32_t room = (uint32_t)(frame->columns - LEFT_COLUMNS - RIGHT_COLUMNS);
	struct rend_heat_size size = {
		.max_columns = room, .min_columns = MIN_COLUMNS < room ? MIN_COLUMNS : room};
	int status = rend_latency_new(model, model->heat.latency, &size, &latency);
	if (status < 0)
		return status;
	plot.latency = latency;
	plot.rows =
		rend_latency_rows(latency, model->heat.rows > 0 ? model->heat.rows : DEFAULT_ROWS);
	plot.max = rend_heat_ceiling((double)rend_latency_max(latency, &plot.rows));
	plot.cell_columns = (int)(room / latency->columns);
	if (plot.cell_columns > MAX_CELL_COLUMNS)
		plot.cell_columns = MAX_CELL_COLUMNS;
	if (latency->total > 0) {
		put_plot(&plot, frame);
	} else {
		char text[REND_LATENCY_TITLE_BYTES];
		rend_latency_missing(latency, text, sizeof(text));
		rend_put_last(stream, text, frame->columns);
		fputc('\n', stream);
	}
	rend_latency_free(latency);
	return 0;
}
