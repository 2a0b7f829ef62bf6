/*
 * A file as it lies there, frame by frame: for tools that show the format itself. Nothing is
 * interpreted, nothing left out.
 *
 *	tfmt_walk_new(fd, &walk);
 *	while ((status = tfmt_walk_next(walk, &piece, &err)) > 0)
 *		show(&piece);
 *	tfmt_walk_free(walk);
 */
#ifndef TRACEFMT_WALK_H
#define TRACEFMT_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "tracefmt/error.h"

struct tfmt_walk;

enum tfmt_piece_type {
	TFMT_PIECE_FRAME,     /* a whole frame whose checksum is right; `data` is what is in it */
	TFMT_PIECE_SKIPPABLE, /* a skippable frame */
	TFMT_PIECE_FOREIGN,   /* bytes that are neither; `fault` says why */
};

/* Lives until the next call on its walk. Pieces follow each other without gaps. */
struct tfmt_piece {
	enum tfmt_piece_type type;
	uint64_t offset;     /* in the input, bytes */
	uint64_t size_bytes; /* there */
	const uint8_t *data; /* of frames: unpacked, at most TFMT_MAX_CHUNK_BYTES; else NULL */
	size_t data_bytes;
	const char *fault; /* NULL for whole ones */
};

/* `fd` may be a pipe and stays the caller's. Returns: 0; TFMT_E_NOMEM. */
int tfmt_walk_new(int fd, struct tfmt_walk **ret_walk);
void tfmt_walk_free(struct tfmt_walk *walk);

/* Returns: 1 and a piece; 0 at the end; TFMT_E_IO; TFMT_E_NOMEM. */
int tfmt_walk_next(
	struct tfmt_walk *walk, const struct tfmt_piece **ret_piece, struct tfmt_error *err);

#endif
