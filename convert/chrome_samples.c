#include "chrome_samples.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/tracefmt.h"

/* Deeper stacks overflow the stacks of viewers: the middle is cut out. */
#define MAX_DEPTH  2000
#define HEAD_DEPTH (MAX_DEPTH / 2)
#define TAIL_DEPTH (MAX_DEPTH - 1 - HEAD_DEPTH)

/* The pid and tid of a thread; 0 and 0 of those that were lost. */
struct place {
	uint32_t pid, tid;
};

static struct place place_of(const struct tfmt_trace *trace, uint32_t id)
{
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);

	if (!id)
		return (struct place){0};
	return (struct place){tfmt_trace_process(trace, thread->process)->pid, thread->tid};
}

static bool is_same(struct place a, struct place b)
{
	return a.pid == b.pid && a.tid == b.tid;
}

/* By pid and tid, then in the order of their beginning. */
static int compare_lanes(const void *a, const void *b, void *trace)
{
	const uint32_t *x = a, *y = b;
	struct place p = place_of(trace, *x), q = place_of(trace, *y);

	if (p.pid != q.pid)
		return p.pid < q.pid ? -1 : 1;
	if (p.tid != q.tid)
		return p.tid < q.tid ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

int chrome_samples_init(struct chrome_samples *samples, const struct conv_context *context)
{
	uint32_t i;
	int status;

	samples->context = context;
	/* Viewers show time: samples are as long as they were. */
	samples->weight =
		context->weight == TFMT_WEIGHT_SAMPLES ? TFMT_WEIGHT_CPU : context->weight;
	samples->lane_count = tfmt_trace_count(context->trace, TFMT_THREAD) + 1;
	status = conv_timeline_init(&samples->timeline, samples->lane_count,
		conv_timeline_tolerance_ns(context->header->rate_hz));
	if (!status)
		status = conv_stacks_init(&samples->stacks, context->trace);
	samples->lanes = calloc(samples->lane_count, sizeof(*samples->lanes));
	if (status || !samples->lanes)
		return TFMT_E_NOMEM;
	for (i = 0; i < samples->lane_count; i++)
		samples->lanes[i] = i;
	qsort_r(samples->lanes, samples->lane_count, sizeof(*samples->lanes), compare_lanes,
		(void *)context->trace);
	return 0;
}

void chrome_samples_release(struct chrome_samples *samples)
{
	if (!samples->context)
		return;
	conv_timeline_release(&samples->timeline);
	conv_stacks_release(&samples->stacks);
	free(samples->lanes);
	free(samples->short_nodes);
}

/* The node of a deep stack without its middle, whose frames are counted in its place. */
static int shorten(struct conv_stacks *stacks, uint32_t deep, uint32_t *ret_node)
{
	uint32_t functions[TAIL_DEPTH], cut = stacks->nodes[deep].depth - HEAD_DEPTH - TAIL_DEPTH;
	uint32_t node = deep, at;
	char text[48];
	int status;

	for (at = TAIL_DEPTH; at; node = stacks->nodes[node].parent)
		functions[--at] = stacks->nodes[node].function;
	while (stacks->nodes[node].depth > HEAD_DEPTH)
		node = stacks->nodes[node].parent;
	snprintf(text, sizeof(text), "[%u frames cut]", cut);
	status = conv_stacks_add_name(stacks, node, text, &node);
	for (at = 0; !status && at < TAIL_DEPTH; at++)
		status = conv_stacks_add_node(stacks, node, functions[at], &node);
	*ret_node = node;
	return status;
}

/* Replace the node of a stack that is too deep. */
static int limit_depth(struct chrome_samples *samples, uint32_t *node)
{
	struct conv_stacks *stacks = &samples->stacks;
	uint32_t deep = *node, count = stacks->node_capacity, *grown;
	int status = 0;

	if (stacks->nodes[deep].depth <= MAX_DEPTH)
		return 0;
	if (deep >= samples->short_count) {
		grown = reallocarray(samples->short_nodes, count, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		memset(grown + samples->short_count, 0,
			(count - samples->short_count) * sizeof(*grown));
		samples->short_nodes = grown;
		samples->short_count = count;
	}
	if (!samples->short_nodes[deep])
		status = shorten(stacks, deep, &samples->short_nodes[deep]);
	*node = samples->short_nodes[deep];
	return status;
}

int chrome_samples_add(struct chrome_samples *samples, const struct tfmt_sample *sample)
{
	struct conv_interval interval = {.run.weight_ns = sample->weight_ns};
	uint32_t lane = sample->thread < samples->lane_count ? sample->thread : 0;
	bool is_sum = sample->flags & (TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED);
	int status;

	samples->has_samples = true;
	if (!tfmt_weight_of(samples->weight, sample))
		return 0;
	samples->has_taken = true;
	samples->has_lost |= !lane;
	status = conv_stacks_add_sample(&samples->stacks, sample, &interval.run.stack);
	if (!status)
		status = limit_depth(samples, &interval.run.stack);
	if (status)
		return status;
	if (sample->time_ns > samples->context->begin_ns)
		interval.end_ns = sample->time_ns - samples->context->begin_ns;
	return conv_timeline_add(&samples->timeline, lane, &interval, is_sum);
}

/* --- frames --- */

/* Viewers take functions of equal name and category for one: Python's file, else the module. */
static void put_category(struct jsonw *w, const struct tfmt_location *location)
{
	const char *name = location->module;
	size_t length = strlen(name);

	if (location->language == TFMT_LANG_PYTHON)
		name = tfmt_python_file_name(location->file, &length);
	jsonw_key(w, "category");
	jsonw_text(w, name, length);
}

static void put_frame(
	struct jsonw *w, const struct conv_node *node, const struct tfmt_location *location)
{
	const char *file = *location->file ? location->file : location->module;

	jsonw_begin_object(w);
	jsonw_pair_string(w, "name", location->function);
	put_category(w, location);
	if (node->parent)
		jsonw_pair_u64(w, "parent", node->parent);
	if (*file)
		jsonw_pair_string(w, "file", file);
	if (location->line)
		jsonw_pair_u64(w, "line", location->line);
	jsonw_end_object(w);
}

static void put_idle_frame(struct jsonw *w)
{
	jsonw_newline(w);
	jsonw_key(w, "0");
	jsonw_begin_object(w);
	jsonw_pair_string(w, "name", "[idle]");
	jsonw_pair_string(w, "category", "");
	jsonw_end_object(w);
}

static int put_frames(const struct chrome_samples *samples, struct jsonw *w)
{
	const struct conv_stacks *stacks = &samples->stacks;
	const struct conv_node *node;
	char id[16];
	uint32_t i;

	jsonw_newline(w);
	jsonw_key(w, "stackFrames");
	jsonw_begin_object(w);
	put_idle_frame(w);
	for (i = 1; i < stacks->node_count; i++) {
		node = &stacks->nodes[i];
		if (node->depth > MAX_DEPTH)
			continue;
		snprintf(id, sizeof(id), "%u", i);
		jsonw_newline(w);
		jsonw_key(w, id);
		put_frame(w, node, &stacks->functions[node->function].location);
		if (samples->context->out->saved_errno)
			return TFMT_E_IO;
	}
	jsonw_end_object(w);
	return 0;
}

/* --- samples --- */

/* A run that begins at `time_ns`; without a stack: from there on the thread idles. */
static void put_sample(const struct chrome_samples *samples, struct jsonw *w, struct place place,
	uint64_t time_ns, const struct conv_run *run)
{
	jsonw_newline(w);
	jsonw_begin_object(w);
	jsonw_pair_u64(w, "pid", place.pid);
	jsonw_pair_u64(w, "tid", place.tid);
	jsonw_key(w, "ts");
	jsonw_fixed(w, time_ns, 3);
	jsonw_pair_string(w, "name", run->stack ? tfmt_weight_name(samples->weight) : "idle");
	jsonw_pair_u64(w, "sf", run->stack);
	jsonw_pair_u64(w, "weight", run->stack ? run->weight_ns : 0);
	jsonw_end_object(w);
}

/*
 * The samples of a thread from its first to the end of its last, not before `*end_ns`, the end of
 * the one before that had its numbers; `*end_ns` becomes its own end.
 */
static int put_lane(const struct chrome_samples *samples, struct jsonw *w, uint32_t thread,
	struct place place, uint64_t *end_ns)
{
	const struct conv_context *context = samples->context;
	uint64_t start_ns = tfmt_trace_thread(context->trace, thread)->start_ns;
	uint64_t time_ns = conv_relative_ns(context, context->begin_ns);
	struct conv_timeline_cursor cursor;
	struct conv_run run;
	bool has_begun = false;
	int status;

	start_ns = start_ns > context->begin_ns ? start_ns - context->begin_ns : 0;
	conv_timeline_rewind(&cursor, &samples->timeline, thread, start_ns, 0);
	while ((status = conv_timeline_next(&cursor, &run)) > 0) {
		if (!has_begun && run.stack && time_ns < *end_ns)
			time_ns = *end_ns;
		has_begun |= run.stack != 0;
		if (has_begun)
			put_sample(samples, w, place, time_ns, &run);
		time_ns += run.weight_ns;
		if (context->out->saved_errno)
			return TFMT_E_IO;
	}
	if (!status && has_begun) {
		put_sample(samples, w, place, time_ns, &(struct conv_run){0});
		*end_ns = time_ns;
	}
	return status;
}

static int put_samples(const struct chrome_samples *samples, struct jsonw *w)
{
	struct place place, last = {0};
	uint64_t end_ns = 0;
	uint32_t i;
	int status = 0;

	jsonw_newline(w);
	jsonw_key(w, "samples");
	jsonw_begin_array(w);
	for (i = 0; !status && i < samples->lane_count; i++) {
		place = place_of(samples->context->trace, samples->lanes[i]);
		if (!is_same(place, last))
			end_ns = 0;
		last = place;
		status = put_lane(samples, w, samples->lanes[i], place, &end_ns);
	}
	jsonw_end_array(w);
	return status;
}

int chrome_samples_put(struct chrome_samples *samples, struct jsonw *w)
{
	int status;

	if (samples->has_samples && !samples->has_taken)
		conv_warn_weightless(samples->context);
	if (!samples->has_taken)
		return 0;
	status = put_frames(samples, w);
	return status ? status : put_samples(samples, w);
}
