/* Names of traced programs, made harmless for text that ends up on terminals. */
#ifndef CONV_CLEANTEXT_H
#define CONV_CLEANTEXT_H

#include "bytesink.h"

/* A text may become this many times as long. */
#define CONV_CLEAN_GROWTH 3

/*
 * Write `length` bytes of text as UTF-8 without control characters: each of those becomes a space,
 * what is no UTF-8 becomes U+FFFD. `out` has room for CONV_CLEAN_GROWTH times the length. Returns
 * the length written.
 */
size_t conv_clean_text(char *out, const char *text, size_t length);

/* The same, into a sink. */
void conv_put_clean(struct conv_sink *out, const char *text, size_t length);

#endif
