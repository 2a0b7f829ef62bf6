#include "surface.h"

/* Cairo's limit for the side of an image. */
#define MAX_SIDE_PX 32767

static int write_png(const struct rend_scene *scene, const struct rend_surface_options *options,
	FILE *stream, struct tfmt_error *err)
{
	const double scale = options->scale;
	double width = scene->width_px * scale + 0.5;
	double height = scene->height_px * scale + 0.5;
	if (width > MAX_SIDE_PX || height > MAX_SIDE_PX)
		return tfmt_error_set(err, TFMT_E_LIMIT, 0,
			"a PNG of %.0f x %.0f pixels is too large: at most %d a side; a smaller "
			"--scale helps",
			width, height, MAX_SIDE_PX);
	if (!rend_has_fonts())
		return tfmt_error_set(err, TFMT_E_UNSUPPORTED, 0,
			"no font found for a PNG: install fonts-dejavu-core, or write an SVG");

	cairo_surface_t *surface =
		cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
	cairo_t *cr = cairo_create(surface);
	cairo_scale(cr, scale, scale);
	rend_draw_shapes(cr, scene, options->theme);
	rend_draw_marks(cr, scene, options->theme);
	cairo_status_t status = cairo_status(cr);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_write_to_png_stream(surface, rend_write_bytes, stream);
	cairo_destroy(cr);
	cairo_surface_destroy(surface);
	if (status == CAIRO_STATUS_NO_MEMORY)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "out of memory for a PNG");
	if (status != CAIRO_STATUS_SUCCESS)
		return tfmt_error_set(err, TFMT_E_IO, 0, "cannot write the PNG: %s",
			cairo_status_to_string(status));
	return 0;
}

const struct rend_surface rend_surface_png = {
	.extension = ".png",
	.is_binary = true,
	.write = write_png,
};
