/* What slices of a thread's chart are called: on their boxes, and when one points at them. */
#ifndef REND_SLICE_WORDS_H
#define REND_SLICE_WORDS_H

#include "thread_charts.h"

#define REND_SLICE_TITLE_BYTES 1000

/* False for blocks of many functions of which none has most of the time. */
bool rend_slice_has_major(const struct rend_slice *slice);

/* All that is known of a slice, on several lines. */
void rend_slice_title(const struct rend_model *model, const struct rend_thread_charts *charts,
	const struct rend_slice *slice, char text[REND_SLICE_TITLE_BYTES]);

/* Its function, of a block how many slices it stands for, or why it waits: as `room_px` allows. */
void rend_slice_label(const struct rend_thread_charts *charts, const struct rend_slice *slice,
	double room_px, char *label, size_t size);

#endif
