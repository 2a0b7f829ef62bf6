#include "cleantext.h"

#include <stdlib.h>
#include <string.h>

#include "unicode.h"

size_t conv_clean_text(char *out, const char *text, size_t length)
{
	size_t at = 0, i, step;
	int length_or_error;
	unsigned char c;

	for (i = 0; i < length; i += step) {
		c = (unsigned char)text[i];
		length_or_error = conv_utf8_step(text + i, length - i);
		step = (size_t)abs(length_or_error);
		if (length_or_error < 0) {
			memcpy(out + at, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT));
			at += strlen(UTF8_REPLACEMENT);
		} else if (c < 0x20 || c == 0x7f ||
			   (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)) {
			out[at++] = ' ';
		} else {
			memcpy(out + at, text + i, step);
			at += step;
		}
	}
	return at;
}
