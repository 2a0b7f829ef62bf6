#include <stdlib.h>
#include <string.h>

#include "reader_state.h"

#include "tracefmt/limits.h"

static int make_rows(struct tfmt_reader *reader)
{
	size_t bytes = (size_t)reader->chunk.count * tfmt_schema__of(reader->chunk.kind)->row_bytes;

	return tfmt_array__grow(&reader->rows, &reader->rows_capacity, bytes, 1);
}

/* The texts of a chunk of strings, still inside the chunk. */
static int decode_texts(struct tfmt_reader *reader)
{
	const struct tfmt_stored *stored = tfmt_chunk__column(&reader->chunk, "text");
	struct tfmt_string *rows = (void *)reader->rows;
	struct tfmt_cbor cursor = {.end = reader->unpacked.data + reader->unpacked.length};

	reader->fault = "texts that are no list of strings";
	if (!stored || stored->type != TFMT_STORED_LIST)
		return TFMT_E_CORRUPT;
	cursor.next = stored->data;
	for (uint64_t i = 0; i < reader->chunk.count; i++) {
		struct tfmt_cbor_item item;
		int status = tfmt_cbor__read_string(&cursor, &item);

		if (status < 0)
			return status;
		reader->fault = "a string beyond the limit";
		if (item.length > TFMT_MAX_STRING_BYTES)
			return TFMT_E_LIMIT;
		rows[i] = (struct tfmt_string){.data = (const char *)item.data,
			.length = (uint32_t)item.length,
			.is_bytes = !tfmt_utf8__is_valid(item.data, item.length)};
	}
	return 0;
}

/* A batch of strings shows the copies in the trace: those end in NUL, and stay. */
static void show_texts(struct tfmt_reader *reader)
{
	struct tfmt_string *rows = (void *)reader->rows;

	for (uint64_t i = 0; i < reader->chunk.count; i++)
		rows[i] = *tfmt_trace_string(reader->trace, (uint32_t)(reader->chunk.first_id + i));
}

static uint64_t read_id(const uint8_t *field, unsigned int size)
{
	uint64_t id = 0;

	memcpy(&id, field, size);
	return id;
}

/*
 * References of one column to rows that were not read. In a trace without gaps they contradict
 * it. In one with gaps they are counted, and, once all tables are known, ids beyond the last one
 * become the lost row that ends each table, so that every id is a valid index.
 */
static int check_ids(struct tfmt_reader *reader, const struct tfmt_column *column, size_t row_bytes,
	uint64_t *lost)
{
	const struct tfmt_table *table = &reader->trace->tables[column->refers_to];
	bool is_whole = table->present == table->count + 1; /* with row 0 */
	bool has_gaps = tfmt_reader__has_gaps(reader);
	uint8_t *field = reader->rows + column->offset;

	reader->fault = "an id that no table has";
	for (uint64_t i = 0; i < reader->chunk.count; i++, field += row_bytes) {
		uint32_t id;

		memcpy(&id, field, sizeof(id));
		if (id <= table->count && (is_whole || tfmt_table__has(table, id)))
			continue;
		if (!has_gaps)
			return TFMT_E_CORRUPT;
		++*lost;
		if (id > table->count && reader->is_scanned)
			memcpy(field, &table->count, sizeof(id));
	}
	return 0;
}

/* References of a table to itself go back only: no cycles. */
static int check_own_ids(
	struct tfmt_reader *reader, const struct tfmt_column *column, size_t row_bytes)
{
	const uint8_t *field = reader->rows + column->offset;

	reader->fault = "a row that refers to itself or to a later one";
	for (uint64_t i = 0; i < reader->chunk.count; i++, field += row_bytes)
		if (read_id(field, column->size) >= reader->chunk.first_id + i)
			return TFMT_E_CORRUPT;
	return 0;
}

static int check_references(struct tfmt_reader *reader)
{
	const struct tfmt_schema *schema = tfmt_schema__of(reader->chunk.kind);
	uint64_t lost = 0;
	int status = 0;

	for (size_t i = 0; i < schema->column_count && status == 0; i++) {
		const struct tfmt_column *column = &schema->columns[i];

		if (column->refers_to == reader->chunk.kind)
			status = check_own_ids(reader, column, schema->row_bytes);
		else if (column->refers_to != TFMT_NONE && column->refers_to != TFMT_SPAN)
			status = check_ids(reader, column, schema->row_bytes, &lost);
	}
	/* Tables are decoded twice when asked for after a scan: count once. */
	if (status == 0 && !(schema->is_table && reader->is_scanned))
		tfmt_reader__note_damage(
			reader, &reader->damage.lost_ids, lost, reader->chunk_offset);
	return status;
}

/* Apply a table chunk, as long as memory follows the input's size. */
static int apply(struct tfmt_reader *reader)
{
	uint64_t passed = reader->offset - reader->trace_offset;

	reader->fault = "more rows of tables than a file of this size may have";
	if (reader->table_rows + reader->chunk.count >
		TFMT_MAX_TABLE_ROWS + TFMT_MAX_TABLE_ROWS_PER_BYTE * passed)
		return TFMT_E_LIMIT;
	reader->table_rows += reader->chunk.count;
	reader->fault = "a stack beyond the limit";
	return tfmt_trace__apply(reader->trace, reader->chunk.kind,
		(uint32_t)reader->chunk.first_id, reader->rows, reader->chunk.count);
}

/* After a scan: whether the rows of a table chunk were taken then, and not refused. */
static bool is_applied(const struct tfmt_reader *reader)
{
	const struct tfmt_table *table = &reader->trace->tables[reader->chunk.kind];

	for (uint64_t i = 0; i < reader->chunk.count; i++)
		if (!tfmt_table__has(table, (uint32_t)(reader->chunk.first_id + i)))
			return false;
	return true;
}

/*
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_CORRUPT and TFMT_E_LIMIT when the chunk contradicts itself or
 * the tables.
 */
static int decode(struct tfmt_reader *reader)
{
	const struct tfmt_schema *schema = tfmt_schema__of(reader->chunk.kind);
	int status;

	if (schema->is_table && reader->is_scanned && !is_applied(reader))
		return TFMT_E_LIMIT;
	status = make_rows(reader);
	if (status < 0)
		return status;
	reader->fault = "a distance back to before the first row";
	if (reader->chunk.kind == TFMT_STRING)
		status = reader->is_scanned ? 0 : decode_texts(reader);
	else
		status = tfmt_columns__unpack(&reader->columns, &reader->chunk, reader->rows);
	if (status == 0)
		status = check_references(reader);
	if (status == 0 && schema->is_table && !reader->is_scanned)
		status = apply(reader);
	if (status == 0 && reader->chunk.kind == TFMT_STRING)
		show_texts(reader);
	return status;
}

int tfmt_reader__decode(struct tfmt_reader *reader, bool *ret_is_good)
{
	bool is_table = tfmt_schema__of(reader->chunk.kind)->is_table;
	int status = decode(reader);

	*ret_is_good = status == 0;
	if (status == TFMT_E_NOMEM)
		return status;
	if (status < 0 && !(is_table && reader->is_scanned))
		tfmt_reader__note_damage(
			reader, &reader->damage.bad_chunks, 1, reader->chunk_offset);
	return 0;
}
