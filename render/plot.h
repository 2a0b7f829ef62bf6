/* Series drawn as areas and lines over a time axis. */
#ifndef REND_PLOT_H
#define REND_PLOT_H

#include "axis.h"
#include "model.h"

/* A field that series are drawn in: the model's columns from left to right, 0 .. max upwards. */
struct rend_plot {
	double x0, x1;
	double y, height; /* the upper edge, and down to the base line */
	size_t columns;	  /* of the model: rend_model.bin_count */
	size_t merge;	  /* columns drawn as one; 0: 1 */
	double max;
	double limit; /* of means: what is above cannot be, and is drawn there. 0: none */
};

/*
 * The mean of each column as a stair-case area on the base line. `lower`, which may be NULL, is
 * subtracted first. Columns without a value are gaps.
 */
void rend_plot_area(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series, const struct rend_series *lower);

/* As an area, of the highest value of each column: for gauges, whose peaks matter. */
void rend_plot_peaks(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series);

/* The lowest and highest value of each column as a line: no spike is lost. */
void rend_plot_line(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series);

/* The mean of each column as a stair-case line: for rates over something else. */
void rend_plot_means(struct rend_scene *scene, const struct rend_plot *plot, enum rend_role role,
	const struct rend_series *series);

/* The largest mean. 0 when nothing was measured. */
double rend_series_max_mean(const struct rend_series *series);

#endif
