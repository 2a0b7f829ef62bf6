/* Merged stacks, by CPU time or another weight: an icicle, the root on top, siblings by weight. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flame_layout.h"
#include "flame_text.h"
#include "frame_label.h"
#include "language_mark.h"
#include "legend.h"
#include "num.h"
#include "view.h"

#define ROW_PX	      18
#define BOX_PX	      17.4
#define GAP_PX	      0.6
#define MIN_BOX_PX    0.5
#define HEADING_PX    26 /* the heading, down to the first row */
#define LEGEND_PX     18 /* a line of its own where it has no room in the heading's */
#define MAX_ROWS      160
#define MIN_ROWS      4
#define MIN_ROW_SHARE 0.02 /* in a report, the flame ends below the last row so full */
#define TITLE_BYTES   1200
#define MERGED_NAMES  4 /* of merged frames, in what hovering shows */

struct flame {
	const struct rend_model *model;
	struct rend_frame frame;
	struct rend_flame_layout layout;
	struct rend_legend legend;
	const struct tfmt_node *nodes;
	char heading[96];
	const char *what; /* of everything: "on CPU" */
	char note[160];	  /* what is not drawn, "" when all is */
	double heading_px;
	bool has_legend_line;
};

static bool has_data(const struct rend_model *model)
{
	size_t count;
	return model->tree != NULL && tfmt_calltree_nodes(model->tree, &count)[0].total > 0;
}

static const struct tfmt_location *node_location(const struct flame *flame, uint32_t node)
{
	uint32_t function = flame->nodes[node].function;
	return &tfmt_calltree_function(flame->model->tree, function)->location;
}

static void make_legend(struct flame *flame)
{
	for (size_t i = 0; i < flame->layout.count; i++) {
		const struct rend_flame_box *box = &flame->layout.boxes[i];
		if (box->node == 0 || box->merged > 0)
			continue;
		const struct tfmt_location *location = node_location(flame, box->node);
		rend_legend_add(&flame->legend, rend_model_role(flame->model, location), location,
			box->width_px);
	}
}

/* What was left out, and from where on. */
static void make_note(struct flame *flame)
{
	const struct rend_flame_layout *layout = &flame->layout;
	char share[NUM_TEXT_BYTES];
	const struct rend_totals *totals = &flame->model->totals;
	size_t length = 0;
	if (layout->min_px > MIN_BOX_PX)
		length = (size_t)snprintf(flame->note, sizeof(flame->note),
			"frames below %s are merged",
			num_percent(share, layout->min_px, flame->frame.width_px));
	if (flame->model->weight >= TFMT_WEIGHT_OFFCPU && totals->assumed_ns > 0)
		length += (size_t)snprintf(flame->note + length, sizeof(flame->note) - length,
			"%s%s of the waiting at assumed places", length > 0 ? ", " : "",
			num_percent(share, (double)totals->assumed_ns, (double)totals->blocked_ns));
	if (layout->hidden_rows > 0)
		snprintf(flame->note + length, sizeof(flame->note) - length,
			"%s%u deeper row%s not drawn", length > 0 ? ", " : "",
			(unsigned)layout->hidden_rows, layout->hidden_rows == 1 ? "" : "s");
}

static void place_legend(struct flame *flame)
{
	double width_px = flame->frame.width_px;
	double used_px = rend_text_width_px(REND_FONT_HEADING, flame->heading) +
			 rend_text_width_px(REND_FONT_SMALL, flame->note) + 36;
	double wanted_px = rend_legend_width_px(&flame->legend, width_px);
	flame->has_legend_line = used_px + fmin(wanted_px, 400) > width_px;
	flame->heading_px = HEADING_PX + (flame->has_legend_line ? LEGEND_PX : 0);
}

/* What is drawn, and how much of it there is. */
static void make_heading(struct flame *flame)
{
	static const char *const whats[] = {
		[TFMT_WEIGHT_SAMPLES] = "on CPU",
		[TFMT_WEIGHT_CPU] = "on CPU",
		[TFMT_WEIGHT_OFFCPU] = "off CPU",
		[TFMT_WEIGHT_WALL] = "on and off CPU",
	};
	char total[NUM_TEXT_BYTES];
	flame->what = whats[flame->model->weight];
	rend_model_amount(flame->model, total, flame->nodes[0].total);
	snprintf(flame->heading, sizeof(flame->heading), "All stacks %s, %s%s", flame->what, total,
		flame->model->weight == TFMT_WEIGHT_WALL ? " of wall time" : "");
}

static uint32_t max_rows(const struct rend_frame *frame)
{
	double room_px = frame->max_height_px - HEADING_PX - LEGEND_PX;
	if (frame->max_height_px <= 0 || room_px > MAX_ROWS * ROW_PX)
		return MAX_ROWS;
	return room_px > MIN_ROWS * ROW_PX ? (uint32_t)(room_px / ROW_PX) : MIN_ROWS;
}

static void release(void *state)
{
	struct flame *flame = state;
	rend_flame_layout_release(&flame->layout);
	free(flame);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct flame *flame = calloc(1, sizeof(*flame));
	size_t node_count;
	if (flame == NULL)
		return TFMT_E_NOMEM;
	flame->model = model;
	flame->frame = *frame;
	flame->nodes = tfmt_calltree_nodes(model->tree, &node_count);
	size_t max_items = frame->max_items > 0 ? frame->max_items : REND_MAX_ITEMS;
	struct rend_flame_limits limits = {
		.width_px = frame->width_px,
		.min_px = MIN_BOX_PX,
		.min_row_px = frame->is_part ? frame->width_px * MIN_ROW_SHARE : 0,
		.max_rows = max_rows(frame),
		.max_boxes = max_items,
		.max_labels = max_items * REND_MAX_LABELS / REND_MAX_ITEMS,
	};
	int status = rend_flame_layout_init(&flame->layout, flame->nodes, node_count, &limits);
	if (status < 0) {
		free(flame);
		return status;
	}
	make_heading(flame);
	make_legend(flame);
	make_note(flame);
	place_legend(flame);
	*ret_state = flame;
	return 0;
}

static double height_px(const void *state)
{
	const struct flame *flame = state;
	return flame->heading_px + flame->layout.row_count * ROW_PX;
}

static void draw_heading(const struct flame *flame, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &flame->frame;
	double right = frame->x + frame->width_px;
	double x =
		rend_section_with_note(scene, frame->x, y + 13, right, flame->heading, flame->note);
	if (flame->has_legend_line) {
		rend_legend_draw(&flame->legend, scene, frame->x, y + 33, frame->width_px);
		return;
	}
	x += rend_text_width_px(REND_FONT_SMALL, flame->note) + 20;
	double width_px = rend_legend_width_px(&flame->legend, right - x);
	rend_legend_draw(&flame->legend, scene, right - width_px, y + 13, right - x);
}

/* "total 12.3 s, 61.7 % of all, 70 % of the caller, 12 345 samples" and the like. */
static void frame_title(
	const struct flame *flame, const struct rend_flame_box *box, char *text, size_t size)
{
	const struct tfmt_node *node = &flame->nodes[box->node];
	const struct tfmt_location *location = node_location(flame, box->node);
	uint64_t all = flame->nodes[0].total;
	char total[NUM_TEXT_BYTES], self[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	char total_share[NUM_TEXT_BYTES], self_share[NUM_TEXT_BYTES], parent_share[NUM_TEXT_BYTES];
	char place[300];
	rend_model_place(location, place, sizeof(place));
	rend_model_amount(flame->model, total, node->total);
	rend_model_amount(flame->model, self, node->self);
	num_percent(total_share, (double)node->total, (double)all);
	num_percent(self_share, (double)node->self, (double)all);
	num_percent(parent_share, (double)node->total, (double)flame->nodes[node->parent].total);
	size_t length = (size_t)snprintf(text, size,
		"%.500s%s\n%s%stotal %s, %s of all, %s of its caller\nself %s, %s",
		location->function, location->inlined ? " (inlined)" : "", place,
		place[0] != '\0' ? "\n" : "", total, total_share, parent_share, self, self_share);
	if (flame->model->weight != TFMT_WEIGHT_SAMPLES && length < size)
		snprintf(text + length, size - length, "\n%s samples",
			num_count(count, node->total_count));
}

static void merged_title(
	const struct flame *flame, const struct rend_flame_box *box, char *text, size_t size)
{
	char total[NUM_TEXT_BYTES], share[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	num_percent(share, (double)box->total, (double)flame->nodes[0].total);
	size_t length = (size_t)snprintf(text, size,
		"%u frames too small to be drawn\ntotal %s, %s of all\n%s samples", box->merged,
		rend_model_amount(flame->model, total, box->total), share,
		num_count(count, box->count));
	uint32_t node = box->node;
	for (uint32_t i = 0; i < MERGED_NAMES && i < box->merged && length < size; i++) {
		length += (size_t)snprintf(text + length, size - length, "\n%.120s",
			node_location(flame, node)->function);
		node = flame->nodes[node].next_sibling;
	}
	if (box->merged > MERGED_NAMES && length < size)
		snprintf(text + length, size - length, "\n…");
}

static void draw_box(const struct flame *flame, struct rend_scene *scene,
	const struct rend_flame_box *box, double y)
{
	char title[TITLE_BYTES], label[512], name[64], share[NUM_TEXT_BYTES];
	double room_px = box->width_px - GAP_PX - 2 * REND_LABEL_INSET_PX;
	struct rend_item item = {
		.rect = {flame->frame.x + box->x, y + box->row * ROW_PX,
			fmax(box->width_px - GAP_PX, MIN_BOX_PX), BOX_PX},
		.title = title,
	};
	num_percent(share, (double)box->total, (double)flame->nodes[0].total);
	if (box->node == 0) {
		char total[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
		snprintf(title, sizeof(title), "everything %s\ntotal %s\n%s samples", flame->what,
			rend_model_amount(flame->model, total, box->total),
			num_count(count, box->count));
		item.fill = REND_ALL;
		item.label = "all 100.0 %";
	} else if (box->merged > 0) {
		merged_title(flame, box, title, sizeof(title));
		snprintf(
			name, sizeof(name), "%u frame%s", box->merged, box->merged == 1 ? "" : "s");
		item.fill = REND_MERGED;
		item.is_hatched = true;
		item.label = label;
		rend_frame_label(REND_FONT_LABEL, name, share, room_px, label, sizeof(label));
	} else {
		const struct tfmt_location *location = node_location(flame, box->node);
		frame_title(flame, box, title, sizeof(title));
		item.fill = rend_model_role(flame->model, location);
		rend_language_mark(scene, rend_model_language(location), &item.rect);
		item.is_hatched = location->is_wait;
		item.label = label;
		if (location->is_wait)
			rend_wait_label(REND_FONT_LABEL, location->function, share, room_px, label,
				sizeof(label));
		else
			rend_location_label(
				REND_FONT_LABEL, location, share, room_px, label, sizeof(label));
	}
	if (box->width_px < flame->layout.label_min_px)
		item.label = NULL;
	rend_scene_item(scene, &item);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct flame *flame = state;
	draw_heading(flame, scene, y);
	rend_scene_group(scene, flame->heading);
	for (size_t i = 0; i < flame->layout.count; i++)
		draw_box(flame, scene, &flame->layout.boxes[i], y + flame->heading_px);
	rend_scene_group_end(scene);
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	struct flame flame = {.model = model};
	size_t count;
	flame.nodes = tfmt_calltree_nodes(model->tree, &count);
	make_heading(&flame);
	fprintf(stream, "%s\n", flame.heading);
	return rend_flame_text(model, frame->columns, stream);
}

const struct rend_view rend_view_flame = {
	.name = "flame",
	.summary = "merged stacks: where the CPU time went, or the waiting",
	.draws_stacks = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.is_listing = true,
	.text = write_text,
};
