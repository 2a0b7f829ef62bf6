#include <stdlib.h>
#include <string.h>

#include "columns.h"

#include "tracefmt/error.h"

void tfmt_columns__release(struct tfmt_columns *columns)
{
	tfmt_keyed__release(&columns->keyed);
	free(columns->values);
	tfmt_bytes__release(&columns->packed);
	*columns = (struct tfmt_columns){0};
}

/* Inlined with constants for size and sign, so that each case is a loop of its own. */
static inline __attribute__((always_inline)) void gather_as(const uint8_t *field, size_t row_bytes,
	size_t count, unsigned int size, bool is_signed, uint64_t *values)
{
	for (size_t i = 0; i < count; i++, field += row_bytes) {
		uint64_t value = 0;

		memcpy(&value, field, size);
		if (is_signed && size == 4)
			value = (uint64_t)(int64_t)(int32_t)value;
		values[i] = value;
	}
}

static void gather(const struct tfmt_column *column, const uint8_t *rows, size_t row_bytes,
	size_t count, uint64_t *values)
{
	const uint8_t *field = rows + column->offset;

	if (column->size == 8)
		gather_as(field, row_bytes, count, 8, false, values);
	else if (column->size == 4 && column->is_signed)
		gather_as(field, row_bytes, count, 4, true, values);
	else if (column->size == 4)
		gather_as(field, row_bytes, count, 4, false, values);
	else if (column->size == 2)
		gather_as(field, row_bytes, count, 2, false, values);
	else
		gather_as(field, row_bytes, count, 1, false, values);
}

static inline __attribute__((always_inline)) bool is_constant_as(
	const uint8_t *field, size_t row_bytes, size_t count, unsigned int size)
{
	uint64_t first = 0;

	memcpy(&first, field, size);
	for (size_t i = 1; i < count; i++) {
		uint64_t value = 0;

		memcpy(&value, field + i * row_bytes, size);
		if (value != first)
			return false;
	}
	return true;
}

/* Whether a field is the same in all rows: common, and found without gathering it. */
static bool is_constant(
	const struct tfmt_column *column, const uint8_t *rows, size_t row_bytes, size_t count)
{
	const uint8_t *field = rows + column->offset;

	if (column->size == 8)
		return is_constant_as(field, row_bytes, count, 8);
	if (column->size == 4)
		return is_constant_as(field, row_bytes, count, 4);
	if (column->size == 2)
		return is_constant_as(field, row_bytes, count, 2);
	return is_constant_as(field, row_bytes, count, 1);
}

static void to_deltas(uint64_t *values, size_t count, uint64_t base)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = values[i];

		values[i] = value - base;
		base = value;
	}
}

static void to_distances(uint64_t *values, size_t count, uint64_t first_id)
{
	for (size_t i = 0; i < count; i++)
		if (values[i] != 0)
			values[i] = first_id + i - values[i];
}

static int to_keyed_deltas(struct tfmt_keyed *keyed, const struct tfmt_column *column,
	const uint8_t *rows, size_t row_bytes, uint64_t *values, size_t count)
{
	if (tfmt_keyed__clear(keyed) < 0)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t value = values[i], *last;
		uint32_t key;

		memcpy(&key, rows + i * row_bytes + column->key_offset, sizeof(key));
		last = tfmt_keyed__value(keyed, key);
		if (!last)
			return TFMT_E_NOMEM;
		values[i] = value - *last;
		*last = value;
	}
	return 0;
}

static uint64_t nearest_tick(uint64_t time_ns, uint64_t tick_ns)
{
	uint64_t ticks = time_ns / tick_ns;

	return time_ns - ticks * tick_ns > tick_ns / 2 ? ticks + 1 : ticks;
}

/* The range of the rows' times, in whole ticks; 0, 0 for kinds without a time. */
static void find_time_range(
	const struct tfmt_schema *schema, const uint8_t *rows, struct tfmt_chunk *chunk)
{
	const struct tfmt_column *column = NULL;
	uint64_t begin_ns = UINT64_MAX, end_ns = 0;

	chunk->begin_ns = chunk->end_ns = 0;
	for (size_t i = 0; i < schema->column_count; i++)
		if (schema->columns[i].is_time)
			column = &schema->columns[i];
	if (!column)
		return;
	for (size_t i = 0; i < chunk->count; i++) {
		uint64_t time_ns;

		memcpy(&time_ns, rows + i * schema->row_bytes + column->offset, sizeof(time_ns));
		begin_ns = time_ns < begin_ns ? time_ns : begin_ns;
		end_ns = time_ns > end_ns ? time_ns : end_ns;
	}
	chunk->begin_ns = nearest_tick(begin_ns, chunk->tick_ns) * chunk->tick_ns;
	chunk->end_ns = nearest_tick(end_ns, chunk->tick_ns) * chunk->tick_ns;
}

static void to_ticks(uint64_t *values, size_t count, uint64_t tick_ns)
{
	for (size_t i = 0; i < count; i++)
		values[i] = nearest_tick(values[i], tick_ns);
}

static int transform(struct tfmt_columns *columns, const struct tfmt_chunk *chunk,
	const struct tfmt_column *column, const uint8_t *rows, size_t row_bytes)
{
	uint64_t *values = columns->values;
	size_t count = chunk->count;
	uint64_t base = 0;

	if (column->is_time) {
		base = chunk->begin_ns / chunk->tick_ns;
		if (chunk->tick_ns != 1)
			to_ticks(values, count, chunk->tick_ns);
	}
	switch ((enum tfmt_transform)column->transform) {
	case TFMT_PLAIN:
		break;
	case TFMT_DELTA:
		to_deltas(values, count, base);
		break;
	case TFMT_BACK:
		to_distances(values, count, chunk->first_id);
		break;
	case TFMT_DELTA_BY:
		return to_keyed_deltas(&columns->keyed, column, rows, row_bytes, values, count);
	}
	return 0;
}

/* The narrowest typed array that holds `values`. */
struct form {
	uint64_t tag;
	uint8_t width;
	bool is_constant;
};

static struct form narrowest(const uint64_t *values, size_t count, bool is_signed)
{
	uint64_t all = 0, differing = 0, magnitude = 0;

	/* For negative values the complement has the same leading zeros as a positive one. */
	for (size_t i = 0; i < count; i++) {
		uint64_t value = values[i];

		all |= value;
		differing |= value ^ values[0];
		magnitude |= value ^ (uint64_t)((int64_t)value >> 63);
	}
	if (differing == 0)
		return (struct form){.is_constant = true};
	if (all <= UINT8_MAX)
		return (struct form){.tag = TFMT_TAG_U8, .width = 1};
	if (magnitude <= INT8_MAX)
		return (struct form){.tag = TFMT_TAG_S8, .width = 1};
	if (all <= UINT16_MAX)
		return (struct form){.tag = TFMT_TAG_U16, .width = 2};
	if (magnitude <= INT16_MAX)
		return (struct form){.tag = TFMT_TAG_S16, .width = 2};
	if (all <= UINT32_MAX)
		return (struct form){.tag = TFMT_TAG_U32, .width = 4};
	if (magnitude <= INT32_MAX)
		return (struct form){.tag = TFMT_TAG_S32, .width = 4};
	return (struct form){.tag = is_signed ? TFMT_TAG_S64 : TFMT_TAG_U64, .width = 8};
}

static void narrow(const uint64_t *values, size_t count, unsigned int width, uint8_t *out)
{
	if (width == 1)
		for (size_t i = 0; i < count; i++)
			out[i] = (uint8_t)values[i];
	else if (width == 2)
		for (size_t i = 0; i < count; i++) {
			uint16_t value = (uint16_t)values[i];

			memcpy(out + 2 * i, &value, 2);
		}
	else if (width == 4)
		for (size_t i = 0; i < count; i++) {
			uint32_t value = (uint32_t)values[i];

			memcpy(out + 4 * i, &value, 4);
		}
	else
		memcpy(out, values, 8 * count);
}

static bool is_stored_signed(const struct tfmt_column *column)
{
	return column->is_signed || column->transform != TFMT_PLAIN;
}

/* A column of zeros leaves no trace. */
static void put_constant(
	struct tfmt_bytes *out, const struct tfmt_column *column, uint64_t value, size_t *written)
{
	if (value == 0)
		return;
	++*written;
	tfmt_cbor__put_key(out, column->name);
	if (is_stored_signed(column))
		tfmt_cbor__put_int(out, (int64_t)value);
	else
		tfmt_cbor__put_uint(out, value);
}

static void put_column(struct tfmt_bytes *out, const struct tfmt_column *column,
	const uint64_t *values, size_t count, size_t *written)
{
	struct form form = narrowest(values, count, is_stored_signed(column));
	uint8_t *room;

	if (form.is_constant) {
		put_constant(out, column, values[0], written);
		return;
	}
	++*written;
	tfmt_cbor__put_key(out, column->name);
	tfmt_cbor__put_tag(out, form.tag);
	tfmt_cbor__put_bytes_head(out, count * form.width);
	room = tfmt_bytes__reserve(out, count * form.width);
	if (!room)
		return;
	narrow(values, count, form.width, room);
	out->length += count * form.width;
}

static void put_texts(struct tfmt_bytes *out, const struct tfmt_string *rows, size_t count)
{
	tfmt_cbor__put_key(out, "text");
	tfmt_cbor__put_array(out, count);
	for (size_t i = 0; i < count; i++)
		tfmt_cbor__put_text(out, rows[i].data, rows[i].length);
}

/* Append the columns to columns->packed. Returns: 0; TFMT_E_NOMEM. */
static int pack_columns(struct tfmt_columns *columns, const struct tfmt_schema *schema,
	const struct tfmt_chunk *chunk, const void *rows, size_t *written)
{
	for (size_t i = 0; i < schema->column_count; i++) {
		const struct tfmt_column *column = &schema->columns[i];

		if (column->transform == TFMT_PLAIN &&
			is_constant(column, rows, schema->row_bytes, chunk->count)) {
			gather(column, rows, schema->row_bytes, 1, columns->values);
			put_constant(&columns->packed, column, columns->values[0], written);
			continue;
		}
		gather(column, rows, schema->row_bytes, chunk->count, columns->values);
		if (transform(columns, chunk, column, rows, schema->row_bytes) < 0)
			return TFMT_E_NOMEM;
		put_column(&columns->packed, column, columns->values, chunk->count, written);
	}
	return 0;
}

int tfmt_columns__put(struct tfmt_columns *columns, const struct tfmt_schema *schema,
	const struct tfmt_chunk *chunk, const void *rows, struct tfmt_bytes *out)
{
	size_t written = 0;

	if (tfmt_array__grow(&columns->values, &columns->capacity, chunk->count,
		    sizeof(*columns->values)) < 0)
		return TFMT_E_NOMEM;
	columns->packed.length = 0;
	if (chunk->kind == TFMT_STRING) {
		put_texts(&columns->packed, rows, chunk->count);
		written = 1;
	}
	if (pack_columns(columns, schema, chunk, rows, &written) < 0)
		return TFMT_E_NOMEM;
	tfmt_cbor__put_map(out, written);
	tfmt_bytes__append(out, columns->packed.data, columns->packed.length);
	return out->failed || columns->packed.failed ? TFMT_E_NOMEM : 0;
}

int tfmt_columns__pack(struct tfmt_columns *columns, struct tfmt_chunk *chunk, const void *rows,
	struct tfmt_bytes *out)
{
	const struct tfmt_schema *schema = tfmt_schema__of(chunk->kind);
	bool has_time;
	int status;

	find_time_range(schema, rows, chunk);
	has_time = chunk->begin_ns != 0 || chunk->end_ns != 0;
	tfmt_chunk__put_envelope(out, chunk, has_time, schema->is_numbered);
	status = tfmt_columns__put(columns, schema, chunk, rows, out);
	tfmt_chunk__put_trailer(out, chunk, schema->is_numbered);
	return out->failed ? TFMT_E_NOMEM : status;
}
