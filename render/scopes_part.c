#include "scopes_part.h"

#define GAP_PX	  26
#define MAX_PX	  190
#define MAX_SHARE 0.4
#define MAX_ITEMS 1800 /* of REND_MAX_ITEMS, the rest is for what is above */

int rend_scopes_part_new(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct rend_frame part = *frame;
	part.is_part = true;
	part.max_height_px = MAX_PX;
	part.max_items = MAX_ITEMS;
	*ret_state = NULL;
	if (frame->is_part || model->totals.scope_count == 0)
		return 0;
	int status = rend_view_spans.prepare(model, &part, ret_state);
	/* What is above goes first. */
	if (status == 0 && frame->max_height_px > 0 &&
		rend_scopes_part_px(*ret_state) > frame->max_height_px * MAX_SHARE) {
		rend_scopes_part_free(*ret_state);
		*ret_state = NULL;
	}
	return status;
}

void rend_scopes_part_free(void *state)
{
	rend_view_spans.release(state);
}

double rend_scopes_part_px(const void *state)
{
	return state != NULL ? GAP_PX + rend_view_spans.height_px(state) : 0;
}

void rend_scopes_part_draw(
	const void *state, const struct rend_time_axis *axis, struct rend_scene *scene, double y)
{
	if (state == NULL)
		return;
	rend_time_grid(scene, axis, y, y + rend_scopes_part_px(state));
	rend_view_spans.draw(state, scene, y + GAP_PX);
}
