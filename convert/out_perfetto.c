/*
 * Perfetto's own trace format (https://perfetto.dev, protos/perfetto/trace/trace_packet.proto): a
 * stream of packets, for ui.perfetto.dev and trace_processor. Samples are perf samples with
 * callstacks; what a thread did between them is a track of states below it, on which waits have
 * their callstacks too. Times are CLOCK_MONOTONIC, with snapshots that tie it to the other clocks.
 *
 * perf samples have no weights of their own: the timebase counts the ns that all of them stand for.
 */
#include <stdlib.h>

#include "lives.h"
#include "num.h"
#include "perfetto_tracks.h"
#include "process_name.h"
#include "select.h"
#include "span_args.h"
#include "tracefmt/tracefmt.h"

/* Field numbers and values of perf_sample. */
enum perf_sample_field {
	SAMPLE_PID = 2,
	SAMPLE_TID,
	SAMPLE_CALLSTACK_IID,
	SAMPLE_CPU_MODE,
	SAMPLE_TIMEBASE_COUNT,
	SAMPLE_KERNEL_RECORDS_LOST = 17,
};
enum cpu_mode { MODE_KERNEL = 1, MODE_USER };

/* What is open on the tracks of a thread. */
struct lane {
	uint64_t begin_ns, end_ns; /* of the state that is not written yet */
	const char *state;	   /* NULL: none */
	uint32_t callstack;	   /* of the state, 0: it has none */
	uint32_t depth;		   /* spans open */
};

struct perfetto_state {
	const struct conv_context *context;
	struct perfetto_stream stream;
	struct conv_span_args args;
	struct lane *lanes; /* by thread */
	uint32_t lane_count;
	uint64_t shared_count;	/* of processes whose PID another one had before */
	uint64_t tolerance_ns;	/* shorter gaps between equal states are jitter */
	uint64_t timebase_ns;	/* of the samples so far */
	uint64_t unsampled_ns;	/* of CPU time that no sample stands for */
	uint64_t sum_count;	/* of short waits, which are no interval */
	uint64_t overlap_count; /* of states */
	uint64_t orphan_count;	/* of ends without a begin */
	uint64_t missing_count; /* of counter values */
	uint64_t sample_count, taken_count;
};

static int perfetto_begin(void *opaque, const struct conv_context *context)
{
	struct perfetto_state *state = opaque;
	int status;

	state->context = context;
	if (context->header->rate_hz)
		state->tolerance_ns = UINT64_C(1000000000) / context->header->rate_hz / 4;
	state->lane_count = tfmt_trace_count(context->trace, TFMT_THREAD) + 1;
	state->lanes = calloc(state->lane_count, sizeof(*state->lanes));
	status = perfetto_stream_init(&state->stream, context->trace, context->out);
	if (status || !state->lanes)
		return TFMT_E_NOMEM;
	status = perfetto_put_header(&state->stream, context);
	return status ? status : perfetto_put_tracks(&state->stream, context, &state->shared_count);
}

static void perfetto_release(void *opaque)
{
	struct perfetto_state *state = opaque;

	perfetto_stream_release(&state->stream);
	conv_span_args_release(&state->args);
	free(state->lanes);
}

/* --- samples and states --- */

static int put_slice(struct perfetto_state *state, uint32_t thread, const struct lane *lane)
{
	uint64_t track = perfetto_uuid(TRACK_OF_STATE, thread);
	size_t event = perfetto_begin_event(&state->stream, SLICE_BEGIN, track, lane->begin_ns);
	int status;

	perfetto_put_label(&state->stream, "state", lane->state);
	if (lane->callstack)
		protobuf_u64(&state->stream.pb, EVENT_CALLSTACK_IID, lane->callstack);
	status = perfetto_end_event(&state->stream, event);
	if (status)
		return status;
	event = perfetto_begin_event(&state->stream, SLICE_END, track, lane->end_ns);
	return perfetto_end_event(&state->stream, event);
}

/* A thread was in a state until `end_ns`. States of a thread that overlap are shortened. */
static int add_state(struct perfetto_state *state, const struct tfmt_sample *sample,
	const char *name, uint32_t callstack)
{
	struct lane *lane = &state->lanes[sample->thread];
	uint64_t end_ns = sample->time_ns, begin_ns = 0;
	int status = 0;

	if (end_ns > sample->weight_ns)
		begin_ns = end_ns - sample->weight_ns;
	if (begin_ns < state->context->begin_ns)
		begin_ns = state->context->begin_ns;
	if (lane->state && begin_ns < lane->end_ns) {
		state->overlap_count += lane->end_ns - begin_ns > state->tolerance_ns;
		begin_ns = lane->end_ns;
	}
	if (end_ns <= begin_ns)
		return 0;
	/* Ticks come late by microseconds, waits end when they end. */
	if (lane->state == name && lane->callstack == callstack &&
		begin_ns - lane->end_ns <= (callstack ? 0 : state->tolerance_ns)) {
		lane->end_ns = end_ns;
		return 0;
	}
	if (lane->state)
		status = put_slice(state, sample->thread, lane);
	lane->state = name;
	lane->callstack = callstack;
	lane->begin_ns = begin_ns;
	lane->end_ns = end_ns;
	return status;
}

static int put_sample(
	struct perfetto_state *state, const struct tfmt_sample *sample, uint32_t callstack)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, sample->thread);
	uint32_t leaf = tfmt_trace_stack(trace, sample->stack)->frame;
	bool is_kernel = tfmt_trace_frame(trace, leaf)->language == TFMT_LANG_KERNEL;
	size_t mark;

	perfetto_begin_timed_packet(&state->stream, sample->time_ns);
	mark = protobuf_begin(&state->stream.pb, PACKET_PERF_SAMPLE);
	protobuf_u64(
		&state->stream.pb, SAMPLE_PID, tfmt_trace_process(trace, thread->process)->pid);
	protobuf_u64(&state->stream.pb, SAMPLE_TID, thread->tid);
	protobuf_u64(&state->stream.pb, SAMPLE_CALLSTACK_IID, callstack);
	protobuf_u64(&state->stream.pb, SAMPLE_CPU_MODE, is_kernel ? MODE_KERNEL : MODE_USER);
	protobuf_u64(&state->stream.pb, SAMPLE_TIMEBASE_COUNT, state->timebase_ns);
	protobuf_end(&state->stream.pb, mark);
	return perfetto_end_packet(&state->stream);
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;
	const struct tfmt_sample *sample = record->sample;
	const char *wait = tfmt_wait_name(sample);
	bool is_sum = sample->flags & (TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED);
	bool is_taken = tfmt_weight_of(state->context->weight, sample) > 0;
	bool is_unsampled = !wait && (sample->flags & TFMT_SAMPLE_UNSAMPLED);
	uint32_t callstack = 0;
	int status = 0;

	state->sample_count++;
	if (is_unsampled)
		state->unsampled_ns += sample->weight_ns;
	state->sum_count += wait && is_sum;
	if (is_unsampled)
		return 0;
	if (is_taken || wait)
		status = perfetto_code_callstack(&state->stream.code, sample, &callstack);
	if (!status && is_taken) {
		state->taken_count++;
		state->timebase_ns += sample->weight_ns;
		status = put_sample(state, sample, callstack);
	}
	if (!status && !is_sum && sample->thread && sample->thread < state->lane_count)
		status = add_state(state, sample, wait ? wait : "running", wait ? callstack : 0);
	return status;
}

/* --- counters, spans, instants, losses --- */

static int on_counter(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;
	const struct tfmt_counter *counter = record->counter;
	size_t event;

	if (counter->value == TFMT_VALUE_MISSING) {
		state->missing_count++;
		return 0;
	}
	if (counter->metric > tfmt_trace_count(state->context->trace, TFMT_METRIC))
		return 0; /* lost */
	event = perfetto_begin_event(&state->stream, COUNTER,
		perfetto_uuid(TRACK_OF_METRIC, counter->metric), counter->time_ns);
	protobuf_i64(&state->stream.pb, EVENT_COUNTER_VALUE, counter->value);
	return perfetto_end_event(&state->stream, event);
}

static int on_arg(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;

	return conv_span_args_add(&state->args, record->arg);
}

static void put_span_label(struct perfetto_state *state, const struct tfmt_span *span)
{
	const struct tfmt_trace *trace = state->context->trace;
	struct tfmt_location location = {.function = tfmt_trace_text(trace, span->name)};

	if (!span->name)
		tfmt_trace_locations(trace, span->frame, &location, 1);
	perfetto_put_label(&state->stream, span->flags & TFMT_SPAN_SCOPE ? "scope" : "call",
		location.function);
}

static int on_span(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_span *span = record->span;
	uint32_t thread = span->thread < state->lane_count ? span->thread : 0;
	bool is_end = span->phase == TFMT_SPAN_END;
	const struct tfmt_arg *args;
	size_t event, count, i;

	if (!thread || (is_end && !state->lanes[thread].depth)) {
		state->orphan_count++;
		return 0;
	}
	state->lanes[thread].depth += is_end ? -1 : 1;
	event = perfetto_begin_event(&state->stream, is_end ? SLICE_END : SLICE_BEGIN,
		perfetto_uuid(TRACK_OF_THREAD, thread), span->time_ns);
	if (!is_end)
		put_span_label(state, span);
	if (is_end && (span->flags & TFMT_SPAN_EXCEPTION))
		perfetto_put_note(&state->stream, "left by", "exception");
	count = conv_span_args_find(&state->args, record->id, &args);
	for (i = 0; i < count; i++)
		perfetto_put_note(&state->stream, tfmt_trace_text(trace, args[i].name),
			tfmt_trace_text(trace, args[i].value));
	return perfetto_end_event(&state->stream, event);
}

static int on_clock(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;

	return perfetto_put_snapshot(&state->stream, record->clock);
}

static int on_instant(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_instant *instant = record->instant;
	uint64_t track = instant->thread ? perfetto_uuid(TRACK_OF_THREAD, instant->thread) : 0;
	size_t event = perfetto_begin_event(&state->stream, INSTANT, track, instant->time_ns);

	perfetto_put_label(&state->stream, "instant", tfmt_trace_text(trace, instant->name));
	perfetto_put_note(&state->stream, "text", tfmt_trace_text(trace, instant->text));
	return perfetto_end_event(&state->stream, event);
}

/* Lost samples are told in the viewer's own way too. */
static int on_lost(void *opaque, const struct conv_record *record)
{
	struct perfetto_state *state = opaque;
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_lost *lost = record->lost;
	const char *what = tfmt_trace_text(trace, lost->what);
	uint64_t track = lost->process ? perfetto_uuid(TRACK_OF_PROCESS, lost->process) : 0;
	size_t mark = perfetto_begin_event(&state->stream, INSTANT, track, lost->time_ns);
	int status;

	perfetto_put_label(&state->stream, "lost", "lost");
	perfetto_put_number(&state->stream, "count", lost->count);
	perfetto_put_note(&state->stream, "what", what);
	perfetto_put_note(&state->stream, "reason", tfmt_trace_text(trace, lost->reason));
	status = perfetto_end_event(&state->stream, mark);
	if (status || strcmp(what, tfmt_kind_name(TFMT_SAMPLE)))
		return status;
	perfetto_begin_timed_packet(&state->stream, lost->time_ns);
	mark = protobuf_begin(&state->stream.pb, PACKET_PERF_SAMPLE);
	protobuf_u64(&state->stream.pb, SAMPLE_KERNEL_RECORDS_LOST, lost->count);
	protobuf_end(&state->stream.pb, mark);
	return perfetto_end_packet(&state->stream);
}

/* --- the end --- */

/* What a process was from `begin_ns` to `end_ns`: a slice, where any of it is shown. */
static int put_image(struct perfetto_state *state, uint32_t id, uint32_t name, uint64_t begin_ns,
	uint64_t end_ns, bool is_last)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_process_info *process = tfmt_trace_process(trace, id);
	uint64_t track = perfetto_uuid(TRACK_OF_LIFE, id);
	char command[1024], text[64];
	size_t event;
	int status;

	if (!conv_clip(state->context, &begin_ns, &end_ns))
		return 0;
	event = perfetto_begin_event(&state->stream, SLICE_BEGIN, track, begin_ns);
	perfetto_put_label(&state->stream, "process", tfmt_trace_text(trace, name));
	if (is_last) {
		tfmt_trace_command(trace, id, command, sizeof(command));
		perfetto_put_note(&state->stream, "command", command);
		perfetto_put_note(&state->stream, "exe", tfmt_trace_text(trace, process->exe));
		perfetto_put_note(&state->stream, "cwd", tfmt_trace_text(trace, process->cwd));
		perfetto_put_number(&state->stream, "ppid", process->ppid);
		perfetto_put_note(&state->stream, "end",
			conv_describe_exit(
				process->status_type, process->status, text, sizeof(text)));
	}
	status = perfetto_end_event(&state->stream, event);
	if (status)
		return status;
	event = perfetto_begin_event(&state->stream, SLICE_END, track, end_ns);
	return perfetto_end_event(&state->stream, event);
}

/* A slice for each image, one after the other. */
static int put_life(struct perfetto_state *state, uint32_t id)
{
	const struct tfmt_trace *trace = state->context->trace;
	const struct tfmt_process_info *process = tfmt_trace_process(trace, id);
	uint64_t begin_ns = process->start_ns, next_ns;
	uint32_t name = conv_process_name_at(trace, id, begin_ns);
	int status = 0;
	size_t i;

	for (i = 0; !status && i < process->image_count; i++) {
		next_ns = process->images[i].time_ns;
		if (next_ns > begin_ns && (i || begin_ns))
			status = put_image(state, id, name, begin_ns, next_ns, false);
		begin_ns = next_ns > begin_ns ? next_ns : begin_ns;
		name = process->images[i].name;
	}
	if (!status)
		status = put_image(state, id, name, begin_ns, process->end_ns, true);
	return status;
}

/* End what is still open on the tracks of a thread. */
static int close_thread(struct perfetto_state *state, uint32_t id)
{
	struct lane *lane = &state->lanes[id];
	uint64_t begin_ns = 0, end_ns = conv_thread_end_ns(state->context->trace, id);
	size_t event;
	int status = lane->state ? put_slice(state, id, lane) : 0;

	conv_clip(state->context, &begin_ns, &end_ns);
	for (; !status && lane->depth; lane->depth--) {
		event = perfetto_begin_event(
			&state->stream, SLICE_END, perfetto_uuid(TRACK_OF_THREAD, id), end_ns);
		status = perfetto_end_event(&state->stream, event);
	}
	return status;
}

static void report(const struct perfetto_state *state)
{
	const struct msg *msg = state->context->msg;
	char number[NUM_TEXT_BYTES];

	if (state->unsampled_ns)
		msg_warn(msg, "left out: %s of CPU time that no sample saw",
			num_duration(number, state->unsampled_ns));
	if (state->sum_count)
		msg_warn(msg, "on no track of states: %s sums of short waits, which have no place",
			num_count(number, state->sum_count));
	if (state->shared_count)
		msg_warn(msg, "drawn with another one: %s processes whose PID was used again",
			num_count(number, state->shared_count));
	if (state->overlap_count)
		msg_warn(msg, "shortened: %s states of threads that overlap",
			num_count(number, state->overlap_count));
	if (state->missing_count)
		msg_warn(msg, "left out: %s counter values that could not be read",
			num_count(number, state->missing_count));
	if (state->orphan_count)
		msg_warn(msg,
			"left out: the end of %s span%s whose beginning is not in the selected part",
			num_count(number, state->orphan_count),
			state->orphan_count == 1 ? "" : "s");
	if (state->sample_count && !state->taken_count)
		conv_warn_weightless(state->context);
}

static int perfetto_end(void *opaque)
{
	struct perfetto_state *state = opaque;
	const struct conv_context *context = state->context;
	uint32_t id;
	int status = 0;

	for (id = 1; !status && id < state->lane_count; id++)
		status = close_thread(state, id);
	for (id = 1; !status && id <= tfmt_trace_count(context->trace, TFMT_PROCESS); id++)
		if (conv_select_process(context->select, id))
			status = put_life(state, id);
	if (!status)
		report(state);
	return status;
}

const struct conv_format conv_format_perfetto = {
	.name = "perfetto",
	.extension = ".pftrace",
	.summary = "samples, states, counters and spans on one time axis, for ui.perfetto.dev",
	.is_binary = true,
	.carries = TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SAMPLE) |
		   TFMT_KIND_BIT(TFMT_COUNTER) | TFMT_KIND_BIT(TFMT_SPAN) |
		   TFMT_KIND_BIT(TFMT_ARG) | TFMT_KIND_BIT(TFMT_INSTANT) |
		   TFMT_KIND_BIT(TFMT_CLOCK) | TFMT_KIND_BIT(TFMT_LOST),
	.weight = TFMT_WEIGHT_CPU,
	.first_pass = TFMT_KIND_BIT(TFMT_ARG),
	.state_size = sizeof(struct perfetto_state),
	.begin = perfetto_begin,
	.on =
		{
			[TFMT_SAMPLE] = on_sample,
			[TFMT_COUNTER] = on_counter,
			[TFMT_SPAN] = on_span,
			[TFMT_ARG] = on_arg,
			[TFMT_INSTANT] = on_instant,
			[TFMT_CLOCK] = on_clock,
			[TFMT_LOST] = on_lost,
		},
	.end = perfetto_end,
	.release = perfetto_release,
};
