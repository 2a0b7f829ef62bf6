#include "utf8.h"

int utf8_step(const char *data, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)data;
	unsigned char first = bytes[0], low = 0x80, high = 0xbf;
	int need, i;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return -1;
	need = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first == 0xe0)
		low = 0xa0; /* overlong below */
	else if (first == 0xed)
		high = 0x9f; /* surrogates above */
	else if (first == 0xf0)
		low = 0x90; /* overlong below */
	else if (first == 0xf4)
		high = 0x8f; /* beyond U+10FFFF above */
	for (i = 1; i < need; i++) {
		if ((size_t)i >= length || bytes[i] < low || bytes[i] > high)
			return -i;
		low = 0x80;
		high = 0xbf;
	}
	return need;
}

bool utf8_is_control(const char *data)
{
	const unsigned char *bytes = (const unsigned char *)data;

	if (bytes[0] == 0xe2) /* U+200E, U+200F; U+2028 to U+202E; U+2066 to U+2069 */
		return (bytes[1] == 0x80 && (bytes[2] == 0x8e || bytes[2] == 0x8f ||
						    (bytes[2] >= 0xa8 && bytes[2] <= 0xae))) ||
		       (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9);
	return bytes[0] < 0x20 || bytes[0] == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0);
}

bool utf8_is_valid(const char *data, size_t length)
{
	size_t at = 0;
	int step;

	while (at < length) {
		step = utf8_step(data + at, length - at);
		if (step < 0)
			return false;
		at += (size_t)step;
	}
	return true;
}
