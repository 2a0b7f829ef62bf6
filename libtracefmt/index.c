#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

#define COLUMN(column, field, ...)                                                  \
	{                                                                           \
		.name = column, .offset = offsetof(struct tfmt_index_row, field),   \
		.size = sizeof(((struct tfmt_index_row *)NULL)->field), __VA_ARGS__ \
	}

/* Sorted as the columns of all kinds are. */
static const struct tfmt_column index_columns[] = {
	COLUMN("end", end_ns, .transform = TFMT_DELTA),
	COLUMN("kind", kind, .transform = TFMT_PLAIN),
	COLUMN("size", packed_bytes, .transform = TFMT_PLAIN),
	COLUMN("begin", begin_ns, .transform = TFMT_DELTA),
	COLUMN("repeat", is_repeat, .transform = TFMT_PLAIN),
	COLUMN("unpacked", unpacked_bytes, .transform = TFMT_PLAIN),
};

static const struct tfmt_schema index_schema = {
	.name = "index",
	.row_bytes = sizeof(struct tfmt_index_row),
	.columns = index_columns,
	.column_count = sizeof(index_columns) / sizeof(index_columns[0]),
};

void tfmt_index__release(struct tfmt_index *index)
{
	free(index->rows);
	*index = (struct tfmt_index){0};
}

int tfmt_index__add(struct tfmt_index *index, const struct tfmt_index_row *row)
{
	uint64_t offset = 0;

	if (index->is_full || index->count == TFMT_MAX_INDEX_ROWS) {
		index->is_full = true;
		return 0;
	}
	if (tfmt_array__grow(
		    &index->rows, &index->capacity, index->count + 1, sizeof(*index->rows)) < 0)
		return TFMT_E_NOMEM;
	if (index->count > 0) {
		const struct tfmt_index_row *last = &index->rows[index->count - 1];

		offset = last->offset + last->packed_bytes;
	}
	index->rows[index->count] = *row;
	index->rows[index->count++].offset = offset;
	return 0;
}

/* The name of a row's kind in the file. */
static const char *kind_name(unsigned int kind)
{
	if (kind == TFMT_INDEX_HEADER)
		return "header";
	if (kind == TFMT_INDEX_END)
		return "end";
	return kind == TFMT_INDEX_UNKNOWN ? "" : tfmt_kind_name((enum tfmt_kind)kind);
}

static uint8_t kind_of(const struct tfmt_cbor_item *name)
{
	if (tfmt_cbor__is(name, "header"))
		return TFMT_INDEX_HEADER;
	if (tfmt_cbor__is(name, "end"))
		return TFMT_INDEX_END;
	return (uint8_t)tfmt_kind_from_name((const char *)name->data, name->length);
}

uint64_t tfmt_index__first_begin(
	const struct tfmt_sample *samples, size_t count, uint64_t begin_ns, uint64_t tick_ns)
{
	for (size_t i = 0; i < count; i++) {
		/* Times are rounded to whole ticks. */
		uint64_t before_ns = samples[i].weight_ns + tick_ns;
		uint64_t time_ns = samples[i].time_ns;

		if (before_ns < tick_ns || before_ns > time_ns)
			return 0;
		if (time_ns - before_ns < begin_ns)
			begin_ns = time_ns - before_ns;
	}
	return begin_ns;
}

/* List the kinds that occur, and turn those of the rows into places in that list. */
static void put_kinds(struct tfmt_index *index, struct tfmt_bytes *out)
{
	uint8_t places[TFMT_INDEX_KIND_COUNT];
	uint8_t kinds[TFMT_INDEX_KIND_COUNT];
	size_t count = 0;

	memset(places, UINT8_MAX, sizeof(places));
	for (size_t i = 0; i < index->count; i++) {
		struct tfmt_index_row *row = &index->rows[i];

		if (places[row->kind] == UINT8_MAX) {
			kinds[count] = row->kind;
			places[row->kind] = (uint8_t)count++;
		}
		row->kind = places[row->kind];
	}
	tfmt_cbor__put_key(out, "kinds");
	tfmt_cbor__put_array(out, count);
	for (size_t i = 0; i < count; i++)
		tfmt_cbor__put_key(out, kind_name(kinds[i]));
}

int tfmt_index__pack(struct tfmt_index *index, const struct tfmt_header *header, uint64_t sequence,
	struct tfmt_columns *columns, struct tfmt_bytes *out)
{
	struct tfmt_chunk chunk = {.sequence = sequence, .tick_ns = 1, .count = index->count};
	int status;

	tfmt_cbor__put_map(out, 6);
	tfmt_cbor__put_key(out, "seq");
	tfmt_cbor__put_uint(out, sequence);
	tfmt_cbor__put_key(out, "kind");
	tfmt_cbor__put_key(out, index_schema.name);
	tfmt_cbor__put_key(out, "count");
	tfmt_cbor__put_uint(out, index->count);
	put_kinds(index, out);
	tfmt_cbor__put_key(out, "columns");
	status = tfmt_columns__put(columns, &index_schema, &chunk, index->rows, out);
	tfmt_cbor__put_key(out, "trace_id");
	tfmt_cbor__put_bytes(out, header->trace_id, sizeof(header->trace_id));
	return out->failed ? TFMT_E_NOMEM : status;
}

/* What stands beside the columns. */
struct index_facts {
	uint8_t kinds[UINT8_MAX + 1];
	size_t kind_count;
	bool is_of_trace;
};

static int read_kinds(struct tfmt_cbor *cursor, struct index_facts *facts)
{
	uint64_t count;
	int status = tfmt_cbor__read_array(cursor, &count);

	if (status < 0)
		return status;
	if (count > sizeof(facts->kinds))
		return TFMT_E_LIMIT;
	for (facts->kind_count = 0; facts->kind_count < count; facts->kind_count++) {
		struct tfmt_cbor_item name;

		status = tfmt_cbor__read_string(cursor, &name);
		if (status < 0)
			return status;
		facts->kinds[facts->kind_count] = kind_of(&name);
	}
	return 0;
}

static int read_trace_id(
	struct tfmt_cbor *cursor, const struct tfmt_header *header, struct index_facts *facts)
{
	struct tfmt_cbor_item id;
	int status = tfmt_cbor__read_string(cursor, &id);

	if (status == 0)
		facts->is_of_trace = id.length == sizeof(header->trace_id) &&
				     memcmp(id.data, header->trace_id, id.length) == 0;
	return status;
}

static int read_facts(const uint8_t *data, size_t size, const struct tfmt_header *header,
	struct index_facts *facts)
{
	struct tfmt_cbor cursor = {.next = data, .end = data + size};
	uint64_t pairs;
	int status = tfmt_cbor__read_map(&cursor, &pairs);

	for (uint64_t i = 0; i < pairs && status == 0; i++) {
		struct tfmt_cbor_item key;

		status = tfmt_cbor__read_string(&cursor, &key);
		if (status < 0)
			return status;
		if (tfmt_cbor__is(&key, "kinds"))
			status = read_kinds(&cursor, facts);
		else if (tfmt_cbor__is(&key, "trace_id"))
			status = read_trace_id(&cursor, header, facts);
		else
			status = tfmt_cbor__skip(&cursor, 1);
	}
	return status;
}

static bool has_good_columns(const struct tfmt_chunk *chunk)
{
	for (size_t i = 0; i < index_schema.column_count; i++) {
		const struct tfmt_stored *stored = tfmt_chunk__column(chunk, index_columns[i].name);

		if (stored && stored->type != TFMT_STORED_CONSTANT &&
			(stored->type != TFMT_STORED_ARRAY || stored->count != chunk->count))
			return false;
	}
	return true;
}

/* Header first, end last, sizes that can be. */
static bool settle_rows(struct tfmt_index *index, const struct index_facts *facts)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < index->count; i++) {
		struct tfmt_index_row *row = &index->rows[i];

		if (row->kind >= facts->kind_count || row->packed_bytes == 0)
			return false;
		row->kind = facts->kinds[row->kind];
		if (i == 0 && row->kind != TFMT_INDEX_HEADER)
			return false;
		if ((row->kind == TFMT_INDEX_END) != (i == index->count - 1))
			return false;
		row->offset = offset;
		offset += row->packed_bytes;
	}
	return true;
}

int tfmt_index__unpack(struct tfmt_index *index, const uint8_t *data, size_t size,
	const struct tfmt_header *header, struct tfmt_columns *columns)
{
	struct index_facts facts = {0};
	struct tfmt_chunk chunk;
	int status = tfmt_chunk__parse(data, size, &chunk);

	if (status == 0 && chunk.role != TFMT_CHUNK_INDEX)
		status = TFMT_E_CORRUPT;
	if (status == 0)
		status = read_facts(data, size, header, &facts);
	if (status < 0)
		return status;
	if (chunk.count > TFMT_MAX_INDEX_ROWS)
		return TFMT_E_LIMIT;
	if (chunk.count == 0 || chunk.sequence != chunk.count || !facts.is_of_trace ||
		!has_good_columns(&chunk))
		return TFMT_E_CORRUPT;
	if (tfmt_array__grow(&index->rows, &index->capacity, chunk.count, sizeof(*index->rows)) < 0)
		return TFMT_E_NOMEM;
	index->count = chunk.count;
	status = tfmt_columns__get(columns, &index_schema, &chunk, index->rows);
	if (status == 0 && !settle_rows(index, &facts))
		status = TFMT_E_CORRUPT;
	return status;
}

struct tfmt_index_row *tfmt_index__at(const struct tfmt_index *index, uint64_t offset)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (index->rows[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < index->count && index->rows[low].offset == offset)
		return &index->rows[low];
	return NULL;
}
