#include "diff_boxes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diff_text.h"
#include "frame_label.h"
#include "language_mark.h"
#include "num.h"

#define GAP_PX	    0.6
#define MIN_BOX_PX  0.5
#define MIN_SIZE    0.02 /* of the largest change: smaller ones have no colour */
#define TITLE_BYTES 1600

/* How a box of that change is filled; SAME when it is too small, or not sure. */
static enum rend_role role_of(const struct rend_diff_boxes *boxes, const struct rend_change *change)
{
	double size = rend_change_size(boxes->diff, change);
	double share = boxes->scale > 0 ? fabs(size) / boxes->scale : 0;
	if (share < MIN_SIZE || !rend_change_is_sure(boxes->diff, change))
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

/* Which node of the diff that is. */
static uint32_t node_of(const struct rend_diff_boxes *boxes, uint32_t node)
{
	return boxes->origins != NULL ? boxes->origins[node] : node;
}

/* Of `box->merged` siblings from its node on. */
static struct rend_change merged_change(
	const struct rend_diff_boxes *boxes, const struct rend_flame_box *box)
{
	struct rend_change sum = {0};
	uint32_t node = box->node;
	for (uint32_t i = 0; i < box->merged; i++) {
		struct rend_change change =
			rend_diff_node_change(boxes->diff, node_of(boxes, node));
		for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
			sum.amounts[side] += change.amounts[side];
			sum.counts[side] += change.counts[side];
		}
		node = boxes->nodes[node].next_sibling;
	}
	return sum;
}

/* What stands behind the name: "+1.2 s", "new +1.2 s"; "" without a change. */
static void change_suffix(const struct rend_diff_boxes *boxes, const struct rend_change *change,
	enum rend_role role, char suffix[2 * NUM_TEXT_BYTES])
{
	char amount[NUM_TEXT_BYTES];
	suffix[0] = '\0';
	if (role == REND_SAME)
		return;
	if (boxes->diff->sort == REND_DIFF_SHARE)
		rend_diff_points(amount, rend_change_share(boxes->diff, change));
	else
		rend_diff_amount(boxes->diff, amount, rend_change_amount(change));
	snprintf(suffix, 2 * NUM_TEXT_BYTES, "%s%s",
		change->amounts[TFMT_BEFORE] == 0 ? "new " : "", amount);
}

/* "all +1.2 s (+12.3 %)", "gone". */
static void root_label(const struct rend_diff_boxes *boxes, const struct rend_change *change,
	char *label, size_t size)
{
	char amount[NUM_TEXT_BYTES], percent[NUM_TEXT_BYTES];
	double before = (double)change->amounts[TFMT_BEFORE];
	double after = (double)change->amounts[TFMT_AFTER];
	rend_diff_percent(percent, before, after);
	rend_diff_amount(boxes->diff, amount, after - before);
	if (boxes->origins != NULL)
		snprintf(label, size, "gone");
	else if (before == after)
		snprintf(label, size, "all");
	else if (percent[0] == '\0')
		snprintf(label, size, "all %s", amount);
	else
		snprintf(label, size, "all %s (%s)", amount, percent);
}

static void fill_root(const struct rend_diff_boxes *boxes, struct rend_item *item, char *label,
	size_t label_size, char *title, size_t title_size)
{
	bool is_gone = boxes->origins != NULL;
	struct rend_change change = rend_diff_node_change(boxes->diff, 0);
	if (is_gone)
		change = (struct rend_change){
			{boxes->nodes[0].total, 0}, {boxes->nodes[0].total_count, 0}};
	item->fill = REND_ALL;
	item->label = label;
	root_label(boxes, &change, label, label_size);
	int length = snprintf(
		title, title_size, "%s\n", is_gone ? "everything that is gone" : "everything");
	put_numbers(boxes->diff, &change, NULL, title + length, title_size - (size_t)length);
}

static void fill_function(const struct rend_diff_boxes *boxes, uint32_t node,
	const struct rend_change *change, struct rend_scene *scene, struct rend_item *item,
	char *label, size_t size)
{
	const struct rend_diff *diff = boxes->diff;
	const struct tfmt_location *location =
		diff->functions[diff->nodes[TFMT_AFTER][node].function].location;
	char suffix[2 * NUM_TEXT_BYTES];
	double room_px = item->rect.width - 2 * REND_LABEL_INSET_PX;
	item->fill = role_of(boxes, change);
	item->is_hatched = is_less(item->fill);
	item->label = label;
	change_suffix(boxes, change, item->fill, suffix);
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

static void fill_merged(const struct rend_diff_boxes *boxes, const struct rend_flame_box *box,
	struct rend_item *item, char *label, size_t label_size, char *title, size_t title_size)
{
	struct rend_change change = merged_change(boxes, box);
	int length = snprintf(title, title_size, "%u frames too small to be drawn\n", box->merged);
	put_numbers(boxes->diff, &change, NULL, title + length, title_size - (size_t)length);
	snprintf(label, label_size, "%u frame%s", box->merged, box->merged == 1 ? "" : "s");
	item->fill = REND_MERGED;
	item->is_hatched = true;
	item->label = label;
}

static void draw_box(const struct rend_diff_boxes *boxes, struct rend_scene *scene,
	const struct rend_flame_box *box, double y)
{
	uint32_t node = node_of(boxes, box->node);
	char title[TITLE_BYTES], label[512];
	struct rend_item item = {
		.rect = {boxes->x + box->x, y + box->row * REND_DIFF_ROW_PX,
			fmax(box->width_px - GAP_PX, MIN_BOX_PX), REND_DIFF_ROW_PX - GAP_PX},
		.title = title,
	};
	if (box->merged > 0) {
		fill_merged(boxes, box, &item, label, sizeof(label), title, sizeof(title));
	} else if (box->node == 0) {
		fill_root(boxes, &item, label, sizeof(label), title, sizeof(title));
	} else {
		struct rend_change change = rend_diff_node_change(boxes->diff, node);
		fill_function(boxes, node, &change, scene, &item, label, sizeof(label));
		function_title(boxes->diff, node, &change, title, sizeof(title));
	}
	if (box->width_px < boxes->layout->label_min_px)
		item.label = NULL;
	rend_scene_item(scene, &item);
}

void rend_diff_boxes_draw(const struct rend_diff_boxes *boxes, struct rend_scene *scene, double y)
{
	for (size_t i = 0; i < boxes->layout->count; i++)
		draw_box(boxes, scene, &boxes->layout->boxes[i], y);
}
