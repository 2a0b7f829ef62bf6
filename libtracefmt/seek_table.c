/* contrib/seekable_format of zstd: a skippable frame at the end of the file. */
#include <endian.h>
#include <string.h>

#include "index.h"

#include "tracefmt/error.h"

#define SKIPPABLE_MAGIC	   0x184d2a5eu
#define FOOTER_MAGIC	   0x8f92eab1u
#define HEAD_BYTES	   8
#define ENTRY_BYTES	   8
#define CHECKSUM_BYTES	   4
#define HAS_CHECKSUMS	   0x80
#define RESERVED_BITS	   0x7c
#define DESCRIPTOR_OFFSET  4
#define FOOTER_MAGIC_AFTER 5

static void put_u32(struct tfmt_bytes *out, uint32_t value)
{
	uint32_t stored = htole32(value);

	tfmt_bytes__append(out, &stored, sizeof(stored));
}

static uint32_t get_u32(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return le32toh(value);
}

int tfmt_seek_table__pack(const struct tfmt_index *index, size_t packed_bytes,
	size_t unpacked_bytes, struct tfmt_bytes *out)
{
	static const uint8_t descriptor = 0;
	uint32_t count = (uint32_t)index->count + 1;

	out->length = 0;
	put_u32(out, SKIPPABLE_MAGIC);
	put_u32(out, count * ENTRY_BYTES + TFMT_SEEK_FOOTER_BYTES);
	for (size_t i = 0; i < index->count; i++) {
		put_u32(out, index->rows[i].packed_bytes);
		put_u32(out, index->rows[i].unpacked_bytes);
	}
	put_u32(out, (uint32_t)packed_bytes);
	put_u32(out, (uint32_t)unpacked_bytes);
	put_u32(out, count);
	tfmt_bytes__append(out, &descriptor, sizeof(descriptor));
	put_u32(out, FOOTER_MAGIC);
	return out->failed ? TFMT_E_NOMEM : 0;
}

static size_t entry_bytes(const uint8_t *footer)
{
	return ENTRY_BYTES + (footer[DESCRIPTOR_OFFSET] & HAS_CHECKSUMS ? CHECKSUM_BYTES : 0);
}

uint64_t tfmt_seek_table__bytes(const uint8_t *footer, uint64_t *ret_frame_count)
{
	uint64_t count = get_u32(footer);

	if (get_u32(footer + FOOTER_MAGIC_AFTER) != FOOTER_MAGIC ||
		(footer[DESCRIPTOR_OFFSET] & RESERVED_BITS) || count == 0)
		return 0;
	*ret_frame_count = count;
	return HEAD_BYTES + count * entry_bytes(footer) + TFMT_SEEK_FOOTER_BYTES;
}

uint64_t tfmt_seek_table__last(const uint8_t *table, size_t size)
{
	const uint8_t *footer = table + size - TFMT_SEEK_FOOTER_BYTES;

	if (get_u32(table) != SKIPPABLE_MAGIC || get_u32(table + 4) != size - HEAD_BYTES)
		return 0;
	return get_u32(footer - entry_bytes(footer));
}
