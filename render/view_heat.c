/*
 * When the program was busy: columns of time cut into rows, so that what repeats shows; or a line
 * for each of the busiest threads. Darker, or brighter on a dark page, is more.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "heat.h"
#include "heat_parts.h"
#include "heat_text.h"
#include "num.h"
#include "view.h"

#define HEADING_PX     26
#define LEGEND_LINE_PX 20 /* where the legend has no room beside the heading */
#define STRIP_PX       32
#define STRIP_GAP_PX   10
#define TIME_PX	       22 /* labels below */
#define NOTE_PX	       18 /* of what is in no cell, below them */
#define LEFT_PX	       58
#define NAMES_PX       150
#define NARROW_PX      500 /* a page this narrow gives names and sums less room */
#define SUMS_PX	       56
#define GAP_PX	       8
#define MIN_CELL_PX    3
#define MIN_COLUMNS    40
#define DEFAULT_ROWS   50
#define ROWS_PX	       400 /* of all rows together, about */
#define MAX_ROW_PX     24
#define MIN_ROW_PX     2
#define LINE_PX	       18
#define DEFAULT_LINES  30
#define MIN_LINES      4
#define MAX_CELLS      17000
#define MAX_LINE_CELLS 4000
#define MAX_BLOCKS     2800 /* what can be pointed at */

struct picture {
	struct rend_model *model;
	struct rend_frame frame;
	struct rend_heat *heat;
	double x0, y; /* the corner of the cells, from the upper edge of the view */
	double cell_px, row_px;
	double sums_px;
	double max; /* the end of the scale */
	bool has_legend_line;
	char heading[160], unplaced[160], max_text[NUM_TEXT_BYTES];
};

static bool has_data(const struct rend_model *model)
{
	size_t count;
	return model->tree != NULL && tfmt_calltree_nodes(model->tree, &count)[0].total > 0;
}

static void release(void *state)
{
	struct picture *picture = state;
	if (picture != NULL)
		rend_heat_free(picture->heat);
	free(picture);
}

static uint32_t line_count(const struct picture *picture, double above_px)
{
	const struct rend_frame *frame = &picture->frame;
	uint32_t asked = picture->model->heat.max_threads;
	uint32_t lines = asked > 0 ? asked : DEFAULT_LINES;
	if (lines > picture->model->thread_count)
		lines = picture->model->thread_count > 0 ? picture->model->thread_count : 1;
	double room = (frame->max_height_px - above_px - TIME_PX - NOTE_PX) / LINE_PX;
	if (frame->max_height_px > 0 && room < lines)
		lines = room > MIN_LINES ? (uint32_t)room : MIN_LINES;
	return lines < MAX_LINE_CELLS / MIN_COLUMNS ? lines : MAX_LINE_CELLS / MIN_COLUMNS;
}

static double below_px(const struct picture *picture)
{
	return TIME_PX + (picture->unplaced[0] != '\0' ? NOTE_PX : 0);
}

/* How high rows are: whole pixels, so that they meet without seams. */
static double row_height_px(const struct picture *picture)
{
	const struct rend_frame *frame = &picture->frame;
	if (picture->model->heat.by_thread)
		return LINE_PX;
	double room_px = ROWS_PX;
	if (frame->max_height_px > 0)
		room_px = fmin(room_px, frame->max_height_px - picture->y - below_px(picture));
	return fmax(fmin(floor(room_px / picture->heat->rows), MAX_ROW_PX), MIN_ROW_PX);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct picture *picture = calloc(1, sizeof(*picture));
	if (picture == NULL)
		return TFMT_E_NOMEM;
	const bool by_thread = model->heat.by_thread;
	const bool is_narrow = frame->width_px < NARROW_PX;
	double left_px = by_thread ? NAMES_PX : LEFT_PX;
	picture->model = model;
	picture->frame = *frame;
	picture->sums_px = is_narrow ? SUMS_PX / 2 : SUMS_PX;
	picture->x0 = frame->x + (is_narrow && by_thread ? floor(frame->width_px / 4) : left_px);
	double width_px = frame->x + frame->width_px - picture->sums_px - GAP_PX - picture->x0;
	picture->y = HEADING_PX + LEGEND_LINE_PX + STRIP_PX + STRIP_GAP_PX;
	struct rend_heat_size size = {
		.max_columns = (uint32_t)(width_px / MIN_CELL_PX),
		.min_columns = MIN_COLUMNS,
		.rows = model->heat.rows > 0 ? model->heat.rows : DEFAULT_ROWS,
		.max_lines = by_thread ? line_count(picture, picture->y) : 0,
		.max_blocks = MAX_BLOCKS,
	};
	uint32_t max_cells = by_thread ? MAX_LINE_CELLS / size.max_lines : MAX_CELLS / size.rows;
	size.max_columns = size.max_columns < max_cells ? size.max_columns : max_cells;
	int status = rend_heat_new(model, &size, &picture->heat);
	if (status < 0) {
		release(picture);
		return status;
	}
	picture->max = rend_heat_ceiling(picture->heat->max);
	rend_heat_value_text(
		picture->heat, picture->max, picture->max_text, sizeof(picture->max_text));
	rend_heat_heading(picture->heat, picture->heading, sizeof(picture->heading));
	rend_heat_unplaced(picture->heat, picture->unplaced, sizeof(picture->unplaced));
	picture->has_legend_line = rend_text_width_px(REND_FONT_HEADING, picture->heading) + 20 +
					   rend_heat_legend_px(picture->max_text) >
				   frame->width_px;
	if (!picture->has_legend_line)
		picture->y -= LEGEND_LINE_PX;
	picture->cell_px = floor(width_px / picture->heat->columns);
	picture->sums_px += width_px - picture->cell_px * picture->heat->columns;
	picture->row_px = row_height_px(picture);
	*ret_state = picture;
	return 0;
}

static uint32_t row_count(const struct rend_heat *heat)
{
	return heat->threads != NULL ? heat->lines : heat->rows;
}

static double height_px(const void *state)
{
	const struct picture *picture = state;
	return picture->y + row_count(picture->heat) * picture->row_px + below_px(picture);
}

static double width_px(const struct picture *picture)
{
	return picture->heat->columns * picture->cell_px;
}

/* The upper edge of a row, from that of the cells: a column fills from below, threads from above.
 */
static double row_y(const struct picture *picture, uint32_t line, uint32_t row)
{
	uint32_t below = picture->heat->rows - 1 - row;
	return (picture->heat->threads != NULL ? line : below) * picture->row_px;
}

/* 0: nothing. */
static int level_of(const struct picture *picture, uint32_t line, uint32_t column, uint32_t row)
{
	const struct rend_heat *heat = picture->heat;
	uint64_t length_ns =
		rend_heat_time_ns(heat, column, row + 1) - rend_heat_time_ns(heat, column, row);
	uint64_t amount = rend_heat_amount(heat, line, column, row);
	if (amount == 0)
		return 0;
	return 1 + (int)rend_heat_role(rend_heat_value(heat, amount, length_ns) / picture->max) -
	       REND_HEAT;
}

static struct rend_rect cells_rect(const struct picture *picture, double y, uint32_t line,
	uint32_t column, uint32_t row, uint32_t row_end)
{
	double gap_px = picture->heat->threads != NULL ? 1 : 0;
	return (struct rend_rect){
		picture->x0 + column * picture->cell_px,
		y + picture->y + row_y(picture, line, row_end - 1),
		picture->cell_px,
		(row_end - row) * picture->row_px - gap_px,
	};
}

/* Where there is time at all, so that it can be told from nothing that happened. */
static void draw_panel(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_heat *heat = picture->heat;
	for (uint32_t line = 0; line < heat->lines; line++) {
		for (uint32_t column = 0; column < heat->columns; column++) {
			uint32_t row = 0, end = heat->rows;
			while (row < end && !rend_heat_is_within(heat, column, row))
				row++;
			while (end > row && !rend_heat_is_within(heat, column, end - 1))
				end--;
			if (row < end)
				rend_scene_rect(scene, REND_PANEL,
					cells_rect(picture, y, line, column, row, end));
		}
	}
}

/* Rows of one level are one rectangle, those of all columns one shape after the other. */
static void draw_level(const struct picture *picture, struct rend_scene *scene, double y, int level)
{
	const struct rend_heat *heat = picture->heat;
	for (uint32_t line = 0; line < heat->lines; line++) {
		for (uint32_t column = 0; column < heat->columns; column++) {
			uint32_t row = 0;
			while (row < heat->rows) {
				uint32_t end = row;
				while (end < heat->rows &&
					level_of(picture, line, column, end) == level)
					end++;
				if (end > row)
					rend_scene_rect(scene, REND_HEAT + level - 1,
						cells_rect(picture, y, line, column, row, end));
				row = end + 1;
			}
		}
	}
}

static void add_items(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_heat *heat = picture->heat;
	char title[REND_HEAT_TITLE_BYTES];
	for (uint32_t line = 0; line < heat->lines; line++) {
		for (uint32_t column = 0; column < heat->columns; column++) {
			for (uint32_t row = 0; row < heat->rows; row += heat->block_rows) {
				uint32_t end = row + heat->block_rows;
				end = end < heat->rows ? end : heat->rows;
				if (!rend_heat_title(heat, line, column, row, end, title))
					continue;
				rend_scene_item(scene, &(struct rend_item){
							       .rect = cells_rect(picture, y, line,
								       column, row, end),
							       .title = title,
						       });
			}
		}
	}
}

static void draw_heading(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &picture->frame;
	double x = frame->x + frame->width_px - rend_heat_legend_px(picture->max_text);
	rend_scene_text(scene, &(struct rend_text){
				       .x = frame->x,
				       .y = y + 13,
				       .text = picture->heading,
				       .font = REND_FONT_HEADING,
				       .max_px = frame->width_px,
			       });
	if (picture->has_legend_line)
		rend_heat_legend(scene, frame->x, y + LEGEND_LINE_PX, picture->max_text);
	else
		rend_heat_legend(scene, x, y, picture->max_text);
}

/* The sum of each column, above it. */
static void draw_column_sums(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_heat *heat = picture->heat;
	double bottom = y + picture->y - STRIP_GAP_PX;
	double max = rend_heat_ceiling(rend_heat_value(heat, heat->max_column, heat->column_ns));
	double gap_px = picture->cell_px >= 5 ? 1 : 0;
	char text[NUM_TEXT_BYTES + 16];
	rend_scene_rect(scene, REND_PANEL,
		(struct rend_rect){picture->x0, bottom - STRIP_PX, width_px(picture), STRIP_PX});
	for (uint32_t i = 0; i < heat->columns; i++) {
		double value = rend_heat_value(heat, heat->column_sums[i], heat->column_ns);
		double height = fmin(value / max, 1) * STRIP_PX;
		if (height > 0)
			rend_scene_rect(scene, REND_CPU,
				(struct rend_rect){picture->x0 + i * picture->cell_px,
					bottom - height, picture->cell_px - gap_px, height});
	}
	rend_heat_value_text(heat, max, text, sizeof(text));
	/* The unit is also at the colours. */
	if (rend_text_width_px(REND_FONT_SMALL, text) > picture->x0 - GAP_PX - picture->frame.x)
		snprintf(text, sizeof(text), "%.3g", max);
	rend_heat_small(scene, picture->x0 - GAP_PX, bottom - STRIP_PX + 9, text, REND_ANCHOR_END,
		picture->x0 - GAP_PX - picture->frame.x);
	rend_heat_small(scene, picture->x0 - GAP_PX, bottom, "0", REND_ANCHOR_END, 0);
}

/* The sum of each row, beside it. */
static void draw_row_sums(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_heat *heat = picture->heat;
	double x = picture->x0 + width_px(picture) + GAP_PX;
	double gap_px = heat->threads != NULL ? 1 : 0;
	rend_heat_small(scene, x, y + picture->y - STRIP_GAP_PX, "sum", REND_ANCHOR_START,
		picture->sums_px);
	for (uint32_t i = 0; heat->max_row > 0 && i < row_count(heat); i++) {
		double share = fmin((double)heat->row_sums[i] / (double)heat->max_row, 1);
		bool is_line = heat->threads != NULL;
		rend_scene_rect(scene, REND_CPU,
			(struct rend_rect){x, y + picture->y + row_y(picture, i, is_line ? 0 : i),
				fmax(share * picture->sums_px, share > 0 ? 0.5 : 0),
				picture->row_px - gap_px});
	}
}

/* Times within a column, beside its rows. */
static void draw_offsets(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_heat *heat = picture->heat;
	double height = heat->rows * picture->row_px;
	uint32_t parts = rend_heat_offset_parts(heat->column_ns);
	char text[NUM_TEXT_BYTES];
	for (uint32_t i = 0; i <= parts; i++) {
		num_duration(text, heat->column_ns * i / parts);
		rend_heat_small(scene, picture->x0 - GAP_PX,
			round(y + picture->y + height - height * i / parts +
				(i == 0		     ? 0
					: i == parts ? 8
						     : 4)),
			text, REND_ANCHOR_END, picture->x0 - GAP_PX - picture->frame.x);
	}
}

static void draw_names(const struct picture *picture, struct rend_scene *scene, double y)
{
	char name[160];
	for (uint32_t line = 0; line < picture->heat->lines; line++) {
		rend_heat_line_name(picture->heat, line, name, sizeof(name));
		rend_scene_text(
			scene, &(struct rend_text){
				       .x = picture->x0 - GAP_PX,
				       .y = y + picture->y + row_y(picture, line, 0) + LINE_PX - 5,
				       .text = name,
				       .font = REND_FONT_LABEL,
				       .anchor = REND_ANCHOR_END,
				       .max_px = picture->x0 - GAP_PX - picture->frame.x,
				       .ellipsis = REND_ELLIPSIS_MIDDLE,
			       });
	}
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct picture *picture = state;
	const struct rend_heat *heat = picture->heat;
	double bottom = y + picture->y + row_count(heat) * picture->row_px;
	struct rend_time_axis axis = {
		.origin_ns = picture->model->origin_ns,
		.begin_ns = heat->begin_ns,
		.end_ns = heat->begin_ns + heat->columns * heat->column_ns,
		.x0 = picture->x0,
		.x1 = picture->x0 + width_px(picture),
	};
	rend_scene_group(scene, picture->heading);
	draw_heading(picture, scene, y);
	draw_column_sums(picture, scene, y);
	draw_panel(picture, scene, y);
	for (int level = 1; level <= REND_HEAT_LEVELS; level++)
		draw_level(picture, scene, y, level);
	rend_scene_rect(
		scene, REND_TREE, (struct rend_rect){axis.x0, bottom, axis.x1 - axis.x0, 1});
	draw_row_sums(picture, scene, y);
	if (heat->threads != NULL)
		draw_names(picture, scene, y);
	else
		draw_offsets(picture, scene, y);
	rend_time_labels(scene, &axis, bottom + 17);
	if (picture->unplaced[0] != '\0')
		rend_heat_small(scene, picture->frame.x, bottom + TIME_PX + 12, picture->unplaced,
			REND_ANCHOR_START, picture->frame.width_px);
	add_items(picture, scene, y);
	rend_scene_group_end(scene);
}

const struct rend_view rend_view_heat = {
	.name = "heat",
	.summary = "when it was busy: columns of time in rows, or threads",
	.draws_stacks = true,
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.text = rend_heat_write_text,
};
