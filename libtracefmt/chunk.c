#include "chunk.h"

#include <string.h>

#include "schema.h"

#include "tracefmt/error.h"

void tfmt_chunk__put_envelope(
	struct tfmt_bytes *out, const struct tfmt_chunk *chunk, bool has_time, bool has_first_id)
{
	size_t pairs = 4 + (chunk->tick_ns != 1) + has_time + chunk->is_repeat + has_first_id;

	tfmt_cbor__put_map(out, pairs);
	tfmt_cbor__put_key(out, "seq");
	tfmt_cbor__put_uint(out, chunk->sequence);
	tfmt_cbor__put_key(out, "kind");
	tfmt_cbor__put_key(out, tfmt_kind_name(chunk->kind));
	if (chunk->tick_ns != 1) {
		tfmt_cbor__put_key(out, "tick");
		tfmt_cbor__put_uint(out, chunk->tick_ns);
	}
	if (has_time) {
		tfmt_cbor__put_key(out, "time");
		tfmt_cbor__put_array(out, 2);
		tfmt_cbor__put_uint(out, chunk->begin_ns);
		tfmt_cbor__put_uint(out, chunk->end_ns);
	}
	tfmt_cbor__put_key(out, "count");
	tfmt_cbor__put_uint(out, chunk->count);
	if (chunk->is_repeat) {
		tfmt_cbor__put_key(out, "repeat");
		tfmt_cbor__put_bool(out, true);
	}
	tfmt_cbor__put_key(out, "columns");
}

void tfmt_chunk__put_trailer(
	struct tfmt_bytes *out, const struct tfmt_chunk *chunk, bool has_first_id)
{
	if (!has_first_id)
		return;
	tfmt_cbor__put_key(out, "first_id");
	tfmt_cbor__put_uint(out, chunk->first_id);
}

static int refuse(struct tfmt_chunk *chunk, int status, const char *fault)
{
	chunk->fault = fault;
	return status;
}

/* Width and sign of the items of a typed array. */
static bool array_form(uint64_t tag, struct tfmt_stored *column)
{
	switch (tag) {
	case TFMT_TAG_U8:
	case TFMT_TAG_S8:
		column->width = 1;
		break;
	case TFMT_TAG_U16:
	case TFMT_TAG_S16:
		column->width = 2;
		break;
	case TFMT_TAG_U32:
	case TFMT_TAG_S32:
		column->width = 4;
		break;
	case TFMT_TAG_U64:
	case TFMT_TAG_S64:
		column->width = 8;
		break;
	default:
		return false;
	}
	column->is_signed = tag == TFMT_TAG_S8 || tag == TFMT_TAG_S16 || tag == TFMT_TAG_S32 ||
			    tag == TFMT_TAG_S64;
	return true;
}

static int parse_array(
	struct tfmt_cbor *cursor, struct tfmt_chunk *chunk, struct tfmt_stored *column)
{
	struct tfmt_cbor_item item;
	int status = tfmt_cbor__read(cursor, &item);

	if (status < 0)
		return status;
	if (item.type != TFMT_CBOR_BYTES || item.length % column->width != 0)
		return refuse(chunk, TFMT_E_CORRUPT, "a typed array without whole items");
	column->type = TFMT_STORED_ARRAY;
	column->data = item.data;
	column->count = item.length / column->width;
	return 0;
}

static int parse_column(
	struct tfmt_cbor *cursor, struct tfmt_chunk *chunk, struct tfmt_stored *column)
{
	struct tfmt_cbor start = *cursor;
	struct tfmt_cbor_item item;
	int status = tfmt_cbor__read(cursor, &item);

	if (status < 0)
		return status;
	if (item.type == TFMT_CBOR_UINT || item.type == TFMT_CBOR_NEGINT) {
		column->type = TFMT_STORED_CONSTANT;
		column->constant = item.type == TFMT_CBOR_UINT ? item.value : ~item.value;
		return 0;
	}
	if (item.type == TFMT_CBOR_TAG && array_form(item.value, column))
		return parse_array(cursor, chunk, column);
	column->type = TFMT_STORED_OTHER;
	if (item.type == TFMT_CBOR_ARRAY) {
		column->type = TFMT_STORED_LIST;
		column->data = cursor->next;
		column->count = item.value;
	}
	*cursor = start;
	return tfmt_cbor__skip(cursor, 2);
}

static int parse_columns(struct tfmt_cbor *cursor, struct tfmt_chunk *chunk)
{
	uint64_t count;
	int status = tfmt_cbor__read_map(cursor, &count);

	if (status < 0)
		return status;
	if (count > TFMT_MAX_COLUMNS)
		return refuse(chunk, TFMT_E_LIMIT, "too many columns");
	for (uint64_t i = 0; i < count; i++) {
		struct tfmt_stored column = {0};
		struct tfmt_cbor_item name;

		status = tfmt_cbor__read_string(cursor, &name);
		if (status < 0)
			return status;
		column.name = name.data;
		column.name_length = name.length;
		status = parse_column(cursor, chunk, &column);
		if (status < 0)
			return status;
		chunk->columns[chunk->column_count++] = column;
	}
	return 0;
}

static int parse_time(struct tfmt_cbor *cursor, struct tfmt_chunk *chunk)
{
	uint64_t count;
	int status = tfmt_cbor__read_array(cursor, &count);

	if (status < 0)
		return status;
	if (count != 2)
		return refuse(chunk, TFMT_E_CORRUPT, "a time range that is no pair");
	status = tfmt_cbor__read_uint(cursor, &chunk->begin_ns);
	if (status < 0)
		return status;
	return tfmt_cbor__read_uint(cursor, &chunk->end_ns);
}

static int parse_kind(struct tfmt_cbor *cursor, struct tfmt_chunk *chunk)
{
	struct tfmt_cbor_item name;
	int status = tfmt_cbor__read_string(cursor, &name);

	if (status < 0)
		return status;
	chunk->kind = tfmt_kind_from_name((const char *)name.data, name.length);
	if (chunk->kind != TFMT_NONE)
		chunk->role = TFMT_CHUNK_RECORDS;
	else if (tfmt_cbor__is(&name, "end"))
		chunk->role = TFMT_CHUNK_END;
	else if (tfmt_cbor__is(&name, "header"))
		chunk->role = TFMT_CHUNK_HEADER;
	else if (tfmt_cbor__is(&name, "index"))
		chunk->role = TFMT_CHUNK_INDEX;
	else
		chunk->role = TFMT_CHUNK_UNKNOWN;
	return 0;
}

/* What the pairs of an envelope were, to see which are missing. */
enum {
	HAS_SEQUENCE = 1 << 0,
	HAS_KIND = 1 << 1,
	HAS_COUNT = 1 << 2,
	HAS_COLUMNS = 1 << 3,
	HAS_FIRST_ID = 1 << 4,
};

static int parse_pair(struct tfmt_cbor *cursor, struct tfmt_chunk *chunk, unsigned int *seen)
{
	struct tfmt_cbor_item key;
	int status = tfmt_cbor__read_string(cursor, &key);

	if (status < 0)
		return status;
	if (tfmt_cbor__is(&key, "seq")) {
		*seen |= HAS_SEQUENCE;
		return tfmt_cbor__read_uint(cursor, &chunk->sequence);
	}
	if (tfmt_cbor__is(&key, "kind")) {
		*seen |= HAS_KIND;
		return parse_kind(cursor, chunk);
	}
	if (tfmt_cbor__is(&key, "tick"))
		return tfmt_cbor__read_uint(cursor, &chunk->tick_ns);
	if (tfmt_cbor__is(&key, "time"))
		return parse_time(cursor, chunk);
	if (tfmt_cbor__is(&key, "count")) {
		*seen |= HAS_COUNT;
		return tfmt_cbor__read_uint(cursor, &chunk->count);
	}
	if (tfmt_cbor__is(&key, "repeat"))
		return tfmt_cbor__read_bool(cursor, &chunk->is_repeat);
	if (tfmt_cbor__is(&key, "columns") && !(*seen & HAS_COLUMNS)) {
		*seen |= HAS_COLUMNS;
		return parse_columns(cursor, chunk);
	}
	if (tfmt_cbor__is(&key, "first_id")) {
		*seen |= HAS_FIRST_ID;
		return tfmt_cbor__read_uint(cursor, &chunk->first_id);
	}
	return tfmt_cbor__skip(cursor, 1);
}

/* A stored value of a column with a limit is an enum or a boolean: it must be a known one. */
static bool values_fit(const struct tfmt_stored *stored, uint8_t limit)
{
	uint8_t highest = 0;

	if (stored->type == TFMT_STORED_CONSTANT)
		return stored->constant < limit;
	if (stored->width != 1)
		return false;
	for (size_t i = 0; i < stored->count; i++)
		highest = stored->data[i] > highest ? stored->data[i] : highest;
	return highest < limit;
}

static int check_columns(struct tfmt_chunk *chunk)
{
	const struct tfmt_schema *schema = tfmt_schema__of(chunk->kind);
	bool has_array = false;

	for (size_t i = 0; i < chunk->column_count; i++)
		if (chunk->columns[i].type == TFMT_STORED_ARRAY ||
			chunk->columns[i].type == TFMT_STORED_LIST) {
			if (chunk->columns[i].count != chunk->count)
				return refuse(chunk, TFMT_E_CORRUPT,
					"a column with more or fewer items than rows");
			has_array = true;
		}
	if (!has_array && chunk->count > TFMT_MAX_CONSTANT_ROWS)
		return refuse(chunk, TFMT_E_LIMIT, "too many rows without an array");
	for (size_t i = 0; i < schema->column_count; i++) {
		const struct tfmt_column *column = &schema->columns[i];
		const struct tfmt_stored *stored = tfmt_chunk__column(chunk, column->name);

		if (!stored)
			continue;
		if (stored->type != TFMT_STORED_CONSTANT && stored->type != TFMT_STORED_ARRAY)
			return refuse(chunk, TFMT_E_CORRUPT, "a column that is no numbers");
		if (column->limit && !values_fit(stored, column->limit))
			return refuse(chunk, TFMT_E_CORRUPT,
				"a value that its enumeration does not have");
	}
	return 0;
}

static int check_envelope(struct tfmt_chunk *chunk, unsigned int seen)
{
	unsigned int needed = HAS_SEQUENCE | HAS_KIND;

	if (chunk->role == TFMT_CHUNK_RECORDS) {
		needed |= HAS_COUNT | HAS_COLUMNS;
		if (tfmt_schema__of(chunk->kind)->is_numbered)
			needed |= HAS_FIRST_ID;
	}
	if ((seen & needed) != needed)
		return refuse(chunk, TFMT_E_CORRUPT, "a required key is missing");
	if (chunk->tick_ns == 0)
		return refuse(chunk, TFMT_E_CORRUPT, "a tick of 0");
	if (chunk->role != TFMT_CHUNK_RECORDS)
		return 0;
	if (chunk->count > TFMT_MAX_ROWS)
		return refuse(chunk, TFMT_E_LIMIT, "too many rows");
	if (tfmt_schema__of(chunk->kind)->is_table) {
		if (chunk->first_id == 0)
			return refuse(chunk, TFMT_E_CORRUPT, "a row of id 0");
		if (chunk->first_id > TFMT_MAX_IDS || chunk->count > TFMT_MAX_IDS - chunk->first_id)
			return refuse(chunk, TFMT_E_LIMIT, "ids beyond the limit");
	}
	return check_columns(chunk);
}

int tfmt_chunk__parse(const uint8_t *data, size_t size, struct tfmt_chunk *ret_chunk)
{
	struct tfmt_cbor cursor = {.next = data, .end = data + size};
	struct tfmt_cbor_item item;
	unsigned int seen = 0;
	int status = tfmt_cbor__read(&cursor, &item);

	ret_chunk->fault = "CBOR that is broken, nested too deeply, or of another form";
	if (status == 0 && item.type == TFMT_CBOR_TAG && item.value == TFMT_TAG_MAGIC)
		status = tfmt_cbor__read(&cursor, &item);
	if (status < 0)
		return status;
	if (item.type != TFMT_CBOR_MAP)
		return refuse(ret_chunk, TFMT_E_CORRUPT, "no CBOR map");
	ret_chunk->role = TFMT_CHUNK_UNKNOWN;
	ret_chunk->kind = TFMT_NONE;
	ret_chunk->is_repeat = false;
	ret_chunk->begin_ns = ret_chunk->end_ns = 0;
	ret_chunk->tick_ns = 1;
	ret_chunk->first_id = ret_chunk->count = 0;
	ret_chunk->column_count = 0;
	for (uint64_t i = 0; i < item.value; i++) {
		status = parse_pair(&cursor, ret_chunk, &seen);
		if (status < 0)
			return status;
	}
	if (cursor.next != cursor.end)
		return refuse(ret_chunk, TFMT_E_CORRUPT, "bytes after its map");
	return check_envelope(ret_chunk, seen);
}

const struct tfmt_stored *tfmt_chunk__column(const struct tfmt_chunk *chunk, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < chunk->column_count; i++)
		if (chunk->columns[i].name_length == length &&
			memcmp(chunk->columns[i].name, name, length) == 0)
			return &chunk->columns[i];
	return NULL;
}
