/*
 * Samples in Chrome Trace Event JSON: after the events "stackFrames", an object of frames by id
 * with the id of their caller, and "samples", each with the id of its leaf.
 *
 * Viewers take a sample to last until the next of its thread: samples are runs (timeline.h), and
 * where a thread begins to idle there is one of no weight in frame 0. To speedscope that number is
 * no frame, so it draws a gap; others want a frame of every sample. The weights add up to those of
 * the trace.
 */
#ifndef CONV_CHROME_SAMPLES_H
#define CONV_CHROME_SAMPLES_H

#include "format.h"
#include "jsonw.h"
#include "stacks.h"
#include "timeline.h"

struct chrome_samples {
	const struct conv_context *context;
	enum tfmt_weight weight;
	struct conv_timeline timeline; /* lanes by thread id; 0: threads that were lost */
	struct conv_stacks stacks;
	uint32_t *short_nodes; /* by node of a deep stack: the one with its middle cut out, or 0 */
	uint32_t short_count;
	uint32_t *lanes; /* thread ids, threads of equal pid and tid in a row */
	uint32_t lane_count;
	bool has_samples; /* of any weight */
	bool has_taken;	  /* that have a part in the weight */
	bool has_lost;	  /* such, of threads that were lost */
};

/* Returns: 0; TFMT_E_NOMEM; all functions that can fail also: TFMT_E_IO. */
int chrome_samples_init(struct chrome_samples *samples, const struct conv_context *context);
void chrome_samples_release(struct chrome_samples *samples);
int chrome_samples_add(struct chrome_samples *samples, const struct tfmt_sample *sample);

/* Write both members into the object that is open, or none without samples. */
int chrome_samples_put(struct chrome_samples *samples, struct jsonw *w);

#endif
