/* Where the threads of a recording waited longest: the end of a report. */
#ifndef REND_WAITS_TABLE_H
#define REND_WAITS_TABLE_H

#include "model.h"
#include "scene.h"

/* 0 when no wait was recorded. */
double rend_waits_table_height_px(const struct rend_model *model);

/* The five worst, below a heading whose upper edge is `y`. */
void rend_waits_table_draw(const struct rend_model *model, struct rend_scene *scene, double x,
	double y, double width_px);

#endif
