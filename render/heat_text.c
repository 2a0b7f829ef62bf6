#include "heat_text.h"

#include <math.h>
#include <string.h>

#include "cells.h"
#include "facts.h"
#include "heat.h"
#include "heat_ramp.h"
#include "num.h"
#include "text.h"
#include "text_head.h"

#define OFFSET_COLUMNS	 8
#define NAME_COLUMNS	 20
#define SUM_COLUMNS	 8
#define MIN_COLUMNS	 40
#define MAX_CELL_COLUMNS 4
#define DEFAULT_ROWS	 20
#define LOW_ROWS	 10 /* of a low terminal */
#define LOW_LINES	 34
#define DEFAULT_THREADS	 20

struct plot {
	const struct rend_heat *heat;
	const struct rend_heat_ramp *ramp;
	double max;
	int left_columns, cell_columns;
	FILE *stream;
};

static void put_cell(const struct plot *plot, uint32_t line, uint32_t column, uint32_t row)
{
	const struct rend_heat *heat = plot->heat;
	uint64_t length_ns =
		rend_heat_time_ns(heat, column, row + 1) - rend_heat_time_ns(heat, column, row);
	double value = rend_heat_value(heat, rend_heat_amount(heat, line, column, row), length_ns);
	for (int i = 0; i < plot->cell_columns; i++)
		fputs(rend_heat_step(plot->ramp, value, plot->max), plot->stream);
}

static void put_sum(const struct plot *plot, uint64_t sum)
{
	uint64_t max = plot->heat->max_row;
	int columns = max > 0 ? (int)(fmin((double)sum / (double)max, 1) * SUM_COLUMNS + 0.5) : 0;
	fputs(columns > 0 ? " |" : "", plot->stream);
	for (int i = 0; i < columns; i++)
		fputs(plot->ramp->bar, plot->stream);
	fputc('\n', plot->stream);
}

static void put_line(const struct plot *plot, const char *name, uint32_t line, uint32_t row)
{
	const struct rend_heat *heat = plot->heat;
	rend_put_cell_right(plot->stream, name, plot->left_columns - 1);
	fputs("|", plot->stream);
	for (uint32_t column = 0; column < heat->columns; column++)
		put_cell(plot, line, column, row);
	put_sum(plot, heat->row_sums[heat->threads != NULL ? line : row]);
}

static void put_rows(const struct plot *plot)
{
	const struct rend_heat *heat = plot->heat;
	uint32_t parts = rend_heat_offset_parts(heat->column_ns);
	for (uint32_t row = heat->rows; row-- > 0;) {
		char name[NUM_TEXT_BYTES] = "";
		/* The row that a round time within the column falls into. */
		uint32_t part = (row * parts + heat->rows - 1) / heat->rows;
		if (part * heat->rows / parts == row)
			num_duration(name, heat->column_ns * part / parts);
		put_line(plot, name, 0, row);
	}
}

static void put_threads(const struct plot *plot)
{
	char name[160];
	for (uint32_t line = 0; line < plot->heat->lines; line++) {
		rend_heat_line_name(plot->heat, line, name, sizeof(name));
		put_line(plot, name, line, 0);
	}
}

/* Above the columns, what they come to. */
static void put_column_sums(const struct plot *plot)
{
	const struct rend_heat *heat = plot->heat;
	double max = rend_heat_ceiling(rend_heat_value(heat, heat->max_column, heat->column_ns));
	rend_put_cell_right(plot->stream, "sum", plot->left_columns - 1);
	fputs(" ", plot->stream);
	for (uint32_t i = 0; i < heat->columns; i++) {
		double value = rend_heat_value(heat, heat->column_sums[i], heat->column_ns);
		for (int k = 0; k < plot->cell_columns; k++)
			fputs(rend_heat_step(plot->ramp, value, max), plot->stream);
	}
	fputc('\n', plot->stream);
}

/* Times below some of the columns, which are the left edges of their texts. */
static void put_times(const struct plot *plot)
{
	const struct rend_heat *heat = plot->heat;
	const uint64_t begin_ns = heat->begin_ns - heat->model->origin_ns;
	int at = 0, total = (int)heat->columns * plot->cell_columns;
	fprintf(plot->stream, "%*s", plot->left_columns, "");
	for (uint32_t i = 0; i < heat->columns; i += 10) {
		char text[NUM_TEXT_BYTES];
		int x = (int)i * plot->cell_columns;
		num_duration(text, begin_ns + i * heat->column_ns);
		int columns = rend_text_columns(text);
		if (x < at || x + columns > total + SUM_COLUMNS)
			continue;
		fprintf(plot->stream, "%*s%s", x - at, "", text);
		at = x + columns + 1;
		fputs(i + 10 < heat->columns ? " " : "", plot->stream);
	}
	fputc('\n', plot->stream);
}

static void put_scale(const struct plot *plot)
{
	const int last = plot->ramp->count - 1;
	char text[64];
	fprintf(plot->stream, "%*s0 ", plot->left_columns, "");
	for (int i = 1; i <= last; i++)
		fputs(plot->ramp->steps[i], plot->stream);
	rend_heat_value_text(plot->heat, plot->max, text, sizeof(text));
	fprintf(plot->stream, " %s\n", text);
}

/* The cell with the most, and how to see it alone. */
static void put_busiest(const struct plot *plot)
{
	const struct rend_heat *heat = plot->heat;
	const size_t cells = (size_t)heat->columns * heat->rows;
	char title[REND_HEAT_TITLE_BYTES];
	size_t busiest = 0;
	for (size_t i = 1; i < cells * heat->lines; i++) {
		if (heat->amounts[i] > heat->amounts[busiest])
			busiest = i;
	}
	uint32_t column = (uint32_t)(busiest % cells / heat->rows);
	uint32_t row = (uint32_t)(busiest % heat->rows);
	if (!rend_heat_title(heat, (uint32_t)(busiest / cells), column, row, row + 1, title))
		return;
	fprintf(plot->stream, "\nbusiest: ");
	for (char *line = title; line != NULL;) {
		char *end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		rend_put_last(plot->stream, line, 120);
		fputs(end != NULL ? "; " : "\n", plot->stream);
		line = end != NULL ? end + 1 : NULL;
	}
}

static void put_unplaced(const struct plot *plot, const struct rend_text_frame *frame)
{
	char text[REND_FACTS_BYTES];
	rend_heat_unplaced(plot->heat, text, sizeof(text));
	if (text[0] == '\0')
		return;
	rend_put_last(plot->stream, text, frame->columns);
	fputc('\n', plot->stream);
}

static void put_heading(const struct plot *plot, const struct rend_text_frame *frame)
{
	char text[REND_FACTS_BYTES];
	rend_put_text_head(plot->heat->model, frame->columns, plot->stream);
	rend_heat_heading(plot->heat, text, sizeof(text));
	rend_put_last(plot->stream, text, frame->columns);
	fprintf(plot->stream, "\n\n");
}

static uint32_t row_count(const struct rend_model *model, const struct rend_text_frame *frame)
{
	if (model->heat.rows > 0)
		return model->heat.rows;
	return frame->lines > 0 && frame->lines < LOW_LINES ? LOW_ROWS : DEFAULT_ROWS;
}

static uint32_t thread_count(const struct rend_model *model)
{
	if (!model->heat.by_thread)
		return 0;
	return model->heat.max_threads > 0 ? model->heat.max_threads : DEFAULT_THREADS;
}

int rend_heat_write_text(
	struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct plot plot = {.ramp = rend_heat_ramp(), .stream = stream};
	struct rend_heat *heat;
	plot.left_columns = 1 + (model->heat.by_thread ? NAME_COLUMNS : OFFSET_COLUMNS);
	uint32_t room = (uint32_t)(frame->columns - plot.left_columns - SUM_COLUMNS - 2);
	struct rend_heat_size size = {
		.max_columns = room,
		.min_columns = MIN_COLUMNS < room ? MIN_COLUMNS : room,
		.rows = row_count(model, frame),
		.max_lines = thread_count(model),
		.max_blocks = UINT32_MAX - 1,
	};
	int status = rend_heat_new(model, &size, &heat);
	if (status < 0)
		return status;
	plot.heat = heat;
	plot.max = rend_heat_ceiling(heat->max);
	plot.cell_columns = (int)(room / heat->columns);
	if (plot.cell_columns > MAX_CELL_COLUMNS)
		plot.cell_columns = MAX_CELL_COLUMNS;
	put_heading(&plot, frame);
	put_column_sums(&plot);
	if (heat->threads != NULL)
		put_threads(&plot);
	else
		put_rows(&plot);
	put_times(&plot);
	put_scale(&plot);
	put_busiest(&plot);
	put_unplaced(&plot, frame);
	rend_heat_free(heat);
	return 0;
}
