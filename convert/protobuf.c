#include "protobuf.h"

#include <stdlib.h>

#include "cleantext.h"
#include "tracefmt/error.h"

#define FIRST_BYTES	 4096
#define MAX_VARINT_BYTES 10

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_LENGTH = 2,
};

void protobuf_release(struct protobuf *pb)
{
	free(pb->data);
}

int protobuf_flush(struct protobuf *pb, struct conv_sink *out)
{
	if (pb->failed)
		return TFMT_E_NOMEM;
	conv_put(out, (const char *)pb->data, pb->used);
	pb->used = 0;
	return 0;
}

/* Room for `size_bytes` more. False: there is none. */
static bool reserve(struct protobuf *pb, size_t size_bytes)
{
	size_t capacity = pb->capacity ? pb->capacity : FIRST_BYTES;
	unsigned char *grown;

	if (pb->failed)
		return false;
	if (size_bytes <= pb->capacity - pb->used)
		return true;
	while (capacity < pb->used + size_bytes)
		capacity *= 2;
	grown = realloc(pb->data, capacity);
	if (!grown) {
		pb->failed = true;
		return false;
	}
	pb->data = grown;
	pb->capacity = capacity;
	return true;
}

static size_t encode(unsigned char bytes[MAX_VARINT_BYTES], uint64_t value)
{
	size_t length = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[length++] = (unsigned char)(value | 0x80);
	bytes[length++] = (unsigned char)value;
	return length;
}

void protobuf_item(struct protobuf *pb, uint64_t value)
{
	if (reserve(pb, MAX_VARINT_BYTES))
		pb->used += encode(pb->data + pb->used, value);
}

static void put_key(struct protobuf *pb, unsigned int number, enum wire_type type)
{
	protobuf_item(pb, (uint64_t)number << 3 | type);
}

size_t protobuf_begin(struct protobuf *pb, unsigned int number)
{
	put_key(pb, number, WIRE_LENGTH);
	/* Most messages are short: a byte for the length, more when it is known. */
	protobuf_item(pb, 0);
	return pb->used;
}

void protobuf_end(struct protobuf *pb, size_t mark)
{
	unsigned char bytes[MAX_VARINT_BYTES];
	size_t length, extra;

	if (!reserve(pb, MAX_VARINT_BYTES))
		return;
	length = pb->used - mark;
	extra = encode(bytes, length) - 1;
	if (extra)
		memmove(pb->data + mark + extra, pb->data + mark, length);
	memcpy(pb->data + mark - 1, bytes, extra + 1);
	pb->used += extra;
}

void protobuf_u64(struct protobuf *pb, unsigned int number, uint64_t value)
{
	put_key(pb, number, WIRE_VARINT);
	protobuf_item(pb, value);
}

void protobuf_i64(struct protobuf *pb, unsigned int number, int64_t value)
{
	protobuf_u64(pb, number, (uint64_t)value);
}

void protobuf_bytes(struct protobuf *pb, unsigned int number, const void *data, size_t size_bytes)
{
	put_key(pb, number, WIRE_LENGTH);
	protobuf_item(pb, size_bytes);
	if (!size_bytes || !reserve(pb, size_bytes))
		return;
	memcpy(pb->data + pb->used, data, size_bytes);
	pb->used += size_bytes;
}

void protobuf_text(struct protobuf *pb, unsigned int number, const char *text)
{
	size_t mark = protobuf_begin(pb, number), length = strlen(text);

	if (reserve(pb, CONV_CLEAN_GROWTH * length))
		pb->used += conv_clean_text((char *)pb->data + pb->used, text, length);
	protobuf_end(pb, mark);
}
