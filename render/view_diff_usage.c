/*
 * What was used over time by two recordings, one over the other from second 0 on: before as an
 * area, after as a line.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cells.h"
#include "diff_text.h"
#include "num.h"
#include "plot.h"
#include "text.h"
#include "usage_panels.h"
#include "view.h"

#define LEFT_PX	     150
#define RIGHT_PX     90
#define HEADING_PX   26
#define PANEL_PX     96
#define PANEL_GAP_PX 18
#define AXIS_PX	     22
#define HEADROOM     1.08
#define NAME_GAP_PX  12
#define NARROW_PX    130 /* a gutter with less room has shorter words */
#define PART_PANELS  2	 /* of a larger picture: CPU and memory */
#define NAME_COLUMNS 24
#define PEAK_COLUMNS 18

/* One chart: what both sides have under one name. */
struct pair {
	const struct rend_panel *panels[TFMT_SIDE_COUNT]; /* before may be NULL */
	double top;
};

struct diff_usage {
	const struct rend_diff *diff;
	struct rend_frame frame;
	struct rend_time_axis axis;
	struct rend_panel panels[TFMT_SIDE_COUNT][REND_MAX_PANELS];
	struct pair pairs[REND_MAX_PANELS];
	size_t count;
};

static uint64_t length_ns(const struct rend_model *model)
{
	return model->end_ns - model->begin_ns;
}

/* The part of the axis that a side takes, which is as long as the longer one. */
static double part_of(const struct rend_diff *diff, enum tfmt_side side)
{
	uint64_t longest = 0;
	for (int each = 0; each < TFMT_SIDE_COUNT; each++)
		if (length_ns(diff->models[each]) > longest)
			longest = length_ns(diff->models[each]);
	return (double)length_ns(diff->models[side]) / (double)longest;
}

static bool has_data(const struct rend_model *model)
{
	for (int side = 0; model->diff != NULL && side < TFMT_SIDE_COUNT; side++)
		if (!rend_view_usage.has_data(model->diff->models[side]))
			return false;
	return model->diff != NULL;
}

static void make_pairs(struct diff_usage *usage)
{
	size_t counts[TFMT_SIDE_COUNT];
	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		counts[side] = rend_usage_panels(usage->diff->models[side], usage->panels[side]);
	for (size_t i = 0; i < counts[TFMT_AFTER]; i++) {
		const struct rend_panel *after = &usage->panels[TFMT_AFTER][i];
		struct pair pair = {.panels = {NULL, after}, .top = after->top};
		for (size_t k = 0; k < counts[TFMT_BEFORE]; k++) {
			const struct rend_panel *before = &usage->panels[TFMT_BEFORE][k];
			if (strcmp(before->metric, after->metric) != 0)
				continue;
			pair.panels[TFMT_BEFORE] = before;
			pair.top = fmax(pair.top, before->top);
		}
		usage->pairs[usage->count++] = pair;
	}
	if (usage->frame.is_part && usage->count > PART_PANELS)
		usage->count = PART_PANELS;
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct diff_usage *usage = calloc(1, sizeof(*usage));
	if (usage == NULL)
		return TFMT_E_NOMEM;
	usage->diff = model->diff;
	usage->frame = *frame;
	usage->axis = frame->axis;
	usage->axis.end_ns = usage->axis.begin_ns + (uint64_t)((double)length_ns(model) /
							       part_of(model->diff, TFMT_AFTER));
	make_pairs(usage);
	*ret_state = usage;
	return 0;
}

static double height_px(const void *state)
{
	const struct diff_usage *usage = state;
	return HEADING_PX + (double)usage->count * (PANEL_PX + PANEL_GAP_PX) - PANEL_GAP_PX +
	       AXIS_PX;
}

static void draw_scale(
	struct rend_scene *scene, const struct rend_plot *plot, const struct pair *pair)
{
	enum rend_panel_unit unit = pair->panels[TFMT_AFTER]->unit;
	for (int i = 0; i < 3; i++) {
		double value = pair->top * i / 2;
		double y = floor(plot->y + plot->height * (1 - value / plot->max));
		char text[NUM_TEXT_BYTES] = "0";
		if (unit == REND_PANEL_COUNT && value != floor(value))
			continue;
		rend_scene_rect(
			scene, REND_GRID, (struct rend_rect){plot->x0, y, plot->x1 - plot->x0, 1});
		if (value > 0)
			rend_panel_text(text, unit, value);
		rend_scene_text(scene, &(struct rend_text){.x = plot->x1 + 10,
					       .y = y + 4,
					       .text = text,
					       .font = REND_FONT_SMALL,
					       .role = REND_MUTED});
	}
}

static void draw_names(
	struct rend_scene *scene, const struct rend_plot *plot, const struct pair *pair)
{
	static const char *const sides[] = {"before: max ", "after: max "};
	static const char *const narrow_sides[] = {"max ", "\u2192 "};
	const bool is_narrow = plot->x0 - REND_MARGIN_PX < NARROW_PX;
	char number[NUM_TEXT_BYTES], line[64];
	struct rend_text text = {
		.x = plot->x0 - NAME_GAP_PX,
		.y = plot->y + 26,
		.text = pair->panels[TFMT_AFTER]->name,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
		.max_px = plot->x0 - NAME_GAP_PX - REND_MARGIN_PX,
	};
	rend_scene_text(scene, &text);
	text.font = REND_FONT_SMALL;
	text.role = REND_MUTED;
	text.text = line;
	text.y += 3;
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		const struct rend_panel *panel = pair->panels[side];
		text.y += 14;
		snprintf(line, sizeof(line), "%s%s", is_narrow ? narrow_sides[side] : sides[side],
			panel != NULL && rend_series_has_values(panel->series)
				? rend_panel_text(number, panel->unit, panel->peak)
				: "n/a");
		rend_scene_text(scene, &text);
	}
}

static void draw_side(struct rend_scene *scene, const struct rend_panel *panel,
	struct rend_plot plot, enum tfmt_side side)
{
	bool is_rate = rend_panel_is_rate(panel);
	enum rend_role role = panel->role == REND_MEMORY_AREA ? REND_MEMORY : panel->role;
	if (side == TFMT_BEFORE && is_rate)
		rend_plot_area(scene, &plot, REND_BEFORE, panel->series, NULL);
	else if (side == TFMT_BEFORE)
		rend_plot_peaks(scene, &plot, REND_BEFORE, panel->series);
	else if (is_rate)
		rend_plot_means(scene, &plot, role, panel->series);
	else
		rend_plot_line(scene, &plot, role, panel->series);
}

static void draw_pair(
	const struct diff_usage *usage, struct rend_scene *scene, const struct pair *pair, double y)
{
	const struct rend_diff *diff = usage->diff;
	const struct rend_panel *after = pair->panels[TFMT_AFTER];
	const struct rend_time_axis *axis = &usage->axis;
	struct rend_plot plot = {
		.x0 = axis->x0,
		.x1 = axis->x1,
		.y = y,
		.height = PANEL_PX,
		.max = pair->top * HEADROOM,
	};
	struct rend_rect rect = {plot.x0, y, plot.x1 - plot.x0, PANEL_PX};
	rend_scene_group(scene, after->title);
	rend_scene_rect(scene, REND_PANEL, rect);
	rend_time_grid(scene, axis, y, y + PANEL_PX);
	draw_scale(scene, &plot, pair);
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		struct rend_plot part = plot;
		part.x1 = plot.x0 + (plot.x1 - plot.x0) * part_of(diff, (enum tfmt_side)side);
		part.columns = diff->models[side]->bin_count;
		part.limit =
			after->unit == REND_PANEL_CORES ? diff->models[side]->header->cpu_count : 0;
		if (pair->panels[side] != NULL)
			draw_side(scene, pair->panels[side], part, (enum tfmt_side)side);
	}
	draw_names(scene, &plot, pair);
	rend_scene_item(scene, &(struct rend_item){.rect = rect, .title = after->title});
	rend_scene_group_end(scene);
}

/* What is which: at the right end of the heading's line. */
static void draw_legend(const struct diff_usage *usage, struct rend_scene *scene, double y)
{
	struct rend_text text = {
		.x = usage->axis.x1,
		.y = y,
		.text = "after",
		.font = REND_FONT_SMALL,
		.role = REND_MUTED,
		.anchor = REND_ANCHOR_END,
	};
	text.x -= rend_scene_text(scene, &text) + 6;
	rend_scene_rect(scene, REND_CPU, (struct rend_rect){text.x - 9, y - 4, 9, 2});
	rend_scene_rect(scene, REND_MEMORY, (struct rend_rect){text.x - 18, y - 4, 9, 2});
	text.x -= 18 + 16;
	text.text = "before";
	text.x -= rend_scene_text(scene, &text) + 6;
	rend_scene_rect(scene, REND_BEFORE, (struct rend_rect){text.x - 14, y - 8, 14, 9});
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct diff_usage *usage = state;
	rend_section(scene, usage->frame.x, y + 13, "Usage");
	draw_legend(usage, scene, y + 13);
	y += HEADING_PX;
	for (size_t i = 0; i < usage->count; i++) {
		draw_pair(usage, scene, &usage->pairs[i], y);
		y += PANEL_PX + PANEL_GAP_PX;
	}
	rend_time_labels(scene, &usage->axis, y - PANEL_GAP_PX + 17);
}

static void put_pair(
	const struct rend_diff *diff, const struct pair *pair, int columns, FILE *stream)
{
	static const char *const sides[] = {"before", "after"};
	char name[64], peak[NUM_TEXT_BYTES];
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		const struct rend_panel *panel = pair->panels[side];
		int part = (int)fmax(columns * part_of(diff, (enum tfmt_side)side), 1);
		snprintf(name, sizeof(name), "%.50s %s", pair->panels[TFMT_AFTER]->name,
			sides[side]);
		rend_put_cell(stream, name, NAME_COLUMNS);
		if (panel == NULL || !rend_series_has_values(panel->series)) {
			fprintf(stream, "n/a\n");
			continue;
		}
		rend_put_sparkline(stream, panel->series, diff->models[side]->bin_count,
			fmax(pair->top, 1e-9), part);
		fprintf(stream, "%*s  max %s\n", columns - part, "",
			rend_panel_text(peak, panel->unit, panel->peak));
	}
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct diff_usage *usage = calloc(1, sizeof(*usage));
	if (usage == NULL)
		return TFMT_E_NOMEM;
	usage->diff = model->diff;
	make_pairs(usage);
	rend_diff_put_head(model->diff, frame->columns, stream);
	for (size_t i = 0; i < usage->count; i++)
		put_pair(model->diff, &usage->pairs[i],
			frame->columns - NAME_COLUMNS - PEAK_COLUMNS, stream);
	free(usage);
	return 0;
}

const struct rend_view rend_view_diff_usage = {
	.name = "usage",
	.summary = "CPU, memory and the like over time, of two recordings",
	.has_data = has_data,
	.missing = "One of the recordings has no metrics: `trec --interval 100ms` records them.",
	.left_px = LEFT_PX,
	.right_px = RIGHT_PX,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = free,
	.text = write_text,
};
