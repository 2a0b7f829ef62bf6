/* Words and boxes of a scene on a cairo context, for the surfaces whose text is pango's. */
#include <pango/pangocairo.h>

#include "surface.h"

/* Glyph positions as the SVG has them: not rounded to pixels. */
static void set_font_options(cairo_t *cr, PangoContext *context)
{
	cairo_font_options_t *options = cairo_font_options_create();
	cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
	cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
	cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
	cairo_set_font_options(cr, options);
	pango_cairo_context_set_font_options(context, options);
	pango_context_set_round_glyph_positions(context, FALSE);
	cairo_font_options_destroy(options);
}

static void set_font(PangoLayout *layout, enum rend_font font)
{
	PangoFontDescription *description = pango_font_description_from_string(REND_FONT_FAMILY);
	pango_font_description_set_absolute_size(
		description, rend_font_size_px(font) * PANGO_SCALE);
	if (rend_font_is_bold(font))
		pango_font_description_set_weight(description, PANGO_WEIGHT_BOLD);
	pango_layout_set_font_description(layout, description);
	pango_font_description_free(description);
}

/* `x`, `y`: the anchor on the baseline. */
static void draw_words(cairo_t *cr, PangoLayout *layout, const char *text, enum rend_font font,
	enum rend_anchor anchor, double x, double y)
{
	int width, height;
	set_font(layout, font);
	pango_layout_set_text(layout, text, -1);
	pango_layout_get_size(layout, &width, &height);
	double width_px = (double)width / PANGO_SCALE;
	if (anchor == REND_ANCHOR_END)
		x -= width_px;
	else if (anchor == REND_ANCHOR_MIDDLE)
		x -= width_px / 2;
	cairo_move_to(cr, x, y);
	pango_cairo_show_layout_line(cr, pango_layout_get_line_readonly(layout, 0));
}

static void draw_item(cairo_t *cr, PangoLayout *layout, const struct rend_item *item,
	const struct rend_theme *theme)
{
	const struct rend_rect *rect = &item->rect;
	if (item->fill != REND_NONE && !item->is_hatched) {
		struct rend_colour colour = rend_theme_colour(theme, item->fill);
		cairo_set_source_rgba(cr, colour.red / 255.0, colour.green / 255.0,
			colour.blue / 255.0, 1 - item->fade);
		cairo_rectangle(cr, rect->x, rect->y, rect->width, rect->height);
		cairo_fill(cr);
	}
	if (item->label == NULL)
		return;
	rend_set_colour(cr, rend_theme_label(theme, rend_label_fill(item)));
	draw_words(cr, layout, item->label, REND_FONT_LABEL, REND_ANCHOR_START,
		rect->x + REND_LABEL_INSET_PX, rend_label_baseline(*rect));
}

void rend_draw_marks(cairo_t *cr, const struct rend_scene *scene, const struct rend_theme *theme)
{
	PangoFontMap *fonts = pango_cairo_font_map_new();
	PangoContext *context = pango_font_map_create_context(fonts);
	PangoLayout *layout = pango_layout_new(context);
	set_font_options(cr, context);
	for (size_t i = 0; i < scene->mark_count; i++) {
		const struct rend_mark *mark = &scene->marks[i];
		const struct rend_text *text = &mark->text;
		if (mark->type == REND_MARK_ITEM) {
			draw_item(cr, layout, &mark->item, theme);
		} else if (mark->type == REND_MARK_TEXT) {
			rend_set_colour(cr, rend_theme_colour(theme, text->role));
			draw_words(
				cr, layout, text->text, text->font, text->anchor, text->x, text->y);
		}
	}
	g_object_unref(layout);
	g_object_unref(context);
	g_object_unref(fonts);
}

bool rend_has_fonts(void)
{
	PangoFontFamily **families = NULL;
	int count = 0;
	pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &count);
	g_free(families);
	return count > 0;
}
