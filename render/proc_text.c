#include "proc_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "facts.h"
#include "num.h"
#include "proc_rows.h"

#define NAME_COLUMNS	 28
#define NUMBER_COLUMNS	 10
#define DURATION_COLUMNS 13 /* 59 min 59 s, and a gap */
#define MAX_DEPTH	 8
#define COLUMN_PX	 7 /* about what a character takes: names are chosen by their width */

/* A row's life over the columns: CPU in eighths, a dot where it lived without any. */
static void put_life(
	const struct rend_model *model, const struct rend_proc_row *row, int columns, FILE *stream)
{
	static const char *const rises[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	const struct rend_process *process = &model->processes[row->process];
	const struct rend_series *cpu = row->process != 0 ? &process->cpu : &row->cpu;
	uint64_t begin_ns = row->process != 0 ? process->begin_ns : row->begin_ns;
	uint64_t end_ns = row->process != 0 ? process->end_ns : row->end_ns;
	double cell_ns = (double)(model->end_ns - model->begin_ns) / columns;
	int first = (int)((double)(begin_ns - model->begin_ns) / cell_ns);
	int last = (int)((double)(end_ns - model->begin_ns) / cell_ns);
	for (int i = 0; i < columns; i++) {
		if (i < first || i > last) {
			fputc(' ', stream);
			continue;
		}
		double cores = 0;
		size_t from = model->bin_count * (size_t)i / (size_t)columns;
		size_t to = model->bin_count * (size_t)(i + 1) / (size_t)columns;
		for (size_t bin = from; bin < to; bin++) {
			size_t index = bin - cpu->first;
			if (cpu->bins != NULL && bin >= cpu->first && index < cpu->count &&
				cpu->bins[index].mean > 0)
				cores += cpu->bins[index].mean / (double)(to - from);
		}
		fputs(rises[lround(fmin(cores, 1) * 8)], stream);
	}
}

/* Is there a later row of this depth below the same parent? */
static bool goes_on(const struct rend_proc_rows *rows, size_t index, unsigned depth)
{
	for (size_t i = index + 1; i < rows->count && rows->rows[i].depth >= depth; i++) {
		if (rows->rows[i].depth == depth)
			return true;
	}
	return false;
}

static void put_name(const struct rend_model *model, const struct rend_proc_rows *rows,
	size_t index, FILE *stream)
{
	const struct rend_proc_row *row = &rows->rows[index];
	const unsigned depth = row->depth < MAX_DEPTH ? row->depth : MAX_DEPTH;
	const int name_columns = NAME_COLUMNS - 2 * (int)depth;
	char name[1024];
	for (unsigned level = 1; level < depth; level++)
		fputs(goes_on(rows, index, level) ? "│ " : "  ", stream);
	if (depth > 0)
		fputs(goes_on(rows, index, row->depth) ? "├ " : "└ ", stream);
	rend_proc_row_name(
		model, row, REND_FONT_BODY, name_columns * COLUMN_PX, name, sizeof(name));
	rend_put_cell(stream, name, name_columns);
}

/* Where the columns of the chart are in time: 0 at the left, the end at the right. */
static void put_scale(const struct rend_model *model, int columns, FILE *stream)
{
	char begin[NUM_TEXT_BYTES], end[NUM_TEXT_BYTES];
	num_duration(begin, model->begin_ns - model->origin_ns);
	num_duration(end, model->end_ns - model->origin_ns);
	int gap = columns - rend_text_columns(begin) - rend_text_columns(end);
	fprintf(stream, "%*s %s%*s%s", NAME_COLUMNS, "", begin, gap > 1 ? gap : 1, "", end);
	rend_put_cell_right(stream, "CPU", DURATION_COLUMNS);
	rend_put_cell_right(stream, "peak", NUMBER_COLUMNS);
	fputc('\n', stream);
}

int rend_procs_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct rend_proc_rows rows;
	uint32_t ids[REND_MAX_PROCESS_ROWS];
	size_t count = 0;
	int columns = frame->columns - NAME_COLUMNS - DURATION_COLUMNS - NUMBER_COLUMNS - 2;
	int status = rend_proc_rows_init(&rows, model, REND_MAX_PROCESS_ROWS);
	for (size_t i = 0; status == 0 && i < rows.count; i++) {
		if (rows.rows[i].process != 0)
			ids[count++] = rows.rows[i].process;
	}
	if (status == 0)
		status = rend_model_process_series(model, ids, count, NULL);
	if (status < 0)
		goto out;
	put_scale(model, columns, stream);
	for (size_t i = 0; i < rows.count; i++) {
		const struct rend_proc_row *row = &rows.rows[i];
		const struct rend_process *process = &model->processes[row->process];
		const bool is_fold = row->process == 0;
		char cpu[NUM_TEXT_BYTES], peak[NUM_TEXT_BYTES] = "";
		uint64_t peak_bytes = is_fold ? row->peak_bytes : process->peak_bytes;
		put_name(model, &rows, i, stream);
		fputc(' ', stream);
		put_life(model, row, columns, stream);
		num_duration(cpu, is_fold ? row->cpu_ns : process->cpu_ns);
		if (peak_bytes > 0)
			num_bytes(peak, peak_bytes);
		rend_put_cell_right(stream, cpu, DURATION_COLUMNS);
		rend_put_cell_right(stream, peak, NUMBER_COLUMNS);
		fputc('\n', stream);
	}
out:
	rend_proc_rows_release(&rows);
	return status;
}
