#include "diff_table.h"

#include <math.h>
#include <stdio.h>

#include "diff_text.h"
#include "frame_label.h"
#include "num.h"
#include "paragraph.h"
#include "view.h"

#define DEFAULT_ROWS   10
#define HEADING_PX     26
#define ROW_PX	       24
#define NOTE_LINE_PX   16 /* below the rows */
#define MAX_NOTE_LINES 4
#define FILLED_SHARE   0.85 /* of a line, at least, where it is broken between words */
#define CHANGE_PX      72   /* the column of changes, right-aligned */
#define BAR_PX	       12
#define AMOUNTS_PX     150
#define COLUMN_PX      16
#define MIN_PLACE_PX   160
#define MIN_AMOUNT_PX  560 /* narrower rows have no column of amounts */

static size_t row_count(const struct rend_diff *diff, const struct rend_diff_rows *rows)
{
	size_t most = diff->max_rows > 0 ? diff->max_rows : DEFAULT_ROWS;
	return rows->count < most ? rows->count : most;
}

/* How many lines the note below the rows takes. */
static int note_lines(const struct rend_diff *diff, double width_px)
{
	char text[REND_FACTS_BYTES];
	rend_diff_doubts(diff, text);
	double lines = rend_text_width_px(REND_FONT_SMALL, text) / (width_px * FILLED_SHARE);
	return (int)fmin(ceil(lines), MAX_NOTE_LINES);
}

double rend_diff_table_height_px(
	const struct rend_diff *diff, const struct rend_diff_rows *rows, double width_px)
{
	size_t count = row_count(diff, rows);
	int lines = note_lines(diff, width_px);
	return count > 0 ? HEADING_PX + (double)count * ROW_PX + lines * NOTE_LINE_PX : 0;
}

static void row_title(
	const struct rend_diff *diff, const struct rend_diff_row *row, char *text, size_t size)
{
	const struct tfmt_diff_function *function = row->function;
	const char *names[] = {"self", "total"};
	const uint64_t *amounts[] = {function->self, function->total};
	int length = snprintf(text, size, "%.390s\n%.390s%s", function->location->function,
		function->location->module, function->location->module[0] != '\0' ? "\n" : "");
	for (int i = 0; i < 2 && (size_t)length < size; i++) {
		char before[NUM_TEXT_BYTES], after[NUM_TEXT_BYTES], change[NUM_TEXT_BYTES];
		length += snprintf(text + length, size - (size_t)length, "%s%s %s \u2192 %s, %s",
			i > 0 ? "\n" : "", names[i],
			rend_model_amount(
				diff->models[TFMT_BEFORE], before, amounts[i][TFMT_BEFORE]),
			rend_model_amount(diff->models[TFMT_AFTER], after, amounts[i][TFMT_AFTER]),
			rend_diff_amount(diff, change,
				(double)amounts[i][TFMT_AFTER] - (double)amounts[i][TFMT_BEFORE]));
	}
}

/* To the right what is more, to the left, hatched, what is less. */
static void draw_bar(struct rend_scene *scene, const struct rend_diff_row *row, double most,
	double middle_x, double half_px, double y)
{
	double width_px = fmax(half_px * fabs(row->size) / most, 1);
	struct rend_rect bar = {middle_x, y, width_px, BAR_PX};
	rend_scene_rect(scene, REND_TREE, (struct rend_rect){middle_x, y - 4, 1, BAR_PX + 8});
	if (row->size < 0) {
		bar.x -= width_px;
		rend_scene_hatch(scene, REND_LESS + REND_CHANGE_STEPS - 1, bar);
	} else {
		rend_scene_rect(scene, REND_MORE + REND_CHANGE_STEPS - 1, bar);
	}
}

/* "1.20 s → 2.40 s", "new, 0.25 s", "gone, was 0.25 s". */
static void amounts_text(
	const struct rend_diff *diff, const struct rend_diff_row *row, char *text, size_t size)
{
	const uint64_t *amounts = row->change.amounts;
	char before[NUM_TEXT_BYTES], after[NUM_TEXT_BYTES];
	rend_model_amount(diff->models[TFMT_BEFORE], before, amounts[TFMT_BEFORE]);
	rend_model_amount(diff->models[TFMT_AFTER], after, amounts[TFMT_AFTER]);
	if (row->function->total[TFMT_BEFORE] == 0)
		snprintf(text, size, "new, %s", after);
	else if (row->function->total[TFMT_AFTER] == 0)
		snprintf(text, size, "gone, was %s", before);
	else
		snprintf(text, size, "%s \u2192 %s", amounts[TFMT_BEFORE] > 0 ? before : "0",
			amounts[TFMT_AFTER] > 0 ? after : "0");
}

static void draw_row(const struct rend_diff *diff, struct rend_scene *scene,
	const struct rend_diff_row *row, double most, struct rend_rect rect)
{
	char change[NUM_TEXT_BYTES], label[512], amounts[3 * NUM_TEXT_BYTES], place[512];
	char title[1400];
	double half_px = fmin(72, rect.width * 0.07), baseline = rect.y + 16;
	double amounts_px = rect.width >= MIN_AMOUNT_PX ? AMOUNTS_PX : 0;
	double x = rect.x + CHANGE_PX + 12 + 2 * half_px + COLUMN_PX;
	double rest_px = rect.x + rect.width - x - amounts_px - COLUMN_PX;
	double place_px = rest_px * 0.45 > MIN_PLACE_PX ? rest_px * 0.45 : 0;
	double name_px = rest_px - place_px - (place_px > 0 ? COLUMN_PX : 0);
	if (diff->sort == REND_DIFF_SHARE)
		rend_diff_points(change, row->size);
	else
		rend_diff_amount(diff, change, row->size);
	struct rend_text text = {.x = rect.x + CHANGE_PX,
		.y = baseline,
		.text = change,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
		.max_px = CHANGE_PX};
	rend_scene_text(scene, &text);
	draw_bar(scene, row, most, rect.x + CHANGE_PX + 12 + half_px, half_px,
		baseline - BAR_PX + 2);
	rend_location_label(
		REND_FONT_BODY, row->function->location, "", name_px, label, sizeof(label));
	text = (struct rend_text){
		.x = x, .y = baseline, .text = label, .font = REND_FONT_BODY, .max_px = name_px};
	rend_scene_text(scene, &text);
	text.x += name_px + COLUMN_PX;
	text.role = REND_MUTED;
	if (amounts_px > 0) {
		amounts_text(diff, row, amounts, sizeof(amounts));
		text.text = amounts;
		text.max_px = amounts_px;
		rend_scene_text(scene, &text);
	}
	rend_model_place(row->function->location, place, sizeof(place));
	text.x += amounts_px + COLUMN_PX;
	text.text = place;
	text.max_px = place_px - COLUMN_PX;
	text.ellipsis = REND_ELLIPSIS_MIDDLE;
	if (place_px > 0)
		rend_scene_text(scene, &text);
	row_title(diff, row, title, sizeof(title));
	rend_scene_item(scene, &(struct rend_item){.rect = rect, .title = title});
}

void rend_diff_table_draw(const struct rend_diff *diff, const struct rend_diff_rows *rows,
	struct rend_scene *scene, struct rend_rect place)
{
	static const char *const headings[] = {
		[REND_DIFF_SELF] = "Functions by their change (self)",
		[REND_DIFF_TOTAL] = "Functions by their change (total)",
		[REND_DIFF_SHARE] = "Functions by change of share",
	};
	size_t count = row_count(diff, rows);
	char note[REND_FACTS_BYTES];
	if (count == 0)
		return;
	rend_section(scene, place.x, place.y + 13, headings[diff->sort]);
	rend_scene_group(scene, headings[diff->sort]);
	double y = place.y + HEADING_PX;
	for (size_t i = 0; i < count; i++, y += ROW_PX)
		draw_row(diff, scene, &rows->rows[i], fabs(rows->rows[0].size),
			(struct rend_rect){place.x, y, place.width, ROW_PX});
	struct rend_text style = {
		.x = place.x,
		.text = note,
		.font = REND_FONT_SMALL,
		.role = REND_MUTED,
		.max_px = place.width,
	};
	rend_diff_doubts(diff, note);
	y += NOTE_LINE_PX;
	rend_paragraph(scene, &style, NOTE_LINE_PX, MAX_NOTE_LINES, &y);
	rend_scene_group_end(scene);
}
