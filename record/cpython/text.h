/* Python's str objects as UTF-8. */
#ifndef RECORD_CPYTHON_TEXT_H
#define RECORD_CPYTHON_TEXT_H

#include <stddef.h>

#include "cpython/layout.h"
#include "cpython/memory.h"

/*
 * The str object at `address`, at most `size_bytes` - 1 bytes of it, cut at a character. What UTF-8
 * cannot hold (lone surrogates) becomes U+FFFD.
 * Returns: its length in `ret_text`, which ends with a NUL; -1 when there is no str to be read.
 */
long py_read_text(struct py_memory *memory, const struct py_layout *layout, uint64_t address,
	char *ret_text, size_t size_bytes);

#endif
