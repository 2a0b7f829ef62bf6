#include "frame_zstd.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "tracefmt/error.h"
#include "tracefmt/limits.h"

/* Unpacked to packed size of a chunk, at most. */
#define USUAL_RATIO 1000
/* RFC 8878, 3.1.1.1.1: the descriptor byte after the magic. */
#define DESCRIPTOR_HAS_CHECKSUM 0x04
#define HEAD_BYTES_MAX		18
#define SKIPPABLE_HEAD_BYTES	8

struct tfmt_packer {
	ZSTD_CCtx *context;
};

struct tfmt_unpacker {
	ZSTD_DCtx *context;
};

int tfmt_packer__new(int level, struct tfmt_packer **ret_packer)
{
	struct tfmt_packer *packer;

	if (level < ZSTD_minCLevel() || level > ZSTD_maxCLevel())
		return TFMT_E_ARG;
	packer = calloc(1, sizeof(*packer));
	if (!packer)
		return TFMT_E_NOMEM;
	packer->context = ZSTD_createCCtx();
	if (!packer->context ||
		ZSTD_isError(
			ZSTD_CCtx_setParameter(packer->context, ZSTD_c_compressionLevel, level)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_checksumFlag, 1))) {
		tfmt_packer__free(packer);
		return TFMT_E_NOMEM;
	}
	*ret_packer = packer;
	return 0;
}

void tfmt_packer__free(struct tfmt_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->context);
	free(packer);
}

int tfmt_packer__pack(
	struct tfmt_packer *packer, const void *data, size_t size, struct tfmt_bytes *out)
{
	size_t bound = ZSTD_compressBound(size);
	uint8_t *room;
	size_t packed;

	out->length = 0;
	room = tfmt_bytes__reserve(out, bound);
	if (!room)
		return TFMT_E_NOMEM;
	packed = ZSTD_compress2(packer->context, room, bound, data, size);
	if (ZSTD_isError(packed))
		return TFMT_E_NOMEM;
	out->length = packed;
	return 0;
}

size_t tfmt_frame__max_packed(void)
{
	return ZSTD_compressBound(TFMT_MAX_CHUNK_BYTES) + 64;
}

const uint8_t *tfmt_frame__find(const uint8_t *data, size_t available)
{
	static const uint8_t magic[TFMT_FRAME_MAGIC_BYTES] = {0x28, 0xb5, 0x2f, 0xfd};

	return memmem(data, available, magic, sizeof(magic));
}

size_t tfmt_frame__vain_bytes(size_t size, size_t unpacked)
{
	size_t usual = size * USUAL_RATIO;

	return unpacked > usual ? unpacked - usual : 0;
}

static uint32_t read_u32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return le32toh(value);
}

enum tfmt_frame_status tfmt_frame__examine(
	const uint8_t *data, size_t available, uint64_t *ret_size, size_t *ret_unpacked)
{
	unsigned long long unpacked;
	size_t size;

	*ret_size = 0;
	if (available < SKIPPABLE_HEAD_BYTES)
		return TFMT_FRAME_PARTIAL;
	if ((read_u32(data) & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START) {
		*ret_size = SKIPPABLE_HEAD_BYTES + (uint64_t)read_u32(data + 4);
		return TFMT_FRAME_SKIPPABLE;
	}
	if (read_u32(data) != ZSTD_MAGICNUMBER || !(data[4] & DESCRIPTOR_HAS_CHECKSUM))
		return TFMT_FRAME_BAD;
	unpacked = ZSTD_getFrameContentSize(data, available);
	if (unpacked == ZSTD_CONTENTSIZE_UNKNOWN)
		return TFMT_FRAME_BAD;
	if (unpacked == ZSTD_CONTENTSIZE_ERROR)
		return available < HEAD_BYTES_MAX ? TFMT_FRAME_PARTIAL : TFMT_FRAME_BAD;
	if (unpacked > TFMT_MAX_CHUNK_BYTES)
		return TFMT_FRAME_BAD;
	size = ZSTD_findFrameCompressedSize(data, available);
	if (ZSTD_isError(size)) {
		*ret_size = available;
		if (ZSTD_getErrorCode(size) == ZSTD_error_srcSize_wrong &&
			available < tfmt_frame__max_packed())
			return TFMT_FRAME_PARTIAL;
		return TFMT_FRAME_BAD;
	}
	*ret_size = size;
	*ret_unpacked = (size_t)unpacked;
	return TFMT_FRAME_WHOLE;
}

const char *tfmt_frame__fault(const uint8_t *data, size_t available)
{
	unsigned long long unpacked;

	if (available < SKIPPABLE_HEAD_BYTES)
		return "less than a frame";
	if (read_u32(data) != ZSTD_MAGICNUMBER)
		return "no frame begins here";
	if (!(data[4] & DESCRIPTOR_HAS_CHECKSUM))
		return "a frame without a checksum";
	unpacked = ZSTD_getFrameContentSize(data, available);
	if (unpacked == ZSTD_CONTENTSIZE_UNKNOWN)
		return "a frame without its content size";
	if (unpacked != ZSTD_CONTENTSIZE_ERROR && unpacked > TFMT_MAX_CHUNK_BYTES)
		return "a frame beyond the limit of 16 MiB";
	if (ZSTD_getErrorCode(ZSTD_findFrameCompressedSize(data, available)) ==
		ZSTD_error_srcSize_wrong)
		return "a frame that is cut";
	return "a broken frame";
}

struct tfmt_unpacker *tfmt_unpacker__new(void)
{
	struct tfmt_unpacker *unpacker = calloc(1, sizeof(*unpacker));

	if (!unpacker)
		return NULL;
	unpacker->context = ZSTD_createDCtx();
	if (!unpacker->context) {
		free(unpacker);
		return NULL;
	}
	return unpacker;
}

void tfmt_unpacker__free(struct tfmt_unpacker *unpacker)
{
	if (!unpacker)
		return;
	ZSTD_freeDCtx(unpacker->context);
	free(unpacker);
}

int tfmt_unpacker__unpack(struct tfmt_unpacker *unpacker, const uint8_t *data, size_t size,
	size_t unpacked, struct tfmt_bytes *out)
{
	size_t got;

	out->length = 0;
	/* At least one byte, so that the buffer exists. */
	if (!tfmt_bytes__reserve(out, unpacked + 1))
		return TFMT_E_NOMEM;
	got = ZSTD_decompressDCtx(unpacker->context, out->data, unpacked, data, size);
	if (ZSTD_isError(got) || got != unpacked)
		return ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation ? TFMT_E_NOMEM
									      : TFMT_E_CORRUPT;
	out->length = unpacked;
	return 0;
}
