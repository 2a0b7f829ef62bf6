/*
 * SVG in two layers. The shapes are cairo's, written into memory without its frame. Above them come
 * the words and the boxes one can point at, as elements of our own: cairo would write every letter
 * as an outline.
 */
#include <cairo-svg.h>
#include <math.h>
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

/* .t<role> for text, .b<role> for boxes, .s<role> for lines, .l<role> for the labels on boxes. */
static void put_colours(FILE *stream, const struct rend_theme *theme, bool has_lines)
{
	for (enum rend_role role = REND_NONE; role < REND_ROLE_COUNT; role++) {
		if (role != REND_NONE) {
			fprintf(stream, ".b%u,.t%u{fill:", role, role);
			put_colour(stream, rend_theme_colour(theme, role));
			fputs("}\n", stream);
		}
		if (role != REND_NONE && has_lines) {
			fprintf(stream, ".s%u{stroke:", role);
			put_colour(stream, rend_theme_colour(theme, role));
			fputs("}\n", stream);
		}
		fprintf(stream, ".l%u{fill:", role);
		put_colour(stream, rend_theme_label(theme, role));
		fputs("}\n", stream);
	}
}

/* .f<font> for sizes. */
static void put_style(FILE *stream, const struct rend_surface_options *options)
{
	fputs("<style>\ntext{font-family:" REND_FONT_FAMILY "}\n", stream);
	for (enum rend_font font = 0; font < REND_FONT_COUNT; font++)
		fprintf(stream, ".f%u{font-size:%gpx%s}\n", font, rend_font_size_px(font),
			rend_font_is_bold(font) ? ";font-weight:bold" : "");
	fputs(".b0{fill:none;pointer-events:all}\n", stream);
	put_colours(stream, options->theme, options->dark_theme != NULL);
	if (options->dark_theme != NULL) {
		fputs("@media (prefers-color-scheme:dark){\n", stream);
		put_colours(stream, options->dark_theme, true);
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

/* The last `what` in [text, end), `end` when there is none. */
static const char *find_last(const char *text, const char *end, const char *what)
{
	const char *last = end;
	for (const char *at = strstr(text, what); at != NULL && at < end; at = strstr(at + 1, what))
		last = at;
	return last;
}

/*
 * Cairo's shapes in the colours of rend_theme_of_roles(), each with a class instead of its colour:
 * style="...;fill:rgb(4.7%,0%,0%);..." becomes class="b12" style="...;;...", and so does the
 * fill="rgb(...)" of cairo 1.18.
 */
static void put_classed(FILE *stream, const char *text, const char *end)
{
	const char *colour;
	while ((colour = strstr(text, "rgb(")) != NULL && colour < end) {
		const bool is_attribute = colour[-1] == '"';
		const char *name_end = colour - (is_attribute ? 2 : 1);
		const bool is_fill = strncmp(name_end - 4, "fill", 4) == 0;
		const char *property = name_end - strlen(is_fill ? "fill" : "stroke");
		const char *class = is_attribute ? property : find_last(text, property, "style=\"");
		long role = lround(strtod(colour + strlen("rgb("), NULL) * 255 / 100);
		fwrite(text, 1, (size_t)(class - text), stream);
		fprintf(stream, "class=\"%c%ld\" ", is_fill ? 'b' : 's', role);
		fwrite(class, 1, (size_t)(property - class), stream);
		text = colour + strcspn(colour, ")") + (is_attribute ? 2 : 1);
	}
	fwrite(text, 1, (size_t)(end - text), stream);
}

/* What is between cairo's <svg ...> and </svg>. */
static cairo_status_t put_shapes(
	FILE *stream, const struct rend_scene *scene, const struct rend_surface_options *options)
{
	const bool has_classes = options->dark_theme != NULL;
	char *svg = NULL;
	cairo_status_t status =
		draw_shapes(scene, has_classes ? rend_theme_of_roles() : options->theme, &svg);
	if (status != CAIRO_STATUS_SUCCESS)
		return status;
	const char *begin = strstr(svg, "<svg");
	begin = begin != NULL ? strchr(begin, '>') : NULL;
	const char *end = begin != NULL ? strstr(begin, "</svg>") : NULL;
	if (end != NULL && has_classes)
		put_classed(stream, begin + 1, end);
	else if (end != NULL)
		fwrite(begin + 1, 1, (size_t)(end - begin - 1), stream);
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
	put_head(stream, scene);
	put_style(stream, options);
	cairo_status_t status = put_shapes(stream, scene, options);
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
