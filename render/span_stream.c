#include "span_stream.h"

#include <stdlib.h>
#include <string.h>

#include "spans.h"
#include "tracefmt/error.h"

#define MIN_AHEAD (1u << 16) /* spans that are read ahead */
#define MAX_AHEAD (1u << 20)
#define MAX_ARGS  (1u << 21) /* that wait for their span's turn */
#define MAX_GAPS  (1u << 16) /* losses and messages that are shown */

/* A record that waits for its turn. */
struct entry {
	struct tfmt_span span;
	uint64_t number;
};

struct stream {
	struct rend_model *model;
	int (*each)(void *context, const struct rend_span_event *event);
	void *context;
	size_t ahead; /* entries that are kept */
	struct entry *entries;
	size_t entry_count;
	bool is_sorted;	   /* entries, by time */
	uint64_t expected; /* number of the next span; 0: none was read yet */
	struct tfmt_arg *args;
	size_t arg_count, arg_room;
	bool args_are_sorted;
	uint64_t hidden_args;	      /* that there was no room for */
	struct rend_span_event *gaps; /* what is no record: by time */
	size_t gap_count, gap_room, gap_next;
	uint64_t hidden_gaps;
};

static bool is_span_loss(const struct rend_model *model, const struct tfmt_lost *lost)
{
	const char *what = tfmt_trace_text(model->trace, lost->what);
	return strcmp(what, tfmt_kind_name(TFMT_SPAN)) == 0;
}

static bool is_selected(const struct rend_model *model, uint32_t process)
{
	return process == 0 || process > model->process_count ||
	       model->processes[process].is_selected;
}

static int add_gap(struct stream *stream, const struct rend_span_event *gap)
{
	if (gap->span.time_ns < stream->model->first_ns ||
		gap->span.time_ns > stream->model->last_ns)
		return 0;
	if (stream->gap_count == MAX_GAPS) {
		stream->hidden_gaps++;
		return 0;
	}
	if (stream->gap_count == stream->gap_room) {
		size_t room = stream->gap_room > 0 ? stream->gap_room * 2 : 64;
		struct rend_span_event *gaps =
			reallocarray(stream->gaps, room, sizeof(*stream->gaps));
		if (gaps == NULL)
			return TFMT_E_NOMEM;
		stream->gaps = gaps;
		stream->gap_room = room;
	}
	stream->gaps[stream->gap_count++] = *gap;
	return 0;
}

static int add_losses(struct stream *stream, const struct tfmt_batch *batch)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < batch->count; i++) {
		const struct tfmt_lost *lost = &batch->losts[i];
		if (is_span_loss(stream->model, lost) && is_selected(stream->model, lost->process))
			status = add_gap(stream, &(struct rend_span_event){
							 .type = REND_SPAN_LOST,
							 .span.time_ns = lost->time_ns,
							 .lost_count = lost->count,
							 .process = lost->process,
							 .reason = lost->reason,
						 });
	}
	return status;
}

static int add_messages(struct stream *stream, const struct tfmt_batch *batch)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < batch->count; i++) {
		const struct tfmt_instant *instant = &batch->instants[i];
		struct rend_span_event event = {
			.type = REND_SPAN_MESSAGE,
			.span = {.time_ns = instant->time_ns, .thread = instant->thread},
			.message_name = instant->name,
			.message = instant->text,
		};
		/* Of a thread: others are notes on the recording. */
		if (instant->thread > 0 && rend_model_has_span_thread(stream->model, &event.span) &&
			rend_model_takes(stream->model, TFMT_INSTANT, instant, 0))
			status = add_gap(stream, &event);
	}
	return status;
}

/* Numbers that are not there were in chunks that are not. */
static int note_damage(struct stream *stream, const struct tfmt_batch *batch)
{
	uint64_t missing = stream->expected > 0 && batch->first_id > stream->expected
				   ? batch->first_id - stream->expected
				   : 0;
	stream->expected = batch->first_id + batch->count;
	if (missing == 0)
		return 0;
	return add_gap(stream, &(struct rend_span_event){
				       .type = REND_SPAN_DAMAGE,
				       .span.time_ns = batch->begin_ns,
				       .lost_count = missing,
			       });
}

static int compare_gaps(const void *left, const void *right)
{
	const struct rend_span_event *a = left, *b = right;
	return (a->span.time_ns > b->span.time_ns) - (a->span.time_ns < b->span.time_ns);
}

/* The first pass: what is no record, and how far arguments are behind their spans. */
static int survey(struct stream *stream, struct tfmt_error *err)
{
	const uint32_t kinds = TFMT_KIND_BIT(TFMT_SPAN) | TFMT_KIND_BIT(TFMT_ARG) |
			       TFMT_KIND_BIT(TFMT_LOST) | TFMT_KIND_BIT(TFMT_INSTANT);
	const struct tfmt_batch *batch;
	uint64_t last = 0, behind = 0;
	int status = tfmt_reader_scan(stream->model->reader, err);
	while (status == 0 &&
		(status = tfmt_reader_next(stream->model->reader, kinds, &batch, err)) > 0) {
		status = 0;
		if (batch->kind == TFMT_SPAN) {
			last = batch->first_id + batch->count;
			status = note_damage(stream, batch);
		} else if (batch->kind == TFMT_LOST) {
			status = add_losses(stream, batch);
		} else if (batch->kind == TFMT_INSTANT) {
			status = add_messages(stream, batch);
		} else if (batch->count > 0 && last > batch->args[0].span) {
			behind = last - batch->args[0].span > behind ? last - batch->args[0].span
								     : behind;
		}
	}
	if (stream->gap_count > 0)
		qsort(stream->gaps, stream->gap_count, sizeof(*stream->gaps), compare_gaps);
	stream->ahead = behind < MIN_AHEAD   ? MIN_AHEAD
			: behind > MAX_AHEAD ? MAX_AHEAD
					     : (size_t)behind;
	return status;
}

static int compare_args(const void *left, const void *right)
{
	const struct tfmt_arg *a = left, *b = right;
	return (a->span > b->span) - (a->span < b->span);
}

/* The arguments of a span. */
static size_t find_args(struct stream *stream, uint64_t number, const struct tfmt_arg **ret_args)
{
	const struct tfmt_arg *args = stream->args;
	size_t low = 0, high = stream->arg_count;
	if (!stream->args_are_sorted)
		qsort(stream->args, stream->arg_count, sizeof(*stream->args), compare_args);
	stream->args_are_sorted = true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (args[middle].span < number)
			low = middle + 1;
		else
			high = middle;
	}
	while (high < stream->arg_count && args[high].span == number)
		high++;
	*ret_args = args + low;
	return high - low;
}

static int give_gaps(struct stream *stream, uint64_t until_ns)
{
	int status = 0;
	while (status == 0 && stream->gap_next < stream->gap_count &&
		stream->gaps[stream->gap_next].span.time_ns <= until_ns)
		status = stream->each(stream->context, &stream->gaps[stream->gap_next++]);
	return status;
}

static int give(struct stream *stream, const struct entry *entry)
{
	struct rend_span_event event = {
		.type = REND_SPAN_RECORD,
		.span = entry->span,
		.number = entry->number,
	};
	int status = give_gaps(stream, entry->span.time_ns);
	if (status != 0)
		return status;
	event.arg_count = find_args(stream, entry->number, &event.args);
	if (event.arg_count > REND_MAX_SPAN_ARGS) {
		event.hidden_args = event.arg_count - REND_MAX_SPAN_ARGS;
		event.arg_count = REND_MAX_SPAN_ARGS;
	}
	return stream->each(stream->context, &event);
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->span.time_ns != b->span.time_ns)
		return a->span.time_ns > b->span.time_ns ? 1 : -1;
	return (a->number > b->number) - (a->number < b->number);
}

/* Arguments of spans that have been given go. */
static void drop_args(struct stream *stream)
{
	uint64_t oldest = UINT64_MAX;
	size_t kept = 0;
	for (size_t i = 0; i < stream->entry_count; i++)
		oldest = stream->entries[i].number < oldest ? stream->entries[i].number : oldest;
	for (size_t i = 0; i < stream->arg_count; i++) {
		if (stream->args[i].span >= oldest)
			stream->args[kept++] = stream->args[i];
	}
	stream->arg_count = kept;
}

/* Give the first `count` entries. */
static int give_first(struct stream *stream, size_t count)
{
	int status = 0;
	if (!stream->is_sorted)
		qsort(stream->entries, stream->entry_count, sizeof(*stream->entries),
			compare_entries);
	stream->is_sorted = true;
	for (size_t i = 0; status == 0 && i < count; i++)
		status = give(stream, &stream->entries[i]);
	stream->entry_count -= count;
	memmove(stream->entries, stream->entries + count,
		stream->entry_count * sizeof(*stream->entries));
	drop_args(stream);
	return status;
}

static int add_spans(struct stream *stream, const struct tfmt_batch *batch)
{
	int status = 0;
	for (size_t i = 0; status == 0 && i < batch->count; i++) {
		const struct tfmt_span *span = &batch->spans[i];
		if (!rend_model_has_span_thread(stream->model, span))
			continue;
		if (stream->entry_count == 2 * stream->ahead)
			status = give_first(stream, stream->ahead);
		size_t count = stream->entry_count++;
		stream->entries[count] =
			(struct entry){.span = *span, .number = batch->first_id + i};
		stream->is_sorted =
			stream->is_sorted &&
			(count == 0 || stream->entries[count - 1].span.time_ns <= span->time_ns);
	}
	return status;
}

static int add_args(struct stream *stream, const struct tfmt_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (stream->arg_count == MAX_ARGS) {
			stream->hidden_args += batch->count - i;
			return 0;
		}
		if (stream->arg_count == stream->arg_room) {
			size_t room = stream->arg_room > 0 ? stream->arg_room * 2 : 4096;
			struct tfmt_arg *args =
				reallocarray(stream->args, room, sizeof(*stream->args));
			if (args == NULL)
				return TFMT_E_NOMEM;
			stream->args = args;
			stream->arg_room = room;
		}
		size_t count = stream->arg_count++;
		stream->args[count] = batch->args[i];
		if (count > 0 && stream->args[count - 1].span > batch->args[i].span)
			stream->args_are_sorted = false;
	}
	return 0;
}

/* What was left out, when something was. */
static int give_hidden(struct stream *stream, enum rend_span_event_type type, uint64_t count)
{
	const struct rend_span_event event = {
		.type = type,
		.span.time_ns = stream->model->end_ns,
		.lost_count = count,
	};
	return count > 0 ? stream->each(stream->context, &event) : 0;
}

/* After the last record. */
static int give_rest(struct stream *stream)
{
	int status = give_gaps(stream, UINT64_MAX);
	if (status == 0)
		status = give_hidden(stream, REND_SPAN_HIDDEN_ARGS, stream->hidden_args);
	return status == 0 ? give_hidden(stream, REND_SPAN_HIDDEN_GAPS, stream->hidden_gaps)
			   : status;
}

static int read_all(struct stream *stream, struct tfmt_error *err)
{
	const uint32_t kinds = TFMT_KIND_BIT(TFMT_SPAN) | TFMT_KIND_BIT(TFMT_ARG);
	const struct tfmt_batch *batch;
	int status = tfmt_reader_scan(stream->model->reader, err);
	while (status == 0 &&
		(status = tfmt_reader_next(stream->model->reader, kinds, &batch, err)) > 0)
		status = batch->kind == TFMT_SPAN ? add_spans(stream, batch)
						  : add_args(stream, batch);
	if (status == 0)
		status = give_first(stream, stream->entry_count);
	return status == 0 ? give_rest(stream) : status;
}

int rend_span_stream(struct rend_model *model,
	int (*each)(void *context, const struct rend_span_event *event), void *context,
	struct tfmt_error *err)
{
	struct stream stream = {
		.model = model,
		.each = each,
		.context = context,
		.is_sorted = true,
		.args_are_sorted = true,
	};
	int status = survey(&stream, err);
	if (status == 0) {
		stream.entries = calloc(2 * stream.ahead, sizeof(*stream.entries));
		status = stream.entries != NULL ? read_all(&stream, err) : TFMT_E_NOMEM;
	}
	free(stream.entries);
	free(stream.args);
	free(stream.gaps);
	return status;
}
