/* What was used over time: CPU, memory and threads as charts one above the other. */
#include <math.h>
#include <stdlib.h>

#include "cells.h"
#include "facts.h"
#include "metrics.h"
#include "metrics_table.h"
#include "num.h"
#include "paragraph.h"
#include "plot.h"
#include "scopes_part.h"
#include "text.h"
#include "usage_panels.h"
#include "view.h"

#define LEFT_PX		 150
#define RIGHT_PX	 90
#define PANEL_PX	 110
#define PANEL_GAP_PX	 18
#define AXIS_PX		 22
#define HEADROOM	 1.2 /* of the scale, above its last tick: for the label of the peak */
#define PEAK_MARK_PX	 5
#define NAME_GAP_PX	 12
#define NAME_LINE_PX	 15
#define NAME_COLUMNS	 17
#define MAX_NAME_COLUMNS 30
#define PEAK_COLUMNS	 18

struct usage {
	const struct rend_model *model;
	struct rend_frame frame;
	struct rend_panel panels[REND_MAX_PANELS];
	size_t count;
	void *scopes; /* NULL: none */
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.has_cpu || model->totals.has_memory ||
	       rend_series_has_values(&model->machine_cpu) || model->metric_names != NULL;
}

static void release(void *state)
{
	struct usage *usage = state;
	if (usage == NULL)
		return;
	rend_scopes_part_free(usage->scopes);
	free(usage);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct usage *usage = calloc(1, sizeof(*usage));
	if (usage == NULL)
		return TFMT_E_NOMEM;
	usage->model = model;
	usage->frame = *frame;
	usage->count = rend_usage_panels(model, usage->panels);
	int status = rend_scopes_part_new(model, frame, &usage->scopes);
	if (status < 0)
		release(usage);
	else
		*ret_state = usage;
	return status;
}

static double height_px(const void *state)
{
	const struct usage *usage = state;
	return (double)usage->count * (PANEL_PX + PANEL_GAP_PX) - PANEL_GAP_PX +
	       rend_scopes_part_px(usage->scopes) + (usage->frame.is_part ? 0 : AXIS_PX);
}

/* Lines at the last tick and its half, with their values on the right. */
static void draw_scale(
	struct rend_scene *scene, const struct rend_plot *plot, const struct rend_panel *panel)
{
	static const double shares[] = {1, 0.5, 0};
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		double value = panel->top * shares[i];
		double y = floor(plot->y + plot->height * (1 - value / plot->max));
		char text[NUM_TEXT_BYTES];
		/* Half a thread says nothing. */
		if (panel->unit == REND_PANEL_COUNT && value != floor(value))
			continue;
		rend_scene_rect(
			scene, REND_GRID, (struct rend_rect){plot->x0, y, plot->x1 - plot->x0, 1});
		if (value > 0)
			rend_panel_text(text, panel->unit, value);
		else
			snprintf(text, sizeof(text), "0");
		rend_scene_text(scene, &(struct rend_text){
					       .x = plot->x1 + 10,
					       .y = y + 4,
					       .text = text,
					       .font = REND_FONT_SMALL,
					       .role = REND_MUTED,
				       });
	}
}

/* "n/a of 2 processes": whose values the sum does not have. */
static void draw_missing(
	struct rend_scene *scene, struct rend_text *text, const struct rend_panel *panel)
{
	char processes[REND_FACTS_BYTES], line[REND_FACTS_BYTES + 16];
	rend_facts_plural(processes, panel->missing_count, "process", "processes");
	snprintf(line, sizeof(line), "n/a of %s", processes);
	text->y += 14;
	text->text = line;
	rend_scene_text(scene, text);
}

static void draw_names(
	struct rend_scene *scene, const struct rend_plot *plot, const struct rend_panel *panel)
{
	char number[NUM_TEXT_BYTES], line[64];
	struct rend_text text = {
		.x = plot->x0 - NAME_GAP_PX,
		.y = plot->y + 30,
		.text = panel->name,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
		.max_px = plot->x0 - NAME_GAP_PX - REND_MARGIN_PX,
	};
	rend_paragraph(scene, &text, NAME_LINE_PX, 2, &text.y);
	if (!rend_series_has_values(panel->series))
		return;
	text.font = REND_FONT_SMALL;
	text.role = REND_MUTED;
	text.text = line;
	text.y += 17;
	snprintf(line, sizeof(line), "max %s", rend_panel_text(number, panel->unit, panel->peak));
	rend_scene_text(scene, &text);
	text.y += 14;
	snprintf(line, sizeof(line), "last %s", rend_panel_text(number, panel->unit, panel->last));
	rend_scene_text(scene, &text);
	if (panel->missing_count > 0)
		draw_missing(scene, &text, panel);
	if (panel->system == NULL || !rend_series_has_values(panel->system))
		return;
	text.y += 18;
	text.text = "user";
	double width_px = rend_scene_text(scene, &text);
	rend_scene_rect(
		scene, REND_CPU, (struct rend_rect){text.x - width_px - 13, text.y - 8, 9, 9});
	text.x -= width_px + 20;
	text.text = "system";
	width_px = rend_scene_text(scene, &text);
	rend_scene_rect(scene, REND_CPU_SYSTEM,
		(struct rend_rect){text.x - width_px - 13, text.y - 8, 9, 9});
}

/* The peak's value above it: the headroom keeps the curve away. */
static void draw_peak(const struct usage *usage, struct rend_scene *scene,
	const struct rend_plot *plot, const struct rend_panel *panel)
{
	const struct rend_model *model = usage->model;
	char number[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES], line[96];
	double x = plot->x0 + panel->peak_column / (double)plot->columns * (plot->x1 - plot->x0);
	double y = plot->y + plot->height * (1 - panel->peak / plot->max);
	uint64_t peak_ns = model->begin_ns - model->origin_ns +
			   (uint64_t)(panel->peak_column * (double)model->column_ns);
	if (panel->peak <= 0)
		return;
	snprintf(line, sizeof(line), "%s at %s", rend_panel_text(number, panel->unit, panel->peak),
		num_duration(time, peak_ns));
	if (rend_text_width_px(REND_FONT_SMALL, line) > plot->x1 - plot->x0 - 8)
		snprintf(line, sizeof(line), "%s", number);
	double half_px = rend_text_width_px(REND_FONT_SMALL, line) / 2;
	rend_scene_rect(scene, REND_TEXT,
		(struct rend_rect){x - PEAK_MARK_PX / 2.0, y - PEAK_MARK_PX / 2.0, PEAK_MARK_PX,
			PEAK_MARK_PX});
	rend_scene_text(
		scene, &(struct rend_text){
			       .x = fmin(fmax(x, plot->x0 + half_px + 4), plot->x1 - half_px - 4),
			       .y = y - 6,
			       .text = line,
			       .font = REND_FONT_SMALL,
			       .anchor = REND_ANCHOR_MIDDLE,
		       });
}

/* "n/a: permission denied" where the curve would be. */
static void draw_refusal(const struct usage *usage, struct rend_scene *scene,
	const struct rend_plot *plot, const struct rend_panel *panel)
{
	const char *reason = rend_metrics_reason(usage->model, panel->metric);
	char line[REND_FACTS_BYTES];
	snprintf(line, sizeof(line), "n/a%s%s", reason[0] != '\0' ? ": " : "", reason);
	rend_scene_text(scene, &(struct rend_text){
				       .x = (plot->x0 + plot->x1) / 2,
				       .y = plot->y + plot->height / 2 + 4,
				       .text = line,
				       .font = REND_FONT_BODY,
				       .role = REND_MUTED,
				       .anchor = REND_ANCHOR_MIDDLE,
				       .max_px = plot->x1 - plot->x0 - 20,
			       });
}

static void draw_curve(
	struct rend_scene *scene, const struct rend_plot *plot, const struct rend_panel *panel)
{
	draw_scale(scene, plot, panel);
	if (panel->system != NULL && rend_series_has_values(panel->system)) {
		rend_plot_area(scene, plot, REND_CPU_SYSTEM, panel->series, NULL);
		rend_plot_area(scene, plot, panel->role, panel->series, panel->system);
	} else if (rend_panel_is_rate(panel)) {
		rend_plot_area(scene, plot, panel->role, panel->series, NULL);
	} else {
		rend_plot_peaks(scene, plot, panel->role, panel->series);
	}
}

static void draw_panel(const struct usage *usage, struct rend_scene *scene,
	const struct rend_panel *panel, double y)
{
	struct rend_plot plot = {
		.x0 = usage->frame.axis.x0,
		.x1 = usage->frame.axis.x1,
		.y = y,
		.height = PANEL_PX,
		.columns = usage->model->bin_count,
		.max = panel->top * HEADROOM,
		.limit = panel->unit == REND_PANEL_CORES   ? usage->model->header->cpu_count
			 : panel->unit == REND_PANEL_SHARE ? 1
							   : 0,
	};
	struct rend_rect rect = {plot.x0, y, plot.x1 - plot.x0, PANEL_PX};
	rend_scene_group(scene, panel->title);
	rend_scene_rect(scene, REND_PANEL, rect);
	rend_time_grid(scene, &usage->frame.axis, y, y + PANEL_PX);
	if (rend_series_has_values(panel->series))
		draw_curve(scene, &plot, panel);
	else
		draw_refusal(usage, scene, &plot, panel);
	draw_names(scene, &plot, panel);
	draw_peak(usage, scene, &plot, panel);
	rend_scene_item(scene, &(struct rend_item){.rect = rect, .title = panel->title});
	rend_scene_group_end(scene);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct usage *usage = state;
	rend_scene_section(scene, y, "Usage");
	for (size_t i = 0; i < usage->count; i++) {
		draw_panel(usage, scene, &usage->panels[i], y);
		y += PANEL_PX + PANEL_GAP_PX;
	}
	y -= PANEL_GAP_PX;
	rend_scopes_part_draw(usage->scopes, &usage->frame.axis, scene, y);
	y += rend_scopes_part_px(usage->scopes);
	if (!usage->frame.is_part)
		rend_time_labels(scene, &usage->frame.axis, y + 17);
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct usage usage = {.model = model};
	char peak[NUM_TEXT_BYTES], end[NUM_TEXT_BYTES];
	usage.count = rend_usage_panels(model, usage.panels);
	int name_columns = NAME_COLUMNS;
	for (size_t i = 0; i < usage.count; i++) {
		int length = rend_text_columns(usage.panels[i].name) + 1;
		name_columns = length > name_columns ? length : name_columns;
	}
	if (name_columns > MAX_NAME_COLUMNS)
		name_columns = MAX_NAME_COLUMNS;
	int columns = frame->columns - name_columns - PEAK_COLUMNS;
	num_duration(end, model->end_ns - model->origin_ns);
	for (size_t i = 0; i < usage.count; i++) {
		const struct rend_panel *panel = &usage.panels[i];
		rend_put_cell(stream, panel->name, name_columns);
		if (!rend_series_has_values(panel->series)) {
			fprintf(stream, "n/a: %s\n", rend_metrics_reason(model, panel->metric));
			continue;
		}
		rend_put_sparkline(stream, panel->series, model->bin_count, panel->peak, columns);
		fprintf(stream, "  max %s\n", rend_panel_text(peak, panel->unit, panel->peak));
	}
	return rend_metrics_table(model, frame, stream);
}

const struct rend_view rend_view_usage = {
	.name = "usage",
	.summary = "CPU, memory, threads and, with --metric, all else that was recorded, over time",
	.has_data = has_data,
	.missing = "No metrics are in this recording: `trec --interval 100ms` records them.",
	.left_px = LEFT_PX,
	.right_px = RIGHT_PX,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.text = write_text,
};
