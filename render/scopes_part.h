/* Scopes as lanes below a view over time that shares its axis with them. */
#ifndef REND_SCOPES_PART_H
#define REND_SCOPES_PART_H

#include "view.h"

/*
 * `*ret_state` is NULL where there are no scopes, or where the view is a part of a report, which
 * has them itself, or where little room is given. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
int rend_scopes_part_new(
	struct rend_model *model, const struct rend_frame *frame, void **ret_state);
void rend_scopes_part_free(void *state); /* NULL is fine */

/* With the gap above; 0 for NULL. */
double rend_scopes_part_px(const void *state);

/* From `y`, where what is above ends. */
void rend_scopes_part_draw(
	const void *state, const struct rend_time_axis *axis, struct rend_scene *scene, double y);

#endif
