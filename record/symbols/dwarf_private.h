/*
 * What the files of the debug information reader share.
 */
#ifndef RECORD_DWARF_PRIVATE_H
#define RECORD_DWARF_PRIVATE_H

#include "symbols/dwarf.h"
#include "symbols/dwarf_functions.h"
#include "symbols/dwarf_lines.h"
#include "symbols/dwarf_unit.h"

/* Names kept: a power of two. */
#define REC_DWARF_NAMES 1024

/* What is read of a unit on demand. */
struct rec_unit_cache {
	struct rec_abbrevs abbrevs;
	bool has_code; /* the rest has been read */
	struct rec_functions functions;
	struct rec_lines lines;
};

struct rec_unit_range {
	uint64_t low;
	uint64_t high;
	uint32_t unit; /* index */
};

/* The name of a function, found before. */
struct rec_dwarf_name {
	uint64_t die; /* 0: none */
	char *text;   /* demangled; NULL when it has no name */
	uint32_t first_line;
	bool is_short; /* a symbol, if there is one, is a better name */
};

struct rec_dwarf {
	struct rec_dwarf_sections sections;
	struct rec_dwarf *shared; /* what dwz has moved into another file, NULL: none; owned */
	uint64_t steps_left;
	struct rec_text text;
	struct rec_unit *units; /* by offset */
	size_t unit_count;
	size_t unit_capacity;
	struct rec_unit_range *ranges; /* by address */
	size_t range_count;
	size_t range_capacity;
	size_t cached_bytes;
	struct rec_dwarf_name names[REC_DWARF_NAMES]; /* by hash of the entry */
};

/* The unit that the entry at `offset` is in, its abbreviations read; NULL when there is none. */
struct rec_unit *rec_dwarf_unit_at(struct rec_dwarf *dwarf, uint64_t offset);

/* The name of the function whose entry is at `offset`; NULL without memory. Lives until the next.
 */
const struct rec_dwarf_name *rec_dwarf_name(struct rec_dwarf *dwarf, uint64_t offset);
void rec_dwarf_forget_names(struct rec_dwarf *dwarf);

#endif
