#include <cbor.h>
#include <string.h>

#include "cbor_codec.h"

/* The longest head: one byte and a 64-bit argument. */
#define HEAD_BYTES 9

void tfmt_cbor__put_uint(struct tfmt_bytes *out, uint64_t value)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_uint(value, room, HEAD_BYTES);
}

void tfmt_cbor__put_int(struct tfmt_bytes *out, int64_t value)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (!room)
		return;
	if (value >= 0)
		out->length += cbor_encode_uint((uint64_t)value, room, HEAD_BYTES);
	else
		out->length += cbor_encode_negint(~(uint64_t)value, room, HEAD_BYTES);
}

void tfmt_cbor__put_bool(struct tfmt_bytes *out, bool value)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_bool(value, room, HEAD_BYTES);
}

void tfmt_cbor__put_map(struct tfmt_bytes *out, size_t pairs)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_map_start(pairs, room, HEAD_BYTES);
}

void tfmt_cbor__put_array(struct tfmt_bytes *out, size_t items)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_array_start(items, room, HEAD_BYTES);
}

void tfmt_cbor__put_tag(struct tfmt_bytes *out, uint64_t tag)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_tag(tag, room, HEAD_BYTES);
}

void tfmt_cbor__put_bytes_head(struct tfmt_bytes *out, size_t length)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_bytestring_start(length, room, HEAD_BYTES);
}

void tfmt_cbor__put_bytes(struct tfmt_bytes *out, const void *data, size_t length)
{
	tfmt_cbor__put_bytes_head(out, length);
	tfmt_bytes__append(out, data, length);
}

static void put_valid_text(struct tfmt_bytes *out, const char *data, size_t length)
{
	uint8_t *room = tfmt_bytes__reserve(out, HEAD_BYTES);

	if (room)
		out->length += cbor_encode_string_start(length, room, HEAD_BYTES);
	tfmt_bytes__append(out, data, length);
}

void tfmt_cbor__put_text(struct tfmt_bytes *out, const char *data, size_t length)
{
	if (tfmt_utf8__is_valid(data, length))
		put_valid_text(out, data, length);
	else
		tfmt_cbor__put_bytes(out, data, length);
}

void tfmt_cbor__put_key(struct tfmt_bytes *out, const char *key)
{
	put_valid_text(out, key, strlen(key));
}
