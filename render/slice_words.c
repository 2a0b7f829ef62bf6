#include "slice_words.h"

#include <stdio.h>
#include <string.h>

#include "frame_label.h"
#include "num.h"

bool rend_slice_has_major(const struct rend_slice *slice)
{
	return slice->type != REND_SLICE_DENSE || slice->major_ns * 2 >= slice->busy_ns;
}

/* "waiting: futex": as on top of a stack, without its brackets. */
static void wait_reason(const struct rend_slice *slice, char *text, size_t size)
{
	struct tfmt_sample sample = {.state = slice->state, .syscall = slice->syscall};
	const char *name = tfmt_wait_name(&sample);
	snprintf(text, size, "%.*s", (int)strlen(name) - 2, name + 1);
}

void rend_slice_title(const struct rend_model *model, const struct rend_thread_charts *charts,
	const struct rend_slice *slice, char text[REND_SLICE_TITLE_BYTES])
{
	const size_t size = REND_SLICE_TITLE_BYTES;
	char what[600], place[200], count[NUM_TEXT_BYTES];
	char begin[NUM_TEXT_BYTES], length[NUM_TEXT_BYTES], share[NUM_TEXT_BYTES];
	const struct tfmt_location *location = rend_slice_location(charts, slice);
	uint64_t length_ns = slice->end_ns - slice->begin_ns;
	num_duration(
		begin, slice->begin_ns > model->origin_ns ? slice->begin_ns - model->origin_ns : 0);
	num_duration(length, length_ns);
	num_percent(share, (double)length_ns, (double)(model->end_ns - model->begin_ns));
	if (slice->type == REND_SLICE_WAIT) {
		wait_reason(slice, what, sizeof(what));
		num_count(count, slice->count);
		snprintf(text, size, "%s%s%.400s%s\n%s%sfrom %s, for %s, %s of the time shown",
			what, slice->node != 0 ? "\nin " : "",
			slice->node != 0 ? location->function : "",
			slice->is_assumed ? " (assumed)" : "", slice->count > 1 ? count : "",
			slice->count > 1 ? " times, " : "", begin, length, share);
		return;
	}
	rend_model_place(location, place, sizeof(place));
	snprintf(what, sizeof(what), "%.380s\n%s", location->function, place);
	if (slice->type == REND_SLICE_CODE) {
		snprintf(text, size, "%s\nfrom %s, for %s, %s of the time shown", what, begin,
			length, share);
		return;
	}
	num_percent(share, (double)slice->busy_ns, (double)length_ns);
	snprintf(text, size, "%s short slices, %s\nfrom %s, for %s, %s of it busy%s%s",
		num_count(count, slice->count),
		rend_slice_has_major(slice) ? "most of them of" : "of many functions", begin,
		length, share, rend_slice_has_major(slice) ? "\n" : "",
		rend_slice_has_major(slice) ? what : "");
}

/* The function's name; of a block how many slices it stands for. */
static void code_label(const struct rend_thread_charts *charts, const struct rend_slice *slice,
	double room_px, char *label, size_t size)
{
	const struct tfmt_location *location = rend_slice_location(charts, slice);
	char count[NUM_TEXT_BYTES], times[NUM_TEXT_BYTES + 4] = "";
	num_count(count, slice->count);
	if (slice->type == REND_SLICE_DENSE && slice->count > 1)
		snprintf(times, sizeof(times), "× %s", count);
	if (rend_slice_has_major(slice))
		rend_location_label(REND_FONT_LABEL, location, times, room_px, label, size);
	else if (snprintf(label, size, "%s short slices", count) > 0 &&
		 rend_text_width_px(REND_FONT_LABEL, label) > room_px)
		label[0] = '\0';
}

/* Its reason and how long: "waiting: futex 12 times in 3.4 ms". */
static void wait_label(const struct rend_slice *slice, double room_px, char *label, size_t size)
{
	char reason[64], length[100], duration[NUM_TEXT_BYTES], count[NUM_TEXT_BYTES];
	wait_reason(slice, reason, sizeof(reason));
	num_duration(duration, slice->end_ns - slice->begin_ns);
	num_count(count, slice->count);
	snprintf(length, sizeof(length), "%s%s%s", slice->count > 1 ? count : "",
		slice->count > 1 ? " times in " : "", duration);
	rend_wait_label(REND_FONT_LABEL, reason, length, room_px, label, size);
}

void rend_slice_label(const struct rend_thread_charts *charts, const struct rend_slice *slice,
	double room_px, char *label, size_t size)
{
	if (slice->type == REND_SLICE_WAIT)
		wait_label(slice, room_px, label, size);
	else
		code_label(charts, slice, room_px, label, size);
}
