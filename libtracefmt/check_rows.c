/* What must hold for the rows of a chunk beyond what a reader needs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Open spans of all threads together that are followed. */
#define MAX_OPEN_SPANS (4u << 20)

void tfmt_check__clear_spans(struct tfmt_check *check)
{
	for (size_t i = 0; i < check->thread_count; i++)
		free(check->threads[i].items);
	free(check->threads);
	check->threads = NULL;
	check->thread_count = 0;
	check->open_spans = 0;
}

static void check_times(struct tfmt_check *check, const struct tfmt_schema *schema)
{
	const struct tfmt_chunk *chunk = &check->reader->chunk;
	uint64_t outside = 0;

	for (size_t i = 0; i < schema->column_count; i++) {
		const uint8_t *field = check->reader->rows + schema->columns[i].offset;

		if (!schema->columns[i].is_time)
			continue;
		for (uint64_t row = 0; row < chunk->count; row++, field += schema->row_bytes) {
			uint64_t time_ns;

			memcpy(&time_ns, field, sizeof(time_ns));
			outside += time_ns < chunk->begin_ns || time_ns > chunk->end_ns;
		}
	}
	if (outside > 0)
		tfmt_check__report(
			check, "%" PRIu64 " times outside of the range it states", outside);
}

/* Texts must be UTF-8, anything else stands as bytes. */
static void check_texts(struct tfmt_check *check)
{
	const struct tfmt_reader *reader = check->reader;
	const struct tfmt_stored *stored = tfmt_chunk__column(&reader->chunk, "text");
	struct tfmt_cbor cursor = {
		.next = stored->data, .end = reader->unpacked.data + reader->unpacked.length};
	uint64_t broken = 0;

	for (uint64_t i = 0; i < reader->chunk.count; i++) {
		struct tfmt_cbor_item item;

		if (tfmt_cbor__read_string(&cursor, &item) < 0)
			return;
		broken +=
			item.type == TFMT_CBOR_TEXT && !tfmt_utf8__is_valid(item.data, item.length);
	}
	if (broken > 0)
		tfmt_check__report(check, "%" PRIu64 " text strings are no UTF-8", broken);
}

static bool is_same_text(
	const struct tfmt_reader *reader, const struct tfmt_cbor_item *item, uint32_t id)
{
	const struct tfmt_string *string = tfmt_trace_string(reader->trace, id);

	return string->length == item->length &&
	       memcmp(string->data, item->data, item->length) == 0;
}

/* Rows that differ from those of the same id in the trace. */
static uint64_t count_other_texts(const struct tfmt_reader *reader)
{
	const struct tfmt_stored *stored = tfmt_chunk__column(&reader->chunk, "text");
	struct tfmt_cbor cursor = {
		.next = stored->data, .end = reader->unpacked.data + reader->unpacked.length};
	uint64_t others = 0;

	for (uint64_t i = 0; i < reader->chunk.count; i++) {
		struct tfmt_cbor_item item;

		if (tfmt_cbor__read_string(&cursor, &item) < 0)
			return others;
		others += !is_same_text(reader, &item, (uint32_t)(reader->chunk.first_id + i));
	}
	return others;
}

static bool is_same_process(const struct tfmt_reader *reader, const void *row, uint32_t id)
{
	const struct tfmt_process *given = row;
	const struct tfmt_process_entry *entry =
		tfmt_table__row(&reader->trace->tables[TFMT_PROCESS], id);

	return entry->info.pid == given->pid && entry->info.ppid == given->ppid &&
	       entry->info.parent == given->parent;
}

static bool is_same_thread(const struct tfmt_reader *reader, const void *row, uint32_t id)
{
	const struct tfmt_thread *given = row;
	const struct tfmt_thread_entry *entry =
		tfmt_table__row(&reader->trace->tables[TFMT_THREAD], id);

	return entry->info.tid == given->tid && entry->info.process == given->process;
}

static uint64_t count_other_rows(const struct tfmt_reader *reader, size_t row_bytes)
{
	const struct tfmt_chunk *chunk = &reader->chunk;
	const struct tfmt_table *table = &reader->trace->tables[chunk->kind];
	const uint8_t *row = reader->rows;
	uint64_t others = 0;

	for (uint64_t i = 0; i < chunk->count; i++, row += row_bytes) {
		uint32_t id = (uint32_t)(chunk->first_id + i);

		if (chunk->kind == TFMT_PROCESS)
			others += !is_same_process(reader, row, id);
		else if (chunk->kind == TFMT_THREAD)
			others += !is_same_thread(reader, row, id);
		else
			others += memcmp(row, tfmt_table__row(table, id), row_bytes) != 0;
	}
	return others;
}

/* Ids are never used again, and repeated rows are the same ones. */
static void check_table(struct tfmt_check *check, const struct tfmt_schema *schema)
{
	const struct tfmt_reader *reader = check->reader;
	const struct tfmt_chunk *chunk = &reader->chunk;
	uint64_t expected_id = check->counts[chunk->kind] - chunk->count + 1;
	uint64_t others = chunk->kind == TFMT_STRING ? count_other_texts(reader)
						     : count_other_rows(reader, schema->row_bytes);

	if (others > 0)
		tfmt_check__report(
			check, "%" PRIu64 " rows differ from earlier ones of their ids", others);
	if (!chunk->is_repeat && !tfmt_reader__has_gaps(reader) && chunk->first_id != expected_id)
		tfmt_check__report(check, "begins with id %" PRIu64 ", %" PRIu64 " is next",
			chunk->first_id, expected_id);
}

static struct tfmt_open_spans *spans_of(struct tfmt_check *check, uint32_t thread)
{
	if (thread >= check->thread_count) {
		size_t count = 2 * (size_t)thread + 64;
		struct tfmt_open_spans *grown = reallocarray(check->threads, count, sizeof(*grown));

		if (!grown)
			return NULL;
		memset(grown + check->thread_count, 0,
			(count - check->thread_count) * sizeof(*grown));
		check->threads = grown;
		check->thread_count = count;
	}
	return &check->threads[thread];
}

static uint64_t identity(const struct tfmt_span *span)
{
	return (uint64_t)span->frame << 32 | span->name;
}

/*
 * An end closes the innermost span of its thread. One without a begin is that of a span which is
 * older than the trace.
 */
static int follow_span(struct tfmt_check *check, const struct tfmt_span *span, uint64_t *crossed)
{
	struct tfmt_open_spans *open = spans_of(check, span->thread);

	if (!open)
		return TFMT_E_NOMEM;
	if (span->phase == TFMT_SPAN_BEGIN) {
		if (check->open_spans >= MAX_OPEN_SPANS || open->deeper > 0) {
			open->deeper++;
			return 0;
		}
		if (tfmt_array__grow(&open->items, &open->capacity, open->count + 1,
			    sizeof(*open->items)) < 0)
			return TFMT_E_NOMEM;
		open->items[open->count++] = identity(span);
		check->open_spans++;
	} else if (open->deeper > 0) {
		open->deeper--;
	} else if (open->count > 0) {
		*crossed += identity(span) != 0 && open->items[open->count - 1] != identity(span);
		open->count--;
		check->open_spans--;
	}
	return 0;
}

static int check_spans(struct tfmt_check *check)
{
	const struct tfmt_reader *reader = check->reader;
	const struct tfmt_span *spans = (const void *)reader->rows;
	uint64_t crossed = 0;
	int status = 0;

	if (reader->chunk.first_id != check->counts[TFMT_SPAN] - reader->chunk.count + 1 &&
		!tfmt_reader__has_gaps(reader))
		tfmt_check__report(check, "begins with span %" PRIu64 ", %" PRIu64 " is next",
			reader->chunk.first_id, check->counts[TFMT_SPAN] - reader->chunk.count + 1);
	/* With chunks missing, begins are too. */
	if (tfmt_reader__has_gaps(reader))
		return 0;
	for (uint64_t i = 0; i < reader->chunk.count && status == 0; i++)
		status = follow_span(check, &spans[i], &crossed);
	if (crossed > 0)
		tfmt_check__report(check,
			"%" PRIu64 " spans end that are not the innermost of their thread",
			crossed);
	return status;
}

static void check_args(struct tfmt_check *check)
{
	const struct tfmt_arg *args = (const void *)check->reader->rows;
	uint64_t lost = 0;

	if (tfmt_reader__has_gaps(check->reader))
		return;
	for (uint64_t i = 0; i < check->reader->chunk.count; i++)
		lost += args[i].span == 0 || args[i].span > check->counts[TFMT_SPAN];
	if (lost > 0)
		tfmt_check__report(check, "%" PRIu64 " arguments of spans that were not yet", lost);
}

static void check_symbols(struct tfmt_check *check)
{
	const struct tfmt_symbol *symbols = (const void *)check->reader->rows;
	uint64_t count = check->reader->chunk.count, empty = 0;

	for (uint64_t i = 0; i < count; i++)
		empty += symbols[i].length == 0;
	if (empty > 0)
		tfmt_check__report(check, "%" PRIu64 " symbols of no bytes", empty);
	if (count > 0 && symbols[count - 1].inlined)
		tfmt_check__report(check, "the last symbol is inlined into one that is missing");
}

int tfmt_check__rows(struct tfmt_check *check)
{
	const struct tfmt_chunk *chunk = &check->reader->chunk;
	const struct tfmt_schema *schema = tfmt_schema__of(chunk->kind);

	check_times(check, schema);
	if (chunk->kind == TFMT_STRING)
		check_texts(check);
	if (schema->is_table)
		check_table(check, schema);
	if (chunk->kind == TFMT_ARG)
		check_args(check);
	if (chunk->kind == TFMT_SYMBOL)
		check_symbols(check);
	return chunk->kind == TFMT_SPAN ? check_spans(check) : 0;
}
