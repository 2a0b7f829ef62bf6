#include <endian.h>
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

void tfmt_columns__time_range(const struct tfmt_schema *schema, const void *rows, size_t count,
	uint64_t *ret_begin_ns, uint64_t *ret_end_ns)
{
	const struct tfmt_column *column = NULL;
	const uint8_t *field = rows;
	uint64_t begin_ns = UINT64_MAX, end_ns = 0;

	for (size_t i = 0; i < schema->column_count; i++)
		if (schema->columns[i].is_time)
			column = &schema->columns[i];
	if (!column)
		return;
	field += column->offset;
	for (size_t i = 0; i < count; i++, field += schema->row_bytes) {
		uint64_t time_ns;

		memcpy(&time_ns, field, sizeof(time_ns));
		begin_ns = time_ns < begin_ns ? time_ns : begin_ns;
		end_ns = time_ns > end_ns ? time_ns : end_ns;
	}
	*ret_begin_ns = begin_ns;
	*ret_end_ns = end_ns;
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

/* FORMAT.md, "delta by" and "delta2 by". */
static int to_keyed_deltas(struct tfmt_keyed *keyed, const struct tfmt_column *column,
	const uint8_t *rows, size_t row_bytes, uint64_t *values, size_t count, uint64_t base)
{
	bool is_second = column->transform == TFMT_DELTA2_BY;
	uint64_t before = base; /* the value of the row before */

	if (tfmt_keyed__clear(keyed) < 0)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t value = values[i], delta;
		uint64_t first_value = is_second ? before : 0;
		struct tfmt_keyed_slot *slot;
		uint32_t key;

		memcpy(&key, rows + i * row_bytes + column->key_offset, sizeof(key));
		slot = tfmt_keyed__get(keyed, key, first_value);
		if (!slot) {
			if (tfmt_keyed__grow(keyed) < 0)
				return TFMT_E_NOMEM;
			slot = tfmt_keyed__get(keyed, key, first_value);
		}
		delta = value - slot->value;
		values[i] = is_second ? delta - slot->delta : delta;
		slot->delta = delta;
		slot->value = value;
		before = value;
	}
	return 0;
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
			for (size_t i = 0; i < count; i++)
				values[i] /= chunk->tick_ns;
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
	case TFMT_DELTA2_BY:
		return to_keyed_deltas(
			&columns->keyed, column, rows, row_bytes, values, count, base);
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
			uint16_t value = htole16((uint16_t)values[i]);

			memcpy(out + 2 * i, &value, 2);
		}
	else if (width == 4)
		for (size_t i = 0; i < count; i++) {
			uint32_t value = htole32((uint32_t)values[i]);

			memcpy(out + 4 * i, &value, 4);
		}
	else
		for (size_t i = 0; i < count; i++) {
			uint64_t value = htole64(values[i]);

			memcpy(out + 8 * i, &value, 8);
		}
}

/* Append name and values; a column of zeros leaves no trace. */
static void put_column(struct tfmt_bytes *out, const struct tfmt_column *column,
	const uint64_t *values, size_t count, size_t *written)
{
	bool is_signed = column->is_signed || column->transform != TFMT_PLAIN;
	struct form form = narrowest(values, count, is_signed);
	uint8_t *room;

	if (form.is_constant && values[0] == 0)
		return;
	++*written;
	tfmt_cbor__put_key(out, column->name);
	if (form.is_constant) {
		if (is_signed)
			tfmt_cbor__put_int(out, (int64_t)values[0]);
		else
			tfmt_cbor__put_uint(out, values[0]);
		return;
	}
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

/* Whether a field is 0 in all rows: common, and worth finding out without a second array. */
static bool is_zero(
	const struct tfmt_column *column, const uint8_t *rows, size_t row_bytes, size_t count)
{
	static const uint8_t zeros[8];

	for (size_t i = 0; i < count; i++)
		if (memcmp(rows + i * row_bytes + column->offset, zeros, column->size) != 0)
			return false;
	return true;
}

int tfmt_columns__pack(struct tfmt_columns *columns, const struct tfmt_chunk *chunk,
	const void *rows, struct tfmt_bytes *out)
{
	const struct tfmt_schema *schema = tfmt_schema__of(chunk->kind);
	bool has_time = chunk->begin_ns != 0 || chunk->end_ns != 0;
	size_t written = 0;

	if (tfmt_array__grow(&columns->values, &columns->capacity, chunk->count,
		    sizeof(*columns->values)) < 0)
		return TFMT_E_NOMEM;
	columns->packed.length = 0;
	if (chunk->kind == TFMT_STRING) {
		put_texts(&columns->packed, rows, chunk->count);
		written = 1;
	}
	for (size_t i = 0; i < schema->column_count; i++) {
		const struct tfmt_column *column = &schema->columns[i];

		if (!column->is_time && is_zero(column, rows, schema->row_bytes, chunk->count))
			continue;
		gather(column, rows, schema->row_bytes, chunk->count, columns->values);
		if (transform(columns, chunk, column, rows, schema->row_bytes) < 0)
			return TFMT_E_NOMEM;
		put_column(&columns->packed, column, columns->values, chunk->count, &written);
	}
	tfmt_chunk__put_envelope(out, chunk, has_time, schema->is_numbered);
	tfmt_cbor__put_map(out, written);
	tfmt_bytes__append(out, columns->packed.data, columns->packed.length);
	tfmt_chunk__put_trailer(out, chunk, schema->is_numbered);
	return out->failed || columns->packed.failed ? TFMT_E_NOMEM : 0;
}
