/*
 * Where the boxes of a flame graph lie: a merged tree laid out over a width. Pure computing: no
 * names, no colours.
 *
 * Siblings lie heaviest first (but for unknown stacks, which are last), so those too thin to be
 * seen follow one another: they become one box, which says how many it stands for. What is left
 * bare below a box is its own time, to half a pixel.
 */
#ifndef REND_FLAME_LAYOUT_H
#define REND_FLAME_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracefmt/calltree.h"

struct rend_flame_box {
	double x, width_px; /* x from the left end of the root */
	uint64_t total;	    /* weight */
	uint64_t count;	    /* samples */
	uint32_t node;	    /* the first, when several are merged */
	uint32_t merged;    /* so many siblings in one box; 0: an own box */
	uint32_t row;	    /* 0 for the root */
};

struct rend_flame_limits {
	double width_px;
	double min_px;	   /* thinner boxes are merged */
	double min_row_px; /* the picture ends below the last row that is so full; 0: never */
	uint32_t max_rows; /* at least 1 */
	size_t max_boxes;  /* kept by raising min_px */
	size_t max_labels; /* kept by raising label_min_px */
};

struct rend_flame_layout {
	struct rend_flame_box *boxes; /* parents before children, row by row within a branch */
	size_t count, room;
	double min_px;	     /* as it became */
	double label_min_px; /* thinner boxes have no label */
	uint32_t row_count;
	uint32_t hidden_rows; /* that would follow */
};

/*
 * Lay out the tree of `nodes`. Empty when the root weighs nothing.
 * Returns: 0; TFMT_E_NOMEM.
 * Cost: a look at every node, and a visit to those that are drawn.
 */
int rend_flame_layout_init(struct rend_flame_layout *layout, const struct tfmt_node *nodes,
	size_t node_count, const struct rend_flame_limits *limits);
void rend_flame_layout_release(struct rend_flame_layout *layout);

#endif
