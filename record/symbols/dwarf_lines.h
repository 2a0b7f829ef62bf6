/*
 * The line table of a unit: which line of which file the code at an address is from.
 */
#ifndef RECORD_DWARF_LINES_H
#define RECORD_DWARF_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/chain.h"
#include "symbols/dwarf_unit.h"
#include "symbols/elf_file.h"

/* Code from `address` up to the next row's. */
struct rec_line_row {
	uint64_t address;
	uint32_t file; /* in the table's numbering; REC_LINE_HOLE: no code of this unit */
	uint32_t line;
};

#define REC_LINE_HOLE UINT32_MAX

struct rec_line_file {
	const char *folder; /* NULL: that of the compilation */
	const char *name;
};

/* Zeroed: empty. Texts are in the sections. */
struct rec_lines {
	struct rec_line_row *rows; /* by address; neighbours differ */
	size_t row_count;
	size_t row_capacity;
	struct rec_line_file *files;
	size_t file_count;
	size_t file_capacity;
	uint32_t first_file; /* the number of files[0]: 0 from version 5 on, else 1 */
	const char *folder;  /* of the compilation; NULL when unknown */
};

/* Returns 0, also for a damaged table (what was whole is kept), or TFMT_E_NOMEM. */
int rec_lines_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_text *text, struct rec_lines *lines);
void rec_lines_release(struct rec_lines *lines);
size_t rec_lines_bytes(const struct rec_lines *lines);

/* The row for `address`; NULL when it has none. The range shrinks to where that is the answer. */
const struct rec_line_row *rec_lines_find(
	const struct rec_lines *lines, uint64_t address, struct rec_interval *range);

/* The path of a file, in the chain's memory; NULL when there is no such file. */
const char *rec_lines_path(const struct rec_lines *lines, uint32_t file, struct rec_chain *chain);

#endif
