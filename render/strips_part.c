#include "strips_part.h"

int rend_strips_part_new(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	*ret_state = NULL;
	if (frame->is_part || !rend_view_strips.has_data(model))
		return 0;
	return rend_view_strips.prepare(model, frame, ret_state);
}

void rend_strips_part_free(void *state)
{
	if (state != NULL)
		rend_view_strips.release(state);
}

double rend_strips_part_px(const void *state, double gap_px)
{
	double height_px = state != NULL ? rend_view_strips.height_px(state) : 0;
	return height_px > 0 ? height_px + gap_px : 0;
}

void rend_strips_part_draw(const void *state, struct rend_scene *scene, double y)
{
	if (state != NULL)
		rend_view_strips.draw(state, scene, y);
}
