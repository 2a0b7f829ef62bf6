/*
 * A trace again: cut by the selection, packed anew, or what was readable of a damaged one.
 *
 * Of a whole trace all rows get their old ids. In a damaged one rows of lost ids stand as "[lost]",
 * and what is left is numbered anew. Spans come in the first pass: arguments refer to them, also
 * to those that the file has later.
 */
#include <errno.h>
#include <stdlib.h>

#include "format.h"
#include "tracefmt/tracefmt.h"

#define DEFAULT_LEVEL 3

/* Old numbers [old, old + count) of spans are now [new, new + count). */
struct span_run {
	uint64_t old, new, count;
};

struct trace_state {
	const struct conv_context *context;
	struct tfmt_writer *writer;
	uint32_t *ids[TFMT_KIND_COUNT]; /* of tables: the new id by the old one, 0: not written */
	struct span_run *runs;		/* ascending */
	size_t run_count;
	size_t run_capacity;
};

static int write_chunk(void *context, const void *data, size_t size_bytes)
{
	struct conv_sink *sink = context;

	conv_put(sink, data, size_bytes);
	errno = sink->saved_errno;
	return sink->saved_errno ? TFMT_E_IO : 0;
}

/* The new id. Ids of records are within the tables after a scan. */
static uint32_t new_id(const struct trace_state *state, enum tfmt_kind kind, uint32_t id)
{
	return id <= tfmt_trace_count(state->context->trace, kind) ? state->ids[kind][id] : 0;
}

/* Whether a row is in the table, and not written yet. */
static bool is_due(const struct trace_state *state, enum tfmt_kind kind, uint64_t id)
{
	return id && id <= tfmt_trace_count(state->context->trace, kind) && !state->ids[kind][id];
}

static uint32_t new_string(const struct trace_state *state, uint32_t id)
{
	return new_id(state, TFMT_STRING, id);
}

/* --- tables --- */

static int put_string(struct trace_state *state, uint32_t id)
{
	const struct tfmt_string *row = tfmt_trace_string(state->context->trace, id);

	return tfmt_writer_intern(
		state->writer, row->data, row->length, &state->ids[TFMT_STRING][id]);
}

static int put_mapping(struct trace_state *state, uint32_t id)
{
	struct tfmt_mapping row = *tfmt_trace_mapping(state->context->trace, id);

	row.path = new_string(state, row.path);
	row.build_id = new_string(state, row.build_id);
	return tfmt_writer_add_mapping(state->writer, &row, &state->ids[TFMT_MAPPING][id]);
}

static int put_frame(struct trace_state *state, uint32_t id)
{
	struct tfmt_frame row = *tfmt_trace_frame(state->context->trace, id);

	row.mapping = new_id(state, TFMT_MAPPING, row.mapping);
	row.function = new_string(state, row.function);
	row.file = new_string(state, row.file);
	return tfmt_writer_add_frame(state->writer, &row, &state->ids[TFMT_FRAME][id]);
}

static int put_stack(struct trace_state *state, uint32_t id)
{
	struct tfmt_stack row = *tfmt_trace_stack(state->context->trace, id);

	row.parent = new_id(state, TFMT_STACK, row.parent);
	row.frame = new_id(state, TFMT_FRAME, row.frame);
	return tfmt_writer_add_stack(state->writer, &row, &state->ids[TFMT_STACK][id]);
}

static int put_process(struct trace_state *state, uint32_t id, struct tfmt_process row)
{
	row.parent = new_id(state, TFMT_PROCESS, row.parent);
	return tfmt_writer_add_process(state->writer, &row, &state->ids[TFMT_PROCESS][id]);
}

/* A process whose row is lost, or comes behind what refers to it, as only damage makes it. */
static int need_process(struct trace_state *state, uint32_t id)
{
	const struct tfmt_process_info *info;
	int status;

	if (!is_due(state, TFMT_PROCESS, id))
		return 0;
	info = tfmt_trace_process(state->context->trace, id);
	status = put_process(state, id,
		(struct tfmt_process){info->start_ns, info->pid, info->ppid, info->parent});
	if (status || info->image_count)
		return status;
	return tfmt_writer_life(
		state->writer, &(struct tfmt_life){.time_ns = state->context->header->time_ns,
				       .process = state->ids[TFMT_PROCESS][id],
				       .event = TFMT_LIFE_NAME,
				       .name = new_string(state, info->name)});
}

static int put_thread(struct trace_state *state, uint32_t id, struct tfmt_thread row)
{
	int status = need_process(state, row.process);

	row.process = new_id(state, TFMT_PROCESS, row.process);
	if (!status)
		status = tfmt_writer_add_thread(state->writer, &row, &state->ids[TFMT_THREAD][id]);
	return status;
}

static int need_thread(struct trace_state *state, uint32_t id)
{
	const struct tfmt_thread_info *info;

	if (!is_due(state, TFMT_THREAD, id))
		return 0;
	info = tfmt_trace_thread(state->context->trace, id);
	return put_thread(
		state, id, (struct tfmt_thread){info->start_ns, info->process, info->tid});
}

static int need_metric(struct trace_state *state, uint32_t id)
{
	struct tfmt_metric row = *tfmt_trace_metric(state->context->trace, id);
	int status;

	if (!is_due(state, TFMT_METRIC, id))
		return 0;
	status = need_process(state, row.process);
	if (!status)
		status = need_thread(state, row.thread);
	if (status)
		return status;
	row.name = new_string(state, row.name);
	row.unit = new_string(state, row.unit);
	row.help = new_string(state, row.help);
	row.process = new_id(state, TFMT_PROCESS, row.process);
	row.thread = new_id(state, TFMT_THREAD, row.thread);
	return tfmt_writer_add_metric(state->writer, &row, &state->ids[TFMT_METRIC][id]);
}

static int on_process(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;

	return is_due(state, TFMT_PROCESS, record->id)
		       ? put_process(state, (uint32_t)record->id, *record->process)
		       : 0;
}

static int on_thread(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;

	return is_due(state, TFMT_THREAD, record->id)
		       ? put_thread(state, (uint32_t)record->id, *record->thread)
		       : 0;
}

static int on_metric(void *opaque, const struct conv_record *record)
{
	return need_metric(opaque, (uint32_t)record->id);
}

/* Tables of names, which the scan has made final; in order, so that ids stay. */
static int put_names(struct trace_state *state)
{
	static int (*const put[])(struct trace_state *, uint32_t) = {
		[TFMT_STRING] = put_string,
		[TFMT_MAPPING] = put_mapping,
		[TFMT_FRAME] = put_frame,
		[TFMT_STACK] = put_stack,
	};
	int kind, status;
	uint32_t id;

	for (kind = TFMT_STRING; kind <= TFMT_STACK; kind++)
		for (id = 1; id <= tfmt_trace_count(state->context->trace, kind); id++) {
			status = put[kind](state, id);
			if (status)
				return status;
		}
	return 0;
}

static int trace_begin(void *opaque, const struct conv_context *context)
{
	struct trace_state *state = opaque;
	const struct tfmt_writer_options options = {
		.level = context->level ? (int)context->level : DEFAULT_LEVEL,
	};
	int kind, status;

	state->context = context;
	for (kind = TFMT_STRING; kind <= TFMT_METRIC; kind++) {
		state->ids[kind] = calloc((size_t)tfmt_trace_count(context->trace, kind) + 1,
			sizeof(*state->ids[kind]));
		if (!state->ids[kind])
			return TFMT_E_NOMEM;
	}
	status = tfmt_writer_new(context->header, &options,
		(struct tfmt_sink){write_chunk, context->out}, &state->writer, NULL);
	return status ? status : put_names(state);
}

static int trace_end(void *opaque)
{
	struct trace_state *state = opaque;

	return tfmt_writer_finish(state->writer, NULL);
}

static void trace_release(void *opaque)
{
	struct trace_state *state = opaque;
	int kind;

	tfmt_writer_free(state->writer);
	for (kind = TFMT_STRING; kind <= TFMT_METRIC; kind++)
		free(state->ids[kind]);
	free(state->runs);
}

/* --- data --- */

static int on_life(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_life life = *record->life;
	int status = need_process(state, life.process);

	if (!status)
		status = need_thread(state, life.thread);
	if (status)
		return status;
	life.process = new_id(state, TFMT_PROCESS, life.process);
	life.thread = new_id(state, TFMT_THREAD, life.thread);
	life.name = new_string(state, life.name);
	life.exe = new_string(state, life.exe);
	life.argv = new_string(state, life.argv);
	life.cwd = new_string(state, life.cwd);
	return tfmt_writer_life(state->writer, &life);
}

/* The new id of a thread, which is written if it was not yet. */
static int move_thread(struct trace_state *state, uint32_t *id)
{
	int status = need_thread(state, *id);

	*id = new_id(state, TFMT_THREAD, *id);
	return status;
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_sample sample = *record->sample;
	int status;

	if (state->context->has_weight && !tfmt_weight_of(state->context->weight, &sample))
		return 0;
	status = move_thread(state, &sample.thread);
	sample.stack = new_id(state, TFMT_STACK, sample.stack);
	return status ? status : tfmt_writer_sample(state->writer, &sample);
}

static int on_counter(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_counter counter = *record->counter;
	int status = need_metric(state, counter.metric);

	counter.metric = new_id(state, TFMT_METRIC, counter.metric);
	return status ? status : tfmt_writer_counter(state->writer, &counter);
}

static int note_span(struct trace_state *state, uint64_t old, uint64_t new)
{
	struct span_run *last = state->run_count ? &state->runs[state->run_count - 1] : NULL;
	struct span_run *grown;
	size_t capacity = state->run_capacity ? 2 * state->run_capacity : 64;

	if (last && last->old + last->count == old) {
		last->count++;
		return 0;
	}
	if (state->run_count == state->run_capacity) {
		grown = realloc(state->runs, capacity * sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		state->runs = grown;
		state->run_capacity = capacity;
	}
	state->runs[state->run_count++] = (struct span_run){old, new, 1};
	return 0;
}

static int on_span(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_span span = *record->span;
	uint64_t number = 0;
	int status = move_thread(state, &span.thread);

	span.frame = new_id(state, TFMT_FRAME, span.frame);
	span.name = new_string(state, span.name);
	if (!status)
		status = tfmt_writer_span(state->writer, &span, &number);
	return status ? status : note_span(state, record->id, number);
}

/* 0: the span was not readable. */
static uint64_t new_span(const struct trace_state *state, uint64_t old)
{
	size_t low = 0, high = state->run_count, middle;
	const struct span_run *run;

	while (low < high) {
		middle = low + (high - low) / 2;
		run = &state->runs[middle];
		if (old >= run->old && old - run->old < run->count)
			return run->new + (old - run->old);
		if (old < run->old)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

static int on_arg(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_arg arg = *record->arg;

	arg.span = new_span(state, arg.span);
	arg.name = new_string(state, arg.name);
	arg.type = new_string(state, arg.type);
	arg.value = new_string(state, arg.value);
	return tfmt_writer_arg(state->writer, &arg);
}

static int on_alloc(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_alloc alloc = *record->alloc;
	int status = move_thread(state, &alloc.thread);

	alloc.stack = new_id(state, TFMT_STACK, alloc.stack);
	alloc.allocator = new_string(state, alloc.allocator);
	return status ? status : tfmt_writer_alloc(state->writer, &alloc);
}

static int on_free(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_free release = *record->free;
	int status = move_thread(state, &release.thread);

	release.stack = new_id(state, TFMT_STACK, release.stack);
	release.allocator = new_string(state, release.allocator);
	return status ? status : tfmt_writer_release(state->writer, &release);
}

static int on_instant(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_instant instant = *record->instant;
	int status = move_thread(state, &instant.thread);

	instant.name = new_string(state, instant.name);
	instant.text = new_string(state, instant.text);
	return status ? status : tfmt_writer_instant(state->writer, &instant);
}

static int on_clock(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;

	return tfmt_writer_clock(state->writer, record->clock);
}

static int on_lost(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_lost lost = *record->lost;
	int status = need_process(state, lost.process);

	lost.process = new_id(state, TFMT_PROCESS, lost.process);
	lost.what = new_string(state, lost.what);
	lost.reason = new_string(state, lost.reason);
	return status ? status : tfmt_writer_lost(state->writer, &lost);
}

static int on_cost(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_cost cost = *record->cost;

	cost.name = new_string(state, cost.name);
	cost.unit = new_string(state, cost.unit);
	return tfmt_writer_cost(state->writer, &cost);
}

static int on_symbol(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	struct tfmt_symbol symbol = *record->symbol;

	symbol.mapping = new_id(state, TFMT_MAPPING, symbol.mapping);
	symbol.function = new_string(state, symbol.function);
	symbol.file = new_string(state, symbol.file);
	return tfmt_writer_symbol(state->writer, &symbol);
}

const struct conv_format conv_format_trace = {
	.name = "trace",
	.extension = ".cbor.zst",
	.summary = "a trace again: the selected part, packed at --level, whole if it was damaged",
	.is_binary = true,
	.carries = TFMT_ALL_KINDS,
	.holds_everything = true,
	.first_pass = TFMT_KIND_BIT(TFMT_PROCESS) | TFMT_KIND_BIT(TFMT_THREAD) |
		      TFMT_KIND_BIT(TFMT_METRIC) | TFMT_KIND_BIT(TFMT_SPAN),
	.state_size = sizeof(struct trace_state),
	.begin = trace_begin,
	.on =
		{
			[TFMT_PROCESS] = on_process,
			[TFMT_THREAD] = on_thread,
			[TFMT_METRIC] = on_metric,
			[TFMT_LIFE] = on_life,
			[TFMT_SAMPLE] = on_sample,
			[TFMT_COUNTER] = on_counter,
			[TFMT_SPAN] = on_span,
			[TFMT_ARG] = on_arg,
			[TFMT_ALLOC] = on_alloc,
			[TFMT_FREE] = on_free,
			[TFMT_INSTANT] = on_instant,
			[TFMT_CLOCK] = on_clock,
			[TFMT_LOST] = on_lost,
			[TFMT_COST] = on_cost,
			[TFMT_SYMBOL] = on_symbol,
		},
	.end = trace_end,
	.release = trace_release,
};
