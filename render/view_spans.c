/* Calls and scopes as bars over time, a lane for each name, and what they add up to. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_label.h"
#include "language_mark.h"
#include "legend.h"
#include "num.h"
#include "span_lanes.h"
#include "spans_table.h"
#include "strips_part.h"
#include "view.h"

#define LEFT_PX	       170
#define RIGHT_PX       86
#define STRIPS_GAP_PX  26
#define ROW_PX	       18 /* of which a bar leaves some for what stands above it */
#define BAR_PX	       14
#define LANE_GAP_PX    6
#define MIN_BAR_PX     0.5
#define THIN_BAR_PX    1.2 /* to be seen */
#define GAP_PX	       0.6
#define AXIS_PX	       26
#define NOTE_PX	       18
#define NOTE_GAP_PX    24
#define LEGEND_MIN_PX  240 /* with less room beside the note it has a line of its own */
#define SECTION_GAP_PX 34
#define INDENT_PX      10
#define MAX_INDENT     5
#define NAME_GAP_PX    10
#define LABEL_GAP_PX   5
#define FADE_PX	       72 /* in which what has no end fades */
#define FADE_STEPS     12
#define TRIANGLE_PX    4
#define MANY_LANES     12 /* more than these have fewer rows each */
#define FEW_ROWS       2
#define MIN_LANES      3
#define PART_LANES     6
#define TITLE_BYTES    1400

struct gantt {
	const struct rend_model *model;
	struct rend_frame frame;
	struct rend_span_table table;
	struct rend_span_lanes lanes;
	struct rend_legend legend;
	size_t label_count;
	void *strips;	  /* NULL in a report */
	size_t row_count; /* of the table */
	char note[200];	  /* what is not drawn */
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.span_count > 0;
}

static double strips_px(const struct gantt *gantt)
{
	return rend_strips_part_px(gantt->strips, STRIPS_GAP_PX);
}

static double lane_px(const struct rend_lane *lane)
{
	return (lane->row_count > 0 ? lane->row_count : 1) * ROW_PX;
}

static double lanes_px(const struct gantt *gantt)
{
	double height_px = 0;
	for (size_t i = 0; i < gantt->lanes.count; i++)
		height_px += lane_px(&gantt->lanes.lanes[i]) + (i > 0 ? LANE_GAP_PX : 0);
	return height_px;
}

static double table_px(const struct gantt *gantt)
{
	return gantt->row_count > 0 ? SECTION_GAP_PX + rend_spans_table_height_px(gantt->row_count)
				    : 0;
}

/* One colour needs no words. */
static bool has_legend(const struct gantt *gantt)
{
	return !gantt->frame.is_part && gantt->legend.count > 1;
}

static bool has_two_lines(const struct gantt *gantt)
{
	const struct rend_frame *frame = &gantt->frame;
	double note_px = rend_text_width_px(REND_FONT_SMALL, gantt->note);
	return has_legend(gantt) && note_px > 0 &&
	       frame->x + frame->width_px - frame->axis.x0 - note_px - NOTE_GAP_PX < LEGEND_MIN_PX;
}

static double foot_px(const struct gantt *gantt)
{
	int lines = has_two_lines(gantt) ? 2 : gantt->note[0] != '\0' || has_legend(gantt) ? 1 : 0;
	return lines * NOTE_PX;
}

static double height_px(const void *state)
{
	const struct gantt *gantt = state;
	return strips_px(gantt) + lanes_px(gantt) + (gantt->frame.is_part ? 0 : AXIS_PX) +
	       foot_px(gantt) + table_px(gantt);
}

static void make_note(struct gantt *gantt)
{
	uint64_t hidden = 0;
	size_t length = 0;
	char count[NUM_TEXT_BYTES];
	for (size_t i = 0; i < gantt->lanes.count; i++)
		hidden += gantt->lanes.lanes[i].hidden_count;
	gantt->note[0] = '\0';
	if (gantt->lanes.count < gantt->table.count && !gantt->frame.is_part)
		length = (size_t)snprintf(gantt->note, sizeof(gantt->note),
			"the %zu of %s names with most time", gantt->lanes.count,
			num_count(count, gantt->table.count));
	if (hidden > 0)
		snprintf(gantt->note + length, sizeof(gantt->note) - length,
			length > 0 ? ", %s overlapping not drawn"
				   : "%s that overlap others are not drawn",
			num_count(count, hidden));
}

static int make_lanes(struct gantt *gantt, struct rend_model *model, size_t max_lanes)
{
	const struct rend_time_axis *axis = &gantt->frame.axis;
	double ns_per_px = (double)(axis->end_ns - axis->begin_ns) / fmax(axis->x1 - axis->x0, 1);
	size_t max_items = gantt->frame.max_items > 0 ? gantt->frame.max_items : REND_MAX_ITEMS;
	struct rend_lane_options options = {
		.max_lanes = max_lanes,
		.max_rows = gantt->frame.is_part || gantt->table.count > MANY_LANES
				    ? FEW_ROWS
				    : REND_MAX_LANE_ROWS,
		.scopes_only = gantt->frame.is_part,
		.min_ns = (uint64_t)fmax(ns_per_px * MIN_BAR_PX, 1),
		/* The rows of the table, and what fades, are items too. */
		.max_bars = max_items / 2,
	};
	rend_span_lanes_release(&gantt->lanes);
	int status = rend_span_lanes_init(&gantt->lanes, model, &gantt->table, &options);
	gantt->row_count = gantt->frame.is_part ? 0 : gantt->lanes.count;
	make_note(gantt);
	return status;
}

/* As many lanes and rows of the table as fit. */
static int fit_lanes(struct gantt *gantt, struct rend_model *model)
{
	const double room_px = gantt->frame.max_height_px;
	int status = make_lanes(gantt, model, gantt->frame.is_part ? PART_LANES : REND_MAX_LANES);
	while (status == 0 && room_px > 0 && height_px(gantt) > room_px &&
		gantt->lanes.count > MIN_LANES) {
		double excess = height_px(gantt) / room_px;
		size_t fewer = (size_t)((double)gantt->lanes.count / excess);
		if (fewer >= gantt->lanes.count)
			fewer = gantt->lanes.count - 1;
		status = make_lanes(gantt, model, fewer > MIN_LANES ? fewer : MIN_LANES);
	}
	return status;
}

static void make_legend(struct gantt *gantt)
{
	for (size_t i = 0; i < gantt->lanes.count; i++) {
		const struct rend_span_row *row = gantt->lanes.lanes[i].row;
		struct tfmt_location location = rend_span_location(&gantt->table.names, row->what);
		rend_legend_add(&gantt->legend,
			rend_span_role(gantt->model, &gantt->table.names, row->what), &location,
			(double)row->total_ns);
	}
}

static void release(void *state)
{
	struct gantt *gantt = state;
	if (gantt == NULL)
		return;
	rend_strips_part_free(gantt->strips);
	rend_span_lanes_release(&gantt->lanes);
	rend_span_table_release(&gantt->table);
	free(gantt);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct gantt *gantt = calloc(1, sizeof(*gantt));
	if (gantt == NULL)
		return TFMT_E_NOMEM;
	gantt->model = model;
	gantt->frame = *frame;
	int status = rend_span_table_init(&gantt->table, model);
	if (status == 0)
		status = rend_strips_part_new(model, frame, &gantt->strips);
	if (status == 0)
		status = fit_lanes(gantt, model);
	if (status < 0) {
		release(gantt);
		return status;
	}
	make_legend(gantt);
	*ret_state = gantt;
	return 0;
}

static void bar_title(const struct gantt *gantt, const struct rend_lane *lane,
	const struct rend_bar *bar, char *text, size_t size)
{
	const struct rend_model *model = gantt->model;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(model->trace, bar->thread);
	struct tfmt_location location = rend_span_location(&gantt->table.names, lane->row->what);
	char begin[NUM_TEXT_BYTES], length[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	char busy[NUM_TEXT_BYTES];
	num_duration(
		begin, bar->begin_ns > model->origin_ns ? bar->begin_ns - model->origin_ns : 0);
	num_duration(length, bar->end_ns - bar->begin_ns);
	num_duration(busy, bar->busy_ns);
	if (bar->count > 1)
		snprintf(text, size, "%.400s\n%s times from %s, for %s, in all %s%s",
			location.function, num_count(count, bar->count), begin, length, busy,
			bar->is_failed ? "\nan exception" : "");
	else
		snprintf(text, size, "%.400s\nfrom %s, for %s%s%s\nthread %u %.100s",
			location.function, begin, length, bar->is_open ? ", without an end" : "",
			bar->is_failed ? "\nleft by an exception" : "", (unsigned)thread->tid,
			tfmt_trace_text(model->trace, thread->name));
}

/* A triangle above the end of what an exception has left. */
static void draw_failure(struct rend_scene *scene, double x, double y)
{
	const struct rend_point points[] = {
		{x - TRIANGLE_PX, y - TRIANGLE_PX - 0.5},
		{x + TRIANGLE_PX, y - TRIANGLE_PX - 0.5},
		{x, y + 0.5},
	};
	rend_scene_area(scene, REND_WARNING, points, 3);
}

/* What has no end fades towards where its thread ends. */
static void draw_fading(struct rend_scene *scene, struct rend_item item)
{
	/* Steps on whole pixels, or their edges would be seen. */
	double step_px = fmax(floor(fmin(FADE_PX, item.rect.width / 2) / FADE_STEPS), 1);
	double right = floor(item.rect.x + item.rect.width);
	item.rect.width = fmax(right - FADE_STEPS * step_px - item.rect.x, 0);
	if (item.rect.width > 0)
		rend_scene_item(scene, &item);
	item.rect.x = right - FADE_STEPS * step_px;
	item.rect.width = step_px;
	item.label = NULL;
	for (int i = 0; i < FADE_STEPS; i++) {
		item.fade = (i + 0.5) / FADE_STEPS;
		rend_scene_item(scene, &item);
		item.rect.x += step_px;
	}
}

/* `next_x`: where the next one begins. */
static void draw_bar(struct gantt *gantt, struct rend_scene *scene, const struct rend_lane *lane,
	const struct rend_bar *bar, double y, double next_x)
{
	const struct rend_time_axis *axis = &gantt->frame.axis;
	struct tfmt_location location = rend_span_location(&gantt->table.names, lane->row->what);
	char title[TITLE_BYTES], label[NUM_TEXT_BYTES + 8], number[NUM_TEXT_BYTES];
	double x = rend_time_x_clamped(axis, bar->begin_ns);
	double width_px = fmax(rend_time_x_clamped(axis, bar->end_ns) - x, MIN_BAR_PX);
	struct rend_item item = {
		.rect = {x, y, fmax(width_px - GAP_PX, THIN_BAR_PX), BAR_PX},
		.fill = rend_span_role(gantt->model, &gantt->table.names, lane->row->what),
		.is_hatched = bar->count > 1,
		.title = title,
	};
	if (bar->count > 1)
		snprintf(label, sizeof(label), "× %s", num_count(number, bar->count));
	else
		num_duration(label, bar->end_ns - bar->begin_ns);
	double label_px = rend_text_width_px(REND_FONT_LABEL, label);
	bool is_inside =
		label_px + 2 * REND_LABEL_INSET_PX <= width_px - (bar->is_open ? FADE_PX : 0);
	bool has_room = gantt->label_count < REND_MAX_LABELS / 2;
	item.label = is_inside && has_room ? label : NULL;
	bar_title(gantt, lane, bar, title, sizeof(title));
	if (bar->count == 1)
		rend_language_mark(scene, rend_model_language(&location), &item.rect);
	if (bar->is_open)
		draw_fading(scene, item);
	else
		rend_scene_item(scene, &item);
	if (bar->is_failed)
		draw_failure(scene, x + width_px, y);
	if (!is_inside && has_room && !bar->is_open &&
		x + width_px + label_px + 2 * LABEL_GAP_PX <= next_x)
		rend_scene_text(scene, &(struct rend_text){
					       .x = x + width_px + LABEL_GAP_PX,
					       .y = rend_label_baseline(item.rect),
					       .text = label,
					       .font = REND_FONT_LABEL,
					       .role = REND_MUTED,
				       });
	else if (!item.label)
		return;
	gantt->label_count++;
}

static void draw_lane(
	struct gantt *gantt, struct rend_scene *scene, const struct rend_lane *lane, double y)
{
	const struct rend_frame *frame = &gantt->frame;
	struct tfmt_location location = rend_span_location(&gantt->table.names, lane->row->what);
	uint32_t depth = lane->depth < MAX_INDENT ? lane->depth : MAX_INDENT;
	double name_x = frame->x + depth * fmin(INDENT_PX, (frame->axis.x0 - frame->x) / 12);
	double name_px = frame->axis.x0 - name_x - NAME_GAP_PX;
	char name[512], title[TITLE_BYTES];
	rend_span_title(&gantt->table, lane->row, title, sizeof(title));
	rend_location_label(REND_FONT_BODY, &location, "", name_px, name, sizeof(name));
	rend_scene_group(scene, title);
	rend_scene_text(scene, &(struct rend_text){
				       .x = name_x,
				       .y = y + 12,
				       .text = name,
				       .font = lane->depth == 0 ? REND_FONT_STRONG : REND_FONT_BODY,
				       .max_px = name_px,
				       .ellipsis = REND_ELLIPSIS_MIDDLE,
			       });
	for (uint32_t row = 0; row < lane->row_count; row++) {
		const struct rend_bar_row *bars = &lane->rows[row];
		for (size_t i = 0; i < bars->count; i++) {
			double next_x = i + 1 < bars->count ? rend_time_x_clamped(&frame->axis,
								      bars->bars[i + 1].begin_ns)
							    : frame->x + frame->width_px;
			draw_bar(gantt, scene, lane, &bars->bars[i], y + row * ROW_PX, next_x);
		}
	}
	rend_scene_group_end(scene);
}

/* What is not drawn, and what the colours mean: side by side, or below one another. */
static void draw_foot(const struct gantt *gantt, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &gantt->frame;
	const double right = frame->x + frame->width_px;
	bool is_wide = rend_text_width_px(REND_FONT_SMALL, gantt->note) > right - frame->axis.x0;
	double x = has_two_lines(gantt) || is_wide ? frame->x : frame->axis.x0;
	rend_scene_text(scene, &(struct rend_text){
				       .x = x,
				       .y = y + 14,
				       .text = gantt->note,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .max_px = right - x,
			       });
	if (!has_legend(gantt))
		return;
	if (has_two_lines(gantt))
		y += NOTE_PX;
	else
		x = fmax(x, frame->axis.x1 - rend_legend_width_px(&gantt->legend, right - x));
	rend_legend_draw(&gantt->legend, scene, x, y + 14, right - x);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	struct gantt gantt = *(const struct gantt *)state;
	const struct rend_frame *frame = &gantt.frame;
	if (!frame->is_part)
		rend_time_grid(
			scene, &frame->axis, y, y + strips_px(&gantt) + lanes_px(&gantt) + 6);
	rend_strips_part_draw(gantt.strips, scene, y);
	y += strips_px(&gantt);
	rend_scene_section(scene, y, "Calls and scopes");
	for (size_t i = 0; i < gantt.lanes.count; i++) {
		draw_lane(&gantt, scene, &gantt.lanes.lanes[i], y);
		y += lane_px(&gantt.lanes.lanes[i]) + (i + 1 < gantt.lanes.count ? LANE_GAP_PX : 0);
	}
	if (!frame->is_part) {
		rend_time_labels(scene, &frame->axis, y + 20);
		y += AXIS_PX;
	}
	draw_foot(&gantt, scene, y);
	y += foot_px(&gantt);
	rend_spans_table_draw(gantt.model, &gantt.table, gantt.row_count, scene,
		(struct rend_rect){frame->x, y + SECTION_GAP_PX, frame->width_px, 0});
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct rend_span_table table;
	int status = rend_span_table_init(&table, model);
	if (status < 0)
		return status;
	rend_spans_table_write(model, &table, frame, stream);
	rend_span_table_release(&table);
	return 0;
}

const struct rend_view rend_view_spans = {
	.name = "spans",
	.summary = "calls and scopes as bars over time, and what they add up to",
	.is_listing = true,
	.has_data = has_data,
	.missing = REND_NO_SPANS,
	.left_px = LEFT_PX,
	.right_px = RIGHT_PX,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.text = write_text,
};
