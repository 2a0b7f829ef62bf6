#include "surface.h"

#include <math.h>
#include <string.h>

#define HATCH_DISTANCE_PX 5
#define HATCH_WIDTH_PX	  0.8
#define HALO_PX		  1.8 /* more than the line is wide, in all */

const struct rend_surface *rend_surface_find(const char *path)
{
	static const struct rend_surface *const surfaces[] = {
		&rend_surface_pdf, &rend_surface_png, &rend_surface_svg};
	size_t length = strlen(path);
	for (size_t i = 0; i < sizeof(surfaces) / sizeof(*surfaces); i++) {
		size_t extension = strlen(surfaces[i]->extension);
		if (length > extension &&
			strcasecmp(path + length - extension, surfaces[i]->extension) == 0)
			return surfaces[i];
	}
	return NULL;
}

const char *rend_paper_name(enum rend_paper paper)
{
	static const char *const names[REND_PAPER_COUNT] = {"fit", "a4", "letter"};
	return names[paper];
}

void rend_set_colour(cairo_t *cr, struct rend_colour colour)
{
	cairo_set_source_rgb(cr, colour.red / 255.0, colour.green / 255.0, colour.blue / 255.0);
}

enum rend_role rend_label_fill(const struct rend_item *item)
{
	return item->fade > 0.4 ? REND_NONE : item->fill;
}

/*
 * Diagonals x + y = k * distance, or x - y when falling, cut to the rectangle here rather than by a
 * clip: clips and patterns would need ids in an SVG. Counting from the page's corner, neighbours
 * match.
 */
static void draw_hatch(cairo_t *cr, struct rend_rect rect, bool is_falling)
{
	double left = rect.x, right = rect.x + rect.width;
	double top = rect.y, bottom = rect.y + rect.height;
	double first = is_falling ? left - bottom : left + top;
	double last = is_falling ? right - top : right + bottom;
	double k = ceil(first / HATCH_DISTANCE_PX) * HATCH_DISTANCE_PX;
	for (; k < last; k += HATCH_DISTANCE_PX) {
		double x0 = fmax(left, is_falling ? k + top : k - bottom);
		double x1 = fmin(right, is_falling ? k + bottom : k - top);
		if (x1 - x0 < 0.1)
			continue;
		cairo_move_to(cr, x0, is_falling ? x0 - k : k - x0);
		cairo_line_to(cr, x1, is_falling ? x1 - k : k - x1);
	}
	cairo_set_line_width(cr, HATCH_WIDTH_PX);
	cairo_stroke(cr);
}

static void draw_path(cairo_t *cr, const struct rend_shape *shape)
{
	cairo_move_to(cr, shape->points[0].x, shape->points[0].y);
	for (size_t i = 1; i < shape->point_count; i++)
		cairo_line_to(cr, shape->points[i].x, shape->points[i].y);
}

static void draw_line(cairo_t *cr, const struct rend_shape *shape, const struct rend_theme *theme)
{
	if (shape->has_halo) {
		rend_set_colour(cr, rend_theme_colour(theme, REND_BACKGROUND));
		cairo_set_line_width(cr, shape->width_px + HALO_PX);
		draw_path(cr, shape);
		cairo_stroke(cr);
	}
	rend_set_colour(cr, rend_theme_colour(theme, shape->role));
	cairo_set_line_width(cr, shape->width_px);
	draw_path(cr, shape);
	cairo_stroke(cr);
}

static void draw_shape(cairo_t *cr, const struct rend_shape *shape, const struct rend_theme *theme)
{
	const struct rend_rect *rect = &shape->rect;
	if (shape->type == REND_SHAPE_LINE) {
		draw_line(cr, shape, theme);
		return;
	}
	rend_set_colour(cr, rend_theme_colour(theme, shape->role));
	if (shape->type == REND_SHAPE_AREA) {
		draw_path(cr, shape);
		cairo_close_path(cr);
	} else {
		cairo_rectangle(cr, rect->x, rect->y, rect->width, rect->height);
	}
	cairo_fill(cr);
	if (shape->type == REND_SHAPE_HATCH) {
		rend_set_colour(cr, rend_theme_colour(theme, rend_hatch_of(shape->role)));
		draw_hatch(cr, *rect, shape->role == REND_MERGED);
	}
}

/* Rectangles of one role in a row are one path, which an SVG has in a third of the bytes. */
static size_t draw_rects(
	cairo_t *cr, const struct rend_scene *scene, size_t first, const struct rend_theme *theme)
{
	const struct rend_shape *shapes = scene->shapes;
	size_t i = first;
	rend_set_colour(cr, rend_theme_colour(theme, shapes[first].role));
	for (; i < scene->shape_count && shapes[i].type == REND_SHAPE_RECT &&
		shapes[i].role == shapes[first].role;
		i++)
		cairo_rectangle(cr, shapes[i].rect.x, shapes[i].rect.y, shapes[i].rect.width,
			shapes[i].rect.height);
	cairo_fill(cr);
	return i;
}

void rend_draw_shapes(cairo_t *cr, const struct rend_scene *scene, const struct rend_theme *theme)
{
	cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
	/* Without a page-sized background first, cairo's SVG output takes quadratic time. */
	rend_set_colour(cr, rend_theme_colour(theme, REND_BACKGROUND));
	cairo_rectangle(cr, 0, 0, scene->width_px, scene->height_px);
	cairo_fill(cr);
	size_t i = 0;
	while (i < scene->shape_count) {
		if (scene->shapes[i].type == REND_SHAPE_RECT)
			i = draw_rects(cr, scene, i, theme);
		else
			draw_shape(cr, &scene->shapes[i++], theme);
	}
}

cairo_status_t rend_write_bytes(void *stream, const unsigned char *data, unsigned length)
{
	return fwrite(data, 1, length, stream) == length ? CAIRO_STATUS_SUCCESS
							 : CAIRO_STATUS_WRITE_ERROR;
}
