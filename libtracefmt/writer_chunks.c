#include "writer_chunks.h"

#include "header_chunk.h"

#include "tracefmt/limits.h"

/* Rows take about four times their packed columns in memory. */
#define ROW_BYTES_PER_CHUNK_BYTE 4
/* Checkpoints are written only while they take less than one part in so many of the file. */
#define CHECKPOINT_SHARE 4
/* Less is read whole in less time than an index takes. */
#define MIN_INDEXED_BYTES (64u << 10)

/* Give writer->packed to the sink. */
static int hand_packed(struct tfmt_writer *writer)
{
	int status = writer->sink.write(
		writer->sink.context, writer->packed.data, writer->packed.length);

	if (status < 0)
		writer->failed = status;
	else
		writer->bytes += writer->packed.length;
	return status;
}

/* Pack writer->unpacked and give it to the sink. `row` says what it is, for the index. */
static int hand_to_sink(
	struct tfmt_writer *writer, struct tfmt_index_row row, uint64_t *count_bytes)
{
	int status = tfmt_packer__pack(
		writer->packer, writer->unpacked.data, writer->unpacked.length, &writer->packed);

	if (status == 0)
		status = hand_packed(writer);
	if (status < 0)
		return status;
	writer->sequence++;
	*count_bytes += writer->packed.length;
	if (!writer->options.has_index)
		return 0;
	row.packed_bytes = (uint32_t)writer->packed.length;
	row.unpacked_bytes = (uint32_t)writer->unpacked.length;
	return tfmt_index__add(&writer->chunk_index, &row);
}

int tfmt_writer__put_header(struct tfmt_writer *writer, bool continues)
{
	uint64_t ignored = 0;
	int status;

	writer->unpacked.length = 0;
	status = tfmt_header__pack(&writer->header, writer->sequence, continues, &writer->unpacked);
	if (status < 0)
		return status;
	return hand_to_sink(writer,
		(struct tfmt_index_row){.kind = TFMT_INDEX_HEADER, .is_repeat = continues},
		&ignored);
}

/* Write rows [first, first + count) of a kind as one chunk. */
static int write_rows(
	struct tfmt_writer *writer, enum tfmt_kind kind, size_t first, size_t count, bool is_repeat)
{
	const struct tfmt_schema *schema = tfmt_schema__of(kind);
	struct tfmt_rows *rows = &writer->rows[kind];
	struct tfmt_chunk *chunk = &writer->chunk;
	struct tfmt_index_row row = {.kind = (uint8_t)kind, .is_repeat = is_repeat};
	const void *data = rows->data + first * schema->row_bytes;
	int status;

	chunk->kind = kind;
	chunk->is_repeat = is_repeat;
	chunk->sequence = writer->sequence;
	chunk->count = count;
	chunk->tick_ns = kind == TFMT_SAMPLE ? writer->options.sample_tick_ns : 1;
	chunk->first_id = 0;
	if (schema->is_table)
		chunk->first_id = first + 1;
	else if (schema->is_numbered)
		chunk->first_id = rows->total - rows->count + 1;
	writer->unpacked.length = 0;
	status = tfmt_columns__pack(&writer->columns, chunk, data, &writer->unpacked);
	if (status < 0)
		return status;
	row.begin_ns = chunk->begin_ns;
	row.end_ns = chunk->end_ns;
	if (kind == TFMT_SAMPLE && writer->options.has_index)
		row.begin_ns = tfmt_index__first_begin(data, count, row.begin_ns, chunk->tick_ns);
	return hand_to_sink(writer, row, is_repeat ? &rows->repeated_bytes : &rows->bytes);
}

/* Hand over the open chunk of one kind. */
static int hand_over(struct tfmt_writer *writer, enum tfmt_kind kind)
{
	struct tfmt_rows *rows = &writer->rows[kind];
	int status;

	if (tfmt_writer__open_count(rows) == 0)
		return 0;
	status = write_rows(writer, kind, rows->handed, tfmt_writer__open_count(rows), false);
	if (status < 0)
		return status;
	rows->text_bytes = 0;
	if (tfmt_schema__of(kind)->is_table)
		rows->handed = rows->count;
	else
		rows->count = 0;
	return 0;
}

static void plan_checks(struct tfmt_field_checks *checks, const struct tfmt_schema *schema)
{
	for (size_t i = 0; i < schema->column_count; i++) {
		const struct tfmt_column *column = &schema->columns[i];

		if (column->refers_to != TFMT_NONE || column->limit)
			checks->items[checks->count++] = (struct tfmt_field_check){
				.offset = column->offset,
				.size = column->size,
				.kind = column->refers_to,
				.limit = column->limit,
			};
	}
}

void tfmt_writer__plan(struct tfmt_writer *writer)
{
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++) {
		const struct tfmt_schema *schema = tfmt_schema__of(kind);
		size_t count =
			writer->options.chunk_bytes * ROW_BYTES_PER_CHUNK_BYTE / schema->row_bytes;

		writer->rows[kind].per_chunk =
			count < TFMT_MAX_CONSTANT_ROWS ? count : TFMT_MAX_CONSTANT_ROWS;
		plan_checks(&writer->checks[kind], schema);
	}
}

/* Rows from `first` on that fit in one chunk: fewer where strings are long. */
static size_t repeat_count(const struct tfmt_writer *writer, enum tfmt_kind kind, size_t first)
{
	const struct tfmt_rows *rows = &writer->rows[kind];
	const struct tfmt_string *strings = (const void *)rows->data;
	size_t left = rows->handed - first;
	size_t count = rows->per_chunk, bytes = 0;

	count = count < left ? count : left;
	if (kind != TFMT_STRING)
		return count;
	for (size_t i = 0; i < count; i++) {
		bytes += strings[first + i].length;
		if (i > 0 && bytes > writer->options.chunk_bytes)
			return i;
	}
	return count;
}

/* Repeat the header and all tables, so that a reader may start here. */
static int write_checkpoint(struct tfmt_writer *writer)
{
	int status = tfmt_writer__put_header(writer, true);

	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT && status == 0; kind++) {
		const struct tfmt_rows *rows = &writer->rows[kind];
		size_t count;

		if (!tfmt_schema__of(kind)->is_table)
			continue;
		for (size_t first = 0; first < rows->handed && status == 0; first += count) {
			count = repeat_count(writer, kind, first);
			status = write_rows(writer, kind, first, count, true);
		}
	}
	writer->checkpoint_at = writer->bytes;
	return status;
}

static int checkpoint_if_due(struct tfmt_writer *writer)
{
	uint64_t since = writer->bytes - writer->checkpoint_at, tables = 0;

	if (since < writer->options.checkpoint_bytes)
		return 0;
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		if (tfmt_schema__of(kind)->is_table)
			tables += writer->rows[kind].bytes;
	if (since < CHECKPOINT_SHARE * tables)
		return 0;
	return write_checkpoint(writer);
}

int tfmt_writer__hand_over(struct tfmt_writer *writer, enum tfmt_kind kind)
{
	int status = 0;

	for (enum tfmt_kind table = TFMT_STRING; table <= TFMT_METRIC && table < kind; table++) {
		status = hand_over(writer, table);
		if (status < 0)
			return status;
	}
	if (kind == TFMT_ARG)
		status = hand_over(writer, TFMT_SPAN);
	if (status == 0)
		status = hand_over(writer, kind);
	if (status == 0)
		status = checkpoint_if_due(writer);
	return status;
}

int tfmt_writer__hand_over_all(struct tfmt_writer *writer)
{
	int status = 0;

	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT && status == 0; kind++)
		status = tfmt_writer__hand_over(writer, kind);
	return status;
}

static void put_counts(struct tfmt_writer *writer, struct tfmt_bytes *out)
{
	enum tfmt_kind kinds[TFMT_KIND_COUNT];
	size_t count = tfmt_schema__sorted_kinds(kinds), present = 0;

	for (size_t i = 0; i < count; i++)
		present += writer->rows[kinds[i]].total != 0;
	tfmt_cbor__put_map(out, present);
	for (size_t i = 0; i < count; i++) {
		if (writer->rows[kinds[i]].total == 0)
			continue;
		tfmt_cbor__put_key(out, tfmt_kind_name(kinds[i]));
		tfmt_cbor__put_uint(out, writer->rows[kinds[i]].total);
	}
}

int tfmt_writer__put_end(struct tfmt_writer *writer)
{
	struct tfmt_bytes *out = &writer->unpacked;
	uint64_t ignored = 0;

	out->length = 0;
	tfmt_cbor__put_map(out, 4);
	tfmt_cbor__put_key(out, "seq");
	tfmt_cbor__put_uint(out, writer->sequence);
	tfmt_cbor__put_key(out, "kind");
	tfmt_cbor__put_key(out, "end");
	tfmt_cbor__put_key(out, "chunks");
	tfmt_cbor__put_uint(out, writer->sequence + 1);
	tfmt_cbor__put_key(out, "counts");
	put_counts(writer, out);
	if (out->failed)
		return TFMT_E_NOMEM;
	return hand_to_sink(writer, (struct tfmt_index_row){.kind = TFMT_INDEX_END}, &ignored);
}

int tfmt_writer__put_index(struct tfmt_writer *writer)
{
	struct tfmt_index *index = &writer->chunk_index;
	size_t unpacked_bytes;
	int status;

	if (!writer->options.has_index || index->is_full || writer->bytes < MIN_INDEXED_BYTES)
		return 0;
	writer->unpacked.length = 0;
	status = tfmt_index__pack(
		index, &writer->header, writer->sequence, &writer->columns, &writer->unpacked);
	if (status < 0)
		return status;
	unpacked_bytes = writer->unpacked.length;
	status = tfmt_packer__pack(
		writer->packer, writer->unpacked.data, unpacked_bytes, &writer->packed);
	if (status == 0)
		status = hand_packed(writer);
	if (status == 0)
		status = tfmt_seek_table__pack(
			index, writer->packed.length, unpacked_bytes, &writer->packed);
	return status < 0 ? status : hand_packed(writer);
}
