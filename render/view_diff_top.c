/* What changed between two recordings, as text: totals, then functions by their change. */
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "code_line.h"
#include "diff_rows.h"
#include "diff_text.h"
#include "num.h"
#include "text.h"
#include "view.h"

#define OTHER_LINES	  14 /* of the screen: totals, headings, footer, the next prompt */
#define AMOUNT_COLUMNS	  12 /* of functions */
#define CHANGE_COLUMNS	  12
#define POINTS_COLUMNS	  7
#define NOTE_COLUMNS	  5
#define MIN_PLACE_COLUMNS 10
#define NUMBERS_COLUMNS	  (2 * AMOUNT_COLUMNS + CHANGE_COLUMNS + POINTS_COLUMNS + NOTE_COLUMNS + 2)
#define NONE		  "\u2013"

static bool has_data(const struct rend_model *model)
{
	return model->diff != NULL && model->diff->stacks != NULL;
}

/* "12 of 214 functions by change of self CPU time; + is more after". */
static void put_heading(const struct rend_diff *diff, const struct rend_text_frame *frame,
	size_t shown, size_t count, FILE *stream)
{
	static const char *const plurals[REND_BY_COUNT] = {
		"functions", "lines", "files", "modules"};
	static const char *const sorts[] = {
		[REND_DIFF_SELF] = "change of their own",
		[REND_DIFF_TOTAL] = "change, with what they called, of",
		[REND_DIFF_SHARE] = "change of their share of",
	};
	char text[REND_FACTS_BYTES], shown_text[NUM_TEXT_BYTES], count_text[NUM_TEXT_BYTES];
	snprintf(text, sizeof(text), "%s of %s changed %s by %s %s; + is more after",
		num_count(shown_text, shown), num_count(count_text, count),
		plurals[frame->table.by], sorts[diff->sort],
		tfmt_weight_title(diff->models[TFMT_AFTER]->weight));
	rend_put_last(stream, text, frame->columns);
	fprintf(stream, "\n\n");
	rend_put_cell_right(stream, "before", AMOUNT_COLUMNS);
	rend_put_cell_right(stream, "after", AMOUNT_COLUMNS);
	rend_put_cell_right(stream, "change", CHANGE_COLUMNS);
	rend_put_cell_right(stream, "share", POINTS_COLUMNS);
	fprintf(stream, "  %-*s%s\n", NOTE_COLUMNS, "", rend_by_name(frame->table.by));
}

static void put_amount(
	const struct rend_diff *diff, const struct rend_change *change, int side, FILE *stream)
{
	char text[NUM_TEXT_BYTES];
	uint64_t amount = change->amounts[side];
	rend_put_cell_right(stream,
		amount > 0 ? rend_format_amount(diff->models[side], text, amount) : NONE,
		AMOUNT_COLUMNS);
}

static void put_row(const struct rend_diff *diff, const struct rend_text_frame *frame,
	const struct rend_diff_row *row, FILE *stream)
{
	const struct rend_model *model = rend_diff_owner(diff, row->function);
	struct rend_code_line line;
	char text[NUM_TEXT_BYTES], place[512];
	put_amount(diff, &row->change, TFMT_BEFORE, stream);
	put_amount(diff, &row->change, TFMT_AFTER, stream);
	rend_put_cell_right(stream, rend_diff_cell(diff, text, rend_change_amount(&row->change)),
		CHANGE_COLUMNS);
	rend_put_cell_right(stream, rend_diff_points(text, rend_change_share(diff, &row->change)),
		POINTS_COLUMNS);
	fputs("  ", stream);
	rend_put_cell(stream, rend_diff_row_note(diff, row), NOTE_COLUMNS);
	rend_code_line_set(&line, model, NULL, row->function->location, place, sizeof(place));
	if (frame->table.by > REND_BY_LINE)
		place[0] = '\0';
	int columns = frame->columns - NUMBERS_COLUMNS;
	int place_columns = place[0] != '\0' ? columns * 2 / 5 : 0;
	if (place_columns < MIN_PLACE_COLUMNS)
		place_columns = 0;
	bool is_bold = line.is_own && frame->has_colour;
	fputs(is_bold ? "\033[1m" : "", stream);
	if (place_columns > 0) {
		rend_put_cell(stream, line.name, columns - place_columns - 2);
		fputs("  ", stream);
		rend_put_last(stream, place, place_columns);
	} else {
		rend_put_last(stream, line.name, columns);
	}
	fputs(is_bold ? "\033[0m\n" : "\n", stream);
}

static void put_rows(const struct rend_diff *diff, const struct rend_text_frame *frame,
	const struct rend_diff_rows *rows, FILE *stream)
{
	size_t shown = rend_text_rows(frame, OTHER_LINES, rows->count), unsure_count = 0;
	char text[REND_FACTS_BYTES], number[NUM_TEXT_BYTES];
	double rest = 0;
	if (rows->count == 0) {
		fprintf(stream, "No difference between their stacks.\n");
		return;
	}
	put_heading(diff, frame, shown, rows->count, stream);
	for (size_t i = 0; i < shown; i++) {
		put_row(diff, frame, &rows->rows[i], stream);
		unsure_count += !rend_change_is_sure(diff, &rows->rows[i].change);
	}
	for (size_t i = shown; i < rows->count; i++)
		rest += rend_change_amount(&rows->rows[i].change);
	if (shown < rows->count && diff->sort != REND_DIFF_TOTAL) {
		rend_diff_amount(diff, number, rest);
		fprintf(stream, "\u2026 %zu more, together %s (--top %zu shows all)\n",
			rows->count - shown, number, rows->count);
	}
	if (unsure_count > 0)
		fprintf(stream, "~ may come from sampling alone\n");
	rend_diff_doubts(diff, text);
	if (text[0] == '\0')
		return;
	rend_put_last(stream, text, frame->columns);
	fputc('\n', stream);
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	const struct rend_diff *diff = model->diff;
	struct rend_diff_rows rows;
	rend_diff_put_head(diff, frame->columns, stream);
	if (diff->stacks == NULL) {
		fprintf(stream, "%s\n", REND_NO_STACKS_TO_COMPARE);
		return 0;
	}
	int status = rend_diff_rows_init(&rows, diff, false);
	if (status < 0)
		return status;
	put_rows(diff, frame, &rows, stream);
	rend_diff_rows_release(&rows);
	return 0;
}

const struct rend_view rend_view_diff_top = {
	.name = "top",
	.summary = "functions by their change between two recordings",
	.draws_stacks = true,
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS_TO_COMPARE,
	.text = write_text,
};
