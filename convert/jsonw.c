#include "jsonw.h"

#include <assert.h>
#include <math.h>

#include "utf8.h"

static const char hex_digits[] = "0123456789abcdef";

void jsonw_init(struct jsonw *w, struct conv_sink *out)
{
	*w = (struct jsonw){.out = out};
}

/* The newline that was asked for, after the comma. */
static void put_newline(struct jsonw *w)
{
	if (w->wants_newline)
		conv_put_char(w->out, '\n');
	w->wants_newline = false;
}

/* What comes before every value: a comma, unless it is the first of its container. */
static void begin_value(struct jsonw *w)
{
	uint64_t bit = UINT64_C(1) << w->depth;

	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth && (w->has_item & bit))
		conv_put_char(w->out, ',');
	w->has_item |= bit;
	put_newline(w);
}

static void begin_container(struct jsonw *w, char c)
{
	begin_value(w);
	assert(w->depth + 1 < JSONW_MAX_DEPTH);
	w->depth++;
	w->has_item &= ~(UINT64_C(1) << w->depth);
	conv_put_char(w->out, c);
}

static void end_container(struct jsonw *w, char c)
{
	assert(w->depth && !w->after_key);
	put_newline(w);
	w->depth--;
	conv_put_char(w->out, c);
}

void jsonw_begin_object(struct jsonw *w)
{
	begin_container(w, '{');
}

void jsonw_end_object(struct jsonw *w)
{
	end_container(w, '}');
}

void jsonw_begin_array(struct jsonw *w)
{
	begin_container(w, '[');
}

void jsonw_end_array(struct jsonw *w)
{
	end_container(w, ']');
}

void jsonw_key(struct jsonw *w, const char *key)
{
	begin_value(w);
	conv_put_char(w->out, '"');
	conv_put_text(w->out, key);
	conv_put(w->out, "\":", 2);
	w->after_key = true;
}

static void put_escape(struct conv_sink *out, unsigned int c)
{
	switch (c) {
	case '"':
		conv_put(out, "\\\"", 2);
		return;
	case '\\':
		conv_put(out, "\\\\", 2);
		return;
	case '\n':
		conv_put(out, "\\n", 2);
		return;
	case '\t':
		conv_put(out, "\\t", 2);
		return;
	default:
		conv_put(out, "\\u", 2);
		for (int shift = 12; shift >= 0; shift -= 4)
			conv_put_char(out, hex_digits[c >> shift & 15]);
	}
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* U+0080 to U+009F in two bytes, those that turn text in three. */
static unsigned int control_number(const char *data, int length_bytes)
{
	unsigned int low = (unsigned char)data[length_bytes - 1] & 0x3fu;

	return length_bytes == 2 ? 0x80 | low
				 : 0x2000 | ((unsigned char)data[1] & 0x3fu) << 6 | low;
}

static void put_quoted(struct conv_sink *out, const char *data, size_t length)
{
	size_t at = 0, end;
	int step;

	conv_put_char(out, '"');
	while (at < length) {
		for (end = at; end < length && is_plain((unsigned char)data[end]); end++)
			;
		conv_put(out, data + at, end - at);
		at = end;
		if (at == length)
			break;
		step = utf8_step(data + at, length - at);
		if (step == 1) {
			put_escape(out, (unsigned char)data[at]);
		} else if (step < 0) {
			conv_put_text(out, UTF8_REPLACEMENT);
			step = -step;
		} else if (utf8_is_control(data + at)) {
			put_escape(out, control_number(data + at, step));
		} else {
			conv_put(out, data + at, (size_t)step);
		}
		at += (size_t)step;
	}
	conv_put_char(out, '"');
}

void jsonw_text(struct jsonw *w, const char *data, size_t length)
{
	begin_value(w);
	put_quoted(w->out, data, length);
}

void jsonw_string(struct jsonw *w, const char *text)
{
	jsonw_text(w, text, strlen(text));
}

void jsonw_text_key(struct jsonw *w, const char *data, size_t length)
{
	jsonw_text(w, data, length);
	conv_put_char(w->out, ':');
	w->after_key = true;
}

void jsonw_exact(struct jsonw *w, const char *data, size_t length)
{
	if (utf8_is_valid(data, length)) {
		jsonw_text(w, data, length);
		return;
	}
	jsonw_begin_object(w);
	jsonw_key(w, "bytes");
	jsonw_hex_bytes(w, data, length);
	jsonw_end_object(w);
}

void jsonw_hex_bytes(struct jsonw *w, const void *data, size_t length)
{
	const unsigned char *bytes = data;
	size_t i;

	begin_value(w);
	conv_put_char(w->out, '"');
	for (i = 0; i < length; i++) {
		conv_put_char(w->out, hex_digits[bytes[i] >> 4]);
		conv_put_char(w->out, hex_digits[bytes[i] & 15]);
	}
	conv_put_char(w->out, '"');
}

void jsonw_u64(struct jsonw *w, uint64_t value)
{
	begin_value(w);
	conv_put_u64(w->out, value);
}

void jsonw_i64(struct jsonw *w, int64_t value)
{
	begin_value(w);
	if (value < 0)
		conv_put_char(w->out, '-');
	conv_put_u64(w->out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void jsonw_address(struct jsonw *w, uint64_t value)
{
	char text[16];
	size_t at = sizeof(text);

	begin_value(w);
	do {
		text[--at] = hex_digits[value & 15];
		value >>= 4;
	} while (value);
	conv_put(w->out, "\"0x", 3);
	conv_put(w->out, text + at, sizeof(text) - at);
	conv_put_char(w->out, '"');
}

void jsonw_fixed(struct jsonw *w, uint64_t value, unsigned int decimals)
{
	uint64_t scale = 1, rest;
	unsigned int i;

	for (i = 0; i < decimals; i++)
		scale *= 10;
	begin_value(w);
	conv_put_u64(w->out, value / scale);
	if (!decimals)
		return;
	conv_put_char(w->out, '.');
	rest = value % scale;
	for (scale /= 10; scale; scale /= 10)
		conv_put_char(w->out, (char)('0' + rest / scale % 10));
}

void jsonw_double(struct jsonw *w, double value, unsigned int decimals)
{
	char text[400]; /* the longest double has 309 digits before the point */
	int length;

	if (!isfinite(value)) {
		jsonw_null(w);
		return;
	}
	begin_value(w);
	length = snprintf(text, sizeof(text), "%.*f", (int)decimals, value);
	conv_put(w->out, text, (size_t)length);
}

void jsonw_bool(struct jsonw *w, bool value)
{
	begin_value(w);
	conv_put_text(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w)
{
	begin_value(w);
	conv_put(w->out, "null", 4);
}

void jsonw_pair_string(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_string(w, value);
}

void jsonw_pair_u64(struct jsonw *w, const char *key, uint64_t value)
{
	jsonw_key(w, key);
	jsonw_u64(w, value);
}

void jsonw_pair_bool(struct jsonw *w, const char *key, bool value)
{
	jsonw_key(w, key);
	jsonw_bool(w, value);
}

void jsonw_newline(struct jsonw *w)
{
	w->wants_newline = true;
	if (!w->depth)
		put_newline(w);
}
