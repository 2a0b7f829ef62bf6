/*
 * Merged stacks of a recording coloured by what changed against another: as wide as they are after,
 * what has become more in one colour, what has become less hatched in another. What is gone is
 * drawn below, as wide as it was before.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff_boxes.h"
#include "diff_gone.h"
#include "diff_text.h"
#include "flame_layout.h"
#include "num.h"
#include "view.h"

#define ROW_PX	      REND_DIFF_ROW_PX
#define MIN_BOX_PX    0.5
#define HEADING_PX    26
#define LEGEND_PX     18 /* a line of its own where it has no room in the heading's */
#define GONE_GAP_PX   26 /* before the heading of what is gone */
#define MAX_ROWS      160
#define MIN_ROWS      4
#define GONE_ROWS     12
#define MIN_ROW_SHARE 0.02 /* in a larger picture it ends below the last row so full */
#define SWATCH_PX     18
#define GONE_ITEMS_OF 4 /* of all boxes a fourth may be of what is gone */

struct diff_flame {
	const struct rend_diff *diff;
	struct rend_frame frame;
	struct rend_flame_layout layout;
	struct rend_diff_gone gone;
	struct rend_flame_layout gone_layout;
	double scale; /* the largest change that has a colour */
	char heading[128];
	char gone_heading[128];
	char note[160]; /* what is not drawn, "" when all is */
	char least[NUM_TEXT_BYTES], most[NUM_TEXT_BYTES];
	bool has_legend_line;
};

static bool has_data(const struct rend_model *model)
{
	return model->diff != NULL && model->diff->stacks != NULL &&
	       rend_diff_whole(model->diff, TFMT_BEFORE) +
			       rend_diff_whole(model->diff, TFMT_AFTER) >
		       0;
}

/* ---- what is where ---- */

static double largest_change(const struct diff_flame *flame, const struct rend_flame_layout *layout,
	const uint32_t *origins)
{
	double largest = 0;
	for (size_t i = 0; i < layout->count; i++) {
		const struct rend_flame_box *box = &layout->boxes[i];
		if (box->node == 0 || box->merged > 0)
			continue;
		struct rend_change change = rend_diff_node_change(
			flame->diff, origins != NULL ? origins[box->node] : box->node);
		if (rend_change_is_sure(flame->diff, &change))
			largest = fmax(largest, fabs(rend_change_size(flame->diff, &change)));
	}
	return largest;
}

static double legend_px(const struct diff_flame *flame)
{
	if (flame->scale == 0)
		return 0;
	return (2 * REND_CHANGE_STEPS + 1) * SWATCH_PX + 16 +
	       rend_text_width_px(REND_FONT_SMALL, flame->least) +
	       rend_text_width_px(REND_FONT_SMALL, flame->most);
}

/* "Stacks on CPU, 1.2 s → 2.4 s"; on narrow pages without where. */
static void make_heading(struct diff_flame *flame, const char *before, const char *after)
{
	static const char *const wheres[] = {
		[TFMT_WEIGHT_SAMPLES] = " on CPU",
		[TFMT_WEIGHT_CPU] = " on CPU",
		[TFMT_WEIGHT_OFFCPU] = " off CPU",
		[TFMT_WEIGHT_WALL] = " on and off CPU",
	};
	const char *where = wheres[flame->diff->models[TFMT_AFTER]->weight];
	for (int i = 0; i < 2; i++) {
		snprintf(flame->heading, sizeof(flame->heading), "Stacks%s, %s \u2192 %s", where,
			before, after);
		if (rend_text_width_px(REND_FONT_HEADING, flame->heading) <= flame->frame.width_px)
			return;
		where = "";
	}
}

static void make_texts(struct diff_flame *flame)
{
	const struct rend_diff *diff = flame->diff;
	const struct rend_flame_layout *layout = &flame->layout;
	char amounts[TFMT_SIDE_COUNT][NUM_TEXT_BYTES];
	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		rend_model_amount(diff->models[side], amounts[side],
			rend_diff_whole(diff, (enum tfmt_side)side));
	make_heading(flame, amounts[TFMT_BEFORE], amounts[TFMT_AFTER]);
	rend_model_amount(diff->models[TFMT_BEFORE], amounts[0], flame->gone.nodes[0].total);
	snprintf(flame->gone_heading, sizeof(flame->gone_heading), "Gone stacks, %s before",
		amounts[0]);
	if (diff->sort == REND_DIFF_SHARE) {
		rend_diff_points(flame->least, -flame->scale);
		rend_diff_points(flame->most, flame->scale);
		strcat(flame->most, " points");
	} else {
		rend_diff_amount(diff, flame->least, -flame->scale);
		rend_diff_amount(diff, flame->most, flame->scale);
	}
	if (flame->scale == 0)
		snprintf(flame->note, sizeof(flame->note), "%s",
			diff->has_change ? "no change beyond what sampling may bring"
					 : "no difference");
	else if (layout->hidden_rows > 0)
		snprintf(flame->note, sizeof(flame->note), "%u deeper row%s not drawn",
			(unsigned)layout->hidden_rows, layout->hidden_rows == 1 ? "" : "s");
	flame->has_legend_line = rend_text_width_px(REND_FONT_HEADING, flame->heading) +
					 rend_text_width_px(REND_FONT_SMALL, flame->note) +
					 legend_px(flame) + 40 >
				 flame->frame.width_px;
}

/* What is gone is drawn to the scale of the rest, unless it is more than all of that. */
static double gone_width_px(const struct diff_flame *flame)
{
	double gone = (double)flame->gone.nodes[0].total;
	double after = (double)rend_diff_whole(flame->diff, TFMT_AFTER);
	return flame->frame.width_px * (gone < after ? gone / after : 1);
}

static uint32_t rows_in(double room_px, uint32_t most)
{
	if (room_px > most * ROW_PX)
		return most;
	return room_px > MIN_ROWS * ROW_PX ? (uint32_t)(room_px / ROW_PX) : MIN_ROWS;
}

static int lay_out(struct diff_flame *flame)
{
	const struct rend_frame *frame = &flame->frame;
	const struct rend_diff *diff = flame->diff;
	size_t max_items = frame->max_items > 0 ? frame->max_items : REND_MAX_ITEMS;
	double room_px = frame->max_height_px > 0 ? frame->max_height_px - HEADING_PX - LEGEND_PX
						  : MAX_ROWS * ROW_PX;
	struct rend_flame_limits limits = {
		.width_px = fmax(gone_width_px(flame), MIN_BOX_PX),
		.min_px = MIN_BOX_PX,
		.min_row_px = frame->width_px * MIN_ROW_SHARE / 2,
		.max_rows = rows_in(room_px / 3, GONE_ROWS),
		.max_boxes = max_items / GONE_ITEMS_OF,
		.max_labels = REND_MAX_LABELS / GONE_ITEMS_OF,
	};
	int status = rend_flame_layout_init(
		&flame->gone_layout, flame->gone.nodes, flame->gone.count, &limits);
	if (status < 0)
		return status;
	if (flame->gone_layout.count > 0)
		room_px -= GONE_GAP_PX + HEADING_PX + flame->gone_layout.row_count * ROW_PX;
	limits.width_px = frame->width_px;
	limits.min_row_px = frame->is_part ? frame->width_px * MIN_ROW_SHARE : 0;
	limits.max_rows = rows_in(room_px, MAX_ROWS);
	limits.max_boxes = max_items - max_items / GONE_ITEMS_OF;
	limits.max_labels = REND_MAX_LABELS - REND_MAX_LABELS / GONE_ITEMS_OF;
	return rend_flame_layout_init(
		&flame->layout, diff->nodes[TFMT_AFTER], diff->node_count, &limits);
}

static void release(void *state)
{
	struct diff_flame *flame = state;
	rend_flame_layout_release(&flame->layout);
	rend_flame_layout_release(&flame->gone_layout);
	rend_diff_gone_release(&flame->gone);
	free(flame);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct diff_flame *flame = calloc(1, sizeof(*flame));
	if (flame == NULL)
		return TFMT_E_NOMEM;
	flame->diff = model->diff;
	flame->frame = *frame;
	int status = rend_diff_gone_init(&flame->gone, flame->diff);
	if (status == 0)
		status = lay_out(flame);
	if (status < 0) {
		release(flame);
		return status;
	}
	flame->scale = fmax(largest_change(flame, &flame->layout, NULL),
		largest_change(flame, &flame->gone_layout, flame->gone.origins));
	make_texts(flame);
	*ret_state = flame;
	return 0;
}

/* Down to the first row. */
static double heading_px(const struct diff_flame *flame)
{
	return HEADING_PX + (flame->has_legend_line ? LEGEND_PX : 0);
}

static double height_px(const void *state)
{
	const struct diff_flame *flame = state;
	double gone_px = flame->gone_layout.count > 0
				 ? GONE_GAP_PX + HEADING_PX + flame->gone_layout.row_count * ROW_PX
				 : 0;
	return heading_px(flame) + flame->layout.row_count * ROW_PX + gone_px;
}

/* ---- drawing ---- */

static void draw_legend(
	const struct diff_flame *flame, struct rend_scene *scene, double x, double y)
{
	struct rend_text text = {
		.x = x, .y = y, .text = flame->least, .font = REND_FONT_SMALL, .role = REND_MUTED};
	x += rend_scene_text(scene, &text) + 8;
	for (int i = 0; i < 2 * REND_CHANGE_STEPS + 1; i++) {
		struct rend_rect rect = {x + i * SWATCH_PX, y - 9, SWATCH_PX - 1, 11};
		int step = i - REND_CHANGE_STEPS;
		if (step < 0)
			rend_scene_hatch(scene, REND_LESS + (enum rend_role)(-step - 1), rect);
		else
			rend_scene_rect(scene,
				step > 0 ? REND_MORE + (enum rend_role)(step - 1) : REND_SAME,
				rect);
	}
	text.x = x + (2 * REND_CHANGE_STEPS + 1) * SWATCH_PX + 8;
	text.text = flame->most;
	rend_scene_text(scene, &text);
}

static void draw_heading(const struct diff_flame *flame, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &flame->frame;
	double right = frame->x + frame->width_px;
	rend_section_with_note(scene, frame->x, y + 13, right, flame->heading, flame->note);
	if (flame->scale == 0)
		return;
	if (flame->has_legend_line)
		draw_legend(flame, scene, frame->x, y + 33);
	else
		draw_legend(flame, scene, right - legend_px(flame), y + 13);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct diff_flame *flame = state;
	struct rend_diff_boxes boxes = {
		.diff = flame->diff,
		.layout = &flame->layout,
		.nodes = flame->diff->nodes[TFMT_AFTER],
		.scale = flame->scale,
		.x = flame->frame.x,
	};
	draw_heading(flame, scene, y);
	y += heading_px(flame);
	rend_scene_group(scene, flame->heading);
	rend_diff_boxes_draw(&boxes, scene, y);
	rend_scene_group_end(scene);
	if (flame->gone_layout.count == 0)
		return;
	boxes.layout = &flame->gone_layout;
	boxes.nodes = flame->gone.nodes;
	boxes.origins = flame->gone.origins;
	y += flame->layout.row_count * ROW_PX + GONE_GAP_PX;
	rend_section(scene, flame->frame.x, y + 13, flame->gone_heading);
	rend_scene_group(scene, flame->gone_heading);
	rend_diff_boxes_draw(&boxes, scene, y + HEADING_PX);
	rend_scene_group_end(scene);
}

const struct rend_view rend_view_diff_flame = {
	.name = "flame",
	.summary = "merged stacks coloured by their change against another recording",
	.draws_stacks = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS_TO_COMPARE,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.no_text = "tconv --folded --diff B prints the same stacks as text",
};
