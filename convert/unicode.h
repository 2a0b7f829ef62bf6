/* Where a UTF-8 character ends. */
#ifndef CONV_UNICODE_H
#define CONV_UNICODE_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/*
 * The length of the character at `data`, `length` >= 1 bytes: 1 to 4. Negative when it is broken:
 * minus the bytes that one U+FFFD stands for (the longest part that could have begun a character).
 */
int conv_utf8_step(const char *data, size_t length);

/* True when all bytes are UTF-8: no surrogates, nothing overlong, nothing above U+10FFFF. */
bool conv_utf8_is_valid(const char *data, size_t length);

#endif
