#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"

#define TITLE_BASELINE_PX 41
#define FACTS_BASELINE_PX 63
#define HEAD_PX		  84
#define FOOT_GAP_PX	  26
#define FOOT_PX		  44
#define FOOT_LINE_PX	  16
#define FACTS_LINE_PX	  18
#define SECTION_GAP_PX	  4    /* of it, above the letters of its heading */
#define MAX_LEFT_SHARE	  0.32 /* of the width, for the names left of the time axis */
#define EMPTY_HEIGHT_PX	  160

static struct rend_frame page_frame(const struct rend_model *model, const struct rend_view *view,
	const struct rend_page_options *options)
{
	double width_px = options->width_px - 2 * REND_MARGIN_PX;
	double body_px = options->max_height_px - HEAD_PX - FOOT_GAP_PX - FOOT_PX;
	return (struct rend_frame){
		.x = REND_MARGIN_PX,
		.width_px = width_px,
		.max_height_px = options->max_height_px > 0 ? fmax(body_px, 100) : 0,
		.axis =
			{
				.origin_ns = model->origin_ns,
				.begin_ns = model->begin_ns,
				.end_ns = model->end_ns,
				.x0 = REND_MARGIN_PX + rend_left_px(view, width_px),
				.x1 = REND_MARGIN_PX + width_px - view->right_px,
			},
	};
}

size_t rend_page_columns(const struct rend_view *view, const struct rend_page_options *options)
{
	double width_px = options->width_px - 2 * REND_MARGIN_PX;
	double axis_px = width_px - rend_left_px(view, width_px) - view->right_px;
	return axis_px > 100 ? (size_t)axis_px : 100;
}

double rend_left_px(const struct rend_view *view, double width_px)
{
	return fmin(view->left_px, floor(width_px * MAX_LEFT_SHARE));
}

void rend_section(struct rend_scene *scene, double x, double y, const char *text)
{
	rend_scene_section(scene, y - rend_font_size_px(REND_FONT_HEADING) - SECTION_GAP_PX, text);
	rend_scene_text(scene,
		&(struct rend_text){.x = x, .y = y, .text = text, .font = REND_FONT_HEADING});
}

/* Cut `text` after the facts that fit into `max_px`, one at least. Returns the others, or NULL. */
static char *break_facts(enum rend_font font, char *text, double max_px)
{
	char *rest = NULL;
	for (char *gap = strstr(text, REND_FACTS_GAP); gap; gap = strstr(gap + 1, REND_FACTS_GAP)) {
		*gap = '\0';
		bool fits = rend_text_width_px(font, text) <= max_px;
		*gap = REND_FACTS_GAP[0];
		if (!fits && rest)
			break;
		rest = gap;
		if (!fits)
			break;
	}
	if (!rest || rend_text_width_px(font, text) <= max_px)
		return NULL;
	*rest = '\0';
	return rest + strlen(REND_FACTS_GAP);
}

/* Draw facts from `*y` on, in as many lines as they need. Returns the width of the last line. */
static double draw_facts(struct rend_scene *scene, const struct rend_frame *frame,
	struct rend_text style, char *text, double line_px, double *y)
{
	for (;;) {
		char *rest = break_facts(style.font, text, frame->width_px);
		style.x = frame->x;
		style.y = *y;
		style.text = text;
		style.max_px = frame->width_px;
		double last_px = rend_scene_text(scene, &style);
		if (!rest)
			return last_px;
		text = rest;
		*y += line_px;
	}
}

/* Returns the lower edge. */
static double draw_head(
	struct rend_scene *scene, const struct rend_model *model, const struct rend_frame *frame)
{
	char command[4096];
	char facts[REND_FACTS_BYTES];
	char failure[REND_FACTS_BYTES] = "";
	double y = FACTS_BASELINE_PX;
	rend_model_command(model, command, sizeof(command));
	rend_facts_line(model, facts);
	if (model->root > 0)
		rend_facts_failure(model->processes[model->root].info, failure);
	rend_scene_describe(scene, command, facts);
	scene->utc_s = model->header->utc_ns / 1000000000;
	rend_scene_text(scene, &(struct rend_text){.x = frame->x,
				       .y = TITLE_BASELINE_PX,
				       .text = command,
				       .font = REND_FONT_TITLE,
				       .max_px = frame->width_px,
				       .ellipsis = REND_ELLIPSIS_MIDDLE});
	struct rend_text style = {.font = REND_FONT_BODY, .role = REND_MUTED};
	double x = frame->x + 14 + draw_facts(scene, frame, style, facts, FACTS_LINE_PX, &y);
	if (x + rend_text_width_px(REND_FONT_BODY, failure) > frame->x + frame->width_px) {
		x = frame->x;
		y += FACTS_LINE_PX;
	}
	rend_scene_text(scene, &(struct rend_text){.x = x,
				       .y = y,
				       .text = failure,
				       .font = REND_FONT_BODY,
				       .role = REND_WARNING,
				       .max_px = frame->width_px});
	return y + HEAD_PX - FACTS_BASELINE_PX;
}

/* Returns the lower edge. */
static double draw_foot(struct rend_scene *scene, const struct rend_model *model,
	const struct rend_frame *frame, double y)
{
	char text[REND_FACTS_BYTES];
	struct rend_text style = {.font = REND_FONT_SMALL, .role = REND_MUTED};
	rend_scene_rect(
		scene, REND_GRID, (struct rend_rect){frame->x, floor(y), frame->width_px, 1});
	rend_facts_origin(model, text);
	y += 20;
	draw_facts(scene, frame, style, text, FOOT_LINE_PX, &y);
	rend_facts_losses(model, text);
	if (text[0] != '\0') {
		y += FOOT_LINE_PX;
		style.role = REND_WARNING;
		draw_facts(scene, frame, style, text, FOOT_LINE_PX, &y);
	}
	return y + REND_MARGIN_PX;
}

/* What a view without data looks like: its frame, and the sentence. */
static double draw_empty(struct rend_scene *scene, const struct rend_model *model,
	const struct rend_view *view, const struct rend_frame *frame, double y)
{
	rend_scene_rect(scene, REND_PANEL,
		(struct rend_rect){frame->x, y, frame->width_px, EMPTY_HEIGHT_PX});
	rend_scene_text(scene, &(struct rend_text){.x = frame->x + frame->width_px / 2,
				       .y = y + EMPTY_HEIGHT_PX / 2 + 4,
				       .text = rend_view_missing(view, model),
				       .font = REND_FONT_BODY,
				       .role = REND_MUTED,
				       .anchor = REND_ANCHOR_MIDDLE,
				       .max_px = frame->width_px - 20});
	return y + EMPTY_HEIGHT_PX;
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

int rend_page_draw(struct rend_model *model, const struct rend_view *view,
	const struct rend_page_options *options, struct rend_scene **ret_scene)
{
	struct rend_frame frame = page_frame(model, view, options);
	struct rend_scene *scene;
	double bottom = 0;
	int status = rend_scene_new(options->width_px, &scene);
	if (status < 0)
		return status;
	double y = draw_head(scene, model, &frame);
	status = draw_body(model, view, &frame, scene, y, &bottom);
	if (status == 0)
		scene->height_px = ceil(draw_foot(scene, model, &frame, bottom + FOOT_GAP_PX));
	if (status == 0 && rend_scene_failed(scene))
		status = TFMT_E_NOMEM;
	if (status < 0)
		rend_scene_free(scene);
	else
		*ret_scene = scene;
	return status;
}
