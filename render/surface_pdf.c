/*
 * PDF: one page as large as the picture, or sheets of paper as wide as it, broken between rows. Its
 * outline lists the sections of the picture and what is in them.
 */
#include <cairo-pdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "page_breaks.h"
#include "surface.h"
#include "tracefmt/tracefmt.h"

#define POINTS_PER_PX	0.75
#define SHEET_MARGIN_PX 12 /* above and below what was broken over several sheets */
#define MAX_SHEETS	64
#define MAX_DEPTH	16 /* of the outline */

/* The sheets of a picture: sheet i shows it from tops[i] to tops[i + 1], in pixels of the scene. */
struct sheets {
	double width_pt, height_pt;
	double scale; /* points to a pixel */
	double margin_px;
	double tops[MAX_SHEETS + 1];
	int count;
};

static void lay_out(const struct rend_scene *scene, enum rend_paper paper, struct sheets *sheets)
{
	static const struct {
		double width_pt, height_pt;
	} papers[REND_PAPER_COUNT] = {
		[REND_PAPER_A4] = {595.28, 841.89},
		[REND_PAPER_LETTER] = {612, 792},
	};
	*sheets = (struct sheets){
		.width_pt = scene->width_px * POINTS_PER_PX,
		.height_pt = scene->height_px * POINTS_PER_PX,
		.scale = POINTS_PER_PX,
		.count = 1,
		.tops = {0, scene->height_px},
	};
	if (paper == REND_PAPER_FIT)
		return;
	sheets->width_pt = papers[paper].width_pt;
	sheets->height_pt = papers[paper].height_pt;
	sheets->scale = sheets->width_pt / scene->width_px;
	double sheet_px = sheets->height_pt / sheets->scale;
	if (scene->height_px <= sheet_px)
		return;
	sheets->margin_px = SHEET_MARGIN_PX;
	double room_px = sheet_px - 2 * SHEET_MARGIN_PX;
	double top = 0;
	for (sheets->count = 0; sheets->count < MAX_SHEETS && top < scene->height_px;) {
		sheets->tops[sheets->count++] = top;
		top = scene->height_px - top <= room_px
			      ? scene->height_px
			      : rend_page_break(scene, top, top + room_px);
	}
	sheets->tops[sheets->count] = top;
}

/* Where a mark begins, or less than 0 when it has no place of its own. */
static double mark_top(const struct rend_mark *mark)
{
	switch (mark->type) {
	case REND_MARK_TEXT:
		return mark->text.y - rend_font_size_px(mark->text.font);
	case REND_MARK_ITEM:
		return mark->item.rect.y;
	case REND_MARK_SECTION:
		return mark->section_y;
	default:
		return -1;
	}
}

/* An entry that leads to the height of `y`. Returns its number. */
static int add_entry(cairo_surface_t *surface, const struct sheets *sheets, int parent,
	const char *title, double y)
{
	char place[80];
	int sheet = 0;
	while (sheet + 1 < sheets->count && y >= sheets->tops[sheet + 1])
		sheet++;
	y = fmax(y - sheets->tops[sheet] + sheets->margin_px, 0);
	snprintf(place, sizeof(place), "page=%d pos=[0 %.1f]", sheet + 1, y * sheets->scale);
	return cairo_pdf_surface_add_outline(
		surface, parent, title, place, parent == 0 ? CAIRO_PDF_OUTLINE_FLAG_OPEN : 0);
}

/* The command; below it sections; below each the groups in it, as they are nested. */
static void add_outline(
	cairo_surface_t *surface, const struct rend_scene *scene, const struct sheets *sheets)
{
	int parents[MAX_DEPTH + 1];
	int depth = 0;
	const char *section = "";
	int root = add_entry(surface, sheets, CAIRO_PDF_OUTLINE_ROOT, scene->title, 0);
	parents[0] = root;
	for (size_t i = 0; i < scene->mark_count; i++) {
		const struct rend_mark *mark = &scene->marks[i];
		double y = -1;
		if (mark->type == REND_MARK_SECTION) {
			section = mark->section_title;
			parents[0] = add_entry(surface, sheets, root, section, mark->section_y);
		} else if (mark->type == REND_MARK_GROUP_END) {
			depth -= depth > 0;
		} else if (mark->type == REND_MARK_GROUP && ++depth <= MAX_DEPTH) {
			for (size_t k = i + 1; k < scene->mark_count && y < 0; k++)
				y = mark_top(&scene->marks[k]);
			/* A section that is one group is named once. */
			parents[depth] = strcmp(mark->group_title, section) == 0
						 ? parents[depth - 1]
						 : add_entry(surface, sheets, parents[depth - 1],
							   mark->group_title, fmax(y, 0));
		}
	}
}

/* So that the same input gives the same bytes: when it was recorded, never when it was drawn. */
static void add_metadata(cairo_surface_t *surface, const struct rend_scene *scene)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	time_t seconds = epoch != NULL ? (time_t)strtoll(epoch, NULL, 10) : (time_t)scene->utc_s;
	struct tm utc;
	char date[64] = "1970-01-01T00:00:00Z";
	if (gmtime_r(&seconds, &utc) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, scene->title);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, scene->description);
	cairo_pdf_surface_set_metadata(
		surface, CAIRO_PDF_METADATA_CREATOR, "trender " TFMT_VERSION);
	cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, date);
}

static void draw_sheet(cairo_t *cr, const struct rend_scene *scene, const struct rend_theme *theme,
	const struct sheets *sheets, int sheet)
{
	double top = sheets->tops[sheet];
	rend_set_colour(cr, rend_theme_colour(theme, REND_BACKGROUND));
	cairo_paint(cr);
	cairo_save(cr);
	cairo_scale(cr, sheets->scale, sheets->scale);
	cairo_translate(cr, 0, sheets->margin_px - top);
	if (sheets->count > 1) {
		cairo_rectangle(cr, 0, top, scene->width_px, sheets->tops[sheet + 1] - top);
		cairo_clip(cr);
	}
	rend_draw_shapes(cr, scene, theme);
	rend_draw_marks(cr, scene, theme);
	cairo_restore(cr);
	cairo_show_page(cr);
}

static int write_pdf(const struct rend_scene *scene, const struct rend_surface_options *options,
	FILE *stream, struct tfmt_error *err)
{
	struct sheets sheets;
	if (!rend_has_fonts())
		return tfmt_error_set(err, TFMT_E_UNSUPPORTED, 0,
			"no font found for a PDF: install fonts-dejavu-core, or write an SVG");
	lay_out(scene, options->paper, &sheets);
	cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(
		rend_write_bytes, stream, sheets.width_pt, sheets.height_pt);
	add_metadata(surface, scene);
	cairo_t *cr = cairo_create(surface);
	for (int i = 0; i < sheets.count; i++)
		draw_sheet(cr, scene, options->theme, &sheets, i);
	add_outline(surface, scene, &sheets);
	cairo_status_t status = cairo_status(cr);
	cairo_destroy(cr);
	cairo_surface_finish(surface);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (status == CAIRO_STATUS_NO_MEMORY)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "out of memory for a PDF");
	if (status != CAIRO_STATUS_SUCCESS)
		return tfmt_error_set(err, TFMT_E_IO, 0, "cannot write the PDF: %s",
			cairo_status_to_string(status));
	return 0;
}

const struct rend_surface rend_surface_pdf = {
	.extension = ".pdf",
	.is_binary = true,
	.write = write_pdf,
};
