/* What was used over time: CPU, memory and threads as charts one above the other. */
#include <math.h>
#include <stdlib.h>

#include "cells.h"
#include "num.h"
#include "plot.h"
#include "view.h"

#define LEFT_PX	     150
#define RIGHT_PX     90
#define PANEL_PX     110
#define PANEL_GAP_PX 18
#define AXIS_PX	     22
#define MAX_PANELS   5
#define HEADROOM     1.2 /* of the scale, above its last tick: for the label of the peak */
#define PEAK_MARK_PX 5
#define NAME_COLUMNS 17
#define PEAK_COLUMNS 18

enum unit {
	UNIT_CORES,
	UNIT_BYTES,
	UNIT_COUNT,
};

struct panel {
	const char *name;
	const char *title; /* what is counted, in a sentence */
	enum rend_role role;
	enum unit unit;
	const struct rend_series *series;
	const struct rend_series *system; /* of CPU: the part drawn lighter, on top */
	double top;			  /* the last tick */
	double peak;
	double peak_column;
	double last;
};

struct usage {
	const struct rend_model *model;
	struct rend_frame frame;
	struct panel panels[MAX_PANELS];
	size_t count;
};

static bool has_values(const struct rend_series *series)
{
	for (size_t i = 0; i < series->count && series->bins != NULL; i++) {
		if (!isnan(series->bins[i].mean))
			return true;
	}
	return false;
}

static bool has_data(const struct rend_model *model)
{
	return model->totals.has_cpu || model->totals.has_memory || has_values(&model->machine_cpu);
}

/*
 * The value of a column that a panel shows: means of rates, peaks of gauges. The kernel counts CPU
 * time in ticks, so that a short column may seem to hold more than all cores can give.
 */
static double shown_value(
	const struct usage *usage, const struct panel *panel, const struct tfmt_bin *bin)
{
	const uint32_t cores = usage->model->header->cpu_count;
	if (panel->unit != UNIT_CORES)
		return bin->max;
	return cores > 0 && bin->mean > cores ? cores : bin->mean;
}

static void add_panel(struct usage *usage, struct panel panel)
{
	if (!has_values(panel.series))
		return;
	for (size_t i = 0; i < panel.series->count; i++) {
		double value = shown_value(usage, &panel, &panel.series->bins[i]);
		if (isnan(value))
			continue;
		panel.last = value;
		if (value > panel.peak) {
			panel.peak = value;
			panel.peak_column = (double)(panel.series->first + i) + 0.5;
		}
	}
	if (panel.unit == UNIT_BYTES)
		panel.top = (double)rend_byte_ceiling((uint64_t)panel.peak);
	else if (panel.unit == UNIT_CORES && panel.peak <= 16)
		panel.top = fmax(ceil(panel.peak - 0.05), 1);
	else
		panel.top = rend_count_ceiling(panel.peak);
	usage->panels[usage->count++] = panel;
}

static void fill_panels(struct usage *usage)
{
	const struct rend_model *model = usage->model;
	add_panel(usage, (struct panel){
				 .name = "CPU",
				 .title = "CPU time per second: user, and system lighter above it",
				 .role = REND_CPU,
				 .unit = UNIT_CORES,
				 .series = &model->cpu,
				 .system = &model->system_cpu,
			 });
	add_panel(usage,
		(struct panel){
			.name = model->totals.process_count > 1 ? "memory (RSS sum)"
								: "memory (RSS)",
			.title = "Resident memory; pages that processes share count for each",
			.role = REND_MEMORY_AREA,
			.unit = UNIT_BYTES,
			.series = &model->memory,
		});
	add_panel(usage, (struct panel){
				 .name = "threads",
				 .title = "Threads of all processes",
				 .role = REND_COUNT,
				 .unit = UNIT_COUNT,
				 .series = &model->thread_total,
			 });
	add_panel(usage, (struct panel){
				 .name = "machine CPU",
				 .title = "CPU time per second of everything on the machine",
				 .role = REND_CPU_SYSTEM,
				 .unit = UNIT_CORES,
				 .series = &model->machine_cpu,
			 });
	add_panel(usage, (struct panel){
				 .name = "machine memory",
				 .title = "Memory used by everything on the machine",
				 .role = REND_MEMORY_AREA,
				 .unit = UNIT_BYTES,
				 .series = &model->machine_memory,
			 });
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct usage *usage = calloc(1, sizeof(*usage));
	if (usage == NULL)
		return TFMT_E_NOMEM;
	usage->model = model;
	usage->frame = *frame;
	fill_panels(usage);
	*ret_state = usage;
	return 0;
}

static double height_px(const void *state)
{
	const struct usage *usage = state;
	return (double)usage->count * (PANEL_PX + PANEL_GAP_PX) - PANEL_GAP_PX +
	       (usage->frame.is_part ? 0 : AXIS_PX);
}

static char *unit_text(char *text, enum unit unit, double value)
{
	if (unit == UNIT_BYTES)
		return num_bytes(text, (uint64_t)value);
	if (unit == UNIT_COUNT)
		return num_count(text, (uint64_t)(value + 0.5));
	int decimals = value == floor(value) || value >= 100 ? 0 : value < 10 ? 2 : 1;
	snprintf(text, NUM_TEXT_BYTES, "%.*f %s", decimals, value, value == 1 ? "core" : "cores");
	return text;
}

/* Lines at the last tick and its half, with their values on the right. */
static void draw_scale(
	struct rend_scene *scene, const struct rend_plot *plot, const struct panel *panel)
{
	static const double shares[] = {1, 0.5, 0};
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		double value = panel->top * shares[i];
		double y = floor(plot->y + plot->height * (1 - value / plot->max));
		char text[NUM_TEXT_BYTES];
		/* Half a thread says nothing. */
		if (panel->unit == UNIT_COUNT && value != floor(value))
			continue;
		rend_scene_rect(
			scene, REND_GRID, (struct rend_rect){plot->x0, y, plot->x1 - plot->x0, 1});
		if (value > 0)
			unit_text(text, panel->unit, value);
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

static void draw_names(
	struct rend_scene *scene, const struct rend_plot *plot, const struct panel *panel)
{
	char number[NUM_TEXT_BYTES], line[64];
	struct rend_text text = {
		.x = plot->x0 - 12,
		.y = plot->y + 30,
		.text = panel->name,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
	};
	rend_scene_text(scene, &text);
	text.font = REND_FONT_SMALL;
	text.role = REND_MUTED;
	text.text = line;
	text.y += 17;
	snprintf(line, sizeof(line), "max %s", unit_text(number, panel->unit, panel->peak));
	rend_scene_text(scene, &text);
	text.y += 14;
	snprintf(line, sizeof(line), "last %s", unit_text(number, panel->unit, panel->last));
	rend_scene_text(scene, &text);
	if (panel->system == NULL || !has_values(panel->system))
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
	const struct rend_plot *plot, const struct panel *panel)
{
	const struct rend_model *model = usage->model;
	char number[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES], line[96];
	double x = plot->x0 + panel->peak_column / (double)plot->columns * (plot->x1 - plot->x0);
	double y = plot->y + plot->height * (1 - panel->peak / plot->max);
	uint64_t peak_ns = model->begin_ns - model->origin_ns +
			   (uint64_t)(panel->peak_column * (double)model->column_ns);
	if (panel->peak <= 0)
		return;
	snprintf(line, sizeof(line), "%s at %s", unit_text(number, panel->unit, panel->peak),
		num_duration(time, peak_ns));
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

static void draw_panel(
	const struct usage *usage, struct rend_scene *scene, const struct panel *panel, double y)
{
	struct rend_plot plot = {
		.x0 = usage->frame.axis.x0,
		.x1 = usage->frame.axis.x1,
		.y = y,
		.height = PANEL_PX,
		.columns = usage->model->bin_count,
		.max = panel->top * HEADROOM,
		.limit = panel->unit == UNIT_CORES ? usage->model->header->cpu_count : 0,
	};
	struct rend_rect rect = {plot.x0, y, plot.x1 - plot.x0, PANEL_PX};
	rend_scene_group(scene, panel->title);
	rend_scene_rect(scene, REND_PANEL, rect);
	rend_time_grid(scene, &usage->frame.axis, y, y + PANEL_PX);
	draw_scale(scene, &plot, panel);
	if (panel->system != NULL && has_values(panel->system)) {
		rend_plot_area(scene, &plot, REND_CPU_SYSTEM, panel->series, NULL);
		rend_plot_area(scene, &plot, panel->role, panel->series, panel->system);
	} else if (panel->unit == UNIT_CORES) {
		rend_plot_area(scene, &plot, panel->role, panel->series, NULL);
	} else {
		rend_plot_peaks(scene, &plot, panel->role, panel->series);
	}
	draw_names(scene, &plot, panel);
	draw_peak(usage, scene, &plot, panel);
	rend_scene_item(scene, &(struct rend_item){.rect = rect, .title = panel->title});
	rend_scene_group_end(scene);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct usage *usage = state;
	for (size_t i = 0; i < usage->count; i++) {
		draw_panel(usage, scene, &usage->panels[i], y);
		y += PANEL_PX + PANEL_GAP_PX;
	}
	if (!usage->frame.is_part)
		rend_time_labels(scene, &usage->frame.axis, y - PANEL_GAP_PX + 17);
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct usage usage = {.model = model};
	char peak[NUM_TEXT_BYTES], end[NUM_TEXT_BYTES];
	int columns = frame->columns - NAME_COLUMNS - PEAK_COLUMNS;
	fill_panels(&usage);
	num_duration(end, model->end_ns - model->origin_ns);
	for (size_t i = 0; i < usage.count; i++) {
		const struct panel *panel = &usage.panels[i];
		rend_put_cell(stream, panel->name, NAME_COLUMNS);
		rend_put_sparkline(stream, panel->series, model->bin_count, panel->peak, columns);
		fprintf(stream, "  max %s\n", unit_text(peak, panel->unit, panel->peak));
	}
	return 0;
}

const struct rend_view rend_view_usage = {
	.name = "usage",
	.summary = "CPU, memory and threads over time, and the machine's",
	.has_data = has_data,
	.missing = "No metrics are in this recording: `trec --interval 100ms` records them.",
	.left_px = LEFT_PX,
	.right_px = RIGHT_PX,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = free,
	.text = write_text,
};
