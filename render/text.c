#include "text.h"

#include <stdint.h>
#include <string.h>

#define UNITS_PER_EM 2048

struct font_row {
	double size_px;
	bool is_bold;
};

static const struct font_row fonts[REND_FONT_COUNT] = {
	[REND_FONT_TITLE] = {18, true},
	[REND_FONT_HEADING] = {14, true},
	[REND_FONT_BODY] = {12, false},
	[REND_FONT_STRONG] = {12, true},
	[REND_FONT_LABEL] = {11, false},
	[REND_FONT_SMALL] = {10, false},
};

/* Advance widths of DejaVu Sans and DejaVu Sans Bold 2.37, ' ' to '~', in 1/2048 em. */
static const uint16_t advances[2][95] = {
	{
		651,
		821,
		942,
		1716,
		1303,
		1946,
		1597,
		563,
		799,
		799,
		1024,
		1716,
		651,
		739,
		651,
		690,
		1303,
		1303,
		1303,
		1303,
		1303,
		1303,
		1303,
		1303,
		1303,
		1303,
		690,
		690,
		1716,
		1716,
		1716,
		1087,
		2048,
		1401,
		1405,
		1430,
		1577,
		1294,
		1178,
		1587,
		1540,
		604,
		604,
		1343,
		1141,
		1767,
		1532,
		1612,
		1235,
		1612,
		1423,
		1300,
		1251,
		1499,
		1401,
		2025,
		1403,
		1251,
		1403,
		799,
		690,
		799,
		1716,
		1024,
		1024,
		1255,
		1300,
		1126,
		1300,
		1260,
		721,
		1300,
		1298,
		569,
		569,
		1186,
		569,
		1995,
		1298,
		1253,
		1300,
		1300,
		842,
		1067,
		803,
		1298,
		1212,
		1675,
		1212,
		1212,
		1075,
		1303,
		690,
		1303,
		1716,
	},
	{
		713,
		934,
		1067,
		1716,
		1425,
		2052,
		1786,
		627,
		936,
		936,
		1071,
		1716,
		778,
		850,
		778,
		748,
		1425,
		1425,
		1425,
		1425,
		1425,
		1425,
		1425,
		1425,
		1425,
		1425,
		819,
		819,
		1716,
		1716,
		1716,
		1188,
		2048,
		1585,
		1561,
		1503,
		1700,
		1399,
		1399,
		1681,
		1714,
		762,
		762,
		1587,
		1305,
		2038,
		1714,
		1741,
		1501,
		1741,
		1577,
		1475,
		1397,
		1663,
		1585,
		2259,
		1579,
		1483,
		1485,
		936,
		748,
		936,
		1716,
		1024,
		1024,
		1382,
		1466,
		1214,
		1466,
		1389,
		891,
		1466,
		1458,
		702,
		702,
		1362,
		702,
		2134,
		1458,
		1407,
		1466,
		1466,
		1010,
		1219,
		979,
		1458,
		1335,
		1892,
		1321,
		1335,
		1192,
		1458,
		748,
		1458,
		1716,
	},
};

double rend_font_size_px(enum rend_font font)
{
	return fonts[font].size_px;
}

bool rend_font_is_bold(enum rend_font font)
{
	return fonts[font].is_bold;
}

/* Characters that must reach neither XML nor a terminal, or that reorder text around them. */
static bool is_control(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
	       (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static bool is_combining(unsigned c)
{
	return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200d) ||
	       (c >= 0x20d0 && c <= 0x20ff) || (c >= 0xfe00 && c <= 0xfe0f);
}

static bool is_wide(unsigned c)
{
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	       (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
	       (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	       (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
	       (c >= 0x20000 && c <= 0x3fffd);
}

unsigned rend_text_decode(const char *text, size_t *ret_length)
{
	static const unsigned first_of_length[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *byte = (const unsigned char *)text;
	size_t length = byte[0] < 0x80	 ? 1
			: byte[0] < 0xc2 ? 0
			: byte[0] < 0xe0 ? 2
			: byte[0] < 0xf0 ? 3
			: byte[0] < 0xf5 ? 4
					 : 0;
	*ret_length = 1;
	if (length == 0)
		return 0xfffd;
	if (length == 1)
		return byte[0];
	unsigned c = byte[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (byte[i] & 0x3f);
	}
	if (c < first_of_length[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0xfffd;
	*ret_length = length;
	return (c & 0xfffe) == 0xfffe ? 0xfffd : c;
}

/* The next character as it will be shown: blanks and controls in a row are one blank. 0: the end.
 */
static unsigned next_clean(const char **text)
{
	size_t length;
	unsigned c = rend_text_decode(*text, &length);
	if (c == 0)
		return 0;
	*text += length;
	if (c != ' ' && !is_control(c))
		return c;
	while ((c = rend_text_decode(*text, &length)) == ' ' || (c != 0 && is_control(c)))
		*text += length;
	return ' ';
}

static unsigned advance_units(unsigned c, bool is_bold)
{
	if (c >= 0x20 && c < 0x7f)
		return advances[is_bold][c - 0x20];
	if (is_combining(c))
		return 0;
	switch (c) {
	case 0xb7: /* middle dot */
		return is_bold ? 778 : 651;
	case 0x2009: /* thin space */
		return 409;
	case 0x2013: /* en dash */
		return 1024;
	}
	if (c == 0x2026 || c == 0xfffd || is_wide(c))
		return UNITS_PER_EM;
	return is_bold ? 1500 : 1330;
}

static double advance_px(enum rend_font font, unsigned c)
{
	return advance_units(c, fonts[font].is_bold) * fonts[font].size_px / UNITS_PER_EM;
}

double rend_text_width_px(enum rend_font font, const char *text)
{
	unsigned units = 0;
	unsigned c;
	while ((c = next_clean(&text)) != 0)
		units += advance_units(c, fonts[font].is_bold);
	return units * fonts[font].size_px / UNITS_PER_EM;
}

/* Where shortened text is put together. */
struct buffer {
	char *out;
	size_t size, length;
	double width_px;
};

static size_t encode(unsigned c, char bytes[4])
{
	if (c < 0x80) {
		bytes[0] = (char)c;
		return 1;
	}
	size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	bytes[0] = (char)((0xf00 >> length) | c);
	return length;
}

static bool append(struct buffer *buffer, enum rend_font font, unsigned c)
{
	char bytes[4];
	size_t length = encode(c, bytes);
	if (buffer->length + length >= buffer->size)
		return false;
	memcpy(buffer->out + buffer->length, bytes, length);
	buffer->length += length;
	buffer->width_px += advance_px(font, c);
	return true;
}

static void append_head(
	struct buffer *buffer, enum rend_font font, const char *text, double budget_px)
{
	unsigned c;
	while ((c = next_clean(&text)) != 0) {
		if (buffer->width_px + advance_px(font, c) > budget_px || !append(buffer, font, c))
			break;
	}
	while (buffer->length > 0 && buffer->out[buffer->length - 1] == ' ') {
		buffer->length--;
		buffer->width_px -= advance_px(font, ' ');
	}
}

/* As many of the last characters as fit, of a text that is `width_px` wide. */
static void append_tail(struct buffer *buffer, enum rend_font font, const char *text,
	double width_px, double budget_px)
{
	unsigned c;
	while (width_px > budget_px && (c = next_clean(&text)) != 0)
		width_px -= advance_px(font, c);
	while (*text == ' ')
		text++;
	while ((c = next_clean(&text)) != 0 && append(buffer, font, c))
		;
}

double rend_text_shorten(enum rend_font font, const char *text, double max_px,
	enum rend_ellipsis side, char *out, size_t size)
{
	const unsigned ellipsis = 0x2026;
	while (*text == ' ')
		text++;
	const double whole_px = rend_text_width_px(font, text);
	struct buffer buffer = {.out = out, .size = size};

	if (max_px <= 0 || whole_px <= max_px) {
		append_head(&buffer, font, text, whole_px + 1);
	} else {
		double budget_px = max_px - advance_px(font, ellipsis);
		double head_px = side == REND_ELLIPSIS_END     ? budget_px
				 : side == REND_ELLIPSIS_START ? 0
							       : budget_px / 2;
		append_head(&buffer, font, text, head_px);
		double used_px = buffer.width_px;
		if (budget_px > 0)
			append(&buffer, font, ellipsis);
		if (side != REND_ELLIPSIS_END)
			append_tail(&buffer, font, text, whole_px, budget_px - used_px);
		/* An ellipsis alone says nothing. */
		if (buffer.length <= 3)
			buffer.length = 0;
		if (buffer.length == 0)
			buffer.width_px = 0;
	}
	out[buffer.length] = '\0';
	return buffer.width_px;
}

int rend_text_columns(const char *text)
{
	int columns = 0;
	unsigned c;
	while ((c = next_clean(&text)) != 0)
		columns += is_combining(c) ? 0 : is_wide(c) ? 2 : 1;
	return columns;
}
