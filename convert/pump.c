#include "pump.h"

#include <stdlib.h>

#include "num.h"
#include "rewrite.h"

/* Kinds that are records of what happened, not names for them. */
#define DATA_KINDS (TFMT_ALL_KINDS & ~TFMT_TABLE_KINDS)
/* What the recorder adds after the target has ended: no part of the time shown. */
#define AFTERMATH_KINDS \
	(TFMT_KIND_BIT(TFMT_CLOCK) | TFMT_KIND_BIT(TFMT_LOST) | TFMT_KIND_BIT(TFMT_COST))

struct pump {
	const struct conv_format *format;
	struct tfmt_reader *reader;
	struct conv_select *select;
	struct conv_context *context;
	struct conv_totals *totals;
	void *state;
};

static void add_loss(struct conv_totals *totals, const struct tfmt_lost *lost)
{
	struct conv_loss *loss;
	size_t i = 0;

	while (i < totals->loss_count &&
		(totals->losses[i].what != lost->what || totals->losses[i].reason != lost->reason))
		i++;
	if (i == CONV_MAX_LOSSES)
		i--;
	loss = &totals->losses[i];
	if (i == totals->loss_count) {
		*loss = (struct conv_loss){.what = lost->what, .reason = lost->reason};
		totals->loss_count++;
	}
	loss->count += lost->count;
}

/* Hand one batch to the format. */
static int pump_batch(struct pump *pump, const struct tfmt_batch *batch)
{
	conv_record_fn *fn = pump->format->on[batch->kind];
	bool is_carried = pump->format->carries & TFMT_KIND_BIT(batch->kind);
	bool is_table = TFMT_TABLE_KINDS & ~TFMT_KIND_BIT(TFMT_LIFE) & TFMT_KIND_BIT(batch->kind);
	struct conv_record record = {.kind = batch->kind};
	const char *row = batch->rows;
	uint64_t taken = 0;
	size_t i;
	int status;

	for (i = 0; i < batch->count; i++, row += imp_row_bytes(batch->kind)) {
		record.row = row;
		record.id = batch->first_id ? batch->first_id + i : 0;
		if (!conv_select_takes(pump->select, &record))
			continue;
		taken++;
		if (batch->kind == TFMT_LOST)
			add_loss(pump->totals, record.lost);
		status = fn ? fn(pump->state, &record) : 0;
		if (status)
			return status;
	}
	if (!is_table && is_carried)
		pump->totals->carried += taken;
	else if (!is_table)
		pump->totals->dropped[batch->kind] += taken;
	return 0;
}

/* One pass over the records of `kinds`. */
static int pump_pass(struct pump *pump, uint32_t kinds, struct tfmt_error *err)
{
	const uint32_t timed = ~AFTERMATH_KINDS & (DATA_KINDS | TFMT_KIND_BIT(TFMT_LIFE));
	const struct tfmt_batch *batch;
	uint64_t to_ns = pump->select->to_ns, extent_ns;
	int status;

	while ((status = tfmt_reader_next(pump->reader, kinds, &batch, err)) > 0) {
		if (batch->is_repeat)
			continue;
		if ((timed & TFMT_KIND_BIT(batch->kind)) && batch->end_ns > pump->context->end_ns)
			pump->context->end_ns = batch->end_ns < to_ns ? batch->end_ns : to_ns;
		status = pump_batch(pump, batch);
		if (!status && pump->context->out->saved_errno)
			status = TFMT_E_IO;
		if (status < 0)
			return status;
	}
	/* What was left out unread tells the end as well. */
	if (tfmt_reader_extent(pump->reader, kinds & timed, &extent_ns) &&
		extent_ns > pump->context->end_ns)
		pump->context->end_ns = extent_ns < to_ns ? extent_ns : to_ns;
	return status;
}

/* Arguments are in when their span is: a pass over the spans finds which are. */
static int pump_spans(struct pump *pump, struct tfmt_error *err)
{
	const struct tfmt_batch *batch;
	struct conv_record record = {.kind = TFMT_SPAN};
	int status;
	size_t i;

	while ((status = tfmt_reader_next(pump->reader, TFMT_KIND_BIT(TFMT_SPAN), &batch, err)) >
		0) {
		for (i = 0; i < batch->count; i++) {
			record.span = &batch->spans[i];
			record.id = batch->first_id + i;
			if (!conv_select_takes(pump->select, &record))
				continue;
			status = conv_select_add_span(pump->select, batch->first_id + i);
			if (status)
				return status;
		}
	}
	return status ? status : tfmt_reader_scan(pump->reader, err);
}

static int pump_all(struct pump *pump, struct tfmt_error *err)
{
	const struct conv_format *format = pump->format;
	uint32_t kinds = DATA_KINDS | TFMT_KIND_BIT(TFMT_LIFE);
	int kind, status;

	for (kind = TFMT_NONE + 1; kind < TFMT_KIND_COUNT; kind++)
		if (format->on[kind])
			kinds |= TFMT_KIND_BIT(kind);
	if (!conv_select_is_all(pump->select)) {
		status = pump_spans(pump, err);
		if (status)
			return status;
	}
	status = format->begin(pump->state, pump->context);
	if (status)
		return status;
	if (format->first_pass) {
		status = pump_pass(pump, format->first_pass, err);
		if (!status)
			status = tfmt_reader_scan(pump->reader, err);
		if (status)
			return status;
	}
	status = pump_pass(pump, kinds & ~format->first_pass, err);
	return status ? status : format->end(pump->state);
}

int conv_pump(const struct conv_format *format, struct tfmt_reader *reader,
	struct conv_select *select, struct conv_context *context, struct conv_totals *totals,
	struct tfmt_error *err)
{
	struct pump pump = {
		.format = format,
		.reader = reader,
		.select = select,
		.context = context,
		.totals = totals,
		.state = calloc(1, format->state_size),
	};
	int status;

	if (!pump.state)
		return TFMT_E_NOMEM;
	context->header = tfmt_reader_header(reader);
	context->trace = tfmt_reader_trace(reader);
	context->damage = tfmt_reader_damage(reader);
	context->select = select;
	context->begin_ns = select->from_ns > context->header->time_ns ? select->from_ns
								       : context->header->time_ns;
	context->end_ns = context->begin_ns;
	tfmt_reader_between(reader, DATA_KINDS, select->from_ns, select->to_ns);
	status = pump_all(&pump, err);
	if (format->release)
		format->release(pump.state);
	free(pump.state);
	return conv_sink_flush(context->out) ? TFMT_E_IO : status;
}

/* "1 204 counter records, 12 life records". Returns the length, 0: none were dropped. */
static size_t describe_dropped(const struct conv_totals *totals, char *text, size_t size_bytes)
{
	char number[NUM_TEXT_BYTES];
	size_t used = 0;
	int kind;

	for (kind = TFMT_NONE + 1; kind < TFMT_KIND_COUNT && used < size_bytes; kind++)
		if (totals->dropped[kind])
			used += (size_t)snprintf(text + used, size_bytes - used, "%s%s %s record%s",
				used ? ", " : "", num_count(number, totals->dropped[kind]),
				tfmt_kind_name(kind), totals->dropped[kind] == 1 ? "" : "s");
	return used;
}

/* Nothing was converted: what the recorder remarked may tell why. */
static void report_nothing(const struct conv_format *format, const struct conv_context *context)
{
	const struct tfmt_header *header = context->header;
	bool is_all = conv_select_is_all(context->select);
	size_t i;

	msg_warn(context->msg, "nothing to convert: the %s has nothing that %s can hold",
		is_all ? "trace" : "selected part", format->name);
	for (i = 0; is_all && i < header->note_count; i++)
		msg_warn(context->msg, "the recorder noted: %s: %s", header->notes[i].name,
			header->notes[i].text);
}

void conv_report_totals(const struct conv_format *format, const struct conv_context *context,
	const struct conv_totals *totals)
{
	const struct msg *msg = context->msg;
	char text[1024], number[NUM_TEXT_BYTES];
	const char *what;
	size_t i;

	for (i = 0; i < totals->loss_count; i++) {
		what = tfmt_trace_text(context->trace, totals->losses[i].what);
		msg_warn(msg, "lost while recording: %s %s%s (%s)",
			num_count(number, totals->losses[i].count), what,
			tfmt_kind_from_name(what, strlen(what)) ? " records" : "",
			tfmt_trace_text(context->trace, totals->losses[i].reason));
	}
	if (describe_dropped(totals, text, sizeof(text)))
		msg_warn(msg, "%s cannot hold %s: they are in the trace; --json has all",
			format->name, text);
	if (!totals->carried)
		report_nothing(format, context);
	msg_info(msg, "%s: %s records converted", format->name, num_count(number, totals->carried));
}
