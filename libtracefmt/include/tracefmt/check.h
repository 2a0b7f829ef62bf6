/*
 * Checking a trace against its format (docs/FORMAT.md): more strictly than a reader does, which
 * takes what it can use.
 */
#ifndef TRACEFMT_CHECK_H
#define TRACEFMT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "tracefmt/error.h"

/* Something that is wrong. Lives until the callback returns. */
struct tfmt_finding {
	uint64_t offset;   /* in the input, bytes: of the chunk, or of the bytes that are none */
	bool has_chunk;	   /* `sequence` and `kind` are known */
	uint64_t sequence; /* number of the chunk in its trace */
	const char *kind;  /* as in the file: "sample", "end" ... */
	const char *text;  /* one line, lower case, no newline */
};

typedef void tfmt_finding_fn(void *context, const struct tfmt_finding *finding);

/* What was gone through. */
struct tfmt_check_totals {
	uint64_t traces;
	uint64_t chunks;   /* that could be read */
	uint64_t records;  /* of data */
	uint64_t rows;	   /* of tables, repeated ones not counted */
	uint64_t bytes;	   /* of the input */
	uint64_t findings; /* 0: all is good */
	bool has_index;	   /* the last trace has one */
};

/*
 * Read all traces of `fd`, which may be a pipe, and report what is wrong: frames, checksums, CBOR,
 * columns, ids, times, nesting of spans, repeated rows, counts of the end, the index. Findings come
 * in the order of the input, several of one sort in a chunk as one.
 * Returns: 0, also with findings; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_FORMAT when it is empty or
 * foreign; TFMT_E_VERSION.
 * Memory: that of a reader, 40 to 80 bytes for each chunk, 8 to 16 for each open span.
 */
int tfmt_check_fd(int fd, tfmt_finding_fn *on_finding, void *context,
	struct tfmt_check_totals *ret_totals, struct tfmt_error *err);

#endif
