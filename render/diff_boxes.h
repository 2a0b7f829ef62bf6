/* The boxes of a flame graph that compares: filled and labelled by their change. */
#ifndef REND_DIFF_BOXES_H
#define REND_DIFF_BOXES_H

#include "diff.h"
#include "flame_layout.h"
#include "scene.h"

#define REND_DIFF_ROW_PX 18

struct rend_diff_boxes {
	const struct rend_diff *diff;
	const struct rend_flame_layout *layout;
	const struct tfmt_node *nodes; /* that are laid out */
	const uint32_t *origins; /* of a tree of what is gone: by node, which it is in the diff */
	double scale;		 /* the largest change that has a colour; 0: none has */
	double x;
};

/* The first row at `y`. */
void rend_diff_boxes_draw(const struct rend_diff_boxes *boxes, struct rend_scene *scene, double y);

#endif
