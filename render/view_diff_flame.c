/*
 * Merged stacks of a recording coloured by what changed against another: as wide as they are after,
 * what has become more in one colour, what has become less hatched in another. What is gone is
 * drawn below, as wide as it was before.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff_gone.h"
#include "diff_text.h"
#include "flame_layout.h"
#include "frame_label.h"
#include "language_mark.h"
#include "num.h"
#include "view.h"

#define ROW_PX	      18
#define BOX_PX	      17.4
#define GAP_PX	      0.6
#define MIN_BOX_PX    0.5
#define HEADING_PX    26
#define LEGEND_PX     18 /* a line of its own where it has no room in the heading's */
#define GONE_GAP_PX   26 /* before the heading of what is gone */
#define MAX_ROWS      160
#define MIN_ROWS      4
#define GONE_ROWS     12
#define MIN_ROW_SHARE 0.02 /* in a larger picture it ends below the last row so full */
#define SWATCH_PX     18
#define MIN_SIZE      0.02 /* of the largest change: smaller ones have no colour */
#define TITLE_BYTES   1600
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

static void make_texts(struct diff_flame *flame)
{
	const struct rend_diff *diff = flame->diff;
	const struct rend_flame_layout *layout = &flame->layout;
	char amounts[TFMT_SIDE_COUNT][NUM_TEXT_BYTES], change[NUM_TEXT_BYTES];
	double wholes[TFMT_SIDE_COUNT];
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		uint64_t whole = rend_diff_whole(diff, (enum tfmt_side)side);
		wholes[side] = (double)whole;
		rend_model_amount(diff->models[side], amounts[side], whole);
	}
	rend_diff_amount(diff, change, wholes[TFMT_AFTER] - wholes[TFMT_BEFORE]);
	snprintf(flame->heading, sizeof(flame->heading), "All stacks, %s \u2192 %s",
		amounts[TFMT_BEFORE], amounts[TFMT_AFTER]);
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
	double x = frame->x + rend_text_width_px(REND_FONT_HEADING, flame->heading) + 14;
	rend_section(scene, frame->x, y + 13, flame->heading);
	rend_scene_text(scene, &(struct rend_text){.x = x,
				       .y = y + 13,
				       .text = flame->note,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .max_px = frame->x + frame->width_px - x});
	if (flame->scale == 0)
		return;
	if (flame->has_legend_line)
		draw_legend(flame, scene, frame->x, y + 33);
	else
		draw_legend(flame, scene, frame->x + frame->width_px - legend_px(flame), y + 13);
}

/* How a box of that change is filled; SAME when it is too small, or not sure. */
static enum rend_role role_of(const struct diff_flame *flame, const struct rend_change *change)
{
	double size = rend_change_size(flame->diff, change);
	double share = flame->scale > 0 ? fabs(size) / flame->scale : 0;
	if (share < MIN_SIZE || !rend_change_is_sure(flame->diff, change))
		return REND_SAME;
	int step = (int)ceil(fmin(share, 1) * REND_CHANGE_STEPS) - 1;
	return (size > 0 ? REND_MORE : REND_LESS) + (enum rend_role)step;
}

/* The name of a function, and as much of its change as there is room for. */
static void change_label(const struct tfmt_location *location, const struct rend_change *change,
	const char *suffix, double room_px, char *label, size_t size)
{
	const char *sign = rend_change_amount(change) > 0 ? "+" : "\u2212";
	const char *suffixes[] = {suffix, change->amounts[TFMT_BEFORE] == 0 ? "new" : sign, sign};
	for (int i = 0; i < 3; i++) {
		if (location->is_wait)
			rend_wait_label(REND_FONT_LABEL, location->function, suffixes[i], room_px,
				label, size);
		else
			rend_location_label(
				REND_FONT_LABEL, location, suffixes[i], room_px, label, size);
		if (strstr(label, suffixes[i]) != NULL)
			return;
	}
}

static bool is_less(enum rend_role role)
{
	return role >= REND_LESS && role < REND_LESS + REND_CHANGE_STEPS;
}

/* "total 1.2 s → 2.4 s, +1.2 s (+100 %)". */
static size_t put_change(const struct rend_diff *diff, const char *name,
	const uint64_t amounts[TFMT_SIDE_COUNT], char *text, size_t size)
{
	char before[NUM_TEXT_BYTES], after[NUM_TEXT_BYTES], change[NUM_TEXT_BYTES];
	char percent[NUM_TEXT_BYTES];
	double values[] = {(double)amounts[TFMT_BEFORE], (double)amounts[TFMT_AFTER]};
	rend_diff_percent(percent, values[TFMT_BEFORE], values[TFMT_AFTER]);
	bool has_percent = percent[0] != '\0' && values[0] != values[1];
	int length = snprintf(text, size, "%s %s \u2192 %s, %s%s%s%s", name,
		rend_model_amount(diff->models[TFMT_BEFORE], before, amounts[TFMT_BEFORE]),
		rend_model_amount(diff->models[TFMT_AFTER], after, amounts[TFMT_AFTER]),
		values[0] == values[1]
			? "same"
			: rend_diff_amount(diff, change, values[TFMT_AFTER] - values[TFMT_BEFORE]),
		has_percent ? " (" : "", has_percent ? percent : "", has_percent ? ")" : "");
	return length > 0 && (size_t)length < size ? (size_t)length : size - 1;
}

/* All numbers of a box, for hovering. */
static void put_numbers(const struct rend_diff *diff, const struct rend_change *total,
	const uint64_t *self, char *text, size_t size)
{
	char shares[TFMT_SIDE_COUNT][NUM_TEXT_BYTES], points[NUM_TEXT_BYTES];
	char counts[TFMT_SIDE_COUNT][NUM_TEXT_BYTES];
	size_t length = put_change(diff, "total", total->amounts, text, size);
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		num_percent(shares[side], (double)total->amounts[side],
			(double)rend_diff_whole(diff, (enum tfmt_side)side));
		num_count(counts[side], total->counts[side]);
	}
	length += (size_t)snprintf(text + length, size - length,
		"\n%s \u2192 %s of all, %s points\n", shares[TFMT_BEFORE], shares[TFMT_AFTER],
		rend_diff_points(points, rend_change_share(diff, total)));
	if (self != NULL) {
		length += put_change(diff, "self", self, text + length, size - length);
		length += (size_t)snprintf(text + length, size - length, "\n");
	}
	snprintf(text + length, size - length, "%s \u2192 %s samples%s", counts[TFMT_BEFORE],
		counts[TFMT_AFTER],
		rend_change_is_sure(diff, total) || rend_change_amount(total) == 0
			? ""
			: "\nmay come from sampling alone");
}

/* Of `box->merged` siblings from its node on. */
static struct rend_change merged_change(const struct rend_diff *diff, const struct tfmt_node *nodes,
	const uint32_t *origins, const struct rend_flame_box *box)
{
	struct rend_change sum = {0};
	uint32_t node = box->node;
	for (uint32_t i = 0; i < box->merged; i++) {
		struct rend_change change =
			rend_diff_node_change(diff, origins != NULL ? origins[node] : node);
		for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
			sum.amounts[side] += change.amounts[side];
			sum.counts[side] += change.counts[side];
		}
		node = nodes[node].next_sibling;
	}
	return sum;
}

/* What stands behind the name: "+1.2 s", "new +1.2 s"; "" without a change. */
static void change_suffix(const struct diff_flame *flame, const struct rend_change *change,
	enum rend_role role, char suffix[2 * NUM_TEXT_BYTES])
{
	char amount[NUM_TEXT_BYTES];
	suffix[0] = '\0';
	if (role == REND_SAME)
		return;
	if (flame->diff->sort == REND_DIFF_SHARE)
		rend_diff_points(amount, rend_change_share(flame->diff, change));
	else
		rend_diff_amount(flame->diff, amount, rend_change_amount(change));
	snprintf(suffix, 2 * NUM_TEXT_BYTES, "%s%s",
		change->amounts[TFMT_BEFORE] == 0 ? "new " : "", amount);
}

static void fill_root(const struct diff_flame *flame, const struct rend_change *change,
	bool is_gone, struct rend_item *item, char *label, size_t size)
{
	char amount[NUM_TEXT_BYTES], percent[NUM_TEXT_BYTES];
	item->fill = REND_ALL;
	item->label = label;
	if (is_gone) {
		snprintf(label, size, "gone");
		return;
	}
	rend_diff_percent(
		percent, (double)change->amounts[TFMT_BEFORE], (double)change->amounts[TFMT_AFTER]);
	bool is_same = rend_change_amount(change) == 0;
	snprintf(label, size, "all %s%s%s%s",
		is_same ? "" : rend_diff_amount(flame->diff, amount, rend_change_amount(change)),
		is_same || percent[0] == '\0' ? "" : " (", is_same ? "" : percent,
		is_same || percent[0] == '\0' ? "" : ")");
}

static void fill_function(const struct diff_flame *flame, uint32_t node,
	const struct rend_change *change, struct rend_scene *scene, struct rend_item *item,
	char *label, size_t size)
{
	const struct rend_diff *diff = flame->diff;
	const struct tfmt_location *location =
		diff->functions[diff->nodes[TFMT_AFTER][node].function].location;
	char suffix[2 * NUM_TEXT_BYTES];
	double room_px = item->rect.width - 2 * REND_LABEL_INSET_PX;
	item->fill = role_of(flame, change);
	item->is_hatched = is_less(item->fill);
	item->label = label;
	change_suffix(flame, change, item->fill, suffix);
	change_label(location, change, suffix, room_px, label, size);
	rend_language_mark(scene, rend_model_language(location), &item->rect);
}

static void function_title(const struct rend_diff *diff, uint32_t node,
	const struct rend_change *change, char *text, size_t size)
{
	const struct tfmt_node *before = &diff->nodes[TFMT_BEFORE][node];
	const struct tfmt_node *after = &diff->nodes[TFMT_AFTER][node];
	const struct tfmt_location *location = diff->functions[after->function].location;
	uint64_t self[] = {before->self, after->self};
	char place[512];
	rend_model_place(location, place, sizeof(place));
	int length = snprintf(text, size, "%.500s%s\n%s%s", location->function,
		before->total == 0  ? " (new)"
		: after->total == 0 ? " (gone)"
				    : "",
		place, place[0] != '\0' ? "\n" : "");
	if (after->total == 0 && before->parent != 0)
		length += snprintf(text + length, size - (size_t)length, "called by %.300s\n",
			diff->functions[diff->nodes[TFMT_BEFORE][before->parent].function]
				.location->function);
	put_numbers(diff, change, self, text + length, size - (size_t)length);
}

/* `origins` of a box that is gone, else NULL. */
static void draw_box(const struct diff_flame *flame, struct rend_scene *scene,
	const struct rend_flame_layout *layout, const struct rend_flame_box *box,
	const uint32_t *origins, double y)
{
	const struct rend_diff *diff = flame->diff;
	uint32_t node = origins != NULL ? origins[box->node] : box->node;
	char title[TITLE_BYTES], label[512];
	struct rend_item item = {
		.rect = {flame->frame.x + box->x, y + box->row * ROW_PX,
			fmax(box->width_px - GAP_PX, MIN_BOX_PX), BOX_PX},
		.title = title,
	};
	if (box->merged > 0) {
		struct rend_change change = merged_change(diff,
			origins != NULL ? flame->gone.nodes : diff->nodes[TFMT_AFTER], origins,
			box);
		int length = snprintf(
			title, sizeof(title), "%u frames too small to be drawn\n", box->merged);
		put_numbers(diff, &change, NULL, title + length, sizeof(title) - (size_t)length);
		snprintf(label, sizeof(label), "%u frame%s", box->merged,
			box->merged == 1 ? "" : "s");
		item.fill = REND_MERGED;
		item.is_hatched = true;
		item.label = label;
	} else if (box->node == 0) {
		struct rend_change change = rend_diff_node_change(diff, 0);
		if (origins != NULL)
			change = (struct rend_change){{flame->gone.nodes[0].total, 0},
				{flame->gone.nodes[0].total_count, 0}};
		fill_root(flame, &change, origins != NULL, &item, label, sizeof(label));
		int length = snprintf(title, sizeof(title), "%s\n",
			origins != NULL ? "everything that is gone" : "everything");
		put_numbers(diff, &change, NULL, title + length, sizeof(title) - (size_t)length);
	} else {
		struct rend_change change = rend_diff_node_change(diff, node);
		fill_function(flame, node, &change, scene, &item, label, sizeof(label));
		function_title(diff, node, &change, title, sizeof(title));
	}
	if (box->width_px < layout->label_min_px)
		item.label = NULL;
	rend_scene_item(scene, &item);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct diff_flame *flame = state;
	draw_heading(flame, scene, y);
	y += heading_px(flame);
	rend_scene_group(scene, flame->heading);
	for (size_t i = 0; i < flame->layout.count; i++)
		draw_box(flame, scene, &flame->layout, &flame->layout.boxes[i], NULL, y);
	rend_scene_group_end(scene);
	if (flame->gone_layout.count == 0)
		return;
	y += flame->layout.row_count * ROW_PX + GONE_GAP_PX;
	rend_section(scene, flame->frame.x, y + 13, flame->gone_heading);
	rend_scene_group(scene, flame->gone_heading);
	for (size_t i = 0; i < flame->gone_layout.count; i++)
		draw_box(flame, scene, &flame->gone_layout, &flame->gone_layout.boxes[i],
			flame->gone.origins, y + HEADING_PX);
	rend_scene_group_end(scene);
}

const struct rend_view rend_view_diff_flame = {
	.name = "flame",
	.summary = "merged stacks coloured by their change against another recording",
	.draws_stacks = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.no_text = "tconv --folded --diff B prints the same stacks as text",
};
