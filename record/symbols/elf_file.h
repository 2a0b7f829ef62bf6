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
