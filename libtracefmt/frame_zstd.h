/* One zstd frame: packing a chunk, and finding and unpacking the next one in untrusted bytes. */
#ifndef TFMT_FRAME_ZSTD_H
#define TFMT_FRAME_ZSTD_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct tfmt_packer;

/* `level` as for zstd. Returns: 0; TFMT_E_NOMEM; TFMT_E_ARG for a level out of range. */
int tfmt_packer__new(int level, struct tfmt_packer **ret_packer);
void tfmt_packer__free(struct tfmt_packer *packer);
/* Replace the content of `out` by a frame holding `data`. Returns: 0; TFMT_E_NOMEM. */
int tfmt_packer__pack(
	struct tfmt_packer *packer, const void *data, size_t size, struct tfmt_bytes *out);

enum tfmt_frame_status {
	TFMT_FRAME_WHOLE,     /* `size` bytes, `unpacked` when it is unpacked */
	TFMT_FRAME_SKIPPABLE, /* `size` bytes without meaning */
	TFMT_FRAME_PARTIAL,   /* more bytes are needed to tell */
	TFMT_FRAME_BAD,	      /* no frame of ours begins here */
};

/*
 * What begins at `data`. `size` may be beyond `available` for skippable frames only; of bad and
 * partial frames it is the bytes that were looked at in vain, 0 when that showed at once.
 */
enum tfmt_frame_status tfmt_frame__examine(
	const uint8_t *data, size_t available, uint64_t *ret_size, size_t *ret_unpacked);

/* Why what begins at `data` is no whole frame of ours, in words. */
const char *tfmt_frame__fault(const uint8_t *data, size_t available);

/* The largest packed frame that a reader accepts. */
size_t tfmt_frame__max_packed(void);

#define TFMT_FRAME_MAGIC_BYTES 4

/* The first place in `data` where a frame might begin, NULL when there is none. */
const uint8_t *tfmt_frame__find(const uint8_t *data, size_t available);

/*
 * What may be looked at in vain, in bytes, before whole frames are passed over: so a file made of
 * overlapping frames, or of frames that are almost nothing but zeros, takes no more than linear
 * time: about half a second.
 */
#define TFMT_SEARCH_BUDGET_BYTES (512u << 20)

/* Bytes beyond a ratio that no writer reaches: a small file could ask for hours of unpacking. */
size_t tfmt_frame__vain_bytes(size_t size, size_t unpacked);

struct tfmt_unpacker;

struct tfmt_unpacker *tfmt_unpacker__new(void);
void tfmt_unpacker__free(struct tfmt_unpacker *unpacker);
/* Unpack a whole frame of `unpacked` bytes into `out`. Returns: 0; TFMT_E_NOMEM; TFMT_E_CORRUPT. */
int tfmt_unpacker__unpack(struct tfmt_unpacker *unpacker, const uint8_t *data, size_t size,
	size_t unpacked, struct tfmt_bytes *out);

#endif
