/*
 * SVG in two layers. The shapes are cairo's, written into memory without its frame. Above them come
 * the words and the boxes one can point at, as elements of our own: cairo would write every letter
 * as an outline.
 */
#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>

#include "surface.h"

/* Text of a scene is clean already: only what XML gives a meaning must be escaped. */
static void put_escaped(FILE *stream, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", stream);
			break;
		case '>':
			fputs("&gt;", stream);
			break;
		case '&':
			fputs("&amp;", stream);
			break;
		case '"':
			fputs("&quot;", stream);
			break;
		case '\'':
			fputs("&#39;", stream);
			break;
		default:
			fputc(*text, stream);
		}
	}
}

/* A coordinate to a hundredth of a pixel, without trailing zeros. */
static void put_number(FILE *stream, const char *name, double value)
{
	char digits[40];
	snprintf(digits, sizeof(digits), "%.2f", value);
	char *end = digits + strlen(digits);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		*--end = '\0';
	fprintf(stream, " %s=\"%s\"", name, strcmp(digits, "-0") == 0 ? "0" : digits);
}

static void put_colour(FILE *stream, struct rend_colour colour)
{
	fprintf(stream, "#%02x%02x%02x", colour.red, colour.green, colour.blue);
}

/* .t<role> for text, .b<role> for boxes, .l<role> for the labels on them. */
static void put_colours(FILE *stream, const struct rend_theme *theme)
{
	for (enum rend_role role = REND_NONE; role < REND_ROLE_COUNT; role++) {
		if (role != REND_NONE) {
			fprintf(stream, ".b%u,.t%u{fill:", role, role);
			put_colour(stream, rend_theme_colour(theme, role));
			fputs("}\n", stream);
		}
		fprintf(stream, ".l%u{fill:", role);
		put_colour(stream, rend_theme_label(theme, role));
		fputs("}\n", stream);
	}
}

/* .f<font> for sizes; .light and .dark are the shapes in colours that only one page has. */
static void put_style(FILE *stream, const struct rend_surface_options *options)
{
	fputs("<style>\ntext{font-family:" REND_FONT_FAMILY "}\n", stream);
	for (enum rend_font font = 0; font < REND_FONT_COUNT; font++)
		fprintf(stream, ".f%u{font-size:%gpx%s}\n", font, rend_font_size_px(font),
			rend_font_is_bold(font) ? ";font-weight:bold" : "");
	fputs(".b0{fill:none;pointer-events:all}\n", stream);
	put_colours(stream, options->theme);
	if (options->dark_theme != NULL) {
		fputs(".dark{display:none}\n@media (prefers-color-scheme:dark){\n"
		      ".light{display:none}\n.dark{display:inline}\n",
			stream);
		put_colours(stream, options->dark_theme);
		fputs("}\n", stream);
	}
	fputs("g:hover>.b0{fill:#000;fill-opacity:.04}\ng:hover>.h{fill-opacity:.8}\n</style>\n",
		stream);
}

static void put_text(FILE *stream, const struct rend_text *text)
{
	static const char *const anchors[] = {
		"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
	fprintf(stream, "<text class=\"f%u t%u\"%s", text->font, text->role, anchors[text->anchor]);
	put_number(stream, "x", text->x);
	put_number(stream, "y", text->y);
	fputc('>', stream);
	put_escaped(stream, text->text);
	fputs("</text>\n", stream);
}

static void put_item(FILE *stream, const struct rend_item *item)
{
	fputs("<g>", stream);
	if (item->title != NULL) {
		fputs("<title>", stream);
		put_escaped(stream, item->title);
		fputs("</title>", stream);
	}
	/* A hatched box is drawn by cairo, with its lines. */
	enum rend_role fill = item->is_hatched ? REND_NONE : item->fill;
	fprintf(stream, "<rect class=\"%sb%u\"", fill != REND_NONE ? "h " : "", fill);
	put_number(stream, "x", item->rect.x);
	put_number(stream, "y", item->rect.y);
	put_number(stream, "width", item->rect.width);
	put_number(stream, "height", item->rect.height);
	if (item->fade > 0)
		put_number(stream, "fill-opacity", 1 - item->fade);
	fputs("/>", stream);
	if (item->label != NULL) {
		fprintf(stream, "<text class=\"f%u l%u\"", REND_FONT_LABEL, rend_label_fill(item));
		put_number(stream, "x", item->rect.x + REND_LABEL_INSET_PX);
		put_number(stream, "y", rend_label_baseline(item->rect));
		fputc('>', stream);
		put_escaped(stream, item->label);
		fputs("</text>", stream);
	}
	fputs("</g>\n", stream);
}

static void put_marks(FILE *stream, const struct rend_scene *scene)
{
	for (size_t i = 0; i < scene->mark_count; i++) {
		const struct rend_mark *mark = &scene->marks[i];
		switch (mark->type) {
		case REND_MARK_TEXT:
			put_text(stream, &mark->text);
			break;
		case REND_MARK_ITEM:
			put_item(stream, &mark->item);
			break;
		case REND_MARK_GROUP:
			fputs("<g role=\"group\" aria-label=\"", stream);
			put_escaped(stream, mark->group_title);
			fputs("\">\n", stream);
			break;
		case REND_MARK_GROUP_END:
			fputs("</g>\n", stream);
			break;
		case REND_MARK_SECTION:
			break;
		}
	}
}

static cairo_status_t append_bytes(void *context, const unsigned char *data, unsigned length)
{
	return fwrite(data, 1, length, context) == length ? CAIRO_STATUS_SUCCESS
							  : CAIRO_STATUS_NO_MEMORY;
}

/* Cairo's own SVG of the shapes, in memory that the caller frees. */
static cairo_status_t draw_shapes(
	const struct rend_scene *scene, const struct rend_theme *theme, char **ret_text)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);
	if (memory == NULL)
		return CAIRO_STATUS_NO_MEMORY;
	cairo_surface_t *surface = cairo_svg_surface_create_for_stream(
		append_bytes, memory, scene->width_px, scene->height_px);
	cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
	cairo_t *cr = cairo_create(surface);
	rend_draw_shapes(cr, scene, theme);
	cairo_status_t status = cairo_status(cr);
	cairo_destroy(cr);
	cairo_surface_finish(surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (fclose(memory) != 0)
		status = CAIRO_STATUS_NO_MEMORY;
	if (status != CAIRO_STATUS_SUCCESS)
		free(text);
	else
		*ret_text = text;
	return status;
}

/* What is between cairo's <svg ...> and </svg>, as a group of that class; "" for no group. */
static cairo_status_t put_shapes(FILE *stream, const struct rend_scene *scene,
	const struct rend_theme *theme, const char *class)
{
	char *svg = NULL;
	cairo_status_t status = draw_shapes(scene, theme, &svg);
	if (status != CAIRO_STATUS_SUCCESS)
		return status;
	const char *begin = strstr(svg, "<svg");
	begin = begin != NULL ? strchr(begin, '>') : NULL;
	const char *end = begin != NULL ? strstr(begin, "</svg>") : NULL;
	if (class[0] != '\0')
		fprintf(stream, "<g class=\"%s\">", class);
	if (end != NULL)
		fwrite(begin + 1, 1, (size_t)(end - begin - 1), stream);
	if (class[0] != '\0')
		fputs("</g>\n", stream);
	free(svg);
	return status;
}

static void put_head(FILE *stream, const struct rend_scene *scene)
{
	fprintf(stream,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" xml:space=\"preserve\" role=\"img\" aria-labelledby=\"title desc\">\n"
		"<title id=\"title\">",
		scene->width_px, scene->height_px, scene->width_px, scene->height_px);
	put_escaped(stream, scene->title);
	fputs("</title>\n<desc id=\"desc\">", stream);
	put_escaped(stream, scene->description);
	fputs("</desc>\n", stream);
}

static int write_svg(const struct rend_scene *scene, const struct rend_surface_options *options,
	FILE *stream, struct tfmt_error *err)
{
	const bool follows_reader = options->dark_theme != NULL;
	put_head(stream, scene);
	put_style(stream, options);
	cairo_status_t status =
		put_shapes(stream, scene, options->theme, follows_reader ? "light" : "");
	if (status == CAIRO_STATUS_SUCCESS && follows_reader)
		status = put_shapes(stream, scene, options->dark_theme, "dark");
	if (status != CAIRO_STATUS_SUCCESS)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "cannot draw the SVG: %s",
			cairo_status_to_string(status));
	put_marks(stream, scene);
	fputs("</svg>\n", stream);
	return 0;
}

const struct rend_surface rend_surface_svg = {
	.extension = ".svg",
	.write = write_svg,
};
