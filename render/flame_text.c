#include "flame_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cells.h"
#include "flame_layout.h"
#include "frame_label.h"
#include "num.h"

#define MAX_ROWS  100
#define MAX_BOXES 20000
#define COLUMN_PX 7 /* about what a character takes: names are chosen by their width */

/* The name of a box and its share, as it fits into `columns`; "" when nothing does. */
static void box_label(const struct rend_model *model, const struct tfmt_node *nodes,
	const struct rend_flame_box *box, int columns, char *label, size_t size)
{
	char share[NUM_TEXT_BYTES];
	const double room_px = columns * COLUMN_PX;
	const struct tfmt_location *location =
		&tfmt_calltree_function(model->tree, nodes[box->node].function)->location;
	num_percent(share, (double)box->total, (double)nodes[0].total);
	if (box->row == 0)
		snprintf(label, size, "all %s", share);
	else if (box->merged > 0)
		snprintf(label, size, "+%u", (unsigned)box->merged);
	else if (location->is_wait)
		rend_wait_label(REND_FONT_BODY, location->function, share, room_px, label, size);
	else
		rend_location_label(REND_FONT_BODY, location, share, room_px, label, size);
	if (rend_text_columns(label) > columns && (box->merged > 0 || columns < 2))
		label[0] = '\0';
}

/* "▌name 12.3 %────": from its first column to its last. What is merged is shaded. */
static void put_box(const struct rend_model *model, const struct tfmt_node *nodes,
	const struct rend_flame_box *box, int columns, FILE *stream)
{
	char label[512];
	int room = columns - 1;
	box_label(model, nodes, box, room, label, sizeof(label));
	fputs(box->merged > 0 ? "░" : "▌", stream);
	int used = rend_text_columns(label);
	used = used < room ? used : room;
	if (used > 0)
		rend_put_last(stream, label, room);
	for (; used < room; used++)
		fputs(box->merged > 0 ? "░" : "─", stream);
}

static void put_row(const struct rend_model *model, const struct tfmt_node *nodes,
	const struct rend_flame_layout *layout, uint32_t row, FILE *stream)
{
	int column = 0;
	for (size_t i = 0; i < layout->count; i++) {
		const struct rend_flame_box *box = &layout->boxes[i];
		int begin = (int)lround(box->x), end = (int)lround(box->x + box->width_px);
		if (box->row != row || end <= begin)
			continue;
		fprintf(stream, "%*s", begin - column, "");
		put_box(model, nodes, box, end - begin, stream);
		column = end;
	}
	fputc('\n', stream);
}

int rend_flame_text(const struct rend_model *model, int columns, FILE *stream)
{
	size_t count;
	const struct tfmt_node *nodes = tfmt_calltree_nodes(model->tree, &count);
	struct rend_flame_layout layout;
	struct rend_flame_limits limits = {
		.width_px = columns,
		.min_px = 1,
		.max_rows = MAX_ROWS,
		.max_boxes = MAX_BOXES,
		.max_labels = MAX_BOXES,
	};
	int status = rend_flame_layout_init(&layout, nodes, count, &limits);
	if (status < 0)
		return status;
	for (uint32_t row = 0; row < layout.row_count; row++)
		put_row(model, nodes, &layout, row, stream);
	if (layout.hidden_rows > 0)
		fprintf(stream, "%u deeper row%s not shown\n", (unsigned)layout.hidden_rows,
			layout.hidden_rows == 1 ? "" : "s");
	rend_flame_layout_release(&layout);
	return 0;
}
