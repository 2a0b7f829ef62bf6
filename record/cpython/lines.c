#include "cpython/lines.h"

#include <stdbool.h>

/* 3.8 and 3.9, Objects/lnotab_notes.txt: pairs of bytes of code and lines to add. */
static int64_t line_of_pairs(const uint8_t *table, size_t size, int64_t line, int64_t offset)
{
	int64_t address = 0;
	for (size_t i = 0; i + 1 < size; i += 2) {
		address += table[i];
		if (address > offset)
			break;
		line += (int8_t)table[i + 1];
	}
	return line;
}

/* 3.10, PEP 626: pairs of length and lines to add before it; -128: no line. */
static int64_t line_of_ranges(const uint8_t *table, size_t size, int64_t line, int64_t offset)
{
	int64_t end = 0;
	for (size_t i = 0; i + 1 < size; i += 2) {
		int8_t delta = (int8_t)table[i + 1];
		if (delta != -128)
			line += delta;
		end += table[i];
		if (end > offset)
			return delta == -128 ? 0 : line;
	}
	return 0;
}

struct cursor {
	const uint8_t *at, *end;
};

static uint64_t take_varint(struct cursor *c)
{
	uint64_t value = 0;
	for (unsigned shift = 0; c->at < c->end && shift < 42; shift += 6) {
		uint8_t byte = *c->at++;
		value |= (uint64_t)(byte & 63) << shift;
		if (!(byte & 64))
			break;
	}
	return value;
}

static int64_t take_signed_varint(struct cursor *c)
{
	uint64_t value = take_varint(c);
	return value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
}

static void skip(struct cursor *c, size_t count)
{
	c->at = (size_t)(c->end - c->at) < count ? c->end : c->at + count;
}

/* The codes of an entry's first byte, Objects/locations.md. */
enum { CODE_ONE_LINE_0 = 10, CODE_NO_COLUMNS = 13, CODE_LONG = 14, CODE_NONE = 15 };

/* 3.11 and later: entries of a code, a length in units of 2 bytes, lines to add and columns. */
static int64_t line_of_locations(const uint8_t *table, size_t size, int64_t line, int64_t offset)
{
	struct cursor c = {table, table + size};
	int64_t end = 0;
	while (c.at < c.end) {
		uint8_t first = *c.at++;
		unsigned code = first >> 3 & 15;
		end += 2 * ((first & 7) + 1);
		if (code == CODE_LONG || code == CODE_NO_COLUMNS)
			line += take_signed_varint(&c);
		else if (code >= CODE_ONE_LINE_0 && code < CODE_NO_COLUMNS)
			line += code - CODE_ONE_LINE_0;
		if (end > offset)
			return code == CODE_NONE ? 0 : line;
		if (code == CODE_LONG)
			for (int i = 0; i < 3; i++)
				take_varint(&c);
		else if (code < CODE_ONE_LINE_0)
			skip(&c, 1);
		else if (code < CODE_NO_COLUMNS)
			skip(&c, 2);
	}
	return 0;
}

uint32_t py_line_of(
	unsigned minor, const uint8_t *table, size_t size, uint32_t first_line, int64_t offset)
{
	if (offset < 0)
		return first_line;
	int64_t line = minor <= 9    ? line_of_pairs(table, size, first_line, offset)
		       : minor == 10 ? line_of_ranges(table, size, first_line, offset)
				     : line_of_locations(table, size, first_line, offset);
	return line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
}
