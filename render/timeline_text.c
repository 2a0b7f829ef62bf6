#include "timeline_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "num.h"
#include "text.h"

#define NAME_COLUMNS   26
#define NUMBER_COLUMNS 11
#define MAX_ROWS       40
#define MIN_SHARE      0.02 /* of a column: a thread that runs less seems not to */

/* Time of each state in a column of a row, ns. */
struct cell {
	double ns[TFMT_STATE_GIL + 1];
};

struct chart {
	const struct rend_model *model;
	uint32_t threads[MAX_ROWS]; /* ids */
	size_t count;
	size_t all_count; /* threads that ran or waited */
	size_t columns;
	struct cell *cells; /* row by row */
	size_t *rows;	    /* by thread id, count: none */
};

static uint64_t busy_ns(const struct rend_model *model, uint32_t id)
{
	const struct rend_thread *thread = &model->threads[id];
	return model->weight == TFMT_WEIGHT_OFFCPU ? thread->blocked_ns + thread->preempted_ns
						   : thread->running_ns;
}

/* qsort_r: busiest first, then by number. */
static int compare_threads(const void *left, const void *right, void *context)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;
	uint64_t busy_a = busy_ns(context, a), busy_b = busy_ns(context, b);
	if (busy_a != busy_b)
		return busy_a < busy_b ? 1 : -1;
	return a < b ? -1 : a > b;
}

/* For qsort(): by number, which is by process and start. */
static int compare_ids(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return a < b ? -1 : a > b;
}

static int choose_threads(struct chart *chart, struct rend_model *model)
{
	uint32_t *ids = calloc((size_t)model->thread_count + 1, sizeof(*ids));
	if (ids == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= model->thread_count; id++) {
		const struct rend_thread *thread = &model->threads[id];
		if (thread->running_ns + thread->blocked_ns + thread->preempted_ns > 0)
			ids[chart->all_count++] = id;
	}
	qsort_r(ids, chart->all_count, sizeof(*ids), compare_threads, model);
	chart->count = chart->all_count < MAX_ROWS ? chart->all_count : MAX_ROWS;
	qsort(ids, chart->count, sizeof(*ids), compare_ids);
	memcpy(chart->threads, ids, chart->count * sizeof(*ids));
	free(ids);
	return 0;
}

/* For rend_model_each_sample(): its time goes to the columns it covers. */
static int add_sample(void *context, const struct tfmt_sample *sample)
{
	struct chart *chart = context;
	const struct rend_model *model = chart->model;
	size_t row = chart->rows[sample->thread];
	double column_ns = (double)(model->end_ns - model->begin_ns) / (double)chart->columns;
	if (row == chart->count || sample->state > TFMT_STATE_GIL)
		return 0;
	double end = ((double)sample->time_ns - (double)model->begin_ns) / column_ns;
	double begin = fmax(end - (double)sample->weight_ns / column_ns, 0);
	end = fmin(end, (double)chart->columns);
	for (double column = floor(begin); column < end; column++) {
		double part = fmin(column + 1, end) - fmax(column, begin);
		chart->cells[row * chart->columns + (size_t)column].ns[sample->state] +=
			part * column_ns;
	}
	return 0;
}

/* A block for time on a CPU; else the sign of the state that there was most of. */
static void put_cell(const struct cell *cell, double column_ns, FILE *stream)
{
	static const char *const blocks[] = {"▁", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const signs[] = {
		[TFMT_STATE_PREEMPTED] = "p", [TFMT_STATE_BLOCKED] = "·", [TFMT_STATE_GIL] = "g"};
	double share = cell->ns[TFMT_STATE_RUNNING] / column_ns;
	enum tfmt_state most = TFMT_STATE_PREEMPTED;
	for (enum tfmt_state state = TFMT_STATE_BLOCKED; state <= TFMT_STATE_GIL; state++)
		most = cell->ns[state] > cell->ns[most] ? state : most;
	if (share >= MIN_SHARE)
		fputs(blocks[lround(fmin(share, 1) * 8)], stream);
	else
		fputs(cell->ns[most] > 0 ? signs[most] : " ", stream);
}

static void put_thread(const struct chart *chart, size_t row, FILE *stream)
{
	const struct rend_model *model = chart->model;
	const struct rend_thread *thread = &model->threads[chart->threads[row]];
	const struct tfmt_process_info *process =
		tfmt_trace_process(model->trace, thread->info->process);
	double column_ns = (double)(model->end_ns - model->begin_ns) / (double)chart->columns;
	char name[200], number[NUM_TEXT_BYTES];
	bool is_main = thread->info->tid == process->pid;
	snprintf(name, sizeof(name), "%s%.150s %u", is_main ? "" : "  ",
		tfmt_trace_text(model->trace, is_main ? process->name : thread->info->name),
		(unsigned)thread->info->tid);
	rend_put_cell(stream, name, NAME_COLUMNS);
	for (size_t i = 0; i < chart->columns; i++)
		put_cell(&chart->cells[row * chart->columns + i], column_ns, stream);
	rend_put_cell_right(
		stream, num_duration(number, busy_ns(model, thread->id)), NUMBER_COLUMNS);
	fputc('\n', stream);
}

static void put_head(const struct chart *chart, FILE *stream)
{
	const struct rend_model *model = chart->model;
	char begin[NUM_TEXT_BYTES], end[NUM_TEXT_BYTES];
	num_duration(begin, model->begin_ns - model->origin_ns);
	num_duration(end, model->end_ns - model->origin_ns);
	int gap = (int)chart->columns - rend_text_columns(begin) - rend_text_columns(end);
	fprintf(stream, "%*s%s%*s%s", NAME_COLUMNS, "", begin, gap > 1 ? gap : 1, "", end);
	rend_put_cell_right(
		stream, model->weight == TFMT_WEIGHT_OFFCPU ? "waited" : "ran", NUMBER_COLUMNS);
	fputc('\n', stream);
}

static void put_foot(const struct chart *chart, FILE *stream)
{
	char count[NUM_TEXT_BYTES];
	if (chart->all_count > chart->count)
		fprintf(stream, "… and %s more threads\n",
			num_count(count, chart->all_count - chart->count));
	fputs("▁ to █ on a CPU, · waiting, p has no CPU, g waiting for the GIL\n", stream);
}

int rend_timeline_text(struct rend_model *model, int columns, FILE *stream)
{
	struct chart chart = {.model = model};
	struct tfmt_error err = {0};
	int room = columns - NAME_COLUMNS - NUMBER_COLUMNS;
	chart.columns = room > 1 ? (size_t)room : 1;
	int status = choose_threads(&chart, model);
	if (status < 0)
		return status;
	chart.cells = calloc(chart.count * chart.columns + 1, sizeof(*chart.cells));
	chart.rows = calloc((size_t)model->thread_count + 1, sizeof(*chart.rows));
	status = TFMT_E_NOMEM;
	if (chart.cells == NULL || chart.rows == NULL)
		goto out;
	for (uint32_t id = 0; id <= model->thread_count; id++)
		chart.rows[id] = chart.count;
	for (size_t row = 0; row < chart.count; row++)
		chart.rows[chart.threads[row]] = row;
	status = rend_model_each_sample(model, add_sample, &chart, &err);
	if (status < 0)
		goto out;
	put_head(&chart, stream);
	for (size_t row = 0; row < chart.count; row++)
		put_thread(&chart, row, stream);
	put_foot(&chart, stream);
out:
	free(chart.cells);
	free(chart.rows);
	return status;
}
