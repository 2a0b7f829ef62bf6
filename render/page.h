/* A picture: the command, its facts, a view and the footer. */
#ifndef REND_PAGE_H
#define REND_PAGE_H

#include "view.h"

struct rend_page_options {
	double width_px;
	double max_height_px; /* never exceeded; 0: as high as its content */
};

/* Columns that series need for this view on a page of this width. */
size_t rend_page_columns(const struct rend_view *view, const struct rend_page_options *options);

/*
 * Draw `view` of `model`; when it has no data, the frame and what is missing.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
int rend_page_draw(struct rend_model *model, const struct rend_view *view,
	const struct rend_page_options *options, struct rend_scene **ret_scene);

#endif
