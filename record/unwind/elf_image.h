/*
 * What unwinding needs from an ELF file, read with care: where its segments are, its build id, and
 * where its call frame information lies.
 */
#ifndef RECORD_UNWIND_ELF_IMAGE_H
#define RECORD_UNWIND_ELF_IMAGE_H

#include "cfi.h"
#include "go_rules.h"

/* A PT_LOAD with a size in the file. */
struct elf_segment {
	uint64_t offset; /* in the file */
	uint64_t vaddr;
	uint64_t size; /* bytes in the file */
	bool is_executable;
};

struct elf_image {
	struct elf_segment *segments;
	size_t segment_count;
	uint64_t entry; /* virtual address where the program starts, 0: none */
	uint8_t build_id[20];
	size_t build_id_size; /* 0: none */
	struct cfi_table cfi;
	struct go_rules go;
};

/*
 * Read the headers of `fd`. Returns: 0; TFMT_E_FORMAT when it is no x86-64 ELF file of plausible
 * shape; TFMT_E_NOMEM. Owns: the caller frees the image.
 */
int elf_image_new(int fd, struct elf_image **ret_image);
void elf_image_free(struct elf_image *image);

/*
 * The segment that a mapping of `length` bytes at `file_offset` shows: the executable one that
 * shares most bytes with it. NULL when none shares any.
 */
const struct elf_segment *elf_image_segment(
	const struct elf_image *image, uint64_t file_offset, uint64_t length);

/* Where the byte at `vaddr` lies in the file. Returns: whether it does. */
bool elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *ret_offset);

#endif
