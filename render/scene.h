/*
 * The display list: what a view wants drawn, in CSS pixels from the page's upper left corner, with
 * roles instead of colours. Surfaces draw it.
 *
 * All surfaces draw in the same order: the background, the shapes as they were added, then items
 * and texts as they were added. So shapes never cover items.
 *
 * Running out of memory is remembered and reported once, by rend_scene_failed(): adding never
 * fails otherwise. All texts are copied; what reaches the scene is clean UTF-8 without control
 * characters, whatever the traced program called itself.
 */
#ifndef REND_SCENE_H
#define REND_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"
#include "theme.h"

struct rend_point {
	double x, y;
};

struct rend_rect {
	double x, y, width, height;
};

enum rend_anchor {
	REND_ANCHOR_START,
	REND_ANCHOR_MIDDLE,
	REND_ANCHOR_END,
};

struct rend_text {
	double x, y; /* the anchor, on the baseline */
	const char *text;
	enum rend_font font;
	enum rend_role role; /* REND_NONE: REND_TEXT */
	enum rend_anchor anchor;
	double max_px; /* shortened when wider; 0: no limit; less: no room, nothing is drawn */
	enum rend_ellipsis ellipsis;
};

/* A box that can be pointed at. */
struct rend_item {
	struct rend_rect rect;
	enum rend_role fill; /* REND_NONE: transparent, over what shapes have drawn */
	bool is_hatched;     /* with lines of REND_HATCH over the fill */
	double fade;	     /* 0: solid; towards 1, the page shines through */
	const char *label;   /* NULL: none. Drawn inside, 4 px in, when there is room for it */
	enum rend_ellipsis ellipsis;
	const char *title; /* what hovering shows; lines end in \n. NULL: nothing */
};

enum rend_shape_type {
	REND_SHAPE_RECT,
	REND_SHAPE_HATCH, /* a rectangle of `role` with lines of REND_HATCH */
	REND_SHAPE_AREA,  /* a closed polygon, filled */
	REND_SHAPE_LINE,  /* a polyline; a gap is the end of one and the start of the next */
};

struct rend_shape {
	enum rend_shape_type type;
	enum rend_role role;
	struct rend_rect rect;	   /* of rectangles */
	struct rend_point *points; /* of areas and lines */
	size_t point_count;
	double width_px; /* of lines */
	bool has_halo;	 /* of lines: a wider line of the background under it */
};

enum rend_mark_type {
	REND_MARK_TEXT,
	REND_MARK_ITEM,
	REND_MARK_GROUP, /* items and texts up to the matching end belong together */
	REND_MARK_GROUP_END,
	REND_MARK_SECTION, /* of the page, from its upper edge on: not drawn, but can be jumped to
			    */
};

/* What carries words. All texts in it are clean and final: already shortened. */
struct rend_mark {
	enum rend_mark_type type;
	struct rend_text text;	   /* of REND_MARK_TEXT */
	struct rend_item item;	   /* of REND_MARK_ITEM; `label` NULL when it has no room */
	const char *group_title;   /* of REND_MARK_GROUP */
	const char *section_title; /* of REND_MARK_SECTION */
	double section_y;
};

struct rend_scene {
	double width_px;
	double height_px; /* grown by the view that draws: set by the page at the end */
	const char *title;
	const char *description; /* one sentence for those who cannot see the picture */
	int64_t utc_s;		 /* when it was recorded, 0: unknown */
	struct rend_shape *shapes;
	size_t shape_count, shape_room;
	struct rend_mark *marks;
	size_t mark_count, mark_room;
	size_t item_count;
	size_t label_count;
	struct rend_arena *arena;
	bool has_failed;
};

/* Bounds of one picture. What exceeds them is not added: views merge before it comes to that. */
#define REND_MAX_ITEMS	5000
#define REND_MAX_LABELS 1500

/* Returns: 0; TFMT_E_NOMEM. */
int rend_scene_new(double width_px, struct rend_scene **ret_scene);
void rend_scene_free(struct rend_scene *scene);
bool rend_scene_failed(const struct rend_scene *scene);
void rend_scene_describe(struct rend_scene *scene, const char *title, const char *description);

void rend_scene_rect(struct rend_scene *scene, enum rend_role role, struct rend_rect rect);
void rend_scene_hatch(struct rend_scene *scene, enum rend_role role, struct rend_rect rect);
void rend_scene_area(struct rend_scene *scene, enum rend_role role, const struct rend_point *points,
	size_t count);
void rend_scene_line(struct rend_scene *scene, enum rend_role role, double width_px, bool has_halo,
	const struct rend_point *points, size_t count);

/* Returns the width of what will be drawn. */
double rend_scene_text(struct rend_scene *scene, const struct rend_text *text);
void rend_scene_item(struct rend_scene *scene, const struct rend_item *item);

/* Where the label of a box has its baseline, and how far from the left edge it starts. */
#define REND_LABEL_INSET_PX 4
double rend_label_baseline(struct rend_rect rect);

/* Groups nest. The title is read out, and shown where nothing nearer has one. */
void rend_scene_group(struct rend_scene *scene, const char *title);
void rend_scene_group_end(struct rend_scene *scene);

/* A section of the page begins at `y`. */
void rend_scene_section(struct rend_scene *scene, double y, const char *title);

/* The list as text, one primitive a line, coordinates to a tenth of a pixel: for tests. */
void rend_scene_dump(const struct rend_scene *scene, FILE *stream);

#endif
