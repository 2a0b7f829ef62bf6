/* Where a UTF-8 character ends, and which may not reach a terminal. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/*
 * The length of the character at `data`, `length` >= 1 bytes: 1 to 4. Negative when it is broken:
 * minus the bytes that one U+FFFD stands for (the longest part that could have begun a character).
 */
int utf8_step(const char *data, size_t length);

/*
 * True for the whole character at `data` when it is a control: below U+0020, or U+007F to U+009F,
 * some of which terminals obey like the escape character; or when it ends a line or turns the
 * direction of text, so that a name would be shown as another (U+202E and its like).
 */
bool utf8_is_control(const char *data);

/* True when all bytes are UTF-8: no surrogates, nothing overlong, nothing above U+10FFFF. */
bool utf8_is_valid(const char *data, size_t length);

#endif
