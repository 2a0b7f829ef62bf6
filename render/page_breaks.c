#include "page_breaks.h"

#include <math.h>

#define CLEARANCE_PX   3
#define DESCENT_PART   0.3  /* of the size of a font, below its baseline */
#define MIN_PART       0.4  /* of a page that must be filled */
#define RULE_WIDTH_PX  2    /* grid lines go through everything */
#define MAX_SHAPE_PART 0.25 /* of a page: higher shapes are grounds, and may be cut */

struct span {
	double top, bottom;
};

static struct span mark_span(const struct rend_mark *mark)
{
	if (mark->type == REND_MARK_ITEM) {
		const struct rend_rect *rect = &mark->item.rect;
		return (struct span){rect->y, rect->y + rect->height};
	}
	if (mark->type == REND_MARK_TEXT) {
		double size_px = rend_font_size_px(mark->text.font);
		return (struct span){mark->text.y - size_px, mark->text.y + DESCENT_PART * size_px};
	}
	return (struct span){0, 0};
}

static struct span shape_span(const struct rend_shape *shape)
{
	struct span span = {shape->rect.y, shape->rect.y + shape->rect.height};
	double left = shape->rect.x, right = shape->rect.x + shape->rect.width;
	if (shape->point_count > 0) {
		span.top = span.bottom = shape->points[0].y;
		left = right = shape->points[0].x;
	}
	for (size_t i = 1; i < shape->point_count; i++) {
		span.top = fmin(span.top, shape->points[i].y);
		span.bottom = fmax(span.bottom, shape->points[i].y);
		left = fmin(left, shape->points[i].x);
		right = fmax(right, shape->points[i].x);
	}
	return right - left < RULE_WIDTH_PX ? (struct span){0, 0} : span;
}

static bool lies_across(struct span span, double y, double max_px)
{
	return span.top - CLEARANCE_PX < y && y < span.bottom && span.bottom - span.top <= max_px;
}

/* Where what lies across `y` begins, a little above it; `y` when nothing does. */
static double above_all(const struct rend_scene *scene, double y, double page_px)
{
	double best = y;
	for (size_t i = 0; i < scene->mark_count; i++) {
		struct span span = mark_span(&scene->marks[i]);
		if (lies_across(span, y, page_px * MIN_PART))
			best = fmin(best, span.top - CLEARANCE_PX);
	}
	for (size_t i = 0; i < scene->shape_count; i++) {
		struct span span = shape_span(&scene->shapes[i]);
		if (lies_across(span, y, page_px * MAX_SHAPE_PART))
			best = fmin(best, span.top - CLEARANCE_PX);
	}
	return best;
}

double rend_page_break(const struct rend_scene *scene, double top, double limit)
{
	const double page_px = limit - top;
	double y = limit;
	double higher;
	while ((higher = above_all(scene, y, page_px)) < y && higher > top)
		y = higher;
	if (y < top + page_px * MIN_PART)
		return limit;
	double section_y = 0;
	for (size_t i = 0; i < scene->mark_count; i++) {
		const struct rend_mark *mark = &scene->marks[i];
		if (mark->type == REND_MARK_SECTION && mark->section_y <= y)
			section_y = fmax(section_y, mark->section_y);
	}
	return section_y > top + page_px * MIN_PART ? section_y : y;
}

static void cut_rect(struct rend_rect *rect, double y)
{
	rect->height = fmin(rect->height, y - rect->y);
}

static bool is_below(const struct rend_mark *mark, double y)
{
	switch (mark->type) {
	case REND_MARK_TEXT:
		return mark_span(mark).bottom > y;
	case REND_MARK_ITEM:
		return mark->item.rect.y >= y;
	case REND_MARK_SECTION:
		return mark->section_y >= y;
	default:
		return false;
	}
}

static void cut_marks(struct rend_scene *scene, double y)
{
	size_t count = 0;
	for (size_t i = 0; i < scene->mark_count; i++) {
		struct rend_mark *mark = &scene->marks[i];
		if (is_below(mark, y))
			continue;
		/* A group of which nothing is left. */
		if (mark->type == REND_MARK_GROUP_END && count > 0 &&
			scene->marks[count - 1].type == REND_MARK_GROUP) {
			count--;
			continue;
		}
		if (mark->type == REND_MARK_ITEM) {
			if (mark_span(mark).bottom > y)
				mark->item.label = NULL;
			cut_rect(&mark->item.rect, y);
		}
		scene->marks[count++] = *mark;
	}
	scene->mark_count = count;
}

void rend_page_cut(struct rend_scene *scene, double y)
{
	size_t count = 0;
	cut_marks(scene, y);
	for (size_t i = 0; i < scene->shape_count; i++) {
		struct rend_shape *shape = &scene->shapes[i];
		double top = shape->point_count > 0 ? shape->points[0].y : shape->rect.y;
		for (size_t k = 0; k < shape->point_count; k++) {
			top = fmin(top, shape->points[k].y);
			shape->points[k].y = fmin(shape->points[k].y, y);
		}
		cut_rect(&shape->rect, y);
		if (top < y)
			scene->shapes[count++] = *shape;
	}
	scene->shape_count = count;
}
