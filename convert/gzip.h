/* Compressed output: a stream whose bytes arrive in a sink as gzip. */
#ifndef CONV_GZIP_H
#define CONV_GZIP_H

#include "bytesink.h"

/*
 * Open a stream into `out`, which must outlive it; fclose() writes the end. Equal bytes in, equal
 * bytes out. A failure to write is kept in `out`, as always. Returns: NULL: no memory.
 */
FILE *conv_gzip_open(struct conv_sink *out);

#endif
