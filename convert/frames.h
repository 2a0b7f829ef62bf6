/*
 * Frames as viewers number them: one per function (name, module, language), inlined functions
 * apart. Made once, for the stacks that are used; then a stack is a list of small numbers.
 */
#ifndef CONV_FRAMES_H
#define CONV_FRAMES_H

#include "tracefmt/trace.h"

/* One function. */
struct conv_function {
	struct tfmt_location location; /* of the first place met; the line is the declaration's */
	uint32_t next;		       /* in its hash bucket, 0: none */
};

/* The functions of a frame of the trace: items[first .. first + count), outermost first. */
struct conv_frame_items {
	uint32_t first;
	uint32_t count;
};

struct conv_frames {
	const struct tfmt_trace *trace;
	struct conv_function *functions; /* [0] is no function */
	uint32_t function_count;
	uint32_t function_capacity;
	uint32_t *buckets;
	uint32_t bucket_count;		 /* a power of two */
	struct conv_frame_items *frames; /* by frame id; [0]: frames that were lost */
	uint32_t frame_count;
	uint32_t *items; /* numbers of functions, from 1 */
	uint32_t item_count;
	uint32_t item_capacity;
	char **owned_names; /* copies made by conv_frames_add_name() */
	uint32_t owned_count;
	uint32_t owned_capacity;
};

/* `trace` must be scanned and outlive it. Returns: 0; TFMT_E_NOMEM. */
int conv_frames_init(struct conv_frames *frames, const struct tfmt_trace *trace);
void conv_frames_release(struct conv_frames *frames);

/* Number the functions of a frame, unless that is done. Returns: 0; TFMT_E_NOMEM. */
int conv_frames_add(struct conv_frames *frames, uint32_t frame);

/* The number of a function that is in no frame, such as "[off CPU]"; the name is copied. */
int conv_frames_add_name(struct conv_frames *frames, const char *name, uint32_t *ret_number);

/* The functions of a frame that was added. */
static inline struct conv_frame_items conv_frames_items(
	const struct conv_frames *frames, uint32_t frame)
{
	return frames->frames[frame < frames->frame_count ? frame : 0];
}

#endif
