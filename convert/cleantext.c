#include "cleantext.h"

#include "utf8.h"

/* One character, or the part of one that is broken. Returns its length; `*text` moves on. */
static size_t clean_character(char out[4], const char **text, size_t length)
{
	const char *bytes = *text;
	int step = utf8_step(*text, length);

	if (step < 0) {
		*text -= step;
		memcpy(out, UTF8_REPLACEMENT, 3);
		return 3;
	}
	*text += step;
	if (utf8_is_control(bytes)) {
		out[0] = ' ';
		return 1;
	}
	memcpy(out, bytes, (size_t)step);
	return (size_t)step;
}

size_t conv_clean_text(char *out, const char *text, size_t length)
{
	const char *end = text + length;
	char character[4];
	size_t used = 0, size_bytes;

	while (text < end) {
		size_bytes = clean_character(character, &text, (size_t)(end - text));
		memcpy(out + used, character, size_bytes);
		used += size_bytes;
	}
	return used;
}

void conv_put_clean(struct conv_sink *out, const char *text, size_t length)
{
	const char *end = text + length;
	char character[4];
	size_t size_bytes;

	while (text < end) {
		size_bytes = clean_character(character, &text, (size_t)(end - text));
		conv_put(out, character, size_bytes);
	}
}
