#include <gelf.h>
#include <stdlib.h>

#include "cfi.h"

/* Copy out the unpacked data of the section. Returns: NULL when it is too large or damaged. */
static uint8_t *unpack(Elf_Scn *item, uint64_t max_bytes, uint64_t *ret_size)
{
	GElf_Chdr header;

	if (!gelf_getchdr(item, &header) || header.ch_size == 0 || header.ch_size > max_bytes ||
		elf_compress(item, 0, 0) < 0)
		return NULL;
	const Elf_Data *data = elf_rawdata(item, NULL);
	uint8_t *bytes = data && data->d_buf ? malloc(data->d_size) : NULL;

	if (bytes) {
		memcpy(bytes, data->d_buf, data->d_size);
		*ret_size = data->d_size;
	}
	return bytes;
}

uint8_t *cfi_inflate(
	int fd, const struct cfi_section *section, uint64_t max_bytes, uint64_t *ret_size)
{
	uint8_t *bytes = NULL;
	Elf_Scn *item = NULL;

	if (section->size > max_bytes || elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);

	while (!bytes && elf && (item = elf_nextscn(elf, item))) {
		GElf_Shdr header;

		if (gelf_getshdr(item, &header) && header.sh_offset == section->offset &&
			header.sh_size == section->size && (header.sh_flags & SHF_COMPRESSED))
			bytes = unpack(item, max_bytes, ret_size);
	}
	elf_end(elf);
	return bytes;
}
