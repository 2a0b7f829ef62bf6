/*
 * The header of a line table: the numbers that its program needs, and the names of its files.
 */
#ifndef RECORD_DWARF_LINE_HEADER_H
#define RECORD_DWARF_LINE_HEADER_H

#include <stdint.h>

#include "symbols/dwarf_lines.h"

struct rec_line_header {
	struct rec_cursor program; /* the line program */
	uint16_t version;
	uint8_t offset_bytes; /* 4 or 8 */
	uint8_t instruction_bytes;
	int8_t line_base;
	uint8_t line_range;	     /* not 0 */
	uint8_t opcode_base;	     /* not 0 */
	uint8_t operand_counts[256]; /* of the standard opcodes */
};

/*
 * Read the header at `offset` of .debug_line, and add its files to `lines`.
 * Returns: 0; TFMT_E_CORRUPT; TFMT_E_NOMEM.
 */
int rec_line_header_read(const struct rec_dwarf_sections *sections, uint64_t offset,
	struct rec_line_header *header, struct rec_lines *lines);

#endif
