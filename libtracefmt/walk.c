#include "tracefmt/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frame_zstd.h"
#include "input.h"

#include "tracefmt/limits.h"

/* How much of the input is asked for first; chunks are rarely larger. */
#define FIRST_WANT (256u << 10)

struct tfmt_walk {
	struct tfmt_input input;
	struct tfmt_unpacker *unpacker;
	struct tfmt_bytes unpacked;
	struct tfmt_piece piece;
	uint64_t offset;
	uint64_t search_budget;
};

int tfmt_walk_new(int fd, struct tfmt_walk **ret_walk)
{
	struct tfmt_walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return TFMT_E_NOMEM;
	tfmt_input__init_fd(&walk->input, fd);
	walk->search_budget = TFMT_SEARCH_BUDGET_BYTES;
	walk->unpacker = tfmt_unpacker__new();
	if (!walk->unpacker) {
		tfmt_walk_free(walk);
		return TFMT_E_NOMEM;
	}
	*ret_walk = walk;
	return 0;
}

void tfmt_walk_free(struct tfmt_walk *walk)
{
	if (!walk)
		return;
	tfmt_unpacker__free(walk->unpacker);
	tfmt_bytes__release(&walk->unpacked);
	tfmt_input__release(&walk->input);
	free(walk);
}

/*
 * What begins at walk->offset, with as many bytes as it takes to tell.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int examine(struct tfmt_walk *walk, const uint8_t **ret_data, size_t *ret_available,
	enum tfmt_frame_status *ret_status, size_t *ret_unpacked)
{
	struct tfmt_piece *piece = &walk->piece;
	size_t want = FIRST_WANT;

	for (;;) {
		int status =
			tfmt_input__at(&walk->input, walk->offset, want, ret_data, ret_available);

		if (status < 0)
			return status;
		*ret_status = tfmt_frame__examine(
			*ret_data, *ret_available, &piece->size_bytes, ret_unpacked);
		if (*ret_status != TFMT_FRAME_PARTIAL || *ret_available < want)
			return 0;
		want *= 4;
	}
}

/* Extend a foreign piece from `at` on to the next place that might begin a frame. */
static int find_end(struct tfmt_walk *walk, uint64_t at)
{
	for (;;) {
		const uint8_t *data, *found;
		size_t available;
		int status = tfmt_input__at(&walk->input, at, FIRST_WANT, &data, &available);

		if (status < 0)
			return status;
		found = tfmt_frame__find(data, available);
		if (found)
			at += (uint64_t)(found - data);
		else if (available < FIRST_WANT)
			at += available;
		else
			at += available - (TFMT_FRAME_MAGIC_BYTES - 1);
		if (found || available < FIRST_WANT) {
			walk->piece.size_bytes = at - walk->piece.offset;
			return 0;
		}
	}
}

static int take_foreign(struct tfmt_walk *walk, uint64_t vain_bytes, const char *fault)
{
	uint64_t passed = 1;

	if (vain_bytes <= walk->search_budget) {
		walk->search_budget -= vain_bytes;
	} else {
		walk->search_budget = 0;
		passed = walk->piece.size_bytes > 0 ? walk->piece.size_bytes : 1;
	}
	walk->piece.type = TFMT_PIECE_FOREIGN;
	walk->piece.fault = fault;
	return find_end(walk, walk->offset + passed);
}

static int take_frame(struct tfmt_walk *walk, const uint8_t *data, size_t unpacked)
{
	struct tfmt_piece *piece = &walk->piece;
	size_t vain_bytes = tfmt_frame__vain_bytes((size_t)piece->size_bytes, unpacked);
	int status;

	if (vain_bytes > walk->search_budget) {
		piece->type = TFMT_PIECE_FOREIGN;
		piece->fault = "one of many frames that are almost nothing but zeros";
		return 0;
	}
	status = tfmt_unpacker__unpack(
		walk->unpacker, data, (size_t)piece->size_bytes, unpacked, &walk->unpacked);
	if (status == TFMT_E_NOMEM)
		return status;
	if (status < 0)
		return take_foreign(
			walk, unpacked, "a frame that does not unpack to what its checksum says");
	walk->search_budget -= vain_bytes;
	piece->type = TFMT_PIECE_FRAME;
	piece->data = walk->unpacked.data;
	piece->data_bytes = walk->unpacked.length;
	return 0;
}

int tfmt_walk_next(
	struct tfmt_walk *walk, const struct tfmt_piece **ret_piece, struct tfmt_error *err)
{
	enum tfmt_frame_status frame;
	const uint8_t *data;
	size_t available, unpacked = 0;
	int status;

	walk->piece = (struct tfmt_piece){.offset = walk->offset};
	status = examine(walk, &data, &available, &frame, &unpacked);
	if (status == 0 && available == 0)
		return 0;
	if (status == 0 && frame == TFMT_FRAME_WHOLE)
		status = take_frame(walk, data, unpacked);
	else if (status == 0 && frame == TFMT_FRAME_SKIPPABLE)
		walk->piece.type = TFMT_PIECE_SKIPPABLE;
	else if (status == 0)
		status = take_foreign(
			walk, walk->piece.size_bytes, tfmt_frame__fault(data, available));
	if (status < 0)
		return tfmt_error_set(err, status, walk->offset, "cannot read: %s",
			status == TFMT_E_IO ? strerror(errno) : tfmt_strerror(status));
	walk->offset += walk->piece.size_bytes;
	*ret_piece = &walk->piece;
	return 1;
}
