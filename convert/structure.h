/* What tconv tells of the file itself, instead of converting what is in it. */
#ifndef CONV_STRUCTURE_H
#define CONV_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "msg.h"

/*
 * --check: what is wrong with each of the traces, a line each, and a line that sums up.
 * Returns the exit status: EXIT_DAMAGED when something is wrong, EXIT_FAILED when one is no trace.
 */
int conv_check(char *const *paths, size_t path_count, const char *output, const struct msg *msg);

/*
 * --diag: the chunks in the diagnostic notation of CBOR (RFC 8949, 8), typed arrays as numbers;
 * what is long is cut unless `shows_all`. Returns as conv_check().
 */
int conv_diag(const char *path, const char *output, bool shows_all, const struct msg *msg);

#endif
