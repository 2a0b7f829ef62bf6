#include <string.h>

#include "cbor_codec.h"

/* Bytes of the character that begins with `lead`, 0 when none does. */
static size_t sequence_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 0;
}

bool tfmt_utf8__is_valid(const void *data, size_t length)
{
	const uint8_t *next = data;
	const uint8_t *end = next + length;

	while (next < end) {
		size_t count = sequence_length(*next);

		if (count == 0 || count > (size_t)(end - next))
			return false;
		for (size_t i = 1; i < count; i++)
			if ((next[i] & 0xc0) != 0x80)
				return false;
		/* Overlong forms, surrogates, and beyond U+10FFFF show in the second byte. */
		if ((next[0] == 0xe0 && next[1] < 0xa0) || (next[0] == 0xed && next[1] > 0x9f) ||
			(next[0] == 0xf0 && next[1] < 0x90) || (next[0] == 0xf4 && next[1] > 0x8f))
			return false;
		next += count;
	}
	return true;
}
