#include <string.h>

#include "columns.h"

#include "tracefmt/error.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are copied as they lie");

static inline __attribute__((always_inline)) uint64_t load(
	const uint8_t *data, size_t i, unsigned int width, bool is_signed)
{
	uint16_t value_16;
	uint32_t value_32;
	uint64_t value_64;

	switch (width) {
	case 1:
		return is_signed ? (uint64_t)(int8_t)data[i] : data[i];
	case 2:
		memcpy(&value_16, data + 2 * i, 2);
		return is_signed ? (uint64_t)(int16_t)value_16 : value_16;
	case 4:
		memcpy(&value_32, data + 4 * i, 4);
		return is_signed ? (uint64_t)(int32_t)value_32 : value_32;
	default:
		memcpy(&value_64, data + 8 * i, 8);
		return value_64;
	}
}

static inline __attribute__((always_inline)) void store(
	uint8_t *field, unsigned int size, uint64_t value)
{
	uint32_t value_32 = (uint32_t)value;
	uint16_t value_16 = (uint16_t)value;

	switch (size) {
	case 1:
		*field = (uint8_t)value;
		break;
	case 2:
		memcpy(field, &value_16, 2);
		break;
	case 4:
		memcpy(field, &value_32, 4);
		break;
	default:
		memcpy(field, &value, 8);
	}
}

/* Everything about one column while it is spread over the rows. */
struct spread {
	const uint8_t *data;
	uint8_t *field; /* of the first row */
	size_t row_bytes;
	size_t count;
	bool is_delta;
};

static inline __attribute__((always_inline)) void spread_as(
	const struct spread *spread, unsigned int width, bool is_signed, unsigned int size)
{
	const uint8_t *data = spread->data;
	uint8_t *field = spread->field;
	size_t row_bytes = spread->row_bytes, count = spread->count;
	uint64_t value = 0;

	if (spread->is_delta)
		for (size_t i = 0; i < count; i++, field += row_bytes) {
			value += load(data, i, width, is_signed);
			store(field, size, value);
		}
	else
		for (size_t i = 0; i < count; i++, field += row_bytes)
			store(field, size, load(data, i, width, is_signed));
}

/* One loop for each pair of stored width and field size. */
static inline __attribute__((always_inline)) void spread_width(
	const struct spread *spread, unsigned int width, bool is_signed, unsigned int size)
{
	if (size == 1)
		spread_as(spread, width, is_signed, 1);
	else if (size == 2)
		spread_as(spread, width, is_signed, 2);
	else if (size == 4)
		spread_as(spread, width, is_signed, 4);
	else
		spread_as(spread, width, is_signed, 8);
}

static void spread_array(
	const struct spread *spread, const struct tfmt_stored *stored, unsigned int size)
{
	if (stored->width == 1 && stored->is_signed)
		spread_width(spread, 1, true, size);
	else if (stored->width == 1)
		spread_width(spread, 1, false, size);
	else if (stored->width == 2 && stored->is_signed)
		spread_width(spread, 2, true, size);
	else if (stored->width == 2)
		spread_width(spread, 2, false, size);
	else if (stored->width == 4 && stored->is_signed)
		spread_width(spread, 4, true, size);
	else if (stored->width == 4)
		spread_width(spread, 4, false, size);
	else
		spread_width(spread, 8, false, size);
}

/* The stored values of a column as numbers, for the transforms that are not worth a loop each. */
static void widen(const struct tfmt_stored *stored, uint64_t *values, size_t count)
{
	struct spread spread = {
		.field = (uint8_t *)values, .row_bytes = sizeof(*values), .count = count};

	if (stored && stored->type == TFMT_STORED_ARRAY) {
		spread.data = stored->data;
		spread_array(&spread, stored, sizeof(*values));
		return;
	}
	for (size_t i = 0; i < count; i++)
		values[i] = stored ? stored->constant : 0;
}

static void from_deltas(uint64_t *values, size_t count, uint64_t base)
{
	for (size_t i = 0; i < count; i++)
		values[i] = base += values[i];
}

static int from_distances(uint64_t *values, size_t count, uint64_t first_id)
{
	for (size_t i = 0; i < count; i++) {
		if (values[i] >= first_id + i)
			return TFMT_E_CORRUPT;
		if (values[i] != 0)
			values[i] = first_id + i - values[i];
	}
	return 0;
}

static int from_keyed_deltas(struct tfmt_keyed *keyed, const struct tfmt_column *column,
	const uint8_t *rows, size_t row_bytes, uint64_t *values, size_t count)
{
	if (tfmt_keyed__clear(keyed) < 0)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t *last;
		uint32_t key;

		memcpy(&key, rows + i * row_bytes + column->key_offset, sizeof(key));
		last = tfmt_keyed__value(keyed, key);
		if (!last)
			return TFMT_E_NOMEM;
		values[i] = *last += values[i];
	}
	return 0;
}

/* Undo the transform of a column over columns->values. */
static int undo(struct tfmt_columns *columns, const struct tfmt_chunk *chunk,
	const struct tfmt_column *column, const uint8_t *rows, size_t row_bytes)
{
	uint64_t *values = columns->values;
	uint64_t base = column->is_time ? chunk->begin_ns / chunk->tick_ns : 0;
	int status = 0;

	switch ((enum tfmt_transform)column->transform) {
	case TFMT_PLAIN:
		break;
	case TFMT_DELTA:
		from_deltas(values, chunk->count, base);
		break;
	case TFMT_BACK:
		status = from_distances(values, chunk->count, chunk->first_id);
		break;
	case TFMT_DELTA_BY:
		status = from_keyed_deltas(
			&columns->keyed, column, rows, row_bytes, values, chunk->count);
		break;
	}
	if (column->is_time && chunk->tick_ns != 1)
		for (size_t i = 0; i < chunk->count; i++)
			values[i] *= chunk->tick_ns;
	return status;
}

/* Write one row with all constants, then copy it over the others. */
static void fill_constants(
	const struct tfmt_schema *schema, const struct tfmt_chunk *chunk, uint8_t *rows)
{
	size_t total = chunk->count * schema->row_bytes;
	size_t done = schema->row_bytes;

	memset(rows, 0, schema->row_bytes);
	for (size_t i = 0; i < schema->column_count; i++) {
		const struct tfmt_column *column = &schema->columns[i];
		const struct tfmt_stored *stored = tfmt_chunk__column(chunk, column->name);

		if (stored && stored->type == TFMT_STORED_CONSTANT &&
			column->transform == TFMT_PLAIN)
			store(rows + column->offset, column->size, stored->constant);
	}
	while (done < total) {
		size_t part = done < total - done ? done : total - done;

		memcpy(rows + done, rows, part);
		done += part;
	}
}

static int unpack_column(struct tfmt_columns *columns, const struct tfmt_chunk *chunk,
	const struct tfmt_column *column, uint8_t *rows, size_t row_bytes)
{
	const struct tfmt_stored *stored = tfmt_chunk__column(chunk, column->name);
	struct spread spread = {.field = rows + column->offset,
		.row_bytes = row_bytes,
		.count = chunk->count,
		.is_delta = column->transform == TFMT_DELTA};
	struct tfmt_stored wide = {.width = 8};
	int status;

	if (column->transform == TFMT_PLAIN && (!stored || stored->type != TFMT_STORED_ARRAY))
		return 0;
	if ((column->transform == TFMT_PLAIN || column->transform == TFMT_DELTA) &&
		!column->is_time && stored && stored->type == TFMT_STORED_ARRAY) {
		spread.data = stored->data;
		spread_array(&spread, stored, column->size);
		return 0;
	}
	widen(stored, columns->values, chunk->count);
	status = undo(columns, chunk, column, rows, row_bytes);
	if (status < 0)
		return status;
	spread.is_delta = false;
	spread.data = (const uint8_t *)columns->values;
	spread_array(&spread, &wide, column->size);
	return 0;
}

int tfmt_columns__unpack(struct tfmt_columns *columns, const struct tfmt_chunk *chunk, void *rows)
{
	return tfmt_columns__get(columns, tfmt_schema__of(chunk->kind), chunk, rows);
}

int tfmt_columns__get(struct tfmt_columns *columns, const struct tfmt_schema *schema,
	const struct tfmt_chunk *chunk, void *rows)
{
	if (chunk->count == 0)
		return 0;
	if (tfmt_array__grow(&columns->values, &columns->capacity, chunk->count,
		    sizeof(*columns->values)) < 0)
		return TFMT_E_NOMEM;
	fill_constants(schema, chunk, rows);
	/* Keys first: a column may be stored relative to rows of equal key. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < schema->column_count; i++) {
			const struct tfmt_column *column = &schema->columns[i];
			int status;

			if ((column->by != NULL) != (pass == 1))
				continue;
			status = unpack_column(columns, chunk, column, rows, schema->row_bytes);
			if (status < 0)
				return status;
		}
	return 0;
}
