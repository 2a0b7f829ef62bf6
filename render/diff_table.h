/* The functions that changed most: the end of a comparing picture. */
#ifndef REND_DIFF_TABLE_H
#define REND_DIFF_TABLE_H

#include "diff_rows.h"
#include "scene.h"

double rend_diff_table_height_px(
	const struct rend_diff *diff, const struct rend_diff_rows *rows, double width_px);

/* Below a heading whose upper edge is `y`. */
void rend_diff_table_draw(const struct rend_diff *diff, const struct rend_diff_rows *rows,
	struct rend_scene *scene, struct rend_rect place);

#endif
