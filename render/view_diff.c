/*
 * Two recordings compared on one page: what they used over time, their stacks, and the functions
 * that changed most. What one of them does not hold is left out.
 */
#include <math.h>
#include <stdlib.h>

#include "diff_table.h"
#include "view.h"

#define SECTION_GAP_PX 40
#define MIN_FLAME_PX   200
#define FLAME_ITEMS    4000

struct diff_page {
	const struct rend_diff *diff;
	struct rend_frame frame;
	void *usage; /* NULL: not on this page */
	void *flame;
	struct rend_diff_rows rows;
};

static bool has_data(const struct rend_model *model)
{
	return rend_view_diff_usage.has_data(model) || rend_view_diff_flame.has_data(model);
}

static double usage_px(const struct diff_page *page)
{
	return page->usage != NULL ? rend_view_diff_usage.height_px(page->usage) : 0;
}

static double flame_px(const struct diff_page *page)
{
	return page->flame != NULL ? rend_view_diff_flame.height_px(page->flame) : 0;
}

static double table_px(const struct diff_page *page)
{
	return page->rows.rows != NULL
		       ? rend_diff_table_height_px(page->diff, &page->rows, page->frame.width_px)
		       : 0;
}

static double gap_px(double above_px, double below_px)
{
	return above_px > 0 && below_px > 0 ? SECTION_GAP_PX : 0;
}

static double height_px(const void *state)
{
	const struct diff_page *page = state;
	double usage = usage_px(page), flame = flame_px(page), table = table_px(page);
	return usage + gap_px(usage, flame + table) + flame + gap_px(flame, table) + table;
}

static void release(void *state)
{
	struct diff_page *page = state;
	if (page->usage != NULL)
		rend_view_diff_usage.release(page->usage);
	if (page->flame != NULL)
		rend_view_diff_flame.release(page->flame);
	rend_diff_rows_release(&page->rows);
	free(page);
}

static int prepare_parts(struct diff_page *page, struct rend_model *model)
{
	struct rend_frame frame = page->frame;
	int status = 0;
	frame.is_part = true;
	frame.max_items = FLAME_ITEMS;
	if (rend_view_diff_usage.has_data(model))
		status = rend_view_diff_usage.prepare(model, &frame, &page->usage);
	if (status == 0 && page->diff->stacks != NULL)
		status = rend_diff_rows_init(&page->rows, page->diff, true);
	if (status < 0 || !rend_view_diff_flame.has_data(model))
		return status;
	if (frame.max_height_px > 0)
		frame.max_height_px = fmax(
			frame.max_height_px - usage_px(page) - table_px(page) - 2 * SECTION_GAP_PX,
			MIN_FLAME_PX);
	return rend_view_diff_flame.prepare(model, &frame, &page->flame);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct diff_page *page = calloc(1, sizeof(*page));
	if (page == NULL)
		return TFMT_E_NOMEM;
	page->diff = model->diff;
	page->frame = *frame;
	int status = prepare_parts(page, model);
	if (status < 0)
		release(page);
	else
		*ret_state = page;
	return status;
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct diff_page *page = state;
	double usage = usage_px(page), flame = flame_px(page), table = table_px(page);
	if (usage > 0)
		rend_view_diff_usage.draw(page->usage, scene, y);
	y += usage + gap_px(usage, flame + table);
	if (flame > 0)
		rend_view_diff_flame.draw(page->flame, scene, y);
	y += flame + gap_px(flame, table);
	if (table > 0)
		rend_diff_table_draw(page->diff, &page->rows, scene,
			(struct rend_rect){page->frame.x, y, page->frame.width_px, table});
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	return rend_view_diff_top.text(model, frame, stream);
}

const struct rend_view rend_view_diff = {
	.name = "diff",
	.summary = "two recordings compared: --diff B shows what is more or less in B",
	.draws_stacks = true,
	.is_listing = true,
	.has_data = has_data,
	.missing = "Nothing to compare: one of the recordings has neither metrics nor stacks.",
	.left_px = 150,
	.right_px = 90,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.text = write_text,
};
