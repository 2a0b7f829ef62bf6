#include "page.h"

#include <math.h>
#include <stdlib.h>

#include "facts.h"

#define TITLE_BASELINE_PX 41
#define FACTS_BASELINE_PX 63
#define HEAD_PX		  84
#define FOOT_GAP_PX	  26
#define FOOT_PX		  44
#define FOOT_LINE_PX	  16
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
				.x0 = REND_MARGIN_PX + view->left_px,
				.x1 = REND_MARGIN_PX + width_px - view->right_px,
			},
	};
}

size_t rend_page_columns(const struct rend_view *view, const struct rend_page_options *options)
{
	double axis_px = options->width_px - 2 * REND_MARGIN_PX - view->left_px - view->right_px;
	return axis_px > 100 ? (size_t)axis_px : 100;
}

void rend_section(struct rend_scene *scene, double x, double y, const char *text)
{
	rend_scene_text(scene,
		&(struct rend_text){.x = x, .y = y, .text = text, .font = REND_FONT_HEADING});
}

static void draw_head(
	struct rend_scene *scene, const struct rend_model *model, const struct rend_frame *frame)
{
	char command[4096];
	char facts[REND_FACTS_BYTES];
	char failure[REND_FACTS_BYTES] = "";
	rend_model_command(model, command, sizeof(command));
	rend_facts_line(model, facts);
	if (model->root > 0)
		rend_facts_failure(model->processes[model->root].info, failure);
	rend_scene_describe(scene, command, facts);
	rend_scene_text(scene, &(struct rend_text){.x = frame->x,
				       .y = TITLE_BASELINE_PX,
				       .text = command,
				       .font = REND_FONT_TITLE,
				       .max_px = frame->width_px,
				       .ellipsis = REND_ELLIPSIS_MIDDLE});
	double failure_px =
		failure[0] != '\0' ? rend_text_width_px(REND_FONT_BODY, failure) + 14 : 0;
	double facts_px = rend_scene_text(scene, &(struct rend_text){.x = frame->x,
							 .y = FACTS_BASELINE_PX,
							 .text = facts,
							 .font = REND_FONT_BODY,
							 .role = REND_MUTED,
							 .max_px = frame->width_px - failure_px});
	rend_scene_text(scene, &(struct rend_text){.x = frame->x + facts_px + 14,
				       .y = FACTS_BASELINE_PX,
				       .text = failure,
				       .font = REND_FONT_BODY,
				       .role = REND_WARNING});
}

/* Returns the lower edge. */
static double draw_foot(struct rend_scene *scene, const struct rend_model *model,
	const struct rend_frame *frame, double y)
{
	char text[REND_FACTS_BYTES];
	rend_scene_rect(
		scene, REND_GRID, (struct rend_rect){frame->x, floor(y), frame->width_px, 1});
	rend_facts_origin(model, text);
	y += 20;
	rend_scene_text(scene, &(struct rend_text){.x = frame->x,
				       .y = y,
				       .text = text,
				       .font = REND_FONT_SMALL,
				       .role = REND_MUTED,
				       .max_px = frame->width_px});
	rend_facts_losses(model, text);
	if (text[0] != '\0') {
		y += FOOT_LINE_PX;
		rend_scene_text(scene, &(struct rend_text){.x = frame->x,
					       .y = y,
					       .text = text,
					       .font = REND_FONT_SMALL,
					       .role = REND_WARNING,
					       .max_px = frame->width_px});
	}
	return y + REND_MARGIN_PX;
}

/* What a view without data looks like: its frame, and the sentence. */
static double draw_empty(struct rend_scene *scene, const struct rend_view *view,
	const struct rend_frame *frame, double y)
{
	rend_scene_rect(scene, REND_PANEL,
		(struct rend_rect){frame->x, y, frame->width_px, EMPTY_HEIGHT_PX});
	rend_scene_text(scene, &(struct rend_text){.x = frame->x + frame->width_px / 2,
				       .y = y + EMPTY_HEIGHT_PX / 2 + 4,
				       .text = view->missing,
				       .font = REND_FONT_BODY,
				       .role = REND_MUTED,
				       .anchor = REND_ANCHOR_MIDDLE,
				       .max_px = frame->width_px - 20});
	return y + EMPTY_HEIGHT_PX;
}

/* Returns 0 and the lower edge of what was drawn, or an error. */
static int draw_body(struct rend_model *model, const struct rend_view *view,
	const struct rend_frame *frame, struct rend_scene *scene, double *ret_bottom)
{
	void *state = NULL;
	if (!view->has_data(model)) {
		*ret_bottom = draw_empty(scene, view, frame, HEAD_PX);
		return 0;
	}
	int status = view->prepare(model, frame, &state);
	if (status < 0)
		return status;
	view->draw(state, scene, HEAD_PX);
	*ret_bottom = HEAD_PX + view->height_px(state);
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
	draw_head(scene, model, &frame);
	status = draw_body(model, view, &frame, scene, &bottom);
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
