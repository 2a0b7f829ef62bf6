/* CPU and memory of all shown processes: two strips over the time axis. */
#include <math.h>
#include <stdlib.h>

#include "facts.h"
#include "num.h"
#include "plot.h"
#include "view.h"

#define STRIP_PX     36
#define STRIP_GAP_PX 10
#define NAME_GAP_PX  12
#define VALUE_GAP_PX 10

struct strips {
	const struct rend_model *model;
	struct rend_frame frame;
	int count;
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.has_cpu || model->totals.has_memory;
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct strips *strips = calloc(1, sizeof(*strips));
	if (strips == NULL)
		return TFMT_E_NOMEM;
	strips->model = model;
	strips->frame = *frame;
	strips->count = model->totals.has_cpu + model->totals.has_memory;
	*ret_state = strips;
	return 0;
}

static double height_px(const void *state)
{
	const struct strips *strips = state;
	return strips->count * (STRIP_PX + STRIP_GAP_PX) - (strips->count > 0 ? STRIP_GAP_PX : 0);
}

static struct rend_plot strip_plot(const struct strips *strips, double y, double max)
{
	return (struct rend_plot){
		.x0 = strips->frame.axis.x0,
		.x1 = strips->frame.axis.x1,
		.y = y,
		.height = STRIP_PX,
		.columns = strips->model->bin_count,
		.max = max,
	};
}

static void draw_panel(struct rend_scene *scene, const struct rend_plot *plot)
{
	rend_scene_rect(scene, REND_PANEL,
		(struct rend_rect){plot->x0, plot->y, plot->x1 - plot->x0, plot->height});
}

/* Time goes on through the strip: gaps of the background's colour over what was drawn. */
static void draw_ticks(
	struct rend_scene *scene, const struct rend_time_axis *axis, const struct rend_plot *plot)
{
	struct rend_tick ticks[REND_MAX_TICKS];
	size_t count = rend_time_ticks(axis, ticks);
	for (size_t i = 0; i < count; i++) {
		double x = floor(rend_time_x(axis, axis->origin_ns + (uint64_t)ticks[i].value));
		rend_scene_rect(
			scene, REND_BACKGROUND, (struct rend_rect){x, plot->y, 1, plot->height});
	}
	rend_scene_rect(scene, REND_GRID,
		(struct rend_rect){plot->x0, plot->y + plot->height, plot->x1 - plot->x0, 1});
}

/* Left of the strip. */
static double name_room_px(const struct rend_plot *plot)
{
	return plot->x0 - NAME_GAP_PX - REND_MARGIN_PX;
}

/* Right of it. */
static double value_room_px(const struct strips *strips)
{
	return strips->frame.x + strips->frame.width_px - strips->frame.axis.x1 - VALUE_GAP_PX;
}

static void draw_names(struct rend_scene *scene, const struct rend_plot *plot, const char *name,
	const char *detail, const char *top)
{
	struct rend_text text = {
		.x = plot->x0 - NAME_GAP_PX,
		.y = plot->y + 15,
		.text = name,
		.font = REND_FONT_BODY,
		.anchor = REND_ANCHOR_END,
		.max_px = name_room_px(plot),
	};
	rend_scene_text(scene, &text);
	text.y = plot->y + 30;
	text.text = detail;
	text.font = REND_FONT_SMALL;
	text.role = REND_MUTED;
	rend_scene_text(scene, &text);
	text.x = plot->x1 + VALUE_GAP_PX;
	text.y = plot->y + 8;
	text.text = top;
	text.anchor = REND_ANCHOR_START;
	text.max_px = 0;
	rend_scene_text(scene, &text);
	text.y = plot->y + plot->height;
	text.text = "0";
	rend_scene_text(scene, &text);
}

static void draw_cpu(const struct strips *strips, struct rend_scene *scene, double y)
{
	const struct rend_model *model = strips->model;
	const uint32_t cores = model->header->cpu_count;
	double top = ceil(rend_series_max_mean(&model->cpu) - 0.05);
	char top_text[64], detail[64];
	if (top < 1)
		top = 1;
	if (cores > 0 && top >= cores)
		top = cores;
	struct rend_plot plot = strip_plot(strips, y, top);
	plot.limit = cores;
	snprintf(top_text, sizeof(top_text), "%.0f %s", top, top == 1 ? "core" : "cores");
	if (cores > top)
		snprintf(top_text, sizeof(top_text), "%.0f of %u cores", top, (unsigned)cores);
	if (rend_text_width_px(REND_FONT_SMALL, top_text) > value_room_px(strips))
		snprintf(top_text, sizeof(top_text), "%.0f of %u", top, (unsigned)cores);
	double mean = model->totals.wall_ns > 0
			      ? (double)model->totals.cpu_ns / (double)model->totals.wall_ns
			      : 0;
	snprintf(detail, sizeof(detail), "mean %.*f cores", mean < 10 ? 2 : 1, mean);
	if (mean < 0.01)
		snprintf(detail, sizeof(detail), "mean below 0.01");
	else if (rend_text_width_px(REND_FONT_SMALL, detail) > name_room_px(&plot))
		snprintf(detail, sizeof(detail), "mean %.*f", mean < 10 ? 2 : 1, mean);

	rend_scene_group(scene, "CPU of all processes");
	draw_panel(scene, &plot);
	rend_plot_area(scene, &plot, REND_CPU_SYSTEM, &model->cpu, NULL);
	rend_plot_area(scene, &plot, REND_CPU, &model->cpu, &model->system_cpu);
	draw_ticks(scene, &strips->frame.axis, &plot);
	draw_names(scene, &plot, "CPU", detail, top_text);
	rend_scene_group_end(scene);
}

static void draw_memory(const struct strips *strips, struct rend_scene *scene, double y)
{
	const struct rend_model *model = strips->model;
	uint64_t top = rend_byte_ceiling(model->totals.peak_bytes);
	struct rend_plot plot = strip_plot(strips, y, (double)top);
	char top_text[NUM_TEXT_BYTES], peak[NUM_TEXT_BYTES], time[NUM_TEXT_BYTES];
	char detail[96];
	uint64_t peak_ns = model->totals.peak_ns;
	num_duration(time, peak_ns > model->origin_ns ? peak_ns - model->origin_ns : 0);
	snprintf(detail, sizeof(detail), "peak %s at %s", num_bytes(peak, model->totals.peak_bytes),
		time);
	if (rend_text_width_px(REND_FONT_SMALL, detail) > name_room_px(&plot))
		snprintf(detail, sizeof(detail), "peak %s", peak);

	rend_scene_group(scene, "Memory of all processes: the sum of their resident pages, those "
				"they share counted for each");
	draw_panel(scene, &plot);
	rend_plot_peaks(scene, &plot, REND_MEMORY_AREA, &model->memory);
	draw_ticks(scene, &strips->frame.axis, &plot);
	double x = floor(rend_time_x_clamped(&strips->frame.axis, peak_ns));
	rend_scene_rect(scene, REND_TEXT, (struct rend_rect){x, y, 1, STRIP_PX});
	const char *name = model->totals.process_count > 1 ? "memory (RSS sum)" : "memory";
	if (rend_text_width_px(REND_FONT_BODY, name) > name_room_px(&plot))
		name = "memory";
	draw_names(scene, &plot, name, detail, num_bytes(top_text, top));
	rend_scene_group_end(scene);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct strips *strips = state;
	rend_scene_section(scene, y, "CPU and memory");
	if (strips->model->totals.has_cpu) {
		draw_cpu(strips, scene, y);
		y += STRIP_PX + STRIP_GAP_PX;
	}
	if (strips->model->totals.has_memory)
		draw_memory(strips, scene, y);
}

const struct rend_view rend_view_strips = {
	.name = "strips",
	.summary = "CPU and memory of all processes",
	.has_data = has_data,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = free,
};
