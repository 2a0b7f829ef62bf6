/*
 * Surfaces: scenes made into files. Cairo draws every shape; words are pango's in a PNG and a PDF
 * and real text in an SVG, so that they can be searched, copied and read out.
 */
#ifndef REND_SURFACE_H
#define REND_SURFACE_H

#include <cairo.h>
#include <stdio.h>

#include "scene.h"
#include "tracefmt/error.h"

#define REND_FONT_FAMILY "DejaVu Sans, Verdana, sans-serif"

/* What a page of a PDF is as large as. */
enum rend_paper {
	REND_PAPER_FIT, /* the picture: one page */
	REND_PAPER_A4,	/* as wide as the paper, on as many pages as it takes */
	REND_PAPER_LETTER,
	REND_PAPER_COUNT,
};

/* "fit", "a4", "letter": as --page has it. */
const char *rend_paper_name(enum rend_paper paper);

struct rend_surface_options {
	const struct rend_theme *theme;
	const struct rend_theme *dark_theme; /* of readers who prefer dark: SVG only; or NULL */
	double scale;			     /* device pixels to a CSS pixel: PNG only */
	enum rend_paper paper;		     /* PDF only */
};

struct rend_surface {
	const char *extension; /* with its dot */
	bool is_binary;
	/* Write the scene. Returns: 0 or a negative enum tfmt_err. */
	int (*write)(const struct rend_scene *scene, const struct rend_surface_options *options,
		FILE *stream, struct tfmt_error *err);
};

/* The surface for a file of this name, NULL when its extension is of none. */
const struct rend_surface *rend_surface_find(const char *path);

extern const struct rend_surface rend_surface_pdf;
extern const struct rend_surface rend_surface_png;
extern const struct rend_surface rend_surface_svg;

/* The background and all shapes of the scene, in order. */
void rend_draw_shapes(cairo_t *cr, const struct rend_scene *scene, const struct rend_theme *theme);

/* The words and boxes of the scene, in order, with pango's text. */
void rend_draw_marks(cairo_t *cr, const struct rend_scene *scene, const struct rend_theme *theme);

/* False when there is no font at all: words would be nothing. */
bool rend_has_fonts(void);

/* What the label of an item lies on: the page itself when the box has faded that much. */
enum rend_role rend_label_fill(const struct rend_item *item);

void rend_set_colour(cairo_t *cr, struct rend_colour colour);

/* Where cairo writes: `stream` is a FILE. */
cairo_status_t rend_write_bytes(void *stream, const unsigned char *data, unsigned length);

#endif
