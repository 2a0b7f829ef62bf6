/*
 * Errors of libtracefmt.
 *
 * Every fallible function returns 0 or a negative `enum tfmt_err`; iterators return 1 for an item,
 * 0 at the end and a negative code on failure. A caller that wants words passes a
 * `struct tfmt_error`, which it owns. The library never prints, exits or aborts on input.
 */
#ifndef TRACEFMT_ERROR_H
#define TRACEFMT_ERROR_H

#include <stdint.h>

enum tfmt_err {
	TFMT_OK = 0,
	TFMT_E_IO = -1,		 /* the source or the sink failed; `saved_errno` says how */
	TFMT_E_NOMEM = -2,	 /* no memory */
	TFMT_E_FORMAT = -3,	 /* not a trace at all: foreign bytes, or nothing */
	TFMT_E_VERSION = -4,	 /* a trace of a newer version, or with a feature we must know */
	TFMT_E_CORRUPT = -5,	 /* a trace whose bytes contradict each other */
	TFMT_E_TRUNCATED = -6,	 /* the trace stops before its end record */
	TFMT_E_LIMIT = -7,	 /* a bound of tracefmt/limits.h is exceeded */
	TFMT_E_ARG = -8,	 /* the caller broke the contract; nothing was changed */
	TFMT_E_UNSUPPORTED = -9, /* valid, but this build cannot do it */
};

struct tfmt_error {
	enum tfmt_err code;
	int saved_errno;   /* errno of the failed call, 0 when none failed */
	uint64_t offset;   /* byte offset in the input where it was noticed */
	char message[224]; /* one line: the thing, the place; no newline, lower case */
};

/* The name of a code in a few words, such as "the trace is cut". Never NULL. */
const char *tfmt_strerror(int code);

/*
 * Fill `err` (which may be NULL) and return `code`, so that a failing function can end in
 * `return tfmt_error_set(err, TFMT_E_CORRUPT, offset, "...")`. errno is saved when code is
 * TFMT_E_IO.
 */
int tfmt_error_set(struct tfmt_error *err, enum tfmt_err code, uint64_t offset, const char *format,
	...) __attribute__((format(printf, 4, 5)));

#endif
