/*
 * speedscope (https://www.speedscope.app), file format of version 1.25: one "sampled" profile per
 * thread, busiest first, all with the same start and end. Idle runs (timeline.h) are samples
 * without a stack, which the viewer draws as gaps. The table of frames comes last, when it is known
 * what is in it.
 */
#include <stdlib.h>

#include "jsonw.h"
#include "num.h"
#include "select.h"
#include "stacks.h"
#include "timeline.h"
#include "tracefmt/tracefmt.h"

/* Deeper stacks overflow the viewer's own stack: the middle is cut out. */
#define MAX_DEPTH 2000
/* Runs beyond which the viewer takes many seconds to open a file. */
#define MANY_RUNS 300000

/* A thread and how long it was busy. */
struct lane {
	uint64_t busy_ns;
	uint32_t thread;
};

struct speedscope_state {
	const struct conv_context *context;
	struct jsonw w;
	struct lane *lanes; /* by thread id; [0]: threads that were lost */
	uint32_t lane_count;
	struct conv_timeline timeline; /* lanes by thread id */
	uint64_t run_count;	       /* written, not idle */
	bool has_samples;	       /* of any weight */
	struct conv_stacks stacks;
	uint32_t *path; /* functions of the stack being written, leaf first */
};

static int speedscope_begin(void *opaque, const struct conv_context *context)
{
	struct speedscope_state *state = opaque;
	uint32_t id;
	int status;

	state->context = context;
	jsonw_init(&state->w, context->out);
	state->lane_count = tfmt_trace_count(context->trace, TFMT_THREAD) + 1;
	status = conv_timeline_init(&state->timeline, state->lane_count,
		conv_timeline_tolerance_ns(context->header->rate_hz));
	if (!status)
		status = conv_stacks_init(&state->stacks, context->trace);
	state->lanes = calloc(state->lane_count, sizeof(*state->lanes));
	if (status || !state->lanes)
		return TFMT_E_NOMEM;
	for (id = 0; id < state->lane_count; id++)
		state->lanes[id].thread = id;
	return 0;
}

static void speedscope_release(void *opaque)
{
	struct speedscope_state *state = opaque;

	conv_timeline_release(&state->timeline);
	conv_stacks_release(&state->stacks);
	free(state->lanes);
	free(state->path);
}

/* --- samples become runs --- */

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct speedscope_state *state = opaque;
	const struct conv_context *context = state->context;
	const struct tfmt_sample *sample = record->sample;
	/* The viewer shows time: samples are drawn as long as they were. */
	enum tfmt_weight weight =
		context->weight == TFMT_WEIGHT_SAMPLES ? TFMT_WEIGHT_CPU : context->weight;
	struct conv_interval interval = {.run.weight_ns = sample->weight_ns};
	uint32_t thread = sample->thread < state->lane_count ? sample->thread : 0;
	bool is_sum = sample->flags & (TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED);
	int status;

	state->has_samples = true;
	if (!tfmt_weight_of(weight, sample))
		return 0;
	status = conv_stacks_add_sample(&state->stacks, sample, &interval.run.stack);
	if (status)
		return status;
	if (sample->time_ns > context->begin_ns)
		interval.end_ns = sample->time_ns - context->begin_ns;
	state->lanes[thread].busy_ns += sample->weight_ns;
	return conv_timeline_add(&state->timeline, thread, &interval, is_sum);
}

/* --- runs become profiles --- */

static void rewind_lane(struct conv_timeline_cursor *cursor, const struct speedscope_state *state,
	uint32_t thread, uint64_t length_ns)
{
	const struct conv_context *context = state->context;
	uint64_t start_ns = tfmt_trace_thread(context->trace, thread)->start_ns;

	start_ns = start_ns > context->begin_ns ? start_ns - context->begin_ns : 0;
	conv_timeline_rewind(cursor, &state->timeline, thread, start_ns, length_ns);
}

/* The functions of a stack, root first; of a deep one the middle is left out and counted. */
static int put_stack(struct speedscope_state *state, uint32_t stack)
{
	const uint32_t head = MAX_DEPTH / 2, tail = MAX_DEPTH - 1 - head;
	const struct conv_node *nodes = state->stacks.nodes;
	uint32_t depth = nodes[stack].depth, at, function;
	char text[48];
	int status;

	for (at = 0; at < depth; at++, stack = nodes[stack].parent)
		state->path[at] = nodes[stack].function;
	for (at = 0; at < depth; at++) {
		function = state->path[depth - 1 - at];
		if (depth > MAX_DEPTH && at == head) {
			snprintf(text, sizeof(text), "[%u frames cut]", depth - head - tail);
			status = conv_stacks_number_name(&state->stacks, text, &function);
			if (status)
				return status;
			at = depth - tail - 1;
		}
		jsonw_u64(&state->w, function - 1);
	}
	return 0;
}

static int put_samples(struct speedscope_state *state, uint32_t thread, uint64_t length_ns)
{
	struct conv_timeline_cursor cursor;
	struct conv_run run;
	int status;

	rewind_lane(&cursor, state, thread, length_ns);
	while ((status = conv_timeline_next(&cursor, &run)) > 0) {
		state->run_count += run.stack != 0;
		jsonw_begin_array(&state->w);
		status = run.stack ? put_stack(state, run.stack) : 0;
		if (status)
			return status;
		jsonw_end_array(&state->w);
		if (state->context->out->saved_errno)
			return TFMT_E_IO;
	}
	return status;
}

static int put_weights(struct speedscope_state *state, uint32_t thread, uint64_t length_ns)
{
	struct conv_timeline_cursor cursor;
	struct conv_run run;
	int status;

	rewind_lane(&cursor, state, thread, length_ns);
	while ((status = conv_timeline_next(&cursor, &run)) > 0)
		jsonw_u64(&state->w, run.weight_ns);
	return status;
}

static const char *name_or_unknown(const struct tfmt_trace *trace, uint32_t name)
{
	const char *text = tfmt_trace_text(trace, name);

	return *text ? text : "[unknown]";
}

/* "PROCESS (PID) / THREAD (TID)" */
static void put_profile_name(struct speedscope_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);
	const struct tfmt_process_info *process = tfmt_trace_process(trace, thread->process);
	char text[512];

	snprintf(text, sizeof(text), "%.200s (%u) / %.200s (%u)",
		name_or_unknown(trace, process->name), process->pid,
		name_or_unknown(trace, thread->name), thread->tid);
	jsonw_string(&state->w, text);
}

/* A profile of `lane`; NULL: the one that stands for none, because viewers refuse no profiles. */
static int put_profile(struct speedscope_state *state, const struct lane *lane, uint64_t length_ns)
{
	uint64_t start_ns = conv_relative_ns(state->context, state->context->begin_ns);
	struct jsonw *w = &state->w;
	int status = 0;

	jsonw_newline(w);
	jsonw_begin_object(w);
	jsonw_key(w, "type");
	jsonw_string(w, "sampled");
	jsonw_key(w, "name");
	if (lane)
		put_profile_name(state, lane->thread);
	else
		jsonw_string(w, "no samples");
	jsonw_key(w, "unit");
	jsonw_string(w, "nanoseconds");
	jsonw_key(w, "startValue");
	jsonw_u64(w, start_ns);
	jsonw_key(w, "endValue");
	jsonw_u64(w, start_ns + (lane ? length_ns : 0));
	jsonw_key(w, "samples");
	jsonw_begin_array(w);
	if (lane)
		status = put_samples(state, lane->thread, length_ns);
	jsonw_end_array(w);
	jsonw_key(w, "weights");
	jsonw_begin_array(w);
	if (lane && !status)
		status = put_weights(state, lane->thread, length_ns);
	jsonw_end_array(w);
	jsonw_end_object(w);
	return status;
}

/* Busiest first. */
static int compare_lanes(const void *a, const void *b)
{
	const struct lane *x = a, *y = b;

	if (x->busy_ns != y->busy_ns)
		return x->busy_ns < y->busy_ns ? 1 : -1;
	return (x->thread > y->thread) - (x->thread < y->thread);
}

/* The length that all lanes fit into: what is shown, or more where weights add up to more. */
static int measure_lanes(struct speedscope_state *state, uint64_t *ret_length_ns)
{
	uint64_t length_ns = state->context->end_ns - state->context->begin_ns;
	struct conv_timeline_cursor cursor;
	struct conv_run run;
	uint32_t id;
	int status;

	for (id = 0; id < state->lane_count; id++) {
		if (!state->lanes[id].busy_ns)
			continue;
		rewind_lane(&cursor, state, id, 0);
		while ((status = conv_timeline_next(&cursor, &run)) > 0)
			;
		if (status)
			return status;
		if (cursor.position_ns > length_ns)
			length_ns = cursor.position_ns;
	}
	*ret_length_ns = length_ns;
	return 0;
}

/* --- the file --- */

static void put_frames(struct speedscope_state *state)
{
	const struct tfmt_location *location;
	struct jsonw *w = &state->w;
	uint32_t i;

	jsonw_begin_array(w);
	for (i = 1; i < state->stacks.function_count; i++) {
		location = &state->stacks.functions[i].location;
		jsonw_newline(w);
		jsonw_begin_object(w);
		jsonw_key(w, "name");
		jsonw_string(w, location->function);
		if (*location->file || *location->module) {
			jsonw_key(w, "file");
			jsonw_string(w, *location->file ? location->file : location->module);
		}
		if (location->line) {
			jsonw_key(w, "line");
			jsonw_u64(w, location->line);
		}
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

/*
 * The command, its arguments joined by spaces, and what is drawn when that is not the time on a
 * CPU; the viewer wants some name.
 */
static void put_command(struct jsonw *w, const struct conv_context *context)
{
	const struct tfmt_header *header = context->header;
	bool has_waits = context->weight > TFMT_WEIGHT_CPU;
	char text[512];
	size_t used = 0, room = sizeof(text) - 32, i;

	text[0] = 0;
	for (i = 0; i < header->argc && used < room; i++)
		used += (size_t)snprintf(
			text + used, room - used, "%s%s", i ? " " : "", header->argv[i]);
	if (!*text)
		snprintf(text, sizeof(text), "trace");
	used = strlen(text);
	if (has_waits)
		snprintf(text + used, sizeof(text) - used, " (%s)",
			tfmt_weight_title(context->weight));
	jsonw_string(w, text);
}

static void report(const struct speedscope_state *state, uint32_t profiles)
{
	const struct msg *msg = state->context->msg;
	char number[NUM_TEXT_BYTES];
	uint32_t id, silent = 0;

	for (id = 1; id < state->lane_count; id++)
		silent += conv_select_thread(state->context->select, id);
	silent -= profiles < silent ? profiles : silent;
	if (silent)
		msg_warn(msg, "left out: %s thread%s without samples", num_count(number, silent),
			silent == 1 ? "" : "s");
	if (state->has_samples && !profiles)
		conv_warn_weightless(state->context);
	if (state->run_count > MANY_RUNS)
		msg_warn(msg,
			"%s different samples in a row: speedscope may need long to open them; "
			"--from, --to, --pid and --thread select a part",
			num_count(number, state->run_count));
}

static int put_profiles(struct speedscope_state *state, uint32_t *ret_count)
{
	uint64_t length_ns;
	uint32_t i;
	int status;

	state->path = calloc(state->stacks.max_depth + 1, sizeof(*state->path));
	if (!state->path)
		return TFMT_E_NOMEM;
	status = measure_lanes(state, &length_ns);
	if (status)
		return status;
	qsort(state->lanes, state->lane_count, sizeof(*state->lanes), compare_lanes);
	for (i = 0; !status && i < state->lane_count && state->lanes[i].busy_ns; i++)
		status = put_profile(state, &state->lanes[i], length_ns);
	if (!i)
		status = put_profile(state, NULL, length_ns);
	*ret_count = i;
	return status;
}

static int speedscope_end(void *opaque)
{
	struct speedscope_state *state = opaque;
	struct jsonw *w = &state->w;
	uint32_t profiles;
	int status;

	jsonw_begin_object(w);
	jsonw_key(w, "$schema");
	jsonw_string(w, "https://www.speedscope.app/file-format-schema.json");
	jsonw_key(w, "exporter");
	jsonw_string(w, "tracefmt " TFMT_VERSION);
	jsonw_key(w, "name");
	put_command(w, state->context);
	jsonw_key(w, "activeProfileIndex");
	jsonw_u64(w, 0);
	jsonw_key(w, "profiles");
	jsonw_begin_array(w);
	status = put_profiles(state, &profiles);
	if (status)
		return status;
	jsonw_end_array(w);
	jsonw_key(w, "shared");
	jsonw_begin_object(w);
	jsonw_key(w, "frames");
	put_frames(state);
	jsonw_end_object(w);
	jsonw_end_object(w);
	jsonw_newline(w);
	report(state, profiles);
	return 0;
}

const struct conv_format conv_format_speedscope = {
	.name = "speedscope",
	.extension = ".speedscope.json",
	.summary = "stacks over time, one profile per thread, for www.speedscope.app",
	.carries = TFMT_KIND_BIT(TFMT_SAMPLE),
	.weight = TFMT_WEIGHT_CPU,
	.state_size = sizeof(struct speedscope_state),
	.begin = speedscope_begin,
	.on = {[TFMT_SAMPLE] = on_sample},
	.end = speedscope_end,
	.release = speedscope_release,
};
