#include "page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff_text.h"
#include "facts.h"
#include "page_breaks.h"
#include "paragraph.h"

#define TITLE_BASELINE_PX 41
#define FACTS_BASELINE_PX 63
#define HEAD_PX		  84
#define FOOT_GAP_PX	  26
#define FOOT_LINE_PX	  16
#define FACTS_LINE_PX	  18
#define TITLE_LINE_PX	  22
#define MAX_TITLE_LINES	  3 /* where the page is narrower than that: */
#define NARROW_PX	  600
#define MIN_BODY_PX	  60
#define CUT_NOTE_PX	  18
#define SECTION_GAP_PX	  4 /* of it, above the letters of its heading */
#define NOTE_GAP_PX	  14
#define MAX_LEFT_SHARE	  0.32 /* of the width, for the names left of the time axis */
#define MAX_RIGHT_SHARE	  0.22 /* ... and for the figures right of it, */
#define MIN_RIGHT_PX	  70   /* but always so much */
#define EMPTY_HEIGHT_PX	  160

static struct rend_frame page_frame(const struct rend_model *model, const struct rend_view *view,
	const struct rend_page_options *options)
{
	double width_px = options->width_px - 2 * REND_MARGIN_PX;
	return (struct rend_frame){
		.x = REND_MARGIN_PX,
		.width_px = width_px,
		.axis =
			{
				.origin_ns = model->origin_ns,
				.begin_ns = model->begin_ns,
				.end_ns = model->end_ns,
				.x0 = REND_MARGIN_PX + rend_left_px(view, width_px),
				.x1 = REND_MARGIN_PX + width_px - rend_right_px(view, width_px),
			},
	};
}

size_t rend_page_columns(const struct rend_view *view, const struct rend_page_options *options)
{
	double width_px = options->width_px - 2 * REND_MARGIN_PX;
	double axis_px = width_px - rend_left_px(view, width_px) - rend_right_px(view, width_px);
	return axis_px > 100 ? (size_t)axis_px : 100;
}

double rend_left_px(const struct rend_view *view, double width_px)
{
	return fmin(view->left_px, floor(width_px * MAX_LEFT_SHARE));
}

double rend_right_px(const struct rend_view *view, double width_px)
{
	return fmin(view->right_px, fmax(floor(width_px * MAX_RIGHT_SHARE), MIN_RIGHT_PX));
}

void rend_section(struct rend_scene *scene, double x, double y, const char *text)
{
	rend_scene_section(scene, y - rend_font_size_px(REND_FONT_HEADING) - SECTION_GAP_PX, text);
	rend_scene_text(scene, &(struct rend_text){.x = x,
				       .y = y,
				       .text = text,
				       .font = REND_FONT_HEADING,
				       .max_px = scene->width_px - REND_MARGIN_PX - x});
}

double rend_section_with_note(struct rend_scene *scene, double x, double y, double right,
	const char *text, const char *note)
{
	double note_x = x + rend_text_width_px(REND_FONT_HEADING, text) + NOTE_GAP_PX;
	rend_section(scene, x, y, text);
	rend_scene_text(scene, &(struct rend_text){.x = note_x,
				       .y = y,
				       .text = note,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .max_px = right - note_x});
	return note_x;
}

/* Returns the lower edge. */
static double draw_head(
	struct rend_scene *scene, const struct rend_model *model, const struct rend_frame *frame)
{
	char command[REND_PARAGRAPH_BYTES];
	char facts[REND_FACTS_BYTES];
	char failure[REND_FACTS_BYTES] = "";
	double y = TITLE_BASELINE_PX;
	if (model->diff != NULL) {
		rend_diff_command(model->diff, command, sizeof(command));
		rend_diff_facts(model->diff, facts);
	} else {
		rend_model_command(model, command, sizeof(command));
		if (command[0] == '\0')
			snprintf(command, sizeof(command), "a recording of an unknown command");
		rend_facts_line(model, facts);
	}
	if (model->root > 0)
		rend_facts_failure(model->processes[model->root].info, failure);
	rend_scene_describe(scene, command, facts);
	scene->utc_s = model->header->utc_ns / 1000000000;
	struct rend_text style = {
		.x = frame->x,
		.text = command,
		.font = REND_FONT_TITLE,
		.max_px = frame->width_px,
		.ellipsis = REND_ELLIPSIS_MIDDLE,
	};
	rend_paragraph(scene, &style, TITLE_LINE_PX,
		frame->width_px < NARROW_PX ? MAX_TITLE_LINES : 1, &y);
	style.text = facts;
	style.font = REND_FONT_BODY;
	style.role = REND_MUTED;
	style.ellipsis = REND_ELLIPSIS_END;
	y += FACTS_BASELINE_PX - TITLE_BASELINE_PX;
	double x = frame->x + 14 + rend_paragraph(scene, &style, FACTS_LINE_PX, 0, &y);
	if (x + rend_text_width_px(REND_FONT_BODY, failure) > frame->x + frame->width_px) {
		x = frame->x;
		y += FACTS_LINE_PX;
	}
	style.x = x;
	style.text = failure;
	style.role = REND_WARNING;
	rend_paragraph(scene, &style, FACTS_LINE_PX, 0, &y);
	return y + HEAD_PX - FACTS_BASELINE_PX;
}

/* Where a recording is from, and what it lacks. Returns the lowest baseline. */
static double draw_origin(struct rend_scene *scene, const struct rend_model *model,
	const char *which, const struct rend_frame *frame, double y)
{
	char facts[REND_FACTS_BYTES], text[REND_FACTS_BYTES + 16];
	struct rend_text style = {
		.x = frame->x,
		.text = text,
		.font = REND_FONT_SMALL,
		.role = REND_MUTED,
		.max_px = frame->width_px,
	};
	rend_facts_origin(model, facts);
	snprintf(text, sizeof(text), "%s%s", which, facts);
	rend_paragraph(scene, &style, FOOT_LINE_PX, 0, &y);
	rend_facts_losses(model, facts);
	if (facts[0] != '\0') {
		y += FOOT_LINE_PX;
		snprintf(text, sizeof(text), "%s%s", which, facts);
		style.role = REND_WARNING;
		rend_paragraph(scene, &style, FOOT_LINE_PX, 0, &y);
	}
	return y;
}

/* Returns the lower edge. */
static double draw_foot(struct rend_scene *scene, const struct rend_model *model,
	const struct rend_frame *frame, double y)
{
	const struct rend_diff *diff = model->diff;
	rend_scene_rect(
		scene, REND_GRID, (struct rend_rect){frame->x, floor(y), frame->width_px, 1});
	y += 20;
	if (diff != NULL)
		y = draw_origin(scene, diff->models[TFMT_BEFORE], "before: ", frame, y) +
		    FOOT_LINE_PX;
	y = draw_origin(scene, model, diff != NULL ? "after: " : "", frame, y);
	return y + REND_MARGIN_PX;
}

/* What a view without data looks like: its frame, and the sentence. */
static double draw_empty(struct rend_scene *scene, const struct rend_model *model,
	const struct rend_view *view, const struct rend_frame *frame, double y)
{
	double height_px = EMPTY_HEIGHT_PX;
	if (frame->max_height_px > 0)
		height_px = fmax(fmin(height_px, frame->max_height_px), MIN_BODY_PX);
	rend_scene_rect(
		scene, REND_PANEL, (struct rend_rect){frame->x, y, frame->width_px, height_px});
	struct rend_text style = {
		.x = frame->x + frame->width_px / 2,
		.text = rend_view_missing(view, model),
		.font = REND_FONT_BODY,
		.role = REND_MUTED,
		.anchor = REND_ANCHOR_MIDDLE,
		.max_px = frame->width_px - 20,
	};
	/* Its middle in the middle. */
	double lines = ceil(rend_text_width_px(style.font, style.text) / style.max_px);
	double baseline = y + height_px / 2 + 4 - (lines - 1) / 2 * FACTS_LINE_PX;
	rend_paragraph(scene, &style, FACTS_LINE_PX, 0, &baseline);
	return y + height_px;
}

/* Draws from `y` on. Returns 0 and the lower edge of what was drawn, or an error. */
static int draw_body(struct rend_model *model, const struct rend_view *view,
	const struct rend_frame *frame, struct rend_scene *scene, double y, double *ret_bottom)
{
	void *state = NULL;
	if (!view->has_data(model)) {
		*ret_bottom = draw_empty(scene, model, view, frame, y);
		return 0;
	}
	int status = view->prepare(model, frame, &state);
	if (status < 0)
		return status;
	view->draw(state, scene, y);
	*ret_bottom = y + view->height_px(state);
	view->release(state);
	return 0;
}

/* The height of the foot, measured by drawing it elsewhere. */
static int measure_foot(
	const struct rend_model *model, const struct rend_frame *frame, double *ret_px)
{
	struct rend_scene *scene;
	int status = rend_scene_new(frame->width_px, &scene);
	if (status < 0)
		return status;
	*ret_px = draw_foot(scene, model, frame, 0);
	rend_scene_free(scene);
	return 0;
}

/* Take away what lies below `limit`, and say so. Returns the lower edge. */
static double cut_body(struct rend_scene *scene, const struct rend_frame *frame, double top,
	double bottom, double limit)
{
	char text[100];
	double y = rend_page_break(scene, top, fmax(limit - CUT_NOTE_PX, top + 1));
	rend_page_cut(scene, y);
	snprintf(
		text, sizeof(text), "cut off here by --max-height: %.0f px more below", bottom - y);
	rend_scene_text(scene, &(struct rend_text){.x = frame->x,
				       .y = y + CUT_NOTE_PX - 5,
				       .text = text,
				       .font = REND_FONT_SMALL,
				       .role = REND_WARNING,
				       .max_px = frame->width_px});
	return y + CUT_NOTE_PX;
}

/* Head, body and foot; with a height at most, less of the body, and without a foot if need be. */
static int draw_all(struct rend_model *model, const struct rend_view *view,
	const struct rend_page_options *options, struct rend_frame *frame, struct rend_scene *scene)
{
	const double max_px = options->max_height_px;
	double foot_px = 0, bottom = 0;
	double top = draw_head(scene, model, frame);
	int status = measure_foot(model, frame, &foot_px);
	bool has_foot = max_px == 0 || top + MIN_BODY_PX + FOOT_GAP_PX + foot_px <= max_px;
	foot_px = has_foot ? foot_px + FOOT_GAP_PX : REND_MARGIN_PX;
	if (max_px > 0)
		frame->max_height_px = fmax(max_px - foot_px - top, MIN_BODY_PX);
	if (status == 0)
		status = draw_body(model, view, frame, scene, top, &bottom);
	if (status < 0)
		return status;
	if (max_px > 0 && bottom > top + frame->max_height_px + 0.5)
		bottom = cut_body(scene, frame, top, bottom, top + frame->max_height_px);
	scene->height_px = ceil(
		has_foot ? draw_foot(scene, model, frame, bottom + FOOT_GAP_PX) : bottom + foot_px);
	if (max_px > 0 && scene->height_px > max_px) {
		rend_page_cut(scene, max_px);
		scene->height_px = max_px;
	}
	return 0;
}

int rend_page_draw(struct rend_model *model, const struct rend_view *view,
	const struct rend_page_options *options, struct rend_scene **ret_scene)
{
	struct rend_frame frame = page_frame(model, view, options);
	struct rend_scene *scene;
	int status = rend_scene_new(options->width_px, &scene);
	if (status < 0)
		return status;
	status = draw_all(model, view, options, &frame, scene);
	if (status == 0 && rend_scene_failed(scene))
		status = TFMT_E_NOMEM;
	if (status < 0)
		rend_scene_free(scene);
	else
		*ret_scene = scene;
	return status;
}
