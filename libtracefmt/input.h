/*
 * The bytes of a trace, from memory, a file or a pipe, as a window that moves forward. Files are
 * read with pread(2), not mapped: one that is cut while we read must not kill the process.
 */
#ifndef TFMT_INPUT_H
#define TFMT_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracefmt/error.h"

struct tfmt_input {
	const uint8_t *memory; /* the whole input, or NULL */
	size_t memory_bytes;
	int fd;
	bool is_pipe;	 /* cannot be read twice */
	int spool_fd;	 /* the copy of a pipe, or -1 */
	uint64_t base;	 /* offset of our byte 0 in the file */
	uint8_t *window; /* of files and pipes */
	size_t capacity; /* bytes */
	uint64_t start;	 /* offset of window[0] */
	size_t length;	 /* bytes in it */
	bool is_at_end;	 /* nothing follows the window */
	/* Asked at the end of what there is, when more may come: false ends it. NULL: none comes.
	 */
	bool (*wait)(void *context);
	void *wait_context;
};

void tfmt_input__init_memory(struct tfmt_input *input, const void *data, size_t size_bytes);
void tfmt_input__init_fd(struct tfmt_input *input, int fd);
void tfmt_input__release(struct tfmt_input *input);

/*
 * Up to `want` bytes at `offset`, fewer only at the end of the input. A pipe cannot go back to
 * before its window. Lives until the next call.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_UNSUPPORTED to go back in a pipe.
 */
int tfmt_input__at(struct tfmt_input *input, uint64_t offset, size_t want, const uint8_t **ret_data,
	size_t *ret_available);

/* After too few bytes: wait for more. False when that is all. */
bool tfmt_input__wait(struct tfmt_input *input);

/*
 * Bytes in the input, when all of them can be read again: of memory, files and copied pipes.
 * Returns: 0; TFMT_E_UNSUPPORTED.
 */
int tfmt_input__size(const struct tfmt_input *input, uint64_t *ret_bytes);

/*
 * Make sure that all from `offset` on can be read again, by copying a pipe to an unlinked file.
 * Returns: 0; TFMT_E_IO; TFMT_E_UNSUPPORTED when the pipe is past that already.
 */
int tfmt_input__make_seekable(struct tfmt_input *input, uint64_t offset);

#endif
