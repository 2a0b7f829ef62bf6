/*
 * A trace again: cut by the selection, packed anew, or what was readable of a damaged one.
 *
 * Of a whole trace all rows get their old ids. In a damaged one rows of lost ids stand as "[lost]",
 * and what is left is numbered anew. Spans come in the first pass: arguments refer to them, also
 * to those that the file has later.
 */
#include <errno.h>
#include <string.h>

#include "format.h"
#include "rewrite.h"
#include "select.h"
#include "tracefmt/tracefmt.h"

#define DEFAULT_LEVEL 3

struct trace_state {
	const struct conv_context *context;
	struct tfmt_writer *writer;
	struct imp_rewrite rewrite;
};

static int write_chunk(void *context, const void *data, size_t size_bytes)
{
	struct conv_sink *sink = context;

	conv_put(sink, data, size_bytes);
	errno = sink->saved_errno;
	return sink->saved_errno ? TFMT_E_IO : 0;
}

static uint64_t mix(uint64_t hash, const void *data, size_t size_bytes)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size_bytes; i++) /* FNV-1a */
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/*
 * Parts of one trace are known by its id when they are put together again. One without an id gives
 * its parts one that is made of its times and texts.
 */
static void identify_part(struct tfmt_header *header, const struct tfmt_trace *trace)
{
	uint64_t hash[2] = {UINT64_C(0xcbf29ce484222325), header->time_ns};
	uint32_t count = tfmt_trace_count(trace, TFMT_STRING);

	for (uint32_t id = 1; id <= count; id++) {
		const struct tfmt_string *text = tfmt_trace_string(trace, id);

		hash[0] = mix(hash[0], text->data, text->length);
		hash[1] = mix(hash[1], &hash[0], sizeof(hash[0]));
	}
	memcpy(header->trace_id, hash, sizeof(header->trace_id));
}

static int trace_begin(void *opaque, const struct conv_context *context)
{
	static const uint8_t none[sizeof(context->header->trace_id)];
	struct tfmt_header header = *context->header;
	struct trace_state *state = opaque;
	const struct tfmt_writer_options options = {
		.level = context->level ? (int)context->level : DEFAULT_LEVEL,
		.has_index = true,
	};
	int status;

	state->context = context;
	if (!conv_select_is_all(context->select) && !memcmp(header.trace_id, none, sizeof(none)))
		identify_part(&header, context->trace);
	status = tfmt_writer_new(&header, &options, (struct tfmt_sink){write_chunk, context->out},
		&state->writer, NULL);
	if (!status)
		status = imp_rewrite_init(
			&state->rewrite, context->trace, state->writer, context->header->time_ns);
	return status ? status : imp_rewrite_names(&state->rewrite);
}

static int trace_end(void *opaque)
{
	struct trace_state *state = opaque;

	return tfmt_writer_finish(state->writer, NULL);
}

static void trace_release(void *opaque)
{
	struct trace_state *state = opaque;

	tfmt_writer_free(state->writer);
	imp_rewrite_release(&state->rewrite);
}

static int on_record(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;
	union imp_row row;
	int status;

	memcpy(&row, record->row, imp_row_bytes(record->kind));
	status = imp_rewrite_ids(&state->rewrite, record->kind, &row);
	return status ? status : imp_rewrite_put(&state->rewrite, record->kind, record->id, &row);
}

/* A row that was needed before is written already. */
static int on_table_row(void *opaque, const struct conv_record *record)
{
	struct trace_state *state = opaque;

	return imp_rewrite_is_due(&state->rewrite, record->kind, record->id)
		       ? on_record(opaque, record)
		       : 0;
}

static int on_sample(void *opaque, const struct conv_record *record)
{
	const struct conv_context *context = ((struct trace_state *)opaque)->context;

	if (context->has_weight && !tfmt_weight_of(context->weight, record->sample))
		return 0;
	return on_record(opaque, record);
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
			[TFMT_PROCESS] = on_table_row,
			[TFMT_THREAD] = on_table_row,
			[TFMT_METRIC] = on_table_row,
			[TFMT_LIFE] = on_record,
			[TFMT_SAMPLE] = on_sample,
			[TFMT_COUNTER] = on_record,
			[TFMT_SPAN] = on_record,
			[TFMT_ARG] = on_record,
			[TFMT_ALLOC] = on_record,
			[TFMT_FREE] = on_record,
			[TFMT_INSTANT] = on_record,
			[TFMT_CLOCK] = on_record,
			[TFMT_LOST] = on_record,
			[TFMT_COST] = on_record,
			[TFMT_SYMBOL] = on_record,
		},
	.end = trace_end,
	.release = trace_release,
};
