/*
 * How long calls, scopes or waits of a name took, over time: columns of time, rows of durations on
 * a scale of powers. What the view heat is with --latency.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "heat.h"
#include "heat_parts.h"
#include "latency.h"
#include "latency_text.h"
#include "num.h"
#include "view.h"

#define HEADING_PX     26
#define FACTS_PX       18
#define LEGEND_LINE_PX 20
#define STRIP_PX       32
#define STRIP_GAP_PX   10
#define TIME_PX	       22
#define LEFT_PX	       58
#define RIGHT_PX       78 /* the names of the lines */
#define GAP_PX	       8
#define MIN_CELL_PX    4
#define MIN_COLUMNS    40
#define MAX_CELLS      5000 /* each can be pointed at */
#define DEFAULT_ROWS   40
#define ROWS_PX	       320
#define MAX_ROW_PX     16
#define MIN_ROW_PX     4
#define LABEL_PX       13 /* between texts one above the other */
#define EMPTY_PX       120

struct picture {
	struct rend_model *model;
	struct rend_frame frame;
	struct rend_latency *latency;
	struct rend_latency_rows rows;
	double x0, y; /* the corner of the cells, from the upper edge of the view */
	double cell_px, row_px;
	double max;
	bool has_legend_line;
	char heading[300], facts[160], max_text[NUM_TEXT_BYTES];
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.span_count > 0 || model->totals.wait_ns > 0;
}

static void release(void *state)
{
	struct picture *picture = state;
	if (picture != NULL)
		rend_latency_free(picture->latency);
	free(picture);
}

static void set_texts(struct picture *picture)
{
	const struct rend_latency *latency = picture->latency;
	picture->max = rend_heat_ceiling((double)rend_latency_max(latency, &picture->rows));
	snprintf(picture->max_text, sizeof(picture->max_text), "%.6g", picture->max);
	rend_latency_heading(latency, picture->heading, sizeof(picture->heading));
	rend_latency_facts(latency, picture->facts, sizeof(picture->facts));
	picture->has_legend_line = rend_text_width_px(REND_FONT_HEADING, picture->heading) + 20 +
					   rend_heat_legend_px(picture->max_text) >
				   picture->frame.width_px;
	picture->y = HEADING_PX + FACTS_PX + STRIP_PX + STRIP_GAP_PX +
		     (picture->has_legend_line ? LEGEND_LINE_PX : 0);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct picture *picture = calloc(1, sizeof(*picture));
	if (picture == NULL)
		return TFMT_E_NOMEM;
	uint32_t max_rows = model->heat.rows > 0 ? model->heat.rows : DEFAULT_ROWS;
	double width_px = frame->width_px - LEFT_PX - RIGHT_PX;
	struct rend_heat_size size = {
		.max_columns = (uint32_t)(width_px / MIN_CELL_PX), .min_columns = MIN_COLUMNS};
	if (size.max_columns > MAX_CELLS / max_rows)
		size.max_columns = MAX_CELLS / max_rows;
	if (size.min_columns > size.max_columns)
		size.min_columns = size.max_columns;
	picture->model = model;
	picture->frame = *frame;
	picture->x0 = frame->x + LEFT_PX;
	int status = rend_latency_new(model, model->heat.latency, &size, &picture->latency);
	if (status < 0) {
		release(picture);
		return status;
	}
	picture->rows = rend_latency_rows(picture->latency, max_rows);
	set_texts(picture);
	double room_px = ROWS_PX;
	if (frame->max_height_px > 0)
		room_px = fmin(room_px, frame->max_height_px - picture->y - TIME_PX);
	picture->cell_px = floor(width_px / picture->latency->columns);
	picture->row_px = fmax(fmin(floor(room_px / picture->rows.rows), MAX_ROW_PX), MIN_ROW_PX);
	*ret_state = picture;
	return 0;
}

static double height_px(const void *state)
{
	const struct picture *picture = state;
	if (picture->latency->total == 0)
		return EMPTY_PX;
	return picture->y + picture->rows.rows * picture->row_px + TIME_PX;
}

static double width_px(const struct picture *picture)
{
	return picture->latency->columns * picture->cell_px;
}

static double bottom_y(const struct picture *picture, double y)
{
	return y + picture->y + picture->rows.rows * picture->row_px;
}

/* Where a duration is: longer is higher. */
static double duration_y(const struct picture *picture, double y, double duration_ns)
{
	double class = log2(fmax(duration_ns, 1)) * REND_LATENCY_SUBCLASSES;
	double rows = (class - picture->rows.first) / picture->rows.group;
	return bottom_y(picture, y) - rows * picture->row_px;
}

/* The colour lies under the lines of the percentiles, what can be pointed at above. */
static void draw_cell(const struct picture *picture, struct rend_scene *scene, double y,
	uint32_t column, uint32_t row)
{
	const struct rend_latency *latency = picture->latency;
	uint64_t count = rend_latency_count(latency, &picture->rows, column, row);
	char title[REND_LATENCY_TITLE_BYTES];
	if (count == 0)
		return;
	rend_latency_title(latency, &picture->rows, column, row, title);
	struct rend_rect rect = {
		picture->x0 + column * picture->cell_px,
		bottom_y(picture, y) - (row + 1) * picture->row_px,
		picture->cell_px,
		picture->row_px,
	};
	rend_scene_rect(scene, rend_heat_role((double)count / picture->max), rect);
	rend_scene_item(scene, &(struct rend_item){.rect = rect, .title = title});
}

/* How many there were in each column. */
static void draw_counts(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_latency *latency = picture->latency;
	const struct rend_latency_rows all = {.first = 0, .group = REND_LATENCY_CLASSES, .rows = 1};
	double bottom = y + picture->y - STRIP_GAP_PX;
	double max = rend_heat_ceiling((double)rend_latency_max(latency, &all));
	double gap_px = picture->cell_px >= 5 ? 1 : 0;
	char text[NUM_TEXT_BYTES];
	rend_scene_rect(scene, REND_PANEL,
		(struct rend_rect){picture->x0, bottom - STRIP_PX, width_px(picture), STRIP_PX});
	for (uint32_t i = 0; i < latency->columns; i++) {
		uint64_t count = rend_latency_count(latency, &all, i, 0);
		double height = (double)count / max * STRIP_PX;
		if (count > 0)
			rend_scene_rect(scene, REND_COUNT,
				(struct rend_rect){picture->x0 + i * picture->cell_px,
					bottom - height, picture->cell_px - gap_px, height});
	}
	snprintf(text, sizeof(text), "%.6g", max);
	rend_heat_small(
		scene, picture->x0 - GAP_PX, bottom - STRIP_PX + 9, text, REND_ANCHOR_END, LEFT_PX);
	rend_heat_small(scene, picture->x0 - GAP_PX, bottom, "0", REND_ANCHOR_END, 0);
}

/* Round durations: powers of ten, and between them where there is room. */
static void draw_durations(const struct picture *picture, struct rend_scene *scene, double y)
{
	double top = y + picture->y, bottom = bottom_y(picture, y);
	double decade_px = duration_y(picture, y, 1) - duration_y(picture, y, 10);
	static const double steps[] = {1, 2, 5};
	for (double power = 1; power < 1e19; power *= 10) {
		for (size_t i = 0; i < (decade_px > 4 * LABEL_PX ? 3 : 1); i++) {
			char text[NUM_TEXT_BYTES];
			double at = duration_y(picture, y, power * steps[i]);
			if (at < top - 1 || at > bottom + 1)
				continue;
			num_duration(text, (uint64_t)(power * steps[i]));
			rend_heat_small(scene, picture->x0 - GAP_PX, round(at + 4), text,
				REND_ANCHOR_END, LEFT_PX);
			rend_scene_rect(scene, REND_GRID,
				(struct rend_rect){picture->x0, round(at), width_px(picture), 1});
		}
	}
}

/* A line across, with its name and duration on the right. */
static void draw_percentile(const struct picture *picture, struct rend_scene *scene, double y,
	const char *name, uint64_t duration_ns)
{
	char text[64], duration[NUM_TEXT_BYTES];
	double at = round(duration_y(picture, y, (double)duration_ns)) + 0.5;
	double x1 = picture->x0 + width_px(picture);
	struct rend_point points[] = {{picture->x0, at}, {x1 + 4, at}};
	rend_scene_line(scene, REND_MEMORY, 1.6, true, points, 2);
	snprintf(text, sizeof(text), "%s %s", name, num_duration(duration, duration_ns));
	rend_scene_text(scene, &(struct rend_text){
				       .x = x1 + GAP_PX,
				       .y = at + 4,
				       .text = text,
				       .font = REND_FONT_SMALL,
				       .max_px = RIGHT_PX - GAP_PX,
			       });
}

static void draw_heading(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &picture->frame;
	double legend_px = rend_heat_legend_px(picture->max_text);
	rend_scene_text(scene, &(struct rend_text){
				       .x = frame->x,
				       .y = y + 13,
				       .text = picture->heading,
				       .font = REND_FONT_HEADING,
				       .max_px = frame->width_px,
			       });
	rend_scene_text(scene, &(struct rend_text){
				       .x = frame->x,
				       .y = y + 13 + FACTS_PX,
				       .text = picture->facts,
				       .font = REND_FONT_BODY,
				       .role = REND_MUTED,
				       .max_px = frame->width_px,
			       });
	if (picture->has_legend_line)
		rend_heat_legend(scene, frame->x, y + FACTS_PX + LEGEND_LINE_PX, picture->max_text);
	else
		rend_heat_legend(
			scene, frame->x + frame->width_px - legend_px, y, picture->max_text);
}

static void draw_empty(const struct picture *picture, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &picture->frame;
	char text[REND_LATENCY_TITLE_BYTES];
	rend_latency_missing(picture->latency, text, sizeof(text));
	rend_scene_rect(
		scene, REND_PANEL, (struct rend_rect){frame->x, y, frame->width_px, EMPTY_PX});
	rend_scene_text(scene, &(struct rend_text){
				       .x = frame->x + frame->width_px / 2,
				       .y = y + EMPTY_PX / 2 + 4,
				       .text = text,
				       .font = REND_FONT_BODY,
				       .role = REND_MUTED,
				       .anchor = REND_ANCHOR_MIDDLE,
				       .max_px = frame->width_px - 20,
			       });
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct picture *picture = state;
	const struct rend_latency *latency = picture->latency;
	double bottom = bottom_y(picture, y);
	struct rend_time_axis axis = {
		.origin_ns = picture->model->origin_ns,
		.begin_ns = latency->begin_ns,
		.end_ns = latency->begin_ns + latency->columns * latency->column_ns,
		.x0 = picture->x0,
		.x1 = picture->x0 + width_px(picture),
	};
	if (latency->total == 0) {
		draw_empty(picture, scene, y);
		return;
	}
	rend_scene_group(scene, picture->heading);
	draw_heading(picture, scene, y);
	draw_counts(picture, scene, y);
	rend_scene_rect(scene, REND_PANEL,
		(struct rend_rect){
			axis.x0, y + picture->y, axis.x1 - axis.x0, bottom - y - picture->y});
	draw_durations(picture, scene, y);
	rend_scene_rect(
		scene, REND_TREE, (struct rend_rect){axis.x0, bottom, axis.x1 - axis.x0, 1});
	rend_time_labels(scene, &axis, bottom + 17);
	for (uint32_t column = 0; column < latency->columns; column++) {
		for (uint32_t row = 0; row < picture->rows.rows; row++)
			draw_cell(picture, scene, y, column, row);
	}
	draw_percentile(picture, scene, y, "p50", latency->p50_ns);
	if (duration_y(picture, y, (double)latency->p50_ns) -
			duration_y(picture, y, (double)latency->p99_ns) >=
		LABEL_PX)
		draw_percentile(picture, scene, y, "p99", latency->p99_ns);
	rend_scene_group_end(scene);
}

const struct rend_view rend_view_latency = {
	.name = "heat",
	.summary = "how long calls, scopes or waits took",
	.is_listing = true,
	.has_data = has_data,
	.missing = "No calls, scopes or waits in this recording.",
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.text = rend_latency_write_text,
};
