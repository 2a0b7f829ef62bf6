/*
 * The flame charts of the busiest threads of a trace: one pass over its samples, or over its calls
 * and scopes where there are no samples. Code that every
 * thread begins with (_start, clone3 ...) is left away, interpreters are hidden.
 */
#ifndef REND_THREAD_CHARTS_H
#define REND_THREAD_CHARTS_H

#include "function_set.h"
#include "model.h"
#include "slices.h"

#define REND_MAX_TRACKS 8

/* Of one track; more are not marked. */
#define REND_MAX_FAILURES 64

/* A call that was left by an exception. */
struct rend_failure {
	uint64_t time_ns;
	uint32_t row; /* of the call, from 0 */
};

struct rend_track {
	uint32_t thread; /* id */
	struct rend_slices slices;
	struct rend_failure failures[REND_MAX_FAILURES]; /* none nearer than it can be seen */
	size_t failure_count;
};

struct rend_thread_charts {
	struct rend_path_tree paths;
	struct rend_function_set functions;
	struct rend_track tracks[REND_MAX_TRACKS]; /* by process, and in it by start */
	size_t track_count;
	size_t thread_count; /* that ran or waited, those without a track included */
	bool has_spans;	     /* and no samples: these are calls and scopes */
	bool is_cut;	     /* some stacks are deeper than REND_MAX_PATH */
};

/*
 * Slices shorter than `min_ns` are merged; there are at most `max_slices` in all.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 * Cost: a pass over the samples, and over the stacks they have.
 */
int rend_thread_charts_init(struct rend_thread_charts *charts, struct rend_model *model,
	size_t max_tracks, uint64_t min_ns, size_t max_slices);
void rend_thread_charts_release(struct rend_thread_charts *charts);

/* How a slice of code is filled. */
enum rend_role rend_slice_role(const struct rend_model *model,
	const struct rend_thread_charts *charts, const struct rend_slice *slice);

/* The function that a slice shows. */
const struct tfmt_location *rend_slice_location(
	const struct rend_thread_charts *charts, const struct rend_slice *slice);

#endif
