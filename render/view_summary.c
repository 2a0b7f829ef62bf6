/* One screen of findings, as text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "facts.h"
#include "frame_label.h"
#include "num.h"
#include "proc_rows.h"
#include "spans_table.h"
#include "text.h"
#include "view.h"

#define GAP		  REND_FACTS_GAP
#define SCREEN_LINES	  24
#define TOP_COUNT	  5
#define TOP_PROCESSES	  4
#define FEW_ROWS	  3 /* of a table, before gaps between tables are given up */
#define SPARKLINE_COLUMNS 56
#define NAME_COLUMNS	  8
#define BAR_COLUMNS	  8
#define COLUMN_PX	  6.5 /* about what a character takes */
#define NUMBER_COLUMNS	  8
#define DURATION_COLUMNS  13 /* 59 min 59 s, and a gap */

static bool has_data(const struct rend_model *model)
{
	return true;
}

static void put_warning(const struct rend_text_frame *frame, const char *text, FILE *stream)
{
	if (frame->has_colour)
		fprintf(stream, "\033[31m");
	rend_put_last(stream, text, frame->columns);
	if (frame->has_colour)
		fprintf(stream, "\033[0m");
	fputc('\n', stream);
}

static void put_line(const struct rend_text_frame *frame, const char *text, FILE *stream)
{
	rend_put_last(stream, text, frame->columns);
	fputc('\n', stream);
}

/* "12.4 s wall · 22.2 s CPU (21.9 s user, 0.3 s system)", after the range when there is one. */
static void put_times(
	const struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	const struct rend_totals *totals = &model->totals;
	char wall[NUM_TEXT_BYTES], cpu[NUM_TEXT_BYTES], user[NUM_TEXT_BYTES];
	char system[NUM_TEXT_BYTES], range[REND_FACTS_BYTES];
	char line[2 * REND_FACTS_BYTES], split[3 * NUM_TEXT_BYTES];
	rend_facts_range(model, range);
	int length = snprintf(line, sizeof(line), "%s%s%s wall", range, range[0] != '\0' ? GAP : "",
		num_duration(wall, totals->wall_ns));
	if (totals->has_cpu)
		length += snprintf(line + length, sizeof(line) - (size_t)length, GAP "%s CPU",
			num_duration(cpu, totals->cpu_ns));
	snprintf(split, sizeof(split), " (%s user, %s system)", num_duration(user, totals->user_ns),
		num_duration(system, totals->system_ns));
	bool has_room = rend_text_columns(line) + rend_text_columns(split) <= frame->columns;
	/* Short processes have no split: parts that do not add up to the whole say nothing. */
	bool is_whole = totals->user_ns + totals->system_ns >= totals->cpu_ns / 100 * 99;
	if (totals->user_ns + totals->system_ns > 0 && is_whole && has_room)
		snprintf(line + length, sizeof(line) - (size_t)length, "%s", split);
	put_line(frame, line, stream);
}

/* "exit status 0 · peak 694 MiB at 9.1 s · 1 process, 3 threads" */
static void put_counts(
	const struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	const struct rend_totals *totals = &model->totals;
	char peak[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES], processes[REND_FACTS_BYTES];
	char threads[REND_FACTS_BYTES], line[3 * REND_FACTS_BYTES];
	const struct tfmt_process_info *root =
		model->root > 0 ? model->processes[model->root].info : NULL;
	int length = 0;
	if (root != NULL && root->status_type == TFMT_STATUS_EXITED && root->status == 0)
		length = snprintf(line, sizeof(line), "exit status 0" GAP);
	else if (root != NULL && root->status_type == TFMT_STATUS_ALIVE)
		length = snprintf(line, sizeof(line), "still running" GAP);
	if (totals->peak_bytes > 0)
		length += snprintf(line + length, sizeof(line) - (size_t)length,
			"peak %s at %s" GAP, num_bytes(peak, totals->peak_bytes),
			num_duration(time, totals->peak_ns > model->origin_ns
						   ? totals->peak_ns - model->origin_ns
						   : 0));
	rend_facts_plural(processes, totals->process_count, "process", "processes");
	rend_facts_plural(threads, totals->thread_count, "thread", "threads");
	snprintf(line + length, sizeof(line) - (size_t)length, "%s, %s", processes, threads);
	put_line(frame, line, stream);
}

static void put_facts(
	const struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	char text[REND_FACTS_BYTES];
	rend_facts_filter(model, text);
	if (text[0] != '\0')
		put_line(frame, text, stream);
	put_times(model, frame, stream);
	put_counts(model, frame, stream);
	rend_facts_states(model, text);
	if (text[0] != '\0')
		put_line(frame, text, stream);
	rend_facts_samples(model, text);
	if (text[0] != '\0')
		put_line(frame, text, stream);
	rend_facts_metrics(model, frame->columns, text);
	if (text[0] != '\0')
		put_line(frame, text, stream);
	rend_facts_missing(model, text);
	if (text[0] != '\0')
		put_line(frame, text, stream);
	rend_facts_costs(model, text);
	if (text[0] != '\0')
		put_line(frame, text, stream);
	if (model->root > 0)
		rend_facts_failure(model->processes[model->root].info, text);
	if (model->root > 0 && text[0] != '\0')
		put_warning(frame, text, stream);
	rend_facts_losses(model, text);
	if (text[0] != '\0')
		put_warning(frame, text, stream);
}

static void put_sparklines(const struct rend_model *model, FILE *stream)
{
	const struct rend_totals *totals = &model->totals;
	char number[NUM_TEXT_BYTES];
	if (!totals->has_cpu && !totals->has_memory)
		return;
	fputc('\n', stream);
	if (totals->has_cpu) {
		double max = rend_sparkline_max(&model->cpu, model->bin_count, SPARKLINE_COLUMNS);
		rend_put_cell(stream, "CPU", NAME_COLUMNS);
		rend_put_sparkline(stream, &model->cpu, model->bin_count, max, SPARKLINE_COLUMNS);
		fprintf(stream, "  %.2f cores\n", max);
	}
	if (totals->has_memory) {
		double max = (double)totals->peak_bytes;
		rend_put_cell(stream, "memory", NAME_COLUMNS);
		rend_put_sparkline(
			stream, &model->memory, model->bin_count, max, SPARKLINE_COLUMNS);
		fprintf(stream, "  %s\n", num_bytes(number, totals->peak_bytes));
	}
}

static void put_function(const struct rend_text_frame *frame, const struct tfmt_function *function,
	uint64_t whole, double heaviest, FILE *stream)
{
	char number[NUM_TEXT_BYTES], place[512], name[512];
	int left = frame->columns - 2 * NUMBER_COLUMNS - BAR_COLUMNS - 6;
	int name_columns = left * 3 / 5;
	num_percent(number, (double)function->self, (double)whole);
	rend_put_cell_right(stream, number, NUMBER_COLUMNS);
	fputs("  ", stream);
	rend_put_bar(stream, (double)function->self / heaviest, BAR_COLUMNS);
	num_percent(number, (double)function->total, (double)whole);
	rend_put_cell_right(stream, number, NUMBER_COLUMNS);
	fputs("  ", stream);
	rend_location_label(REND_FONT_BODY, &function->location, "", name_columns * COLUMN_PX, name,
		sizeof(name));
	/* Without room for both the file says more than the module. */
	struct tfmt_location location = function->location;
	rend_model_place(&location, place, sizeof(place));
	if (rend_text_columns(place) > left - name_columns && location.file[0] != '\0') {
		location.module = "";
		rend_model_place(&location, place, sizeof(place));
	}
	if (place[0] == '\0') {
		rend_put_last(stream, name, left);
	} else {
		rend_put_cell(stream, name, name_columns);
		fputs("  ", stream);
		rend_put_last(stream, place, left - name_columns);
	}
	fputc('\n', stream);
}

/* How many rows of each table there is room for. */
enum table { FUNCTIONS, SPANS, WAITS, PROCESSES, TABLE_COUNT };

struct room {
	int rows[TABLE_COUNT];
	bool has_gaps; /* empty lines above the tables */
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int lines_of(const struct room *room)
{
	int lines = 1 + room->has_gaps; /* the next command */
	for (int i = 0; i < TABLE_COUNT; i++) {
		if (room->rows[i] > 0)
			lines += 1 + room->has_gaps + room->rows[i];
	}
	return lines;
}

/* The longest table loses a row, if it has more than `few`. */
static bool shorten(struct room *room, int few)
{
	int longest = 0;
	for (int i = 1; i < TABLE_COUNT; i++) {
		if (room->rows[i] >= room->rows[longest])
			longest = i;
	}
	if (room->rows[longest] <= few)
		return false;
	room->rows[longest]--;
	return true;
}

static struct room share_room(
	const struct rend_model *model, const struct rend_span_table *spans, int used_lines)
{
	struct room room = {.has_gaps = true};
	size_t count = 0;
	const struct tfmt_function *const *functions =
		model->tree != NULL ? tfmt_calltree_functions(model->tree, &count) : NULL;
	while (room.rows[FUNCTIONS] < (int)least(count, TOP_COUNT) &&
		functions[room.rows[FUNCTIONS]]->self > 0)
		room.rows[FUNCTIONS]++;
	room.rows[SPANS] = (int)least(spans->count, TOP_COUNT);
	room.rows[WAITS] = (int)least(model->waits.count, TOP_COUNT);
	if (model->totals.process_count > 1)
		room.rows[PROCESSES] = (int)least(model->totals.process_count, TOP_PROCESSES);
	int left = SCREEN_LINES - used_lines;
	while (lines_of(&room) > left && shorten(&room, FEW_ROWS))
		;
	room.has_gaps = lines_of(&room) <= left;
	while (lines_of(&room) > left && shorten(&room, 1))
		;
	return room;
}

static void put_gap(const struct room *room, FILE *stream)
{
	if (room->has_gaps)
		fputc('\n', stream);
}

static void put_functions(const struct rend_model *model, const struct rend_text_frame *frame,
	const struct room *room, FILE *stream)
{
	static const char *const headings[] = {
		[TFMT_WEIGHT_SAMPLES] = "busiest functions by samples",
		[TFMT_WEIGHT_CPU] = "busiest functions",
		[TFMT_WEIGHT_OFFCPU] = "time off CPU by its reason",
		[TFMT_WEIGHT_WALL] = "functions and waits by wall time",
	};
	size_t count, node_count;
	const struct tfmt_function *const *functions = tfmt_calltree_functions(model->tree, &count);
	if (room->rows[FUNCTIONS] == 0)
		return;
	put_gap(room, stream);
	fprintf(stream, "%*s  %-*s%*s  %s\n", NUMBER_COLUMNS, "self", BAR_COLUMNS, "",
		NUMBER_COLUMNS, "total", headings[model->weight]);
	uint64_t whole = tfmt_calltree_nodes(model->tree, &node_count)[0].total;
	for (int i = 0; i < room->rows[FUNCTIONS]; i++)
		put_function(frame, functions[i], whole, (double)functions[0]->self, stream);
}

static void put_spans(const struct rend_model *model, const struct rend_span_table *spans,
	const struct rend_text_frame *frame, const struct room *room, FILE *stream)
{
	if (room->rows[SPANS] == 0)
		return;
	put_gap(room, stream);
	rend_spans_table_write_rows(model, spans, "calls and scopes", frame->columns,
		(size_t)room->rows[SPANS], stream);
}

/* The sentence on a wait, with its function cut by `excess` columns. */
static void wait_sentence(const struct rend_model *model, const struct rend_wait_place *place,
	bool names_process, int excess, char *line, size_t size)
{
	char time[NUM_TEXT_BYTES], what[1200], function[1000];
	int columns = rend_text_columns(place->location.function);
	double room_px = excess > 0 ? fmax(columns - excess, 8) * COLUMN_PX : 0;
	rend_text_shorten(REND_FONT_BODY, place->location.function, room_px, REND_ELLIPSIS_MIDDLE,
		function, sizeof(function));
	rend_wait_describe(place, function, what, sizeof(what));
	snprintf(line, size, "%.80s%swaited %s %s",
		names_process ? tfmt_trace_text(model->trace, place->process_name) : "",
		names_process ? " " : "", num_duration(time, place->wait_ns), what);
}

/* "waited 3.2 s in futex under handle_request     160 times, longest 20.1 ms" */
static void put_wait(const struct rend_model *model, const struct rend_text_frame *frame,
	const struct rend_wait_place *place, bool names_process, FILE *stream)
{
	char line[1400], counts[REND_FACTS_BYTES];
	rend_facts_wait_counts(place, counts);
	wait_sentence(model, place, names_process, 0, line, sizeof(line));
	/* Without room for all, the last counts give way, then a part of the name. */
	char *comma;
	int room;
	while ((room = frame->columns - 4 - rend_text_columns(counts)) < rend_text_columns(line) &&
		(comma = strrchr(counts, ',')) != NULL)
		*comma = '\0';
	if (room < rend_text_columns(line))
		wait_sentence(model, place, names_process, rend_text_columns(line) - room, line,
			sizeof(line));
	fputs("  ", stream);
	if (counts[0] != '\0')
		rend_put_cell(stream, line, room);
	else
		rend_put_last(stream, line, room);
	fprintf(stream, "%s", counts[0] != '\0' ? "  " : "");
	rend_put_last(stream, counts, frame->columns);
	fputc('\n', stream);
}

static void put_waits(const struct rend_model *model, const struct rend_text_frame *frame,
	const struct room *room, FILE *stream)
{
	const struct rend_waits *waits = &model->waits;
	char places[REND_FACTS_BYTES];
	bool names_process = false;
	for (size_t i = 1; i < waits->count; i++)
		names_process = names_process ||
				waits->places[i].process_name != waits->places[0].process_name;
	if (waits->count == 0)
		return;
	rend_facts_wait_places(model, places);
	put_gap(room, stream);
	fprintf(stream, "worst waits%s%s\n", places[0] != '\0' ? ", " : "", places);
	for (int i = 0; i < room->rows[WAITS]; i++)
		put_wait(model, frame, &waits->places[i], names_process, stream);
}

static void put_process(const struct rend_model *model, const struct rend_text_frame *frame,
	uint32_t id, FILE *stream)
{
	const struct rend_process *process = &model->processes[id];
	char number[NUM_TEXT_BYTES], name[1024], failure[REND_FACTS_BYTES];
	const bool has_waits = model->totals.wait_ns > 0;
	int name_columns =
		frame->columns - (has_waits ? 3 : 1) * DURATION_COLUMNS - (NUMBER_COLUMNS + 2) - 2;
	rend_put_cell_right(stream, num_duration(number, process->cpu_ns), DURATION_COLUMNS);
	if (has_waits) {
		rend_put_cell_right(
			stream, num_duration(number, process->preempted_ns), DURATION_COLUMNS);
		rend_put_cell_right(
			stream, num_duration(number, process->blocked_ns), DURATION_COLUMNS);
	}
	rend_put_cell_right(stream,
		process->peak_bytes > 0 ? num_bytes(number, process->peak_bytes) : "",
		NUMBER_COLUMNS + 2);
	rend_proc_row_name(model, &(struct rend_proc_row){.process = id}, REND_FONT_BODY,
		name_columns * COLUMN_PX, name, sizeof(name));
	rend_facts_failure(process->info, failure);
	if (failure[0] != '\0')
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "  [%s]", failure);
	fputs("  ", stream);
	rend_put_last(stream, name, name_columns);
	fputc('\n', stream);
}

static int put_processes(struct rend_model *model, const struct rend_text_frame *frame,
	const struct room *room, FILE *stream)
{
	uint32_t *ids = calloc((size_t)model->process_count + 1, sizeof(*ids));
	size_t count = 0;
	if (ids == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= model->process_count; id++) {
		if (model->processes[id].is_shown)
			ids[count++] = id;
	}
	if (room->rows[PROCESSES] > 0) {
		qsort_r(ids, count, sizeof(*ids), rend_compare_cpu, model);
		put_gap(room, stream);
		fprintf(stream, "%*s", DURATION_COLUMNS, "CPU");
		if (model->totals.wait_ns > 0)
			fprintf(stream, "%*s%*s", DURATION_COLUMNS, "preempted", DURATION_COLUMNS,
				"waiting");
		fprintf(stream, "%*s  busiest processes\n", NUMBER_COLUMNS + 2, "peak");
		for (int i = 0; i < room->rows[PROCESSES]; i++)
			put_process(model, frame, ids[i], stream);
	}
	free(ids);
	return 0;
}

/* The command for the picture, to be typed as it is. */
static void put_next_command(const char *trace_name, FILE *stream)
{
	const char *quote =
		trace_name[strcspn(trace_name, " \t\"$&|;<>()*?\\`!#~")] != '\0' ? "'" : "";
	char name[REND_FACTS_BYTES];
	rend_text_shorten(REND_FONT_BODY, trace_name, 0, REND_ELLIPSIS_END, name, sizeof(name));
	fprintf(stream, "trender -o report.svg %s%s%s\n", quote, name, quote);
}

/* What is said in any case. Returns how many lines it takes, or TFMT_E_NOMEM. */
static int put_head(
	const struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	char command[1024], *text = NULL;
	size_t length = 0;
	int lines = 0;
	FILE *head = open_memstream(&text, &length);
	if (head == NULL)
		return TFMT_E_NOMEM;
	rend_model_command(model, command, sizeof(command));
	put_line(frame, command, head);
	put_facts(model, frame, head);
	put_sparklines(model, head);
	fclose(head);
	for (size_t i = 0; i < length; i++)
		lines += text[i] == '\n';
	fwrite(text, 1, length, stream);
	free(text);
	return lines;
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	int used_lines = put_head(model, frame, stream);
	if (used_lines < 0)
		return used_lines;
	struct rend_span_table spans = {0};
	int status = model->totals.span_count > 0 ? rend_span_table_init(&spans, model) : 0;
	if (status < 0)
		return status;
	struct room room = share_room(model, &spans, used_lines);
	if (model->tree != NULL)
		put_functions(model, frame, &room, stream);
	put_spans(model, &spans, frame, &room, stream);
	put_waits(model, frame, &room, stream);
	status = put_processes(model, frame, &room, stream);
	rend_span_table_release(&spans);
	put_gap(&room, stream);
	put_next_command(frame->trace_name, stream);
	return status;
}

const struct rend_view rend_view_summary = {
	.name = "summary",
	.summary = "one screen of findings, as text",
	.draws_stacks = true,
	.has_data = has_data,
	.missing = "",
	.text = write_text,
};
