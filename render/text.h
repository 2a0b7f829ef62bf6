/*
 * Text measured and shortened, without any font at hand: the advance widths of DejaVu Sans, the
 * first font of the pictures, are a table. What is drawn in another font is a little off, never
 * wrong.
 */
#ifndef REND_TEXT_H
#define REND_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum rend_font {
	REND_FONT_TITLE,   /* 18 px bold: the command */
	REND_FONT_HEADING, /* 14 px bold: a section */
	REND_FONT_BODY,	   /* 12 px */
	REND_FONT_STRONG,  /* 12 px bold */
	REND_FONT_LABEL,   /* 11 px: in boxes, axes */
	REND_FONT_SMALL,   /* 10 px: second lines, footer */
	REND_FONT_COUNT,
};

/* Where a text that is too long loses characters. */
enum rend_ellipsis {
	REND_ELLIPSIS_END,
	REND_ELLIPSIS_MIDDLE,
	REND_ELLIPSIS_START,
};

double rend_font_size_px(enum rend_font font);
bool rend_font_is_bold(enum rend_font font);

/* Advance width of UTF-8 text; bytes that are not UTF-8 count as U+FFFD. */
double rend_text_width_px(enum rend_font font, const char *text);

/*
 * Make `text` clean and short: control characters become blanks, blanks in a row one blank, bytes
 * that are not UTF-8 become U+FFFD, and what is wider than `max_px` (0: no limit) is cut on the
 * side asked for, with "…". Empty when not even one character and the ellipsis fit. Returns: the
 * width of the result, which is written to `out`, at most `size` bytes with the NUL.
 */
double rend_text_shorten(enum rend_font font, const char *text, double max_px,
	enum rend_ellipsis side, char *out, size_t size);

/*
 * One character of UTF-8 at `text`, its length in bytes in `*ret_length` (at least 1, not beyond a
 * NUL). U+FFFD for a byte that starts no character; at the NUL 0.
 */
unsigned rend_text_decode(const char *text, size_t *ret_length);

/* Columns of a terminal that a text takes: 2 for wide characters, 0 for combining ones. */
int rend_text_columns(const char *text);

#endif
