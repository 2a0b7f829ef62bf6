#include "cpython/text.h"

#include <string.h>

/* Characters read of one str, and bytes: 4 each at most. */
#define MAX_CHARACTERS 4096
#define HEAD_BYTES     128

/* Adds a character to the text, unless it does not fit. Returns the new length. */
static size_t put(char *text, size_t length, size_t room, uint32_t character)
{
	uint8_t bytes[4];
	size_t count;
	if ((character >= 0xd800 && character < 0xe000) || character > 0x10ffff)
		character = 0xfffd;
	if (character < 0x80) {
		bytes[0] = (uint8_t)character;
		count = 1;
	} else if (character < 0x800) {
		bytes[0] = (uint8_t)(0xc0 | character >> 6);
		count = 2;
	} else if (character < 0x10000) {
		bytes[0] = (uint8_t)(0xe0 | character >> 12);
		count = 3;
	} else {
		bytes[0] = (uint8_t)(0xf0 | character >> 18);
		count = 4;
	}
	for (size_t i = 1; i < count; i++)
		bytes[i] = (uint8_t)(0x80 | (character >> 6 * (count - 1 - i) & 0x3f));
	if (length + count >= room)
		return length;
	memcpy(text + length, bytes, count);
	return length + count;
}

static uint32_t character_at(const uint8_t *data, size_t index, unsigned width)
{
	uint32_t character = 0;
	memcpy(&character, data + index * width, width);
	return character;
}

long py_read_text(struct py_memory *memory, const struct py_layout *layout, uint64_t address,
	char *ret_text, size_t size_bytes)
{
	uint8_t head[HEAD_BYTES], data[MAX_CHARACTERS * 4];
	uint64_t count;
	uint32_t state;
	if (address == 0 || !py_read(memory, address, head, layout->text_ascii))
		return -1;
	memcpy(&count, head + layout->text_length, sizeof(count));
	memcpy(&state, head + layout->text_state, sizeof(state));
	/* Bit fields: interned 2, kind (bytes of a character) 3, compact 1, ascii 1. */
	unsigned width = state >> 2 & 7;
	bool is_compact = state >> 5 & 1, is_ascii = state >> 6 & 1;
	if (!is_compact || (width != 1 && width != 2 && width != 4) || count > UINT32_MAX)
		return -1;
	if (count > MAX_CHARACTERS)
		count = MAX_CHARACTERS;
	uint64_t start = address + (is_ascii ? layout->text_ascii : layout->text_other);
	if (count > 0 && !py_read(memory, start, data, count * width))
		return -1;
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		length = put(ret_text, length, size_bytes, character_at(data, i, width));
	ret_text[length] = '\0';
	return (long)length;
}
