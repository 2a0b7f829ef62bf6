/*
 * What the colours of boxes of code stand for: collected while boxes are laid out, drawn as
 * squares with names. Only what is there is explained, the most first.
 */
#ifndef REND_LEGEND_H
#define REND_LEGEND_H

#include <stddef.h>

#include "model.h"
#include "scene.h"

#define REND_MAX_LEGEND 64

struct rend_legend_row {
	enum rend_role role;
	char name[REND_LIBRARY_BYTES]; /* of the library, "" for other roles */
	double weight;		       /* area that has this colour */
};

/* All zero: empty. */
struct rend_legend {
	struct rend_legend_row rows[REND_MAX_LEGEND];
	size_t count;
	double python; /* area of Python code, of any colour */
};

void rend_legend_add(struct rend_legend *legend, enum rend_role role,
	const struct tfmt_location *location, double weight);

/* How wide it is with as many entries as `max_px` has room for. */
double rend_legend_width_px(const struct rend_legend *legend, double max_px);

/* From `x` to the right, texts on the baseline `y`. */
void rend_legend_draw(const struct rend_legend *legend, struct rend_scene *scene, double x,
	double y, double max_px);

#endif
