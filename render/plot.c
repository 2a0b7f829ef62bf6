#include "plot.h"

#include <math.h>
#include <stdlib.h>

#define LINE_WIDTH_PX 1.5
#define FLAT_PX	      0.5 /* a column whose values differ by less is drawn level */

/* Points of one area or line, as they are put together. */
struct path {
	struct rend_point *points;
	size_t count, room;
};

static int path_init(struct path *path, struct rend_scene *scene, size_t room)
{
	*path = (struct path){.points = malloc(room * sizeof(struct rend_point)), .room = room};
	if (path->points == NULL)
		scene->has_failed = true;
	return path->points != NULL ? 0 : -1;
}

/* To quarters of a pixel: nobody sees the rest, and an SVG is half as large. */
static double quarter(double px)
{
	return round(px * 4) / 4;
}

/* A point between two others of the same height adds nothing. */
static void path_add(struct path *path, double x, double y)
{
	struct rend_point point = {quarter(x), quarter(y)};
	if (path->count >= 2 && path->points[path->count - 1].y == point.y &&
		path->points[path->count - 2].y == point.y)
		path->count--;
	if (path->count < path->room)
		path->points[path->count++] = point;
}

static double column_x(const struct rend_plot *plot, size_t column)
{
	return plot->x0 + (double)column * (plot->x1 - plot->x0) / (double)plot->columns;
}

static double value_y(const struct rend_plot *plot, double value)
{
	double share = plot->max > 0 ? value / plot->max : 0;
	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return plot->y + plot->height * (1 - share);
}

/* Of the columns [first, end) of the series: the mean, or the maximum. NAN when all are empty. */
static double merged_value(const struct rend_series *series, size_t first, size_t end, bool is_peak)
{
	double sum = 0;
	double max = NAN;
	size_t count = 0;
	for (size_t i = first; i < end && i < series->count; i++) {
		const struct tfmt_bin *bin = &series->bins[i];
		if (!isnan(bin->mean)) {
			sum += bin->mean;
			count++;
		}
		if (!isnan(bin->max) && !(bin->max <= max))
			max = bin->max;
	}
	if (is_peak)
		return max;
	return count > 0 ? sum / (double)count : NAN;
}

static void finish_area(
	struct path *path, struct rend_scene *scene, enum rend_role role, double base_y)
{
	if (path->count > 0) {
		double end_x = path->points[path->count - 1].x;
		path->points[path->count++] = (struct rend_point){end_x, base_y};
		rend_scene_area(scene, role, path->points, path->count);
	}
	path->count = 0;
}

static void draw_area(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series, const struct rend_series *lower, bool is_peak)
{
	struct path path;
	size_t merge = plot->merge > 0 ? plot->merge : 1;
	double base_y = quarter(plot->y + plot->height);
	if (series->bins == NULL || path_init(&path, scene, 2 * series->count + 8) != 0)
		return;
	for (size_t i = 0; i < series->count; i += merge) {
		size_t end = i + merge < series->count ? i + merge : series->count;
		double value = merged_value(series, i, end, is_peak);
		if (isnan(value)) {
			finish_area(&path, scene, role, base_y);
			continue;
		}
		double less = lower != NULL && lower->bins != NULL
				      ? merged_value(lower, i, end, false)
				      : 0;
		if (plot->limit > 0 && value > plot->limit)
			value = plot->limit;
		double y = value_y(plot, isnan(less) ? value : value - less);
		double x = column_x(plot, series->first + i);
		if (path.count == 0)
			path_add(&path, x, base_y);
		path_add(&path, x, y);
		path_add(&path, column_x(plot, series->first + end), y);
	}
	finish_area(&path, scene, role, base_y);
	free(path.points);
}

void rend_plot_area(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series, const struct rend_series *lower)
{
	draw_area(scene, plot, role, series, lower, false);
}

void rend_plot_peaks(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series)
{
	draw_area(scene, plot, role, series, NULL, true);
}

static void finish_line(struct path *path, struct rend_scene *scene, enum rend_role role)
{
	rend_scene_line(scene, role, LINE_WIDTH_PX, true, path->points, path->count);
	path->count = 0;
}

/* The columns [first, end) as one bin: of the mean only whether there is one. */
static struct tfmt_bin merged_bin(const struct rend_series *series, size_t first, size_t end)
{
	struct tfmt_bin merged = {.first = NAN, .min = NAN, .max = NAN, .last = NAN};
	for (size_t i = first; i < end && i < series->count; i++) {
		const struct tfmt_bin *bin = &series->bins[i];
		if (isnan(bin->min))
			continue;
		if (isnan(merged.first))
			merged.first = bin->first;
		merged.min = fmin(merged.min, bin->min);
		merged.max = fmax(merged.max, bin->max);
		merged.last = bin->last;
	}
	return merged;
}

void rend_plot_line(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series)
{
	struct path path;
	size_t merge = plot->merge > 0 ? plot->merge : 1;
	if (series->bins == NULL || path_init(&path, scene, 2 * series->count + 8) != 0)
		return;
	for (size_t i = 0; i < series->count; i += merge) {
		size_t end = i + merge < series->count ? i + merge : series->count;
		struct tfmt_bin bin = merged_bin(series, i, end);
		if (isnan(bin.min)) {
			finish_line(&path, scene, role);
			continue;
		}
		double x = column_x(plot, series->first + i);
		double end_x = column_x(plot, series->first + end);
		bool is_flat = value_y(plot, bin.min) - value_y(plot, bin.max) < FLAT_PX;
		bool is_rising = bin.first <= bin.last;
		if (is_flat) {
			path_add(&path, x, value_y(plot, bin.last));
			path_add(&path, end_x, value_y(plot, bin.last));
		} else {
			x = (x + end_x) / 2;
			path_add(&path, x, value_y(plot, is_rising ? bin.min : bin.max));
			path_add(&path, x, value_y(plot, is_rising ? bin.max : bin.min));
		}
	}
	finish_line(&path, scene, role);
	free(path.points);
}

void rend_plot_means(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series)
{
	struct path path;
	size_t merge = plot->merge > 0 ? plot->merge : 1;
	if (series->bins == NULL || path_init(&path, scene, 2 * series->count + 8) != 0)
		return;
	for (size_t i = 0; i < series->count; i += merge) {
		size_t end = i + merge < series->count ? i + merge : series->count;
		double value = merged_value(series, i, end, false);
		if (isnan(value)) {
			finish_line(&path, scene, role);
			continue;
		}
		if (plot->limit > 0 && value > plot->limit)
			value = plot->limit;
		path_add(&path, column_x(plot, series->first + i), value_y(plot, value));
		path_add(&path, column_x(plot, series->first + end), value_y(plot, value));
	}
	finish_line(&path, scene, role);
	free(path.points);
}

double rend_series_max_mean(const struct rend_series *series)
{
	double max = 0;
	for (size_t i = 0; series->bins != NULL && i < series->count; i++) {
		if (series->bins[i].mean > max)
			max = series->bins[i].mean;
	}
	return max;
}
