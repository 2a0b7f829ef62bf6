#include "flame_layout.h"

#include <math.h>
#include <stdlib.h>

#include "tracefmt/error.h"

#define LABEL_MIN_PX 32

static int add_box(struct rend_flame_layout *layout, const struct rend_flame_box *box)
{
	if (layout->count == layout->room) {
		size_t room = layout->room > 0 ? layout->room * 2 : 512;
		struct rend_flame_box *boxes = realloc(layout->boxes, room * sizeof(*boxes));
		if (boxes == NULL)
			return TFMT_E_NOMEM;
		layout->boxes = boxes;
		layout->room = room;
	}
	layout->boxes[layout->count++] = *box;
	if (layout->row_count <= box->row)
		layout->row_count = box->row + 1;
	return 0;
}

/*
 * One box for `*node` and the siblings after it that are thin too, none when it would be too thin
 * itself. `*node` becomes the last of them.
 */
static int add_merged(struct rend_flame_layout *layout, const struct tfmt_node *nodes,
	double px_per_weight, uint32_t *node, struct rend_flame_box *box)
{
	uint32_t next;
	box->merged = 1;
	while ((next = nodes[*node].next_sibling) != 0 &&
		(double)nodes[next].total * px_per_weight < layout->min_px) {
		box->total += nodes[next].total;
		box->count += nodes[next].total_count;
		box->merged++;
		*node = next;
	}
	box->width_px = (double)box->total * px_per_weight;
	return box->width_px >= layout->min_px ? add_box(layout, box) : 0;
}

/*
 * Visit in preorder all boxes of at least min_px. `next_x[row]` is where the next box of that row
 * begins. Returns 1 when there are too many boxes.
 */
static int lay_out(struct rend_flame_layout *layout, const struct tfmt_node *nodes,
	const struct rend_flame_limits *limits, double *next_x)
{
	double px_per_weight = limits->width_px / (double)nodes[0].total;
	layout->count = 0;
	layout->row_count = 0;
	next_x[0] = 0;
	for (uint32_t i = 0;;) {
		const struct tfmt_node *node = &nodes[i];
		/* Saturated weights (tracefmt/calltree.h) may be more than their caller's. */
		double x = fmin(next_x[node->depth], limits->width_px);
		double width_px = (double)node->total * px_per_weight;
		struct rend_flame_box box = {
			.x = x,
			.width_px = fmin(width_px, limits->width_px - x),
			.total = node->total,
			.count = node->total_count,
			.node = i,
			.row = node->depth,
		};
		int status = 0;
		bool is_thin = i != 0 && width_px < layout->min_px;
		if (is_thin)
			status = add_merged(layout, nodes, px_per_weight, &i, &box);
		else
			status = add_box(layout, &box);
		if (status < 0)
			return status;
		if (layout->count > limits->max_boxes)
			return 1;
		next_x[node->depth] += box.width_px;
		if (!is_thin && node->first_child != 0 && node->depth + 1 < limits->max_rows) {
			next_x[node->depth + 1] = box.x;
			i = node->first_child;
			continue;
		}
		while (i != 0 && nodes[i].next_sibling == 0)
			i = nodes[i].parent;
		if (i == 0)
			return 0;
		i = nodes[i].next_sibling;
	}
}

static void count_hidden_rows(struct rend_flame_layout *layout, const struct tfmt_node *nodes,
	size_t node_count, const struct rend_flame_limits *limits)
{
	double min_weight = layout->min_px * (double)nodes[0].total / limits->width_px;
	uint32_t depth = 0;
	for (size_t i = 0; i < node_count; i++) {
		if (nodes[i].depth > depth && (double)nodes[i].total >= min_weight)
			depth = nodes[i].depth;
	}
	layout->hidden_rows = depth + 1 > limits->max_rows ? depth + 1 - limits->max_rows : 0;
}

/* Rows at the end that hold next to nothing would leave the picture mostly bare. */
static int trim_rows(struct rend_flame_layout *layout, double min_row_px)
{
	double *row_px = calloc(layout->row_count, sizeof(*row_px));
	size_t kept = 0;
	if (row_px == NULL)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < layout->count; i++)
		row_px[layout->boxes[i].row] += layout->boxes[i].width_px;
	while (layout->row_count > 1 && row_px[layout->row_count - 1] < min_row_px) {
		layout->row_count--;
		layout->hidden_rows++;
	}
	for (size_t i = 0; i < layout->count; i++) {
		if (layout->boxes[i].row < layout->row_count)
			layout->boxes[kept++] = layout->boxes[i];
	}
	layout->count = kept;
	free(row_px);
	return 0;
}

static void limit_labels(struct rend_flame_layout *layout, size_t max_labels)
{
	layout->label_min_px = LABEL_MIN_PX;
	for (;;) {
		size_t labels = 0;
		for (size_t i = 0; i < layout->count; i++)
			labels += layout->boxes[i].width_px >= layout->label_min_px;
		if (labels <= max_labels)
			return;
		layout->label_min_px *= 1.25;
	}
}

int rend_flame_layout_init(struct rend_flame_layout *layout, const struct tfmt_node *nodes,
	size_t node_count, const struct rend_flame_limits *limits)
{
	*layout = (struct rend_flame_layout){.min_px = limits->min_px};
	if (node_count == 0 || nodes[0].total == 0)
		return 0;
	double *next_x = malloc(limits->max_rows * sizeof(*next_x));
	int status = next_x == NULL ? TFMT_E_NOMEM : 1;
	while (status == 1) {
		status = lay_out(layout, nodes, limits, next_x);
		if (status == 1)
			layout->min_px *= 1.25;
	}
	free(next_x);
	if (status == 0) {
		count_hidden_rows(layout, nodes, node_count, limits);
		status = trim_rows(layout, limits->min_row_px);
	}
	if (status < 0) {
		rend_flame_layout_release(layout);
		return status;
	}
	limit_labels(layout, limits->max_labels);
	return 0;
}

void rend_flame_layout_release(struct rend_flame_layout *layout)
{
	free(layout->boxes);
	*layout = (struct rend_flame_layout){0};
}
