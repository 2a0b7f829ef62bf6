/* The text of a foreign recording: lines or blocks, unpacked if it is gzip, and where it is. */
#ifndef IMPORT_SOURCE_H
#define IMPORT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

#include "progress.h"
#include "tracefmt/error.h"

/* A longer line is no line of any of these formats. */
#define IMP_MAX_LINE_BYTES ((size_t)16 << 20)

struct imp_source {
	const char *name;	   /* of the file, for messages and as what was recorded */
	struct progress *progress; /* NULL: none is wanted */
	uint64_t size_bytes;	   /* of the file, packed */
	gzFile file;
	char *text;
	size_t capacity;
	size_t begin, end; /* what is read but not given yet */
	uint64_t line;	   /* number of the last line given, from 1 */
};

/* `fd` stays the caller's. Returns: 0; TFMT_E_NOMEM. */
int imp_source_open(struct imp_source *source, int fd, const char *name, struct progress *progress);
void imp_source_close(struct imp_source *source);

/*
 * The next line, without its end, in a buffer that the caller may write to until the next call.
 * Returns: 1; 0 at the end; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_LIMIT.
 */
int imp_source_line(
	struct imp_source *source, char **ret_line, size_t *ret_length, struct tfmt_error *err);

/* The next bytes. Not to be mixed with lines. Returns as imp_source_line(). */
int imp_source_block(struct imp_source *source, const unsigned char **ret_data, size_t *ret_size,
	struct tfmt_error *err);

/* Back to the start. Returns: 0; TFMT_E_IO. */
int imp_source_rewind(struct imp_source *source);

/* "NAME:LINE:COLUMN: what is wrong". Returns TFMT_E_FORMAT. */
int imp_source_fail(const struct imp_source *source, uint64_t line, uint64_t column,
	struct tfmt_error *err, const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
