/*
 * An ELF file opened for its names: its sections, its build id, and the separate file that holds
 * its debug information.
 */
#ifndef RECORD_ELF_FILE_H
#define RECORD_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/bytes.h"

/* Sections of one file that are unpacked here. */
#define REC_UNPACKED_MAX 16
/* Executable sections of one file that are kept: more are ignored. */
#define REC_TEXT_RANGES_MAX 64

/* Where code is: addresses outside are not believed. */
struct rec_text {
	struct {
		uint64_t low;
		uint64_t high;
	} ranges[REC_TEXT_RANGES_MAX];
	size_t count;
};

struct rec_elf_file {
	Elf *elf;
	int fd;			 /* our own duplicate */
	struct rec_span names;	 /* of the sections */
	const uint8_t *build_id; /* NULL when the file has none */
	size_t build_id_bytes;
	size_t owned_bytes; /* memory taken by uncompressed sections */
	/* Those that libelf does not uncompress. */
	void *unpacked[REC_UNPACKED_MAX];
	size_t unpacked_count;
	char *path; /* of a separate file; NULL: not known */
};

/*
 * Open the file behind `fd`, which is duplicated.
 * Returns: 0; TFMT_E_FORMAT when it is no 64-bit little-endian ELF file of sane size; TFMT_E_IO.
 */
int rec_elf_open(struct rec_elf_file *file, int fd);
/* Harmless on a zeroed or closed file. */
void rec_elf_close(struct rec_elf_file *file);

/*
 * Open the separate debug file of `file`, found by build id or by .gnu_debuglink next to `path`
 * (which may be NULL) and proven by the build id, or else the checksum.
 * Returns: 0; TFMT_E_IO when there is none.
 */
int rec_elf_open_debug(
	struct rec_elf_file *debug, const struct rec_elf_file *file, const char *path);

/* The whole file. */
struct rec_span rec_elf_bytes(const struct rec_elf_file *file);

/*
 * Open the file behind `fd`, which is duplicated, if its build id proves that it belongs to `file`.
 * Returns: 0; TFMT_E_IO; TFMT_E_FORMAT.
 */
int rec_elf_open_proven(struct rec_elf_file *debug, const struct rec_elf_file *file, int fd);

/*
 * Open the file that `file`, which is at `path` (NULL: not known), shares debug information with:
 * dwz leaves there what several files have in common. Proven by its build id.
 * Returns: 0; TFMT_E_IO when there is none.
 */
int rec_elf_open_shared(
	struct rec_elf_file *shared, const struct rec_elf_file *file, const char *path);

/*
 * Open the symbols in .gnu_debugdata: a small ELF file, packed with xz, with the functions that are
 * not in .dynsym. Unpacked it may have `limit_bytes`.
 * Returns: 0; TFMT_E_IO when there is none; TFMT_E_LIMIT; TFMT_E_FORMAT.
 */
int rec_elf_open_mini(
	struct rec_elf_file *mini, const struct rec_elf_file *file, size_t limit_bytes);

/* The bytes at a virtual address up to the end of its segment; empty when there are none. */
struct rec_span rec_elf_memory(const struct rec_elf_file *file, uint64_t vaddr);

/* The first program header of a kind. Returns false when there is none. */
bool rec_elf_segment(const struct rec_elf_file *file, uint32_t type, GElf_Phdr *ret_segment);

/* The section of that name, or NULL. `*ret_header` is its header. */
Elf_Scn *rec_elf_section(const struct rec_elf_file *file, const char *name, GElf_Shdr *ret_header);

/*
 * The texts of a string section, without what follows its last NUL: every offset inside is that of
 * a text with an end.
 */
struct rec_span rec_elf_strings(const struct rec_elf_file *file, size_t section_number);

/* The bytes of a section as they are in the file; empty when it (or NULL) has none there. */
struct rec_span rec_elf_section_bytes(Elf_Scn *section);

/*
 * The bytes of the section of that name, uncompressed when need be; empty when there is none.
 * Compressed ones are refused when all would take more than `limit_bytes`; then
 * `*ret_too_large` becomes true.
 */
struct rec_span rec_elf_load(
	struct rec_elf_file *file, const char *name, size_t limit_bytes, bool *ret_too_large);

void rec_elf_text(const struct rec_elf_file *file, struct rec_text *ret_text);
bool rec_text_contains(const struct rec_text *text, uint64_t address);

#endif
