/*
 * Surfaces: scenes made into files. Cairo draws every shape; words are pango's in a PNG and real
 * text in an SVG, so that they can be searched, copied and read out.
 */
#ifndef REND_SURFACE_H
#define REND_SURFACE_H

#include <cairo.h>
#include <stdio.h>

#include "scene.h"
#include "tracefmt/error.h"

#define REND_FONT_FAMILY "DejaVu Sans, Verdana, sans-serif"

struct rend_surface {
	const char *extension; /* with its dot */
	bool is_binary;
	/* Write the scene; `scale` is in device pixels to a CSS pixel. 0 or a negative tfmt_err. */
	int (*write)(const struct rend_scene *scene, const struct rend_theme *theme, double scale,
		FILE *stream, struct tfmt_error *err);
};

/* The surface for a file of this name, NULL when its extension is of none. */
const struct rend_surface *rend_surface_find(const char *path);

extern const struct rend_surface rend_surface_png;
extern const struct rend_surface rend_surface_svg;

/* The background and all shapes of the scene, in order. */
void rend_draw_shapes(cairo_t *cr, const struct rend_scene *scene, const struct rend_theme *theme);

/* What the label of an item lies on: the page itself when the box has faded that much. */
enum rend_role rend_label_fill(const struct rend_item *item);

void rend_set_colour(cairo_t *cr, struct rend_colour colour);

#endif
