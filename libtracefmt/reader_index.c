#include "reader_index.h"

#include <string.h>

#include "tracefmt/limits.h"

/*
 * Find the seek table that ends the file and, by its last entry, the frame before it.
 * Returns: 1, *ret_offset and *ret_size of that frame; 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int find_last_frame(struct tfmt_reader *reader, uint64_t *ret_offset, uint64_t *ret_size)
{
	uint64_t total, table_bytes, frame_count;
	const uint8_t *data;
	size_t available;
	int status;

	if (tfmt_input__size(&reader->input, &total) < 0 || total < TFMT_SEEK_FOOTER_BYTES)
		return 0;
	status = tfmt_input__at(&reader->input, total - TFMT_SEEK_FOOTER_BYTES,
		TFMT_SEEK_FOOTER_BYTES, &data, &available);
	if (status < 0 || available < TFMT_SEEK_FOOTER_BYTES)
		return status;
	table_bytes = tfmt_seek_table__bytes(data, &frame_count);
	if (table_bytes == 0 || table_bytes > total || frame_count > TFMT_MAX_INDEX_ROWS + 1)
		return 0;
	status = tfmt_input__at(
		&reader->input, total - table_bytes, (size_t)table_bytes, &data, &available);
	if (status < 0 || available < table_bytes)
		return status;
	*ret_size = tfmt_seek_table__last(data, (size_t)table_bytes);
	if (*ret_size == 0 || *ret_size > total - table_bytes - reader->trace_offset ||
		*ret_size > tfmt_frame__max_packed())
		return 0;
	*ret_offset = total - table_bytes - *ret_size;
	return 1;
}

/* Unpack that frame. Returns as find_last_frame(). */
static int unpack_last_frame(struct tfmt_reader *reader, uint64_t offset, uint64_t size)
{
	const uint8_t *data;
	size_t available, unpacked = 0;
	uint64_t frame_size;
	int status = tfmt_input__at(&reader->input, offset, (size_t)size, &data, &available);

	if (status < 0)
		return status;
	if (available > size)
		available = (size_t)size;
	if (tfmt_frame__examine(data, available, &frame_size, &unpacked) != TFMT_FRAME_WHOLE ||
		frame_size != size)
		return 0;
	status = tfmt_unpacker__unpack(
		reader->unpacker, data, (size_t)size, unpacked, &reader->unpacked);
	return status == TFMT_E_NOMEM ? status : status == 0;
}

static int read_index(struct tfmt_reader *reader)
{
	const struct tfmt_index_row *last;
	uint64_t offset = 0, size = 0;
	int status = find_last_frame(reader, &offset, &size);

	if (status > 0)
		status = unpack_last_frame(reader, offset, size);
	if (status <= 0)
		return status;
	status = tfmt_index__unpack(&reader->index, reader->unpacked.data, reader->unpacked.length,
		&reader->header, &reader->columns);
	if (status < 0)
		return status == TFMT_E_NOMEM ? status : 0;
	last = &reader->index.rows[reader->index.count - 1];
	/* After a cut, or when something was put in between, the sizes do not add up. */
	return reader->trace_offset + last->offset + last->packed_bytes == offset;
}

int tfmt_reader__load_index(struct tfmt_reader *reader)
{
	int status = read_index(reader);

	if (status <= 0)
		tfmt_reader__drop_index(reader);
	return status < 0 ? status : 0;
}

void tfmt_reader__drop_index(struct tfmt_reader *reader)
{
	tfmt_index__release(&reader->index);
}

static bool is_in_window(const struct tfmt_reader *reader, const struct tfmt_index_row *row)
{
	bool has_time = row->begin_ns != 0 || row->end_ns != 0;

	if (!has_time || !(reader->windowed_kinds & TFMT_KIND_BIT(row->kind)))
		return true;
	return row->end_ns >= reader->from_ns && row->begin_ns <= reader->to_ns;
}

static bool is_wanted(
	const struct tfmt_reader *reader, const struct tfmt_index_row *row, uint32_t kinds)
{
	if (row->kind == TFMT_INDEX_END)
		return true;
	if (row->kind == TFMT_INDEX_HEADER || row->kind == TFMT_INDEX_UNKNOWN)
		return false;
	if (!reader->is_scanned && tfmt_schema__of(row->kind)->is_table && !row->is_repeat)
		return true;
	return (kinds & TFMT_KIND_BIT(row->kind)) && is_in_window(reader, row);
}

void tfmt_reader__pass_over(struct tfmt_reader *reader, uint32_t kinds)
{
	const struct tfmt_index_row *rows = reader->index.rows, *row;

	/* The header is always read. */
	if (reader->index.count == 0 || !reader->has_sequence)
		return;
	row = tfmt_index__at(&reader->index, reader->offset - reader->trace_offset);
	if (!row)
		return;
	while (!is_wanted(reader, row, kinds)) {
		reader->damage.unknown_chunks +=
			row->kind == TFMT_INDEX_UNKNOWN && !reader->is_scanned;
		row++; /* the end is the last one, and wanted */
	}
	reader->offset = reader->trace_offset + row->offset;
	reader->next_sequence = (uint64_t)(row - rows);
}

const struct tfmt_index_row *tfmt_reader__row(struct tfmt_reader *reader, bool *ret_is_first)
{
	struct tfmt_index_row *row = NULL;

	if (reader->index.count > 0)
		row = tfmt_index__at(&reader->index, reader->offset - reader->trace_offset);
	if (row) {
		*ret_is_first = !row->is_examined;
		row->is_examined = true;
	}
	return row;
}

bool tfmt_reader__is_row(const struct tfmt_reader *reader, const struct tfmt_index_row *row)
{
	const struct tfmt_chunk *chunk = &reader->chunk;

	if (chunk->sequence != (uint64_t)(row - reader->index.rows) ||
		reader->chunk_bytes != row->packed_bytes)
		return false;
	switch (chunk->role) {
	case TFMT_CHUNK_HEADER:
		return row->kind == TFMT_INDEX_HEADER;
	case TFMT_CHUNK_END:
		return row->kind == TFMT_INDEX_END;
	case TFMT_CHUNK_RECORDS:
		return row->kind == chunk->kind && !row->is_repeat == !chunk->is_repeat &&
		       row->begin_ns <= chunk->begin_ns && row->end_ns == chunk->end_ns;
	default:
		return row->kind == TFMT_INDEX_UNKNOWN;
	}
}

bool tfmt_reader__has_all_tables(const struct tfmt_reader *reader)
{
	uint64_t counted = 0;

	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++) {
		const struct tfmt_table *table = &reader->trace->tables[kind];

		if (!tfmt_schema__of(kind)->is_table)
			continue;
		counted += reader->end.counts[kind];
		/* Row 0 stands in no file. */
		if (table->present - 1 != reader->end.counts[kind] ||
			table->count != reader->end.counts[kind])
			return false;
	}
	/* Rows may be there from an earlier pass. */
	return reader->table_rows == counted;
}

int tfmt_reader_between(
	struct tfmt_reader *reader, uint32_t kinds, uint64_t from_ns, uint64_t to_ns)
{
	if (!reader->is_scanned || from_ns > to_ns)
		return TFMT_E_ARG;
	reader->windowed_kinds = kinds & ~TFMT_TABLE_KINDS;
	reader->from_ns = from_ns;
	reader->to_ns = to_ns;
	return 0;
}

bool tfmt_reader_extent(const struct tfmt_reader *reader, uint32_t kinds, uint64_t *ret_end_ns)
{
	uint64_t end_ns = 0;

	for (size_t i = 0; i < reader->index.count; i++) {
		const struct tfmt_index_row *row = &reader->index.rows[i];

		if (row->kind < TFMT_KIND_COUNT && (kinds & TFMT_KIND_BIT(row->kind)) &&
			row->end_ns > end_ns)
			end_ns = row->end_ns;
	}
	if (reader->index.count > 0)
		*ret_end_ns = end_ns;
	return reader->index.count > 0;
}
