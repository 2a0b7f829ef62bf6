/*
 * Reading DWARF bytes that nobody vouches for: past the end everything is 0 and `bad` is set.
 */
#ifndef RECORD_ELF_CURSOR_H
#define RECORD_ELF_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* The next `size` bytes, or NULL when there are fewer. */
static inline const uint8_t *cursor_bytes(struct cursor *cursor, uint64_t size)
{
	const uint8_t *bytes = cursor->at;

	if (cursor->bad || size > cursor_left(cursor)) {
		cursor->bad = true;
		cursor->at = cursor->end;
		return NULL;
	}
	cursor->at += size;
	return bytes;
}

/* A little-endian number of `size` bytes (1 to 8). */
static inline uint64_t cursor_unsigned(struct cursor *cursor, size_t size)
{
	const uint8_t *bytes = cursor_bytes(cursor, size);
	uint64_t value = 0;

	for (size_t i = 0; bytes && i < size; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

static inline int64_t cursor_signed(struct cursor *cursor, size_t size)
{
	unsigned spare = (unsigned)(64 - 8 * size);

	return (int64_t)(cursor_unsigned(cursor, size) << spare) >> spare;
}

static inline uint64_t cursor_uleb128(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint64_t byte = cursor_unsigned(cursor, 1);

		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
}

static inline int64_t cursor_sleb128(struct cursor *cursor)
{
	uint64_t value = 0;

	for (unsigned shift = 0;; shift += 7) {
		uint64_t byte = cursor_unsigned(cursor, 1);

		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (shift + 7 < 64 && (byte & 0x40))
			value |= ~(uint64_t)0 << (shift + 7);
		return (int64_t)value;
	}
}

#endif
