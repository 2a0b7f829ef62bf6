/* CBOR in the diagnostic notation of RFC 8949, section 8, for people. */
#ifndef CONV_DIAG_CBOR_H
#define CONV_DIAG_CBOR_H

#include <stdbool.h>
#include <stdint.h>

#include "bytesink.h"

/*
 * Write the items at `data`. Maps near the top have a line for each pair; typed arrays of integers
 * (RFC 8746) are written as their numbers; of what is long only the beginning, unless `shows_all`.
 * Comments stand between slashes. Any bytes are taken.
 * Returns: 0, or -1 when it is not well-formed or nested too deeply: a comment says so.
 */
int diag_put_items(struct conv_sink *out, const uint8_t *data, size_t size_bytes, bool shows_all);

/* A comment: so many bytes before the first chunk. */
void diag_put_skipped(struct conv_sink *out, uint64_t bytes);

#endif
