#include "spans_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "facts.h"
#include "frame_label.h"
#include "num.h"
#include "text_head.h"

#define HEADING_PX	 26
#define HEADS_PX	 22
#define ROW_PX		 20
#define MIN_COLUMN_PX	 62
#define COLUMN_GAP_PX	 18
#define SQUARE_PX	 10
#define NAME_X_PX	 18
#define MIN_NAME_PX	 120
#define MIN_PLACE_PX	 120
#define COLUMN_COLUMNS	 11
#define MIN_NAME_COLUMNS 16
#define OTHER_LINES	 8 /* of the screen: heading, column heads, footer, prompt */

enum column {
	COUNT,
	TOTAL,
	SELF,
	MEAN,
	MAX,
	CPU,
	MEMORY,
	COLUMN_COUNT,
};

static const char *const heads[COLUMN_COUNT] = {
	"count", "total", "self", "mean", "longest", "CPU", "memory"};

/* Which columns there are: as many as fit, those first that say most. */
static size_t choose_columns(
	const struct rend_span_table *table, size_t room, bool is_shown[COLUMN_COUNT])
{
	static const enum column order[] = {TOTAL, COUNT, MEAN, MAX, CPU, SELF, MEMORY};
	size_t count = 0;
	memset(is_shown, 0, COLUMN_COUNT * sizeof(*is_shown));
	for (size_t i = 0; i < COLUMN_COUNT && count < room; i++) {
		if ((order[i] == CPU && !table->has_cpu) ||
			(order[i] == MEMORY && !table->has_growth))
			continue;
		is_shown[order[i]] = true;
		count++;
	}
	return count;
}

static void format_growth(char *text, int64_t bytes)
{
	text[0] = bytes < 0 ? '-' : '+';
	num_bytes(text + 1, (uint64_t)(bytes < 0 ? -bytes : bytes));
}

/* A figure of a row; "" where there is none. 33 bytes are enough. */
static const char *format(const struct rend_span_row *row, enum column column, char *text)
{
	text[0] = '\0';
	switch (column) {
	case COUNT:
		return num_count(text, row->count);
	case TOTAL:
		return num_duration(text, row->total_ns);
	case SELF:
		return num_duration(text, row->self_ns);
	case MEAN:
		return num_duration(text, rend_span_mean_ns(row));
	case MAX:
		return num_duration(text, row->max_ns);
	case CPU:
		return num_duration(text, row->cpu_ns);
	case MEMORY:
		if (row->has_growth)
			format_growth(text, row->growth_bytes);
		return text;
	default:
		return text;
	}
}

enum rend_role rend_span_role(
	const struct rend_model *model, const struct rend_span_names *names, uint32_t what)
{
	struct tfmt_location location = rend_span_location(names, what);
	return rend_span_is_scope(names, what) ? REND_SCOPE : rend_model_role(model, &location);
}

void rend_span_title(const struct rend_span_table *table, const struct rend_span_row *row,
	char *text, size_t size)
{
	struct tfmt_location location = rend_span_location(&table->names, row->what);
	char number[NUM_TEXT_BYTES + 1], place[300];
	rend_model_place(&location, place, sizeof(place));
	size_t length = (size_t)snprintf(
		text, size, "%.400s%s%s", location.function, place[0] != '\0' ? "\n" : "", place);
	for (enum column i = 0; i < COLUMN_COUNT && length < size; i++) {
		if (format(row, i, number)[0] != '\0' && (i != CPU || table->has_cpu))
			length += (size_t)snprintf(
				text + length, size - length, "\n%s %s", heads[i], number);
	}
	if (row->failed_count > 0 && length < size)
		length += (size_t)snprintf(text + length, size - length,
			"\nleft by an exception %s", num_count(number, row->failed_count));
	if (row->open_count > 0 && length < size)
		snprintf(text + length, size - length, "\nwithout an end %s",
			num_count(number, row->open_count));
}

double rend_spans_table_height_px(size_t rows)
{
	return rows > 0 ? HEADING_PX + HEADS_PX + (double)rows * ROW_PX : 0;
}

/* As wide as what is in it; 0: it is not shown. */
static double column_px(const struct rend_span_table *table, size_t rows, enum column column)
{
	char number[NUM_TEXT_BYTES + 1];
	double width_px = rend_text_width_px(REND_FONT_SMALL, heads[column]);
	for (size_t i = 0; i < rows; i++)
		width_px = fmax(width_px, rend_text_width_px(REND_FONT_BODY,
						  format(&table->rows[i], column, number)));
	return fmax(width_px + COLUMN_GAP_PX, MIN_COLUMN_PX);
}

/* The columns that fit beside the names. Returns what is left for these. */
static double lay_out(const struct rend_span_table *table, size_t rows, double width_px,
	double columns_px[COLUMN_COUNT])
{
	bool is_shown[COLUMN_COUNT];
	double name_px = 0;
	for (size_t most = COLUMN_COUNT; most > 0 && name_px < MIN_NAME_PX; most--) {
		choose_columns(table, most, is_shown);
		name_px = width_px;
		for (enum column i = 0; i < COLUMN_COUNT; i++) {
			columns_px[i] = is_shown[i] ? column_px(table, rows, i) : 0;
			name_px -= columns_px[i];
		}
	}
	return name_px;
}

static void draw_row(const struct rend_model *model, const struct rend_span_table *table,
	const struct rend_span_row *row, const double columns_px[COLUMN_COUNT],
	struct rend_scene *scene, struct rend_rect room, double name_px)
{
	struct tfmt_location location = rend_span_location(&table->names, row->what);
	char label[512], number[NUM_TEXT_BYTES + 1], title[1200];
	double baseline = room.y + 14;
	double label_px = name_px - NAME_X_PX;
	double place_px = label_px - 2 * MIN_PLACE_PX > 0 ? label_px * 0.4 : 0;
	rend_scene_rect(scene, rend_span_role(model, &table->names, row->what),
		(struct rend_rect){room.x, baseline - SQUARE_PX + 1, SQUARE_PX, SQUARE_PX});
	rend_location_label(
		REND_FONT_BODY, &location, "", label_px - place_px, label, sizeof(label));
	struct rend_text text = {
		.x = room.x + NAME_X_PX,
		.y = baseline,
		.text = label,
		.font = REND_FONT_BODY,
		.max_px = label_px - place_px,
	};
	rend_scene_text(scene, &text);
	rend_model_place(&location, label, sizeof(label));
	text.x += label_px - place_px + 8;
	text.max_px = place_px - 16;
	text.role = REND_MUTED;
	text.ellipsis = REND_ELLIPSIS_MIDDLE;
	if (place_px > 0)
		rend_scene_text(scene, &text);
	text = (struct rend_text){.x = room.x + name_px,
		.y = baseline,
		.text = number,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END};
	for (enum column i = 0; i < COLUMN_COUNT; i++) {
		if (columns_px[i] == 0)
			continue;
		format(row, i, number);
		text.x += columns_px[i];
		rend_scene_text(scene, &text);
	}
	rend_span_title(table, row, title, sizeof(title));
	rend_scene_item(scene, &(struct rend_item){.rect = room, .title = title});
}

void rend_spans_table_draw(const struct rend_model *model, const struct rend_span_table *table,
	size_t rows, struct rend_scene *scene, struct rend_rect room)
{
	double columns_px[COLUMN_COUNT];
	double name_px = lay_out(table, rows, room.width, columns_px);
	if (rows == 0)
		return;
	rend_section(scene, room.x, room.y + 13, "Time in calls and scopes");
	rend_scene_group(scene, "Time in calls and scopes");
	struct rend_text text = {
		.x = room.x + name_px,
		.y = room.y + HEADING_PX + 14,
		.font = REND_FONT_SMALL,
		.role = REND_MUTED,
		.anchor = REND_ANCHOR_END,
	};
	for (enum column i = 0; i < COLUMN_COUNT; i++) {
		if (columns_px[i] == 0)
			continue;
		text.x += columns_px[i];
		text.text = heads[i];
		rend_scene_text(scene, &text);
	}
	for (size_t i = 0; i < rows; i++)
		draw_row(model, table, &table->rows[i], columns_px, scene,
			(struct rend_rect){room.x,
				room.y + HEADING_PX + HEADS_PX + (double)i * ROW_PX, room.width,
				ROW_PX},
			name_px);
	rend_scene_group_end(scene);
}

static void put_heading(const struct rend_model *model, const struct rend_span_table *table,
	const struct rend_text_frame *frame, size_t rows, FILE *stream)
{
	char text[REND_FACTS_BYTES], spans[REND_FACTS_BYTES];
	char shown[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	uint64_t sum = 0;
	for (uint32_t i = 0; i < table->count; i++)
		sum += table->rows[i].count;
	rend_put_text_head(model, frame->columns, stream);
	rend_facts_plural(spans, sum, "call or scope", "calls and scopes");
	snprintf(text, sizeof(text),
		"%.60s" REND_FACTS_GAP "%s of %s names by total, recursion once", spans,
		num_count(shown, rows), num_count(count, table->count));
	rend_put_last(stream, text, frame->columns);
	fprintf(stream, "\n\n");
}

static void put_row(const struct rend_model *model, const struct rend_span_table *table,
	const struct rend_span_row *row, const bool is_shown[COLUMN_COUNT], int name_columns,
	FILE *stream)
{
	struct tfmt_location location = rend_span_location(&table->names, row->what);
	char number[NUM_TEXT_BYTES + 1], place[512];
	for (enum column i = 0; i < COLUMN_COUNT; i++) {
		if (is_shown[i])
			rend_put_cell_right(stream, format(row, i, number), COLUMN_COLUMNS);
	}
	rend_model_place(&location, place, sizeof(place));
	int place_columns =
		place[0] != '\0' && name_columns >= 2 * MIN_NAME_COLUMNS ? name_columns * 2 / 5 : 0;
	fputs("  ", stream);
	if (place_columns == 0) {
		rend_put_last(stream, location.function, name_columns);
	} else {
		rend_put_cell(stream, location.function, name_columns - place_columns - 2);
		fputs("  ", stream);
		rend_put_last_tail(stream, place, place_columns);
	}
	fputc('\n', stream);
}

void rend_spans_table_write_rows(const struct rend_model *model,
	const struct rend_span_table *table, const char *title, int columns, size_t rows,
	FILE *stream)
{
	bool is_shown[COLUMN_COUNT];
	size_t count = choose_columns(
		table, (size_t)(columns - 2 - MIN_NAME_COLUMNS) / COLUMN_COLUMNS, is_shown);
	int name_columns = columns - 2 - (int)count * COLUMN_COLUMNS;
	for (enum column i = 0; i < COLUMN_COUNT; i++) {
		if (is_shown[i])
			rend_put_cell_right(stream, heads[i], COLUMN_COLUMNS);
	}
	fprintf(stream, "  %s\n", title);
	for (size_t i = 0; i < rows; i++)
		put_row(model, table, &table->rows[i], is_shown, name_columns, stream);
}

void rend_spans_table_write(const struct rend_model *model, const struct rend_span_table *table,
	const struct rend_text_frame *frame, FILE *stream)
{
	size_t rows = rend_text_rows(frame, OTHER_LINES, table->count);
	char count[NUM_TEXT_BYTES];
	put_heading(model, table, frame, rows, stream);
	rend_spans_table_write_rows(model, table, "name", frame->columns, rows, stream);
	if (rows < table->count)
		fprintf(stream, "… %s more (--top %u shows all)\n",
			num_count(count, table->count - rows), (unsigned)table->count);
}
