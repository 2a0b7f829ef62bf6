/*
 * The page that says most: CPU and memory, processes or threads over one time axis, then all
 * stacks merged, then the busiest functions and the worst waits. What the trace does not hold is
 * left out.
 */
#include <math.h>
#include <stdlib.h>

#include "functions_table.h"
#include "spans_table.h"
#include "view.h"
#include "waits_table.h"

#define MAX_PAGE_PX    1600
#define PAGE_FRAME_PX  160 /* of it for what the page draws around: head and foot */
#define GAP_PX	       26  /* between what shares the time axis */
#define SECTION_GAP_PX 40
#define AXIS_PX	       26  /* its labels */
#define SPANS_SHARE    0.2 /* of the height, at most, for scopes */
#define MAX_CALLS      8   /* rows */
#define MIN_FLAME_PX   200
/* Of REND_MAX_ITEMS; the rest is for what else there is to point at. */
#define FLAME_ITEMS    3000
#define TIMELINE_ITEMS 1800

struct part {
	const struct rend_view *view;
	void *state; /* NULL: not on this page */
};

struct report {
	const struct rend_model *model;
	struct rend_frame frame;
	struct part strips;
	struct part body;	      /* processes, or the threads of the only one */
	struct part spans;	      /* scopes: what the programmer has given a name */
	struct rend_span_table calls; /* where there are no functions by samples */
	struct part flame;
};

static bool has_data(const struct rend_model *model)
{
	return rend_view_strips.has_data(model) || rend_view_timeline.has_data(model) ||
	       rend_view_procs.has_data(model);
}

static void release_part(struct part *part)
{
	if (part->state != NULL && part->view->release != NULL)
		part->view->release(part->state);
	part->state = NULL;
}

static double part_px(const struct part *part)
{
	return part->state != NULL ? part->view->height_px(part->state) : 0;
}

static int prepare_part(struct report *report, struct rend_model *model, struct part *part,
	const struct rend_view *view, double max_height_px)
{
	struct rend_frame frame = report->frame;
	frame.is_part = true;
	/* 0 would say: as high as needed. */
	frame.max_height_px = fmax(max_height_px, 1);
	frame.max_items = view == &rend_view_timeline ? TIMELINE_ITEMS : FLAME_ITEMS;
	part->view = view;
	return view->has_data(model) ? view->prepare(model, &frame, &part->state) : 0;
}

static const struct rend_view *choose_body(const struct rend_model *model)
{
	if (model->totals.process_count > 1 || !rend_view_timeline.has_data(model))
		return &rend_view_procs;
	return &rend_view_timeline;
}

static size_t call_rows(const struct report *report)
{
	return report->calls.count < MAX_CALLS ? report->calls.count : MAX_CALLS;
}

static double functions_px(const struct report *report)
{
	double height_px = rend_functions_table_height_px(report->model);
	return height_px > 0 ? SECTION_GAP_PX + height_px : 0;
}

static double calls_px(const struct report *report)
{
	size_t rows = call_rows(report);
	return rows > 0 ? SECTION_GAP_PX + rend_spans_table_height_px(rows) : 0;
}

static double waits_px(const struct report *report)
{
	double height_px = rend_waits_table_height_px(report->model);
	return height_px > 0 ? SECTION_GAP_PX + height_px : 0;
}

/* Strips, body and the axis below them. */
static double time_px(const struct report *report)
{
	double strips = part_px(&report->strips);
	double body = part_px(&report->body);
	double spans = part_px(&report->spans);
	return strips + (strips > 0 && body > 0 ? GAP_PX : 0) + body +
	       (spans > 0 ? GAP_PX + spans : 0) + (strips + body > 0 ? AXIS_PX : 0);
}

static double height_px(const void *state)
{
	const struct report *report = state;
	double flame = part_px(&report->flame);
	return time_px(report) + (flame > 0 ? SECTION_GAP_PX + flame : 0) + functions_px(report) +
	       calls_px(report) + waits_px(report);
}

/* The flame has what the body leaves, the body at least half of the room when it needs that. */
static int prepare_parts(struct report *report, struct rend_model *model)
{
	const struct rend_view *body = choose_body(model);
	double room_px = report->frame.max_height_px > 0 ? report->frame.max_height_px
							 : MAX_PAGE_PX - PAGE_FRAME_PX;
	int status = prepare_part(report, model, &report->strips, &rend_view_strips, 0);
	if (status == 0)
		status = prepare_part(report, model, &report->flame, &rend_view_flame, room_px);
	if (status == 0 && model->totals.scope_count > 0)
		status = prepare_part(
			report, model, &report->spans, &rend_view_spans, room_px * SPANS_SHARE);
	if (status == 0 && model->tree == NULL && model->totals.span_count > 0)
		status = rend_span_table_init(&report->calls, model);
	if (status < 0)
		return status;
	double flame_px = part_px(&report->flame);
	room_px -= part_px(&report->strips) + part_px(&report->spans) + 2 * GAP_PX + AXIS_PX +
		   SECTION_GAP_PX + functions_px(report) + calls_px(report) + waits_px(report);
	status = prepare_part(report, model, &report->body, body,
		fmax(room_px - fmax(flame_px, MIN_FLAME_PX), room_px / 2));
	room_px -= part_px(&report->body);
	if (status < 0 || flame_px <= room_px)
		return status;
	release_part(&report->flame);
	return prepare_part(report, model, &report->flame, &rend_view_flame, room_px);
}

static void release(void *state)
{
	struct report *report = state;
	release_part(&report->strips);
	release_part(&report->body);
	release_part(&report->spans);
	release_part(&report->flame);
	rend_span_table_release(&report->calls);
	free(report);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	struct report *report = calloc(1, sizeof(*report));
	if (report == NULL)
		return TFMT_E_NOMEM;
	const struct rend_view *body = choose_body(model);
	report->model = model;
	report->frame = *frame;
	report->frame.axis.x0 = frame->x + rend_left_px(body, frame->width_px);
	report->frame.axis.x1 = frame->x + frame->width_px - rend_right_px(body, frame->width_px);
	int status = prepare_parts(report, model);
	if (status < 0)
		release(report);
	else
		*ret_state = report;
	return status;
}

static void draw_part(const struct part *part, struct rend_scene *scene, double y)
{
	if (part->state != NULL)
		part->view->draw(part->state, scene, y);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct report *report = state;
	const struct rend_frame *frame = &report->frame;
	double strips = part_px(&report->strips);
	double body = part_px(&report->body);
	double axis_y = y + time_px(report) - AXIS_PX;
	if (strips + body > 0) {
		rend_time_grid(scene, &frame->axis, y, axis_y + 6);
		rend_time_labels(scene, &frame->axis, axis_y + 21);
	}
	draw_part(&report->strips, scene, y);
	draw_part(&report->body, scene, y + strips + (strips > 0 && body > 0 ? GAP_PX : 0));
	draw_part(&report->spans, scene, axis_y - part_px(&report->spans));
	y += time_px(report);
	if (report->flame.state != NULL) {
		draw_part(&report->flame, scene, y + SECTION_GAP_PX);
		y += SECTION_GAP_PX + part_px(&report->flame);
	}
	rend_functions_table_draw(
		report->model, scene, frame->x, y + SECTION_GAP_PX, frame->width_px);
	y += functions_px(report);
	rend_spans_table_draw(report->model, &report->calls, call_rows(report), scene,
		(struct rend_rect){frame->x, y + SECTION_GAP_PX, frame->width_px, 0});
	rend_waits_table_draw(report->model, scene, frame->x, y + calls_px(report) + SECTION_GAP_PX,
		frame->width_px);
}

const struct rend_view rend_view_report = {
	.name = "report",
	.summary = "everything on one page: usage, processes or threads, stacks, functions",
	.draws_stacks = true,
	.has_data = has_data,
	.missing = "Nothing was recorded: neither CPU and memory nor stacks.",
	.left_px = 140,
	.right_px = 86,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.no_text = "--view summary says the same as text",
};
