#include <cbor.h>
#include <string.h>

#include "cbor_codec.h"

#include "tracefmt/error.h"
#include "tracefmt/limits.h"

static void set(void *context, enum tfmt_cbor_type type, uint64_t value)
{
	struct tfmt_cbor_item *item = context;

	item->type = type;
	item->value = value;
}

static void on_uint8(void *context, uint8_t value)
{
	set(context, TFMT_CBOR_UINT, value);
}

static void on_uint16(void *context, uint16_t value)
{
	set(context, TFMT_CBOR_UINT, value);
}

static void on_uint32(void *context, uint32_t value)
{
	set(context, TFMT_CBOR_UINT, value);
}

static void on_uint64(void *context, uint64_t value)
{
	set(context, TFMT_CBOR_UINT, value);
}

static void on_negint8(void *context, uint8_t value)
{
	set(context, TFMT_CBOR_NEGINT, value);
}

static void on_negint16(void *context, uint16_t value)
{
	set(context, TFMT_CBOR_NEGINT, value);
}

static void on_negint32(void *context, uint32_t value)
{
	set(context, TFMT_CBOR_NEGINT, value);
}

static void on_negint64(void *context, uint64_t value)
{
	set(context, TFMT_CBOR_NEGINT, value);
}

static void on_bytes(void *context, cbor_data data, size_t length)
{
	struct tfmt_cbor_item *item = context;

	item->type = TFMT_CBOR_BYTES;
	item->data = data;
	item->length = length;
}

static void on_text(void *context, cbor_data data, size_t length)
{
	struct tfmt_cbor_item *item = context;

	item->type = TFMT_CBOR_TEXT;
	item->data = data;
	item->length = length;
}

static void on_array(void *context, size_t count)
{
	set(context, TFMT_CBOR_ARRAY, count);
}

static void on_map(void *context, size_t count)
{
	set(context, TFMT_CBOR_MAP, count);
}

static void on_tag(void *context, uint64_t tag)
{
	set(context, TFMT_CBOR_TAG, tag);
}

static void on_bool(void *context, bool value)
{
	set(context, TFMT_CBOR_BOOL, value);
}

static void on_simple(void *context)
{
	set(context, TFMT_CBOR_OTHER, 0);
}

static void on_float(void *context, float value)
{
	set(context, TFMT_CBOR_OTHER, 0);
}

static void on_double(void *context, double value)
{
	set(context, TFMT_CBOR_OTHER, 0);
}

static void on_indefinite(void *context)
{
	set(context, TFMT_CBOR_INDEFINITE, 0);
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string_start = on_indefinite,
	.byte_string = on_bytes,
	.string = on_text,
	.string_start = on_indefinite,
	.indef_array_start = on_indefinite,
	.array_start = on_array,
	.indef_map_start = on_indefinite,
	.map_start = on_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_simple,
	.null = on_simple,
	.boolean = on_bool,
	.indef_break = on_indefinite,
};

int tfmt_cbor__read(struct tfmt_cbor *cursor, struct tfmt_cbor_item *ret_item)
{
	size_t available = (size_t)(cursor->end - cursor->next);
	struct tfmt_cbor_item item = {0};
	struct cbor_decoder_result result;

	if (available == 0)
		return TFMT_E_CORRUPT;
	result = cbor_stream_decode(cursor->next, available, &callbacks, &item);
	if (result.status != CBOR_DECODER_FINISHED || item.type == TFMT_CBOR_INDEFINITE)
		return TFMT_E_CORRUPT;
	cursor->next += result.read;
	*ret_item = item;
	return 0;
}

int tfmt_cbor__skip(struct tfmt_cbor *cursor, unsigned int depth)
{
	uint64_t left[TFMT_MAX_NESTING + 1] = {1}; /* items still to come, by level */
	unsigned int level = 0;

	for (;;) {
		struct tfmt_cbor_item item;
		uint64_t inside = 0;
		int status;

		while (left[level] == 0) {
			if (level == 0)
				return 0;
			level--;
		}
		left[level]--;
		status = tfmt_cbor__read(cursor, &item);
		if (status < 0)
			return status;
		if (item.type == TFMT_CBOR_TAG)
			inside = 1;
		else if (item.type == TFMT_CBOR_ARRAY)
			inside = item.value;
		else if (item.type == TFMT_CBOR_MAP)
			inside = item.value <= UINT64_MAX / 2 ? item.value * 2 : UINT64_MAX;
		if (inside > (uint64_t)(cursor->end - cursor->next))
			return TFMT_E_CORRUPT;
		if (inside == 0)
			continue;
		if (depth + level >= TFMT_MAX_NESTING)
			return TFMT_E_LIMIT;
		left[++level] = inside;
	}
}

static int read_type(
	struct tfmt_cbor *cursor, enum tfmt_cbor_type type, struct tfmt_cbor_item *ret_item)
{
	int status = tfmt_cbor__read(cursor, ret_item);

	if (status < 0)
		return status;
	return ret_item->type == type ? 0 : TFMT_E_CORRUPT;
}

int tfmt_cbor__read_uint(struct tfmt_cbor *cursor, uint64_t *ret_value)
{
	struct tfmt_cbor_item item;
	int status = read_type(cursor, TFMT_CBOR_UINT, &item);

	if (status == 0)
		*ret_value = item.value;
	return status;
}

int tfmt_cbor__read_int(struct tfmt_cbor *cursor, int64_t *ret_value)
{
	struct tfmt_cbor_item item;
	int status = tfmt_cbor__read(cursor, &item);

	if (status < 0)
		return status;
	if ((item.type != TFMT_CBOR_UINT && item.type != TFMT_CBOR_NEGINT) ||
		item.value > INT64_MAX)
		return TFMT_E_CORRUPT;
	*ret_value = item.type == TFMT_CBOR_UINT ? (int64_t)item.value : -1 - (int64_t)item.value;
	return 0;
}

int tfmt_cbor__read_bool(struct tfmt_cbor *cursor, bool *ret_value)
{
	struct tfmt_cbor_item item;
	int status = read_type(cursor, TFMT_CBOR_BOOL, &item);

	if (status == 0)
		*ret_value = item.value != 0;
	return status;
}

int tfmt_cbor__read_map(struct tfmt_cbor *cursor, uint64_t *ret_pairs)
{
	struct tfmt_cbor_item item;
	int status = read_type(cursor, TFMT_CBOR_MAP, &item);

	if (status == 0)
		*ret_pairs = item.value;
	return status;
}

int tfmt_cbor__read_array(struct tfmt_cbor *cursor, uint64_t *ret_items)
{
	struct tfmt_cbor_item item;
	int status = read_type(cursor, TFMT_CBOR_ARRAY, &item);

	if (status == 0)
		*ret_items = item.value;
	return status;
}

int tfmt_cbor__read_string(struct tfmt_cbor *cursor, struct tfmt_cbor_item *ret_item)
{
	int status = tfmt_cbor__read(cursor, ret_item);

	if (status < 0)
		return status;
	if (ret_item->type != TFMT_CBOR_TEXT && ret_item->type != TFMT_CBOR_BYTES)
		return TFMT_E_CORRUPT;
	return 0;
}

bool tfmt_cbor__is(const struct tfmt_cbor_item *item, const char *text)
{
	return item->length == strlen(text) && memcmp(item->data, text, item->length) == 0;
}
