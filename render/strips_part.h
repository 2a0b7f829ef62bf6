/* The strips of CPU and memory above a view over time that shares its axis with them. */
#ifndef REND_STRIPS_PART_H
#define REND_STRIPS_PART_H

#include "view.h"

/*
 * `*ret_state` is NULL where nothing was measured, or where the view is a part of a report, which
 * has them itself. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
int rend_strips_part_new(
	struct rend_model *model, const struct rend_frame *frame, void **ret_state);
void rend_strips_part_free(void *state); /* NULL is fine */

/* With the gap below; 0 for NULL. */
double rend_strips_part_px(const void *state, double gap_px);

void rend_strips_part_draw(const void *state, struct rend_scene *scene, double y);

#endif
