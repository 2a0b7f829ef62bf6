/*
 * Units of .debug_info and their entries (DIEs): headers, abbreviations, attributes, ranges.
 *
 * Offsets are from the start of .debug_info. Only the attributes that naming needs are kept.
 */
#ifndef RECORD_DWARF_UNIT_H
#define RECORD_DWARF_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/bytes.h"
#include "symbols/intervals.h"

/* The sections, empty where the file has none. */
struct rec_dwarf_sections {
	struct rec_span info;
	struct rec_span abbrev;
	struct rec_span line;
	struct rec_span str;
	struct rec_span line_str;
	struct rec_span ranges;
	struct rec_span rnglists;
	struct rec_span addr;
	struct rec_span str_offsets;
	struct rec_span shared_str; /* .debug_str of the file that dwz has made */
	/*
	 * Steps (some 10 ns each) that may still be spent on the file. A hostile file can ask for
	 * any amount of work with few bytes; when none is left, reading fails.
	 */
	uint64_t *steps_left;
};

static inline bool rec_spend(const struct rec_dwarf_sections *sections, uint64_t steps)
{
	if (*sections->steps_left < steps) {
		*sections->steps_left = 0;
		return false;
	}
	*sections->steps_left -= steps;
	return true;
}

struct rec_attribute {
	uint16_t name;
	uint16_t form;
	int64_t constant; /* of DW_FORM_implicit_const */
};

/* The layout shared by entries of one code. */
struct rec_abbrev {
	uint64_t code;
	uint16_t tag;
	bool has_children;
	uint32_t first; /* of its attributes */
	uint32_t count;
};

/* Sorted by code. */
struct rec_abbrevs {
	struct rec_abbrev *items;
	size_t count;
	size_t capacity;
	struct rec_attribute *attributes;
	size_t attribute_count;
	size_t attribute_capacity;
};

struct rec_unit {
	uint64_t offset;
	uint64_t end;
	uint64_t root; /* offset of its first entry */
	uint64_t abbrev_offset;
	uint16_t version;
	uint8_t offset_bytes;  /* 4 or 8 */
	uint8_t address_bytes; /* 4 or 8 */
	bool has_code;	       /* a compilation, partial or skeleton unit */

	/* From the first entry. */
	bool has_lines;
	uint16_t language; /* DW_LANG_... */
	uint64_t line_offset;
	uint64_t base_address;
	uint64_t str_offsets_base;
	uint64_t addr_base;
	uint64_t rnglists_base;
	const char *folder; /* of the compilation; NULL when unknown */

	struct rec_unit_cache *cache; /* what was read on demand; NULL until then */
};

/* A text that is looked up only when it is wanted: most never are. */
struct rec_die_text {
	const struct rec_span *strings; /* NULL: there is none */
	uint64_t offset;
};

static inline const char *rec_die_text(struct rec_die_text text)
{
	return text.strings ? rec_text_at(*text.strings, text.offset) : NULL;
}

/* An entry. What it does not have is 0. */
struct rec_die {
	uint64_t offset;
	uint64_t next; /* offset of the entry after it: its first child when it has any */
	uint16_t tag;
	bool has_children;

	bool has_low;
	bool has_high;
	bool is_high_length; /* `high` counts from `low` */
	bool has_ranges;
	uint64_t low;
	uint64_t high;
	uint64_t ranges; /* offset in the section of the unit's version */

	uint64_t sibling;	/* offset */
	uint64_t origin;	/* offset of the entry that it completes */
	uint64_t shared_origin; /* the same when that is in the file that dwz has made */
	struct rec_die_text name;
	struct rec_die_text linkage_name;
	struct rec_die_text folder;
	uint32_t first_line;
	uint32_t call_line;
	uint32_t call_file;
	uint16_t language;
	bool has_lines;
	uint64_t line_offset;
	uint64_t str_offsets_base;
	uint64_t addr_base;
	uint64_t rnglists_base;
};

/*
 * Read the unit header at `offset`, and its first entry (which is set when `ret_unit->has_code`).
 * Returns false at the end or where the section makes no sense.
 */
bool rec_unit_read(const struct rec_dwarf_sections *sections, uint64_t offset,
	struct rec_unit *ret_unit, struct rec_die *ret_root);

/* Returns 0, TFMT_E_NOMEM or TFMT_E_CORRUPT. On failure `abbrevs` is empty. */
int rec_abbrevs_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	struct rec_abbrevs *abbrevs);
/* Append one abbreviation from the cursor. Returns 1; 0 at the end of the table; an error. */
int rec_abbrevs_read_next(struct rec_cursor *cursor, struct rec_abbrevs *abbrevs);
const struct rec_abbrev *rec_abbrevs_find(const struct rec_abbrevs *abbrevs, uint64_t code);
void rec_abbrevs_release(struct rec_abbrevs *abbrevs);
size_t rec_abbrevs_bytes(const struct rec_abbrevs *abbrevs);

/*
 * Read the entry at `offset`. A terminating entry has tag 0.
 * Returns false when it is damaged or outside the unit.
 */
bool rec_die_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_abbrevs *abbrevs, uint64_t offset, struct rec_die *ret_die);

/*
 * The offset after the entry and its children when that can be told at once, else that of its
 * first child, with `*ret_descends` set. Always beyond `die->offset`.
 */
uint64_t rec_die_skip(const struct rec_unit *unit, const struct rec_die *die, bool *ret_descends);

/* Address number `index` of the unit's table; 0 when there is none. */
uint64_t rec_indexed_address(
	const struct rec_dwarf_sections *sections, const struct rec_unit *unit, uint64_t index);

/* A growing list of ranges, in file order. */
struct rec_ranges {
	struct rec_interval *items;
	size_t count;
	size_t capacity;
};

/* Append what code the entry has. Returns 0 or TFMT_E_NOMEM; damaged lists end early. */
int rec_die_ranges(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_die *die, struct rec_ranges *ranges);

#endif
