/* A flat table, as text: functions, lines, files, modules, threads or processes by what they weigh.
 */
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "code_line.h"
#include "facts.h"
#include "num.h"
#include "text.h"
#include "text_head.h"
#include "view.h"

#define OTHER_LINES 7 /* of the screen: heading, footer, the next prompt */

struct row {
	const struct tfmt_location *location; /* NULL: the thread or process `id` */
	uint32_t id;
	uint64_t self, total;
};

struct table {
	struct rend_model *model;
	enum rend_by by;
	struct row *rows;
	size_t count;
	uint64_t whole;
};

static bool has_data(const struct rend_model *model)
{
	size_t count;
	return model->tree != NULL && tfmt_calltree_nodes(model->tree, &count)[0].total > 0;
}

static const char *row_name(const struct row *row)
{
	return row->location != NULL ? row->location->function : "";
}

static int compare(const struct row *a, const struct row *b, bool by_total)
{
	uint64_t first_a = by_total ? a->total : a->self, second_a = by_total ? a->self : a->total;
	uint64_t first_b = by_total ? b->total : b->self, second_b = by_total ? b->self : b->total;
	if (first_a != first_b)
		return first_a > first_b ? -1 : 1;
	if (second_a != second_b)
		return second_a > second_b ? -1 : 1;
	int order = strcmp(row_name(a), row_name(b));
	if (order == 0 && a->location != NULL)
		order = strcmp(a->location->file, b->location->file);
	if (order == 0 && a->location != NULL)
		order = (a->location->line > b->location->line) -
			(a->location->line < b->location->line);
	return order != 0 ? order : (a->id > b->id) - (a->id < b->id);
}

static int compare_self(const void *a, const void *b)
{
	return compare(a, b, false);
}

static int compare_total(const void *a, const void *b)
{
	return compare(a, b, true);
}

/* Rows of what the call tree calls functions. */
static void add_functions(struct table *table)
{
	size_t count;
	const struct tfmt_function *const *functions =
		tfmt_calltree_functions(table->model->tree, &count);
	for (size_t i = 0; i < count; i++)
		table->rows[table->count++] = (struct row){
			.location = &functions[i]->location,
			.id = (uint32_t)i,
			.self = functions[i]->self,
			.total = functions[i]->total,
		};
}

static int add_sample(void *context, const struct tfmt_sample *sample)
{
	struct table *table = context;
	uint32_t id = sample->thread;
	if (table->by == REND_BY_PROCESS && id <= table->model->thread_count)
		id = table->model->threads[id].info->process;
	if (id < table->count)
		table->rows[id].self += tfmt_weight_of(table->model->weight, sample);
	return 0;
}

/* Rows by id; what is of no known thread or process is row 0. */
static int add_threads(struct table *table)
{
	struct tfmt_error err = {0};
	table->count = 1 + (size_t)(table->by == REND_BY_THREAD ? table->model->thread_count
								: table->model->process_count);
	int status = rend_model_each_sample(table->model, add_sample, table, &err);
	for (size_t i = 0; i < table->count; i++) {
		table->rows[i].id = (uint32_t)i;
		table->rows[i].total = table->rows[i].self;
	}
	return status;
}

static int make_rows(struct table *table, bool sorts_by_total)
{
	size_t room, kept = 0;
	int status = 0;
	tfmt_calltree_functions(table->model->tree, &room);
	if (table->by >= REND_BY_THREAD)
		room = 1 + (size_t)table->model->thread_count + table->model->process_count;
	table->whole = tfmt_calltree_nodes(table->model->tree, &(size_t){0})[0].total;
	table->rows = calloc(room, sizeof(*table->rows));
	if (table->rows == NULL)
		return TFMT_E_NOMEM;
	if (table->by >= REND_BY_THREAD)
		status = add_threads(table);
	else
		add_functions(table);
	for (size_t i = 0; i < table->count; i++) {
		if ((sorts_by_total ? table->rows[i].total : table->rows[i].self) > 0)
			table->rows[kept++] = table->rows[i];
	}
	table->count = kept;
	if (kept > 0)
		qsort(table->rows, kept, sizeof(*table->rows),
			sorts_by_total ? compare_total : compare_self);
	return status;
}

/* "418 ms CPU time", "functions by self time, 30 of 214". */
static void put_heading(
	const struct table *table, const struct rend_text_frame *frame, size_t shown, FILE *stream)
{
	static const char *const plurals[REND_BY_COUNT] = {
		"functions", "lines", "files", "modules", "threads", "processes"};
	const struct rend_model *model = table->model;
	char text[REND_FACTS_BYTES], amount[NUM_TEXT_BYTES], shown_text[NUM_TEXT_BYTES];
	char count[NUM_TEXT_BYTES], numbers[REND_NUMBERS_BYTES];
	rend_put_text_head(model, frame->columns, stream);
	rend_model_amount(model, amount, table->whole);
	snprintf(text, sizeof(text), "%s%s%s" REND_FACTS_GAP "%s of %s %s by %s", amount,
		model->weight == TFMT_WEIGHT_SAMPLES ? "" : " ",
		model->weight == TFMT_WEIGHT_SAMPLES ? "" : tfmt_weight_title(model->weight),
		num_count(shown_text, shown), num_count(count, table->count), plurals[table->by],
		frame->table.sorts_by_total ? "total, what they called included"
					    : "self, without what they called");
	rend_put_last(stream, text, frame->columns);
	fprintf(stream, "\n\n");
	rend_format_numbers("self", model->weight == TFMT_WEIGHT_SAMPLES ? "samples" : "time",
		"total", numbers);
	struct rend_code_line line = {
		.numbers = numbers,
		.guide = "",
		.name = rend_by_name(table->by),
		.place = table->by == REND_BY_THREAD	? "process"
			 : table->by == REND_BY_PROCESS ? "pid"
			 : table->by <= REND_BY_LINE	? "place"
							: "",
		.source = "",
	};
	rend_put_code_line(frame, &line, stream);
}

/* Name and place of a thread or process. */
static void set_thread(const struct table *table, const struct row *row,
	struct rend_code_line *line, char *name, char *place, size_t size)
{
	const struct tfmt_trace *trace = table->model->trace;
	uint32_t process = row->id;
	if (table->by == REND_BY_THREAD) {
		const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, row->id);
		process = thread->process;
		snprintf(name, size, "%.200s (%u)", tfmt_trace_text(trace, thread->name),
			(unsigned)thread->tid);
		snprintf(place, size, "%.200s (%u)",
			tfmt_trace_text(trace, tfmt_trace_process(trace, process)->name),
			(unsigned)tfmt_trace_process(trace, process)->pid);
	} else {
		tfmt_trace_command(trace, process, name, size);
		snprintf(place, size, "%u", (unsigned)tfmt_trace_process(trace, process)->pid);
	}
	line->name = row->id > 0 ? name : "[not known]";
	line->place = row->id > 0 ? place : "";
	line->source = "";
}

static void put_row(const struct table *table, const struct rend_text_frame *frame,
	struct rend_sources *sources, const struct row *row, FILE *stream)
{
	char name[512], place[512], numbers[REND_NUMBERS_BYTES];
	char self[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES], total[NUM_TEXT_BYTES];
	struct rend_code_line line = {.numbers = numbers, .guide = ""};
	uint64_t amount = frame->table.sorts_by_total ? row->total : row->self;
	rend_format_numbers(rend_format_share(self, row->self, table->whole),
		rend_format_amount(table->model, time, amount),
		rend_format_share(total, row->total, table->whole), numbers);
	if (row->location == NULL)
		set_thread(table, row, &line, name, place, sizeof(name));
	else
		rend_code_line_set(
			&line, table->model, sources, row->location, place, sizeof(place));
	if (table->by == REND_BY_FILE || table->by == REND_BY_MODULE)
		line.place = "";
	rend_put_code_line(frame, &line, stream);
}

static void put_footer(const struct table *table, const struct rend_text_frame *frame,
	const struct rend_sources *sources, size_t shown, FILE *stream)
{
	char text[REND_FACTS_BYTES], share[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	size_t changed = rend_sources_changed_count(sources);
	uint64_t self = 0;
	for (size_t i = shown; i < table->count; i++)
		self += table->rows[i].self;
	if (shown < table->count) {
		num_percent(share, (double)self, (double)table->whole);
		snprintf(text, sizeof(text), "… %s more, self %s (--top %zu shows all)",
			num_count(count, table->count - shown), share, table->count);
		rend_put_last(stream, text, frame->columns);
		fputc('\n', stream);
	}
	if (changed > 0)
		fprintf(stream, "… %zu source file%s changed since: no text of %s\n", changed,
			changed == 1 ? " has" : "s have", changed == 1 ? "it" : "them");
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct table table = {.model = model, .by = frame->table.by};
	struct rend_sources *sources =
		rend_code_line_has_source(frame) ? rend_sources_new(model) : NULL;
	int status = make_rows(&table, frame->table.sorts_by_total);
	if (status == 0) {
		size_t shown = rend_text_rows(frame, OTHER_LINES, table.count);
		put_heading(&table, frame, shown, stream);
		for (size_t i = 0; i < shown; i++)
			put_row(&table, frame, sources, &table.rows[i], stream);
		put_footer(&table, frame, sources, shown, stream);
	}
	rend_sources_free(sources);
	free(table.rows);
	return status;
}

const struct rend_view rend_view_top = {
	.name = "top",
	.summary = "functions, lines, files, modules, threads or processes by what they weigh",
	.draws_stacks = true,
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.text = write_text,
};
