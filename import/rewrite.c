#include "rewrite.h"

#include <stdlib.h>
#include <string.h>

static const size_t row_bytes[TFMT_KIND_COUNT] = {
	[TFMT_STRING] = sizeof(struct tfmt_string),
	[TFMT_MAPPING] = sizeof(struct tfmt_mapping),
	[TFMT_FRAME] = sizeof(struct tfmt_frame),
	[TFMT_STACK] = sizeof(struct tfmt_stack),
	[TFMT_PROCESS] = sizeof(struct tfmt_process),
	[TFMT_THREAD] = sizeof(struct tfmt_thread),
	[TFMT_METRIC] = sizeof(struct tfmt_metric),
	[TFMT_LIFE] = sizeof(struct tfmt_life),
	[TFMT_SAMPLE] = sizeof(struct tfmt_sample),
	[TFMT_COUNTER] = sizeof(struct tfmt_counter),
	[TFMT_SPAN] = sizeof(struct tfmt_span),
	[TFMT_ARG] = sizeof(struct tfmt_arg),
	[TFMT_ALLOC] = sizeof(struct tfmt_alloc),
	[TFMT_FREE] = sizeof(struct tfmt_free),
	[TFMT_INSTANT] = sizeof(struct tfmt_instant),
	[TFMT_CLOCK] = sizeof(struct tfmt_clock),
	[TFMT_LOST] = sizeof(struct tfmt_lost),
	[TFMT_COST] = sizeof(struct tfmt_cost),
	[TFMT_SYMBOL] = sizeof(struct tfmt_symbol),
};

#define MAX_REFERENCES 6
#define REFERENCE(row, field, table)                             \
	{                                                        \
		TFMT_##table, offsetof(struct tfmt_##row, field) \
	}

/* Where rows hold ids, and of which table; the rest is TFMT_NONE. */
static const struct reference {
	enum tfmt_kind table;
	size_t offset;
} references[TFMT_KIND_COUNT][MAX_REFERENCES + 1] = {
	[TFMT_MAPPING] = {REFERENCE(mapping, path, STRING), REFERENCE(mapping, build_id, STRING)},
	[TFMT_FRAME] = {REFERENCE(frame, mapping, MAPPING), REFERENCE(frame, function, STRING),
		REFERENCE(frame, file, STRING)},
	[TFMT_STACK] = {REFERENCE(stack, parent, STACK), REFERENCE(stack, frame, FRAME)},
	[TFMT_PROCESS] = {REFERENCE(process, parent, PROCESS)},
	[TFMT_THREAD] = {REFERENCE(thread, process, PROCESS)},
	[TFMT_METRIC] = {REFERENCE(metric, process, PROCESS), REFERENCE(metric, thread, THREAD),
		REFERENCE(metric, name, STRING), REFERENCE(metric, unit, STRING),
		REFERENCE(metric, help, STRING)},
	[TFMT_LIFE] = {REFERENCE(life, process, PROCESS), REFERENCE(life, thread, THREAD),
		REFERENCE(life, name, STRING), REFERENCE(life, exe, STRING),
		REFERENCE(life, argv, STRING), REFERENCE(life, cwd, STRING)},
	[TFMT_SAMPLE] = {REFERENCE(sample, thread, THREAD), REFERENCE(sample, stack, STACK)},
	[TFMT_COUNTER] = {REFERENCE(counter, metric, METRIC)},
	[TFMT_SPAN] = {REFERENCE(span, thread, THREAD), REFERENCE(span, frame, FRAME),
		REFERENCE(span, name, STRING)},
	[TFMT_ARG] = {REFERENCE(arg, name, STRING), REFERENCE(arg, type, STRING),
		REFERENCE(arg, value, STRING)},
	[TFMT_ALLOC] = {REFERENCE(alloc, thread, THREAD), REFERENCE(alloc, stack, STACK),
		REFERENCE(alloc, allocator, STRING)},
	[TFMT_FREE] = {REFERENCE(free, thread, THREAD), REFERENCE(free, stack, STACK),
		REFERENCE(free, allocator, STRING)},
	[TFMT_INSTANT] = {REFERENCE(instant, thread, THREAD), REFERENCE(instant, name, STRING),
		REFERENCE(instant, text, STRING)},
	[TFMT_LOST] = {REFERENCE(lost, process, PROCESS), REFERENCE(lost, what, STRING),
		REFERENCE(lost, reason, STRING)},
	[TFMT_COST] = {REFERENCE(cost, name, STRING), REFERENCE(cost, unit, STRING)},
	[TFMT_SYMBOL] = {REFERENCE(symbol, mapping, MAPPING), REFERENCE(symbol, function, STRING),
		REFERENCE(symbol, file, STRING)},
};

size_t imp_row_bytes(enum tfmt_kind kind)
{
	return row_bytes[kind];
}

int imp_rewrite_init(struct imp_rewrite *rewrite, const struct tfmt_trace *trace,
	struct tfmt_writer *writer, uint64_t begin_ns)
{
	int kind;

	*rewrite = (struct imp_rewrite){.trace = trace, .writer = writer, .begin_ns = begin_ns};
	for (kind = TFMT_STRING; kind <= TFMT_METRIC; kind++) {
		rewrite->counts[kind] = tfmt_trace_count(trace, kind);
		rewrite->ids[kind] =
			calloc((size_t)rewrite->counts[kind] + 1, sizeof(*rewrite->ids[kind]));
		if (!rewrite->ids[kind])
			return TFMT_E_NOMEM;
	}
	return 0;
}

void imp_rewrite_release(struct imp_rewrite *rewrite)
{
	int kind;

	for (kind = TFMT_STRING; kind <= TFMT_METRIC; kind++)
		free(rewrite->ids[kind]);
	free(rewrite->runs);
}

bool imp_rewrite_is_due(const struct imp_rewrite *rewrite, enum tfmt_kind kind, uint64_t id)
{
	return id && id <= rewrite->counts[kind] && !rewrite->ids[kind][id];
}

/* 0: the span was not readable, or is left out. */
static uint64_t new_span(const struct imp_rewrite *rewrite, uint64_t old)
{
	size_t low = 0, high = rewrite->run_count, middle;
	const struct imp_span_run *run;

	while (low < high) {
		middle = low + (high - low) / 2;
		run = &rewrite->runs[middle];
		if (old >= run->old && old - run->old < run->count)
			return run->new ? run->new + (old - run->old) : 0;
		if (old < run->old)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

int imp_rewrite_ids(struct imp_rewrite *rewrite, enum tfmt_kind kind, union imp_row *row)
{
	const struct reference *reference = references[kind];
	uint32_t *id;
	int status;

	if (kind == TFMT_ARG)
		row->arg.span = new_span(rewrite, row->arg.span);
	for (; reference->table; reference++) {
		id = (uint32_t *)(void *)((char *)row + reference->offset);
		/* Rows of the own table stand before, or are lost. */
		if (reference->table >= TFMT_PROCESS && reference->table != kind) {
			status = imp_rewrite_need(rewrite, reference->table, *id);
			if (status)
				return status;
		}
		/* Ids of records are within the tables after a scan. */
		*id = *id <= rewrite->counts[reference->table] ? rewrite->ids[reference->table][*id]
							       : 0;
	}
	return 0;
}

int imp_rewrite_note_span(struct imp_rewrite *rewrite, uint64_t old, uint64_t new)
{
	struct imp_span_run *last =
		rewrite->run_count ? &rewrite->runs[rewrite->run_count - 1] : NULL;
	size_t capacity = rewrite->run_capacity ? 2 * rewrite->run_capacity : 64;
	struct imp_span_run *grown;

	if (last && last->old + last->count == old &&
		(new ? last->new && last->new + last->count == new : !last->new)) {
		last->count++;
		return 0;
	}
	if (rewrite->run_count == rewrite->run_capacity) {
		grown = realloc(rewrite->runs, capacity * sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		rewrite->runs = grown;
		rewrite->run_capacity = capacity;
	}
	rewrite->runs[rewrite->run_count++] = (struct imp_span_run){old, new, 1};
	return 0;
}

static int put_span(struct imp_rewrite *rewrite, uint64_t old, const struct tfmt_span *span)
{
	uint64_t number;
	int status = tfmt_writer_span(rewrite->writer, span, &number);

	return status ? status : imp_rewrite_note_span(rewrite, old, number);
}

int imp_rewrite_put(
	struct imp_rewrite *rewrite, enum tfmt_kind kind, uint64_t old, const union imp_row *row)
{
	struct tfmt_writer *writer = rewrite->writer;
	uint32_t *id = kind <= TFMT_METRIC ? &rewrite->ids[kind][old] : NULL;

	switch (kind) {
	case TFMT_MAPPING:
		return tfmt_writer_add_mapping(writer, &row->mapping, id);
	case TFMT_FRAME:
		return tfmt_writer_add_frame(writer, &row->frame, id);
	case TFMT_STACK:
		return tfmt_writer_add_stack(writer, &row->stack, id);
	case TFMT_PROCESS:
		return tfmt_writer_add_process(writer, &row->process, id);
	case TFMT_THREAD:
		return tfmt_writer_add_thread(writer, &row->thread, id);
	case TFMT_METRIC:
		return tfmt_writer_add_metric(writer, &row->metric, id);
	case TFMT_LIFE:
		return tfmt_writer_life(writer, &row->life);
	case TFMT_SAMPLE:
		return tfmt_writer_sample(writer, &row->sample);
	case TFMT_COUNTER:
		return tfmt_writer_counter(writer, &row->counter);
	case TFMT_SPAN:
		return put_span(rewrite, old, &row->span);
	case TFMT_ARG:
		return tfmt_writer_arg(writer, &row->arg);
	case TFMT_ALLOC:
		return tfmt_writer_alloc(writer, &row->alloc);
	case TFMT_FREE:
		return tfmt_writer_release(writer, &row->free);
	case TFMT_INSTANT:
		return tfmt_writer_instant(writer, &row->instant);
	case TFMT_CLOCK:
		return tfmt_writer_clock(writer, &row->clock);
	case TFMT_LOST:
		return tfmt_writer_lost(writer, &row->lost);
	case TFMT_COST:
		return tfmt_writer_cost(writer, &row->cost);
	case TFMT_SYMBOL:
		return tfmt_writer_symbol(writer, &row->symbol);
	default:
		return TFMT_E_ARG;
	}
}

/* A row of a table with new ids. */
static int put_row(struct imp_rewrite *rewrite, enum tfmt_kind kind, uint32_t id, const void *data)
{
	union imp_row row;
	int status;

	memcpy(&row, data, row_bytes[kind]);
	status = imp_rewrite_ids(rewrite, kind, &row);
	return status ? status : imp_rewrite_put(rewrite, kind, id, &row);
}

static int put_name(struct imp_rewrite *rewrite, enum tfmt_kind kind, uint32_t id)
{
	const struct tfmt_trace *trace = rewrite->trace;
	const struct tfmt_string *string;

	switch (kind) {
	case TFMT_STRING:
		string = tfmt_trace_string(trace, id);
		return tfmt_writer_intern(rewrite->writer, string->data, string->length,
			&rewrite->ids[TFMT_STRING][id]);
	case TFMT_MAPPING:
		return put_row(rewrite, kind, id, tfmt_trace_mapping(trace, id));
	case TFMT_FRAME:
		return put_row(rewrite, kind, id, tfmt_trace_frame(trace, id));
	default:
		return put_row(rewrite, kind, id, tfmt_trace_stack(trace, id));
	}
}

int imp_rewrite_names(struct imp_rewrite *rewrite)
{
	int kind, status;
	uint32_t id;

	for (kind = TFMT_STRING; kind <= TFMT_STACK; kind++)
		for (id = 1; id <= rewrite->counts[kind]; id++) {
			status = put_name(rewrite, kind, id);
			if (status)
				return status;
		}
	return 0;
}

/* A process whose row is lost is named by a record: the table gives it no image. */
static int need_process(struct imp_rewrite *rewrite, uint32_t id)
{
	const struct tfmt_process_info *info = tfmt_trace_process(rewrite->trace, id);
	const struct tfmt_process row = {info->start_ns, info->pid, info->ppid, info->parent};
	struct tfmt_life life = {.time_ns = rewrite->begin_ns, .event = TFMT_LIFE_NAME};
	int status = put_row(rewrite, TFMT_PROCESS, id, &row);

	if (status || info->image_count)
		return status;
	life.process = rewrite->ids[TFMT_PROCESS][id];
	life.name = info->name <= rewrite->counts[TFMT_STRING]
			    ? rewrite->ids[TFMT_STRING][info->name]
			    : 0;
	return tfmt_writer_life(rewrite->writer, &life);
}

int imp_rewrite_need(struct imp_rewrite *rewrite, enum tfmt_kind kind, uint32_t id)
{
	const struct tfmt_thread_info *thread;

	if (!imp_rewrite_is_due(rewrite, kind, id))
		return 0;
	if (kind == TFMT_PROCESS)
		return need_process(rewrite, id);
	if (kind == TFMT_METRIC)
		return put_row(rewrite, kind, id, tfmt_trace_metric(rewrite->trace, id));
	thread = tfmt_trace_thread(rewrite->trace, id);
	return put_row(rewrite, kind, id,
		&(struct tfmt_thread){thread->start_ns, thread->process, thread->tid});
}
