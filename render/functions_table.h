/* The busiest functions of a recording: the end of a report. */
#ifndef REND_FUNCTIONS_TABLE_H
#define REND_FUNCTIONS_TABLE_H

#include "model.h"
#include "scene.h"

/* 0 when nothing was sampled. */
double rend_functions_table_height_px(const struct rend_model *model);

/* The five with most time of their own, below a heading whose upper edge is `y`. */
void rend_functions_table_draw(const struct rend_model *model, struct rend_scene *scene, double x,
	double y, double width_px);

#endif
