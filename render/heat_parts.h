/* What pictures of heat have in common. */
#ifndef REND_HEAT_PARTS_H
#define REND_HEAT_PARTS_H

#include "scene.h"

#define REND_HEAT_SWATCH_PX 14

/* A text of the smallest font, muted; 0 for `max_px`: however long. */
void rend_heat_small(struct rend_scene *scene, double x, double y, const char *text,
	enum rend_anchor anchor, double max_px);

/* The colours from 0 to what `max` says, on the baseline y + 12. */
double rend_heat_legend_px(const char *max);
void rend_heat_legend(struct rend_scene *scene, double x, double y, const char *max);

/* The colour of a share of the scale, which is more than 0. */
enum rend_role rend_heat_role(double share);

#endif
