/*
 * Reading little-endian bytes with bounds. A cursor that runs over its end stays there, reads
 * zeros and says so in `is_bad`; callers check once, after a group of reads.
 */
#ifndef RECORD_BYTES_H
#define RECORD_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of a file, borrowed. */
struct rec_span {
	const uint8_t *data;
	size_t size;
};

struct rec_cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool is_bad;
};

/* A cursor at `offset` of a span; bad at once when that is outside. */
static inline struct rec_cursor rec_cursor_at(struct rec_span span, uint64_t offset)
{
	struct rec_cursor cursor = {span.data, span.data, true};

	if (span.data && offset <= span.size) {
		cursor.at = span.data + offset;
		cursor.end = span.data + span.size;
		cursor.is_bad = false;
	}
	return cursor;
}

static inline void rec_cursor_fail(struct rec_cursor *cursor)
{
	cursor->at = cursor->end;
	cursor->is_bad = true;
}

static inline size_t rec_cursor_left(const struct rec_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline void rec_skip(struct rec_cursor *cursor, uint64_t size_bytes)
{
	if (size_bytes > rec_cursor_left(cursor))
		rec_cursor_fail(cursor);
	else
		cursor->at += size_bytes;
}

/* An unsigned integer of 1 to 8 bytes. */
static inline uint64_t rec_read_uint(struct rec_cursor *cursor, size_t size_bytes)
{
	uint64_t value = 0;

	if (size_bytes > sizeof(value) || size_bytes > rec_cursor_left(cursor)) {
		rec_cursor_fail(cursor);
		return 0;
	}
	for (size_t i = size_bytes; i-- > 0;)
		value = value << 8 | cursor->at[i];
	cursor->at += size_bytes;
	return value;
}

static inline uint8_t rec_read_u8(struct rec_cursor *cursor)
{
	if (cursor->at == cursor->end) {
		cursor->is_bad = true;
		return 0;
	}
	return *cursor->at++;
}

static inline uint16_t rec_read_u16(struct rec_cursor *cursor)
{
	return (uint16_t)rec_read_uint(cursor, 2);
}

static inline uint32_t rec_read_u32(struct rec_cursor *cursor)
{
	return (uint32_t)rec_read_uint(cursor, 4);
}

static inline uint64_t rec_read_uleb(struct rec_cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned int shift = 0;; shift += 7) {
		uint8_t byte = rec_read_u8(cursor);

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
}

static inline int64_t rec_read_sleb(struct rec_cursor *cursor)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = rec_read_u8(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && byte & 0x40)
		value |= ~UINT64_C(0) << shift;
	return (int64_t)value;
}

/* A text that ends inside the span, or NULL. */
static inline const char *rec_read_text(struct rec_cursor *cursor)
{
	const char *text = (const char *)cursor->at;
	const uint8_t *end = memchr(cursor->at, 0, rec_cursor_left(cursor));

	if (!end) {
		rec_cursor_fail(cursor);
		return NULL;
	}
	cursor->at = end + 1;
	return text;
}

/* Texts that are longer are none: looking for their end takes time. */
#define REC_TEXT_BYTES_MAX (64 * 1024)

/* The text at `offset` of a string section, or NULL. */
static inline const char *rec_text_at(struct rec_span span, uint64_t offset)
{
	struct rec_cursor cursor = rec_cursor_at(span, offset);

	if (rec_cursor_left(&cursor) > REC_TEXT_BYTES_MAX)
		cursor.end = cursor.at + REC_TEXT_BYTES_MAX;
	return cursor.is_bad ? NULL : rec_read_text(&cursor);
}

#endif
