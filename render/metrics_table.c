#include "metrics_table.h"

#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "metrics.h"
#include "num.h"
#include "proc_rows.h"
#include "text.h"

#define COLUMN_COUNT   6
#define NUMBER_COLUMNS 10
#define MAX_ROWS       10
#define CELL_PX	       6.5 /* about what a character takes */

static const struct column {
	const char *metric, *head;
	bool is_bytes;
} columns[COLUMN_COUNT] = {
	{"pss", "PSS", true},
	{"uss", "USS", true},
	{"io_read", "read", true},
	{"io_write", "written", true},
	{"faults_minor", "faults", false},
	{"switches_voluntary", "switches", false},
};

static bool has_any(const struct rend_model *model)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		if (rend_metrics_find(model->metrics, columns[i].metric) != NULL)
			return true;
	}
	return false;
}

static void put_value(
	const struct rend_model *model, uint32_t process, const struct column *column, FILE *stream)
{
	char number[NUM_TEXT_BYTES] = "";
	uint64_t value;
	enum rend_metric_state state =
		rend_metrics_of_process(model->metrics, process, column->metric, &value);
	if (state == REND_METRIC_MISSING)
		snprintf(number, sizeof(number), "n/a");
	else if (state == REND_METRIC_KNOWN && column->is_bytes)
		num_bytes(number, value);
	else if (state == REND_METRIC_KNOWN)
		num_count(number, value);
	rend_put_cell_right(stream, number, NUMBER_COLUMNS);
}

static void put_row(const struct rend_model *model, const struct rend_text_frame *frame,
	uint32_t process, FILE *stream)
{
	char name[1024];
	int name_columns = frame->columns - COLUMN_COUNT * NUMBER_COLUMNS - 2;
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		put_value(model, process, &columns[i], stream);
	rend_proc_row_name(model, &(struct rend_proc_row){.process = process}, REND_FONT_BODY,
		name_columns * CELL_PX, name, sizeof(name));
	fputs("  ", stream);
	rend_put_last(stream, name, name_columns);
	fputc('\n', stream);
}

int rend_metrics_table(
	const struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	size_t count = 0;
	if (!has_any(model))
		return 0;
	uint32_t *ids = calloc((size_t)model->process_count + 1, sizeof(*ids));
	if (ids == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= model->process_count; id++) {
		if (model->processes[id].is_shown)
			ids[count++] = id;
	}
	qsort_r(ids, count, sizeof(*ids), rend_compare_cpu, (void *)model);
	fputc('\n', stream);
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		rend_put_cell_right(stream, columns[i].head, NUMBER_COLUMNS);
	fputs("  busiest processes\n", stream);
	for (size_t i = 0; i < count && i < MAX_ROWS; i++)
		put_row(model, frame, ids[i], stream);
	free(ids);
	return 0;
}
