#include "axis.h"

#include <math.h>
#include <stdio.h>

#define TICK_DISTANCE_PX     100
#define MIN_TICK_DISTANCE_PX 50 /* on narrow axes: room for a label */
#define LABEL_GAP_PX	     6
#define SECOND_NS	     1000000000.0

double rend_time_x(const struct rend_time_axis *axis, uint64_t time_ns)
{
	double elapsed_ns = time_ns >= axis->begin_ns ? (double)(time_ns - axis->begin_ns)
						      : -(double)(axis->begin_ns - time_ns);
	return axis->x0 +
	       elapsed_ns / (double)(axis->end_ns - axis->begin_ns) * (axis->x1 - axis->x0);
}

double rend_time_x_clamped(const struct rend_time_axis *axis, uint64_t time_ns)
{
	double x = rend_time_x(axis, time_ns);
	return x < axis->x0 ? axis->x0 : x > axis->x1 ? axis->x1 : x;
}

/* The smallest round step of at least `least_ns`. */
static double round_step(double least_ns)
{
	static const double long_steps_s[] = {
		60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
	double power = 1;
	while (power * 10 <= least_ns)
		power *= 10;
	double step = power;
	if (step < least_ns)
		step = power * 2;
	if (step < least_ns)
		step = power * 5;
	if (step < least_ns)
		step = power * 10;
	if (step <= 20 * SECOND_NS)
		return step;
	for (size_t i = 0; i < sizeof(long_steps_s) / sizeof(*long_steps_s); i++) {
		if (long_steps_s[i] * SECOND_NS >= least_ns)
			return long_steps_s[i] * SECOND_NS;
	}
	double day_ns = 86400 * SECOND_NS;
	return ceil(least_ns / day_ns) * day_ns;
}

static void time_label(double time_ns, double step_ns, char *text, size_t size)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}, {SECOND_NS, "s"}, {60 * SECOND_NS, "min"},
		{3600 * SECOND_NS, "h"}};
	const size_t unit_count = sizeof(units) / sizeof(*units);
	if (time_ns == 0) {
		snprintf(text, size, "0");
		return;
	}
	/* The largest unit of which the step is a round part: 0.5 s, 250 ms, 2 min. */
	size_t unit = 0;
	while (unit + 1 < unit_count && step_ns >= units[unit + 1].ns)
		unit++;
	if (unit + 1 < unit_count && unit < 3 && step_ns >= units[unit + 1].ns / 10 &&
		time_ns >= units[unit + 1].ns)
		unit++;
	snprintf(text, size, "%.6g %s", time_ns / units[unit].ns, units[unit].name);
}

size_t rend_time_ticks(const struct rend_time_axis *axis, struct rend_tick ticks[REND_MAX_TICKS])
{
	double length_ns = (double)(axis->end_ns - axis->begin_ns);
	double width_px = axis->x1 - axis->x0;
	double distance_px = fmax(fmin(TICK_DISTANCE_PX, width_px / 4), MIN_TICK_DISTANCE_PX);
	double step_ns = round_step(length_ns * distance_px / fmax(width_px, 1));
	double begin_ns = (double)axis->begin_ns - (double)axis->origin_ns;
	double first = ceil(begin_ns / step_ns - 1e-9);
	size_t count = 0;
	for (double i = first; i * step_ns <= begin_ns + length_ns && count < REND_MAX_TICKS; i++) {
		ticks[count].value = i * step_ns;
		time_label(i * step_ns, step_ns, ticks[count].label, sizeof(ticks->label));
		count++;
	}
	return count;
}

static double tick_x(const struct rend_time_axis *axis, const struct rend_tick *tick)
{
	return rend_time_x(axis, axis->origin_ns + (uint64_t)tick->value);
}

void rend_time_grid(
	struct rend_scene *scene, const struct rend_time_axis *axis, double y0, double y1)
{
	struct rend_tick ticks[REND_MAX_TICKS];
	size_t count = rend_time_ticks(axis, ticks);
	for (size_t i = 0; i < count; i++) {
		/* On whole pixels: sharp lines. */
		double x = floor(tick_x(axis, &ticks[i]));
		rend_scene_rect(scene, REND_GRID, (struct rend_rect){x, y0, 1, y1 - y0});
	}
}

void rend_time_labels(struct rend_scene *scene, const struct rend_time_axis *axis, double y)
{
	struct rend_tick ticks[REND_MAX_TICKS];
	size_t count = rend_time_ticks(axis, ticks);
	double free_x = 0; /* where the last label ended */
	for (size_t i = 0; i < count; i++) {
		double half_px = rend_text_width_px(REND_FONT_LABEL, ticks[i].label) / 2;
		double x = tick_x(axis, &ticks[i]);
		if (x - half_px < free_x)
			continue;
		free_x = x + half_px + LABEL_GAP_PX;
		rend_scene_text(scene, &(struct rend_text){
					       .x = x,
					       .y = y,
					       .text = ticks[i].label,
					       .font = REND_FONT_LABEL,
					       .role = REND_MUTED,
					       .anchor = REND_ANCHOR_MIDDLE,
				       });
	}
}

uint64_t rend_byte_ceiling(uint64_t bytes)
{
	if (bytes < 1024)
		return 1024;
	if (bytes > UINT64_MAX / 4)
		return bytes;
	uint64_t power = 1024;
	while (power * 2 <= bytes)
		power *= 2;
	if (bytes <= power)
		return power;
	if (bytes <= power + power / 4)
		return power + power / 4;
	return bytes <= power + power / 2 ? power + power / 2 : power * 2;
}

double rend_count_ceiling(double value)
{
	static const double steps[] = {1, 2, 3, 4, 5, 6, 8};
	if (!(value > 1))
		return 1;
	double power = pow(10, floor(log10(value)));
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (value <= steps[i] * power)
			return steps[i] * power;
	}
	return 10 * power;
}
