#include "heat_parts.h"

#include <math.h>

#define ZERO_PX 12 /* "0" and a gap */
#define GAP_PX	6

void rend_heat_small(struct rend_scene *scene, double x, double y, const char *text,
	enum rend_anchor anchor, double max_px)
{
	rend_scene_text(scene, &(struct rend_text){
				       .x = x,
				       .y = y,
				       .text = text,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .anchor = anchor,
				       .max_px = max_px,
			       });
}

double rend_heat_legend_px(const char *max)
{
	return ZERO_PX + REND_HEAT_LEVELS * REND_HEAT_SWATCH_PX + GAP_PX +
	       rend_text_width_px(REND_FONT_SMALL, max);
}

void rend_heat_legend(struct rend_scene *scene, double x, double y, const char *max)
{
	rend_heat_small(scene, x, y + 12, "0", REND_ANCHOR_START, 0);
	x += ZERO_PX;
	for (int level = 0; level < REND_HEAT_LEVELS; level++)
		rend_scene_rect(scene, REND_HEAT + level,
			(struct rend_rect){
				x + level * REND_HEAT_SWATCH_PX, y + 4, REND_HEAT_SWATCH_PX, 10});
	x += REND_HEAT_LEVELS * REND_HEAT_SWATCH_PX + GAP_PX;
	rend_heat_small(scene, x, y + 12, max, REND_ANCHOR_START, 0);
}

enum rend_role rend_heat_role(double share)
{
	return REND_HEAT + (enum rend_role)fmin(share * REND_HEAT_LEVELS, REND_HEAT_LEVELS - 1);
}
