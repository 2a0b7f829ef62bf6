/* Scales: where a time or a value is on the page, and the round numbers to write beside it. */
#ifndef REND_AXIS_H
#define REND_AXIS_H

#include <stddef.h>
#include <stdint.h>

#include "scene.h"

/* A stretch of time laid over [x0, x1]. Labels count from `origin_ns`, second 0 of the trace. */
struct rend_time_axis {
	uint64_t origin_ns;
	uint64_t begin_ns, end_ns; /* begin < end */
	double x0, x1;
};

#define REND_MAX_TICKS 32

struct rend_tick {
	double value; /* ns from origin for times, the value itself else */
	char label[32];
};

/* May lie outside [x0, x1] for times outside of the axis. */
double rend_time_x(const struct rend_time_axis *axis, uint64_t time_ns);
/* The same, held within [x0, x1]. */
double rend_time_x_clamped(const struct rend_time_axis *axis, uint64_t time_ns);

/* Ticks at round times (1, 2, 5 times a power of ten; minutes and hours when long), 100 px
 * apart or more. Returns their number. */
size_t rend_time_ticks(const struct rend_time_axis *axis, struct rend_tick ticks[REND_MAX_TICKS]);

/* Vertical lines at the ticks, from y0 to y1. */
void rend_time_grid(
	struct rend_scene *scene, const struct rend_time_axis *axis, double y0, double y1);
/* The ticks' labels on the baseline `y`. */
void rend_time_labels(struct rend_scene *scene, const struct rend_time_axis *axis, double y);

/* The round number at or above `bytes` to end an axis with: 1, 1.25 or 1.5 x 2^n, at least 1 KiB.
 */
uint64_t rend_byte_ceiling(uint64_t bytes);
/* The same for counts and cores: 1, 2, 3, 4, 5, 6, 8 x 10^n. */
double rend_count_ceiling(double value);

#endif
