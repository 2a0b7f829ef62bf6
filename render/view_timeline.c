/* Stacks over time: a flame chart for each of the busiest threads, over one time axis. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "language_mark.h"
#include "legend.h"
#include "num.h"
#include "slice_words.h"
#include "strips_part.h"
#include "timeline_text.h"
#include "view.h"

#define LEFT_PX		    140
#define RIGHT_PX	    86
#define STRIPS_GAP_PX	    26
#define ROW_PX		    18
#define BOX_PX		    17.4
#define FAILURE_BASELINE_PX 8
#define GAP_PX		    0.6
#define MIN_BOX_PX	    0.5
#define TRACK_GAP_PX	    20
#define TRACK_MIN_PX	    32 /* two lines of text */
#define AXIS_PX		    24
#define FOOT_PX		    20 /* a line below the axis: what is not drawn, and the colours */
#define NOTE_GAP_PX	    24
#define LEGEND_MIN_PX	    240 /* with less room beside the note it has a line of its own */
#define LABEL_MIN_PX	    32
#define MIN_DENSITY	    0.25 /* paler than that, a block would not be seen */
#define PART_TRACKS	    6
#define PART_ROWS	    16
#define TELLING_PART	    10	/* of the first row, and ... */
#define TELLING_PART_OF_ALL 100 /* of the time shown: a deeper row that has less is not drawn */
#define MIN_ROWS	    3

struct timeline {
	const struct rend_model *model;
	struct rend_frame frame;
	struct rend_thread_charts charts;
	struct rend_legend legend;
	void *strips; /* NULL in a report */
	uint32_t telling_rows[REND_MAX_TRACKS];
	uint32_t max_rows;   /* of a track */
	double label_min_px; /* narrower boxes have no label */
	size_t label_count;
	char note[160]; /* what is not drawn, "" when all is */
};

static bool has_data(const struct rend_model *model)
{
	return model->totals.sample_count > 0 || model->totals.blocked_ns > 0 ||
	       model->totals.span_count > 0;
}

static double strips_px(const struct timeline *timeline)
{
	return rend_strips_part_px(timeline->strips, STRIPS_GAP_PX);
}

/* Time that a row says something about: not that of blocks of many functions. */
static uint64_t told_ns(const struct rend_slice_row *row)
{
	uint64_t sum_ns = 0;
	for (size_t i = 0; i < row->count; i++)
		sum_ns += rend_slice_has_major(&row->slices[i]) ? row->slices[i].busy_ns : 0;
	return sum_ns;
}

/*
 * Each track without the deeper rows that say next to nothing: compared with its first row, and
 * with the time shown.
 */
static void find_telling_rows(struct timeline *timeline)
{
	const struct rend_time_axis *axis = &timeline->frame.axis;
	for (size_t i = 0; i < timeline->charts.track_count; i++) {
		const struct rend_slices *slices = &timeline->charts.tracks[i].slices;
		uint64_t least_ns = told_ns(&slices->rows[0]) / TELLING_PART;
		if (least_ns < (axis->end_ns - axis->begin_ns) / TELLING_PART_OF_ALL)
			least_ns = (axis->end_ns - axis->begin_ns) / TELLING_PART_OF_ALL;
		timeline->telling_rows[i] = slices->row_count > 0 ? 1 : 0;
		for (uint32_t row = 1; row < slices->row_count; row++) {
			if (told_ns(&slices->rows[row]) >= least_ns)
				timeline->telling_rows[i] = row + 1;
		}
	}
}

static uint32_t track_rows(const struct timeline *timeline, size_t track)
{
	uint32_t rows = timeline->telling_rows[track];
	return rows < timeline->max_rows ? rows : timeline->max_rows;
}

static double track_px(const struct timeline *timeline, size_t track)
{
	return fmax(track_rows(timeline, track) * ROW_PX, TRACK_MIN_PX);
}

static double tracks_px(const struct timeline *timeline)
{
	double height_px = 0;
	for (size_t i = 0; i < timeline->charts.track_count; i++)
		height_px += track_px(timeline, i) + (i > 0 ? TRACK_GAP_PX : 0);
	return height_px;
}

static bool has_foot(const struct timeline *timeline)
{
	return !timeline->frame.is_part || timeline->note[0] != '\0';
}

static bool has_two_lines(const struct timeline *timeline)
{
	const struct rend_frame *frame = &timeline->frame;
	double note_px = rend_text_width_px(REND_FONT_SMALL, timeline->note);
	return !frame->is_part && note_px > 0 &&
	       frame->x + frame->width_px - frame->axis.x0 - note_px - NOTE_GAP_PX < LEGEND_MIN_PX;
}

static double foot_px(const struct timeline *timeline)
{
	return has_foot(timeline) ? FOOT_PX * (has_two_lines(timeline) ? 2 : 1) : 0;
}

static double height_px(const void *state)
{
	const struct timeline *timeline = state;
	return strips_px(timeline) + tracks_px(timeline) + (timeline->frame.is_part ? 0 : AXIS_PX) +
	       foot_px(timeline);
}

/* As many rows for each track as fit. */
static void choose_rows(struct timeline *timeline)
{
	double room_px = timeline->frame.max_height_px - FOOT_PX;
	timeline->max_rows = timeline->frame.is_part ? PART_ROWS : REND_MAX_PATH;
	while (timeline->frame.max_height_px > 0 && timeline->max_rows > MIN_ROWS &&
		height_px(timeline) > room_px)
		timeline->max_rows--;
}

static void make_note(struct timeline *timeline)
{
	const struct rend_thread_charts *charts = &timeline->charts;
	bool is_cut = charts->is_cut;
	size_t length = 0;
	char count[NUM_TEXT_BYTES];
	for (size_t i = 0; i < charts->track_count; i++)
		is_cut = is_cut || charts->tracks[i].slices.row_count > track_rows(timeline, i);
	if (charts->thread_count > charts->track_count)
		length = (size_t)snprintf(timeline->note, sizeof(timeline->note),
			"the %zu %s of %s threads", charts->track_count,
			timeline->model->weight == TFMT_WEIGHT_OFFCPU ? "longest waiting"
								      : "busiest",
			num_count(count, charts->thread_count));
	if (is_cut)
		snprintf(timeline->note + length, sizeof(timeline->note) - length,
			"%sdeeper functions are not drawn", length > 0 ? ", " : "");
}

/* A slice's left edge and width, with its gap to the next. */
static double slice_x(
	const struct timeline *timeline, const struct rend_slice *slice, double *ret_width_px)
{
	double x = rend_time_x_clamped(&timeline->frame.axis, slice->begin_ns);
	*ret_width_px = rend_time_x_clamped(&timeline->frame.axis, slice->end_ns) - x;
	return x;
}

static void survey_row(struct timeline *timeline, const struct rend_slice_row *row)
{
	for (size_t i = 0; i < row->count; i++) {
		const struct rend_slice *slice = &row->slices[i];
		double width_px;
		slice_x(timeline, slice, &width_px);
		timeline->label_count += width_px >= timeline->label_min_px;
		const struct tfmt_location *location =
			rend_slice_location(&timeline->charts, slice);
		enum rend_role role =
			slice->type == REND_SLICE_WAIT
				? REND_WAITING
				: rend_slice_role(timeline->model, &timeline->charts, slice);
		rend_legend_add(&timeline->legend, role, location, width_px);
	}
}

/* Which colours there are, and how wide a box must be for the labels not to be too many. */
static void survey(struct timeline *timeline, size_t max_labels)
{
	timeline->label_min_px = LABEL_MIN_PX;
	for (;;) {
		timeline->label_count = 0;
		timeline->legend.count = 0;
		for (size_t i = 0; i < timeline->charts.track_count; i++) {
			const struct rend_track *track = &timeline->charts.tracks[i];
			for (uint32_t row = 0; row < track_rows(timeline, i); row++)
				survey_row(timeline, &track->slices.rows[row]);
		}
		if (timeline->label_count <= max_labels)
			return;
		timeline->label_min_px *= 1.25;
	}
}

static void release(void *state)
{
	struct timeline *timeline = state;
	if (timeline == NULL)
		return;
	rend_strips_part_free(timeline->strips);
	rend_thread_charts_release(&timeline->charts);
	free(timeline);
}

static int prepare(struct rend_model *model, const struct rend_frame *frame, void **ret_state)
{
	const struct rend_time_axis *axis = &frame->axis;
	struct timeline *timeline = calloc(1, sizeof(*timeline));
	if (timeline == NULL)
		return TFMT_E_NOMEM;
	timeline->model = model;
	timeline->frame = *frame;
	double ns_per_px = (double)(axis->end_ns - axis->begin_ns) / fmax(axis->x1 - axis->x0, 1);
	size_t max_items = frame->max_items > 0 ? frame->max_items : REND_MAX_ITEMS;
	int status = rend_thread_charts_init(&timeline->charts, model,
		frame->is_part ? PART_TRACKS : REND_MAX_TRACKS,
		(uint64_t)fmax(ns_per_px * MIN_BOX_PX, 1), max_items);
	if (status == 0)
		status = rend_strips_part_new(model, frame, &timeline->strips);
	if (status < 0) {
		release(timeline);
		return status;
	}
	find_telling_rows(timeline);
	choose_rows(timeline);
	make_note(timeline);
	survey(timeline, max_items * REND_MAX_LABELS / REND_MAX_ITEMS);
	*ret_state = timeline;
	return 0;
}

/* "xz (4140)" for main threads, "4141" for others; below it what it is called, and its share. */
static void draw_track_name(const struct timeline *timeline, struct rend_scene *scene,
	const struct rend_thread *thread, double y)
{
	const struct rend_model *model = timeline->model;
	const struct tfmt_process_info *process =
		tfmt_trace_process(model->trace, thread->info->process);
	char name[128], detail[128], share[NUM_TEXT_BYTES];
	if (thread->info->tid == process->pid)
		snprintf(name, sizeof(name), "%.80s (%u)",
			tfmt_trace_text(model->trace, process->name), (unsigned)thread->info->tid);
	else
		snprintf(name, sizeof(name), "%u", (unsigned)thread->info->tid);
	bool shows_waits = model->weight == TFMT_WEIGHT_OFFCPU;
	num_percent(share,
		(double)(shows_waits ? thread->blocked_ns + thread->preempted_ns
				     : thread->running_ns),
		(double)(model->end_ns - model->begin_ns));
	if (timeline->charts.has_spans)
		num_count(share, (thread->span_count + 1) / 2);
	snprintf(detail, sizeof(detail), "%.80s · %s %s",
		thread->info->tid == process->pid
			? "main"
			: tfmt_trace_text(model->trace, thread->info->name),
		share,
		timeline->charts.has_spans ? thread->span_count > 2 ? "spans" : "span"
		: shows_waits		   ? "off CPU"
					   : "CPU");
	double max_px = timeline->frame.axis.x0 - timeline->frame.x - 12;
	/* Without room the figure alone. */
	if (rend_text_width_px(REND_FONT_SMALL, detail) > max_px) {
		char *percent = strrchr(detail, '%');
		if (timeline->charts.has_spans)
			snprintf(detail, sizeof(detail), "%s spans", share);
		else if (percent != NULL)
			percent[1] = '\0';
	}
	struct rend_text text = {
		.x = timeline->frame.x,
		.y = y + 13,
		.text = name,
		.font = REND_FONT_STRONG,
		.max_px = max_px,
		.ellipsis = REND_ELLIPSIS_MIDDLE,
	};
	rend_scene_text(scene, &text);
	text.y = y + 28;
	text.text = detail;
	text.font = REND_FONT_SMALL;
	text.role = REND_MUTED;
	rend_scene_text(scene, &text);
}

static void draw_slice(const struct timeline *timeline, struct rend_scene *scene,
	const struct rend_slice *slice, double y)
{
	char title[REND_SLICE_TITLE_BYTES], label[512];
	double width_px;
	double x = slice_x(timeline, slice, &width_px);
	double room_px = width_px - GAP_PX - 2 * REND_LABEL_INSET_PX;
	bool has_label = width_px >= timeline->label_min_px;
	struct rend_item item = {
		.rect = {x, y, fmax(width_px - GAP_PX, MIN_BOX_PX), BOX_PX},
		.title = title,
	};
	rend_slice_title(timeline->model, &timeline->charts, slice, title);
	rend_slice_label(&timeline->charts, slice, room_px, label, sizeof(label));
	if (slice->type == REND_SLICE_WAIT) {
		item.fill = REND_WAITING;
		item.is_hatched = true;
	} else {
		const struct tfmt_location *location =
			rend_slice_location(&timeline->charts, slice);
		item.fill = rend_slice_role(timeline->model, &timeline->charts, slice);
		if (slice->type == REND_SLICE_CODE)
			rend_language_mark(scene, rend_model_language(location), &item.rect);
	}
	if (slice->type == REND_SLICE_DENSE) {
		double length_ns = (double)(slice->end_ns - slice->begin_ns);
		item.fade = 1 - fmax((double)slice->busy_ns / length_ns, MIN_DENSITY);
	}
	item.label = has_label ? label : NULL;
	rend_scene_item(scene, &item);
}

/* A small triangle where an exception has left a call. */
static void draw_failure(const struct timeline *timeline, struct rend_scene *scene,
	const struct rend_failure *failure, double y)
{
	if (failure->row >= timeline->max_rows)
		return;
	rend_scene_text(scene,
		&(struct rend_text){
			.x = rend_time_x_clamped(&timeline->frame.axis, failure->time_ns) - GAP_PX,
			.y = y + failure->row * ROW_PX + FAILURE_BASELINE_PX,
			.text = "◥",
			.font = REND_FONT_SMALL,
			.role = REND_MARK,
			.anchor = REND_ANCHOR_END,
		});
}

static void draw_track(
	const struct timeline *timeline, struct rend_scene *scene, size_t index, double y)
{
	const struct rend_track *track = &timeline->charts.tracks[index];
	const struct rend_thread *thread = &timeline->model->threads[track->thread];
	char title[300], running[NUM_TEXT_BYTES], preempted[NUM_TEXT_BYTES];
	char blocked[NUM_TEXT_BYTES];
	snprintf(title, sizeof(title), "thread %u, %.80s: %s on CPU, %s preempted, %s waiting",
		(unsigned)thread->info->tid,
		tfmt_trace_text(timeline->model->trace, thread->info->name),
		num_duration(running, thread->running_ns),
		num_duration(preempted, thread->preempted_ns),
		num_duration(blocked, thread->blocked_ns));
	rend_scene_group(scene, title);
	draw_track_name(timeline, scene, thread, y);
	for (uint32_t row = 0; row < track_rows(timeline, index); row++) {
		const struct rend_slice_row *slices = &track->slices.rows[row];
		for (size_t i = 0; i < slices->count; i++)
			draw_slice(timeline, scene, &slices->slices[i], y + row * ROW_PX);
	}
	for (size_t i = 0; i < track->failure_count; i++)
		draw_failure(timeline, scene, &track->failures[i], y);
	rend_scene_group_end(scene);
}

/* What is not drawn on the left; alone, what the colours mean on the right or below. */
static void draw_foot(const struct timeline *timeline, struct rend_scene *scene, double y)
{
	const struct rend_frame *frame = &timeline->frame;
	const double right = frame->x + frame->width_px;
	const bool is_narrow = has_two_lines(timeline);
	double x = is_narrow ? frame->x : frame->axis.x0 + 4;
	double note_px = rend_scene_text(scene, &(struct rend_text){.x = x,
							.y = y + 14,
							.text = timeline->note,
							.font = REND_FONT_SMALL,
							.role = REND_MUTED,
							.max_px = right - x});
	if (frame->is_part)
		return;
	if (is_narrow)
		y += FOOT_PX;
	else
		x = frame->axis.x0 + (note_px > 0 ? note_px + NOTE_GAP_PX : 0);
	double max_px = right - x;
	double width_px = rend_legend_width_px(&timeline->legend, max_px);
	if (!is_narrow)
		x = fmax(x, frame->axis.x1 - width_px);
	rend_legend_draw(&timeline->legend, scene, x, y + 14, max_px);
}

static void draw(const void *state, struct rend_scene *scene, double y)
{
	const struct timeline *timeline = state;
	const struct rend_frame *frame = &timeline->frame;
	if (!frame->is_part)
		rend_time_grid(
			scene, &frame->axis, y, y + strips_px(timeline) + tracks_px(timeline) + 6);
	rend_strips_part_draw(timeline->strips, scene, y);
	y += strips_px(timeline);
	rend_scene_section(scene, y, "Threads");
	for (size_t i = 0; i < timeline->charts.track_count; i++) {
		draw_track(timeline, scene, i, y);
		y += track_px(timeline, i) +
		     (i + 1 < timeline->charts.track_count ? TRACK_GAP_PX : 0);
	}
	if (!frame->is_part) {
		rend_time_labels(scene, &frame->axis, y + 20);
		y += AXIS_PX;
	}
	if (has_foot(timeline))
		draw_foot(timeline, scene, y);
}

static int write_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream)
{
	if (model->totals.sample_count > 0 || model->totals.blocked_ns > 0)
		return rend_timeline_text(model, frame->columns, stream);
	fputs("No samples in this recording: --view calls shows its calls, --view spans its scopes.\n",
		stream);
	return 0;
}

const struct rend_view rend_view_timeline = {
	.name = "timeline",
	.summary = "stacks over time, thread by thread",
	.draws_stacks = true,
	.has_data = has_data,
	.missing = REND_NO_STACKS,
	.left_px = LEFT_PX,
	.right_px = RIGHT_PX,
	.prepare = prepare,
	.height_px = height_px,
	.draw = draw,
	.release = release,
	.is_listing = true,
	.text = write_text,
};
