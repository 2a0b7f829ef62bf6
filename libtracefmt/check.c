#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tracefmt/reader.h"

#define TEXT_BYTES 256

static void emit(struct tfmt_check *check, struct tfmt_finding *finding, const char *format,
	va_list arguments)
{
	char text[TEXT_BYTES];

	vsnprintf(text, sizeof(text), format, arguments);
	finding->text = text;
	check->totals.findings++;
	check->on_finding(check->context, finding);
}

static const char *kind_name(const struct tfmt_chunk *chunk)
{
	switch (chunk->role) {
	case TFMT_CHUNK_RECORDS:
		return tfmt_kind_name(chunk->kind);
	case TFMT_CHUNK_HEADER:
		return "header";
	case TFMT_CHUNK_END:
		return "end";
	case TFMT_CHUNK_INDEX:
		return "index";
	default:
		return "unknown";
	}
}

void tfmt_check__report(struct tfmt_check *check, const char *format, ...)
{
	const struct tfmt_reader *reader = check->reader;
	struct tfmt_finding finding = {.offset = reader->chunk_offset,
		.has_chunk = true,
		.sequence = reader->chunk.sequence,
		.kind = kind_name(&reader->chunk)};
	va_list arguments;

	va_start(arguments, format);
	emit(check, &finding, format, arguments);
	va_end(arguments);
}

void tfmt_check__report_at(struct tfmt_check *check, uint64_t offset, const char *format, ...)
{
	struct tfmt_finding finding = {.offset = offset};
	va_list arguments;

	va_start(arguments, format);
	emit(check, &finding, format, arguments);
	va_end(arguments);
}

static void report_foreign(struct tfmt_check *check)
{
	uint64_t bytes = check->foreign_bytes;

	check->foreign_bytes = 0;
	if (bytes > 0)
		tfmt_check__report_at(check, check->foreign_offset,
			"%" PRIu64 " byte%s skipped: %s", bytes, bytes == 1 ? "" : "s",
			check->foreign_fault);
}

/* What the reader counts as damage. */
static void on_damage(void *context, const uint64_t *counter, uint64_t count, uint64_t offset)
{
	struct tfmt_check *check = context;
	const struct tfmt_reader *reader = check->reader;
	const struct tfmt_damage *damage = &reader->damage;

	if (counter == &damage->skipped_bytes) {
		if (check->foreign_bytes > 0 &&
			check->foreign_offset + check->foreign_bytes != offset)
			report_foreign(check);
		if (check->foreign_bytes == 0) {
			check->foreign_offset = offset;
			check->foreign_fault = reader->fault;
		}
		check->foreign_bytes += count;
		return;
	}
	report_foreign(check);
	if (counter == &damage->lost_chunks)
		tfmt_check__report(check, "%" PRIu64 " chunk%s missing before this one", count,
			count == 1 ? " is" : "s are");
	else if (counter == &damage->lost_ids)
		tfmt_check__report(check, "%" PRIu64 " reference%s into rows that are missing",
			count, count == 1 ? "" : "s");
	else if (reader->has_taken)
		tfmt_check__report(check, "refused: %s", reader->fault);
	else
		tfmt_check__report_at(check, offset, "a chunk is refused: %s", reader->fault);
}

/* Note the chunk that was just read, as an index of the trace would. */
static int note_chunk(struct tfmt_check *check)
{
	const struct tfmt_reader *reader = check->reader;
	const struct tfmt_chunk *chunk = &reader->chunk;
	struct tfmt_index_row row = {.begin_ns = chunk->begin_ns,
		.end_ns = chunk->end_ns,
		.packed_bytes = (uint32_t)reader->chunk_bytes,
		.unpacked_bytes = (uint32_t)reader->unpacked.length,
		.is_repeat = chunk->is_repeat};

	if (chunk->role == TFMT_CHUNK_RECORDS)
		row.kind = (uint8_t)chunk->kind;
	else if (chunk->role == TFMT_CHUNK_HEADER)
		row.kind = TFMT_INDEX_HEADER;
	else if (chunk->role == TFMT_CHUNK_END)
		row.kind = TFMT_INDEX_END;
	return tfmt_index__add(&check->chunks, &row);
}

static int check_records(struct tfmt_check *check)
{
	struct tfmt_reader *reader = check->reader;
	const struct tfmt_chunk *chunk = &reader->chunk;
	bool is_table = TFMT_TABLE_KINDS & ~TFMT_KIND_BIT(TFMT_LIFE) & TFMT_KIND_BIT(chunk->kind);
	bool is_good;
	int status = tfmt_reader__decode(reader, &is_good);

	if (status < 0)
		return status;
	if (!chunk->is_repeat) {
		check->counts[chunk->kind] += chunk->count;
		if (is_table)
			check->totals.rows += chunk->count;
		else
			check->totals.records += chunk->count;
	}
	if (!is_good)
		return 0;
	if (chunk->kind == TFMT_SAMPLE)
		check->chunks.rows[check->chunks.count - 1].begin_ns = tfmt_index__first_begin(
			(const void *)reader->rows, chunk->count, chunk->begin_ns, 0);
	return tfmt_check__rows(check);
}

/* What the end record says against what was read. */
static void check_end(struct tfmt_check *check)
{
	struct tfmt_reader *reader = check->reader;
	struct tfmt_end end;

	if (tfmt_end__unpack(reader->unpacked.data, reader->unpacked.length, &end) < 0) {
		tfmt_check__report(check, "its counts cannot be read");
		return;
	}
	if (end.chunks != reader->chunk.sequence + 1)
		tfmt_check__report(check, "says %" PRIu64 " chunks, but is number %" PRIu64,
			end.chunks, reader->chunk.sequence);
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		if (end.counts[kind] != check->counts[kind])
			tfmt_check__report(check,
				"counts %" PRIu64 " rows of kind %s, the trace has %" PRIu64,
				end.counts[kind], tfmt_kind_name(kind), check->counts[kind]);
}

static int check_chunk(struct tfmt_check *check, bool has_records)
{
	struct tfmt_reader *reader = check->reader;
	int status;

	check->totals.chunks++;
	if (reader->chunk.role == TFMT_CHUNK_INDEX)
		return tfmt_check__index(check);
	status = note_chunk(check);
	if (status == 0 && has_records)
		status = check_records(check);
	if (reader->chunk.role == TFMT_CHUNK_END)
		check_end(check);
	return status;
}

static void begin_trace(struct tfmt_check *check)
{
	check->totals.traces++;
	check->totals.has_index = false;
	memset(check->counts, 0, sizeof(check->counts));
	check->chunks.count = 0;
	check->chunks.is_full = false;
	check->index_offset = 0;
	tfmt_check__clear_spans(check);
}

/* One trace. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM. */
static int check_trace(struct tfmt_check *check, struct tfmt_error *err)
{
	struct tfmt_reader *reader = check->reader;
	bool has_records;
	int status;

	begin_trace(check);
	while ((status = tfmt_reader__step(reader, &has_records, err)) > 0) {
		if (!reader->has_taken)
			continue;
		report_foreign(check);
		status = check_chunk(check, has_records);
		if (status < 0)
			return status;
	}
	report_foreign(check);
	if (!reader->damage.has_begin)
		tfmt_check__report_at(
			check, reader->trace_offset, "the beginning of the trace is missing");
	if (!reader->damage.has_end)
		tfmt_check__report_at(
			check, reader->offset, "the end of the trace is missing: it was cut");
	return status == TFMT_E_VERSION ? 0 : status;
}

/* A skippable frame may say that it is longer than what there is. */
static void check_length(struct tfmt_check *check)
{
	const struct tfmt_reader *reader = check->reader;
	uint64_t total;

	if (tfmt_input__size(&reader->input, &total) < 0)
		total = reader->input.start + reader->input.length;
	if (reader->offset > total)
		tfmt_check__report_at(check, total, "a skippable frame that is cut");
	check->totals.bytes = reader->offset < total ? reader->offset : total;
}

static int check_all(struct tfmt_check *check, struct tfmt_error *err)
{
	int status;

	do {
		status = check_trace(check, err);
		if (status == 0 && check->reader->has_next_trace)
			status = tfmt_reader_next_trace(check->reader, err);
	} while (status > 0);
	if (status == 0 && check->index_offset > 0)
		status = tfmt_check__seek_table(check);
	check_length(check);
	return status;
}

int tfmt_check_fd(int fd, tfmt_finding_fn *on_finding, void *context,
	struct tfmt_check_totals *ret_totals, struct tfmt_error *err)
{
	struct tfmt_check check = {.on_finding = on_finding, .context = context};
	int status = tfmt_reader_open_fd(fd, &check.reader, err);

	if (status < 0)
		return status;
	check.reader->on_finding = on_damage;
	check.reader->finding_context = &check;
	status = check_all(&check, err);
	if (status < 0)
		tfmt_error_set(err, status, check.reader->offset, "cannot read: %s",
			status == TFMT_E_IO ? strerror(errno) : tfmt_strerror(status));
	*ret_totals = check.totals;
	tfmt_check__clear_spans(&check);
	tfmt_index__release(&check.chunks);
	tfmt_reader_free(check.reader);
	return status;
}
