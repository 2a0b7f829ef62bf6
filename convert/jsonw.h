/*
 * Writing JSON as a stream. Commas are the writer's, nesting the caller's:
 *
 *	jsonw_begin_object(&w);
 *	jsonw_key(&w, "name");
 *	jsonw_text(&w, data, length);
 *	jsonw_end_object(&w);
 *
 * Any bytes make valid JSON. Quotes, backslashes and control characters are escaped. Bytes that
 * are no UTF-8 become U+FFFD with jsonw_text(), one for each maximal broken part, or stay as they
 * were, in hexadecimal, with jsonw_exact(). Integers are exact at any size.
 */
#ifndef CONV_JSONW_H
#define CONV_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytesink.h"

#define JSONW_MAX_DEPTH 64

struct jsonw {
	struct conv_sink *out;
	uint64_t has_item; /* bit d: the container at depth d has an item already */
	unsigned int depth;
	bool after_key;
	bool wants_newline;
};

void jsonw_init(struct jsonw *w, struct conv_sink *out);

void jsonw_begin_object(struct jsonw *w);
void jsonw_end_object(struct jsonw *w);
void jsonw_begin_array(struct jsonw *w);
void jsonw_end_array(struct jsonw *w);

/* `key` is the program's own: plain ASCII that needs no escape. */
void jsonw_key(struct jsonw *w, const char *key);

/* A text for viewers: what is no UTF-8 becomes U+FFFD. */
void jsonw_text(struct jsonw *w, const char *data, size_t length);
/* As jsonw_text(), of a NUL-terminated string. */
void jsonw_string(struct jsonw *w, const char *text);
/* As jsonw_text(), as the key of a value. */
void jsonw_text_key(struct jsonw *w, const char *data, size_t length);
/* A text that can be read back: a string, or {"bytes":"c3280a"} where it is no UTF-8. */
void jsonw_exact(struct jsonw *w, const char *data, size_t length);
/* Bytes as a string of hexadecimal digits. */
void jsonw_hex_bytes(struct jsonw *w, const void *data, size_t length);

void jsonw_u64(struct jsonw *w, uint64_t value);
void jsonw_i64(struct jsonw *w, int64_t value);
/* An address: "0x7f12". */
void jsonw_address(struct jsonw *w, uint64_t value);
/* `value` / 10^decimals, exactly: (1234567, 3) is 1234.567. */
void jsonw_fixed(struct jsonw *w, uint64_t value, unsigned int decimals);
/* Rounded to `decimals`; null when it is not finite. */
void jsonw_double(struct jsonw *w, double value, unsigned int decimals);
void jsonw_bool(struct jsonw *w, bool value);
void jsonw_null(struct jsonw *w);

/* A key with its value, in an object. */
void jsonw_pair_string(struct jsonw *w, const char *key, const char *value);
void jsonw_pair_u64(struct jsonw *w, const char *key, uint64_t value);
void jsonw_pair_bool(struct jsonw *w, const char *key, bool value);

/* Begin a new line before the next item or the end of the container, or end a whole text. */
void jsonw_newline(struct jsonw *w);

#endif
