/*
 * The values of attributes, whatever form they are stored in.
 */
#ifndef RECORD_DWARF_VALUE_H
#define RECORD_DWARF_VALUE_H

#include <stdint.h>

#include "symbols/dwarf_unit.h"

enum rec_value_kind {
	REC_VALUE_NONE, /* of no use for naming */
	REC_VALUE_NUMBER,
	REC_VALUE_ADDRESS,
	REC_VALUE_TEXT,
	REC_VALUE_ENTRY,	/* an offset in .debug_info */
	REC_VALUE_SHARED_ENTRY, /* the same of the file that dwz has made */
	REC_VALUE_SECTION,	/* an offset in another section */
	REC_VALUE_RANGES_INDEX, /* a number in the list of range lists */
};

struct rec_value {
	enum rec_value_kind kind;
	uint64_t number;	  /* of all but texts */
	struct rec_die_text text; /* of texts */
};

/* Read the value of an attribute. An unknown form makes the cursor bad. */
struct rec_value rec_value_read(const struct rec_dwarf_sections *sections,
	const struct rec_unit *unit, struct rec_cursor *cursor,
	const struct rec_attribute *attribute);

/* Number `index` of a table of `width` bytes each that starts at `base`; 0 when it is outside. */
uint64_t rec_table_at(struct rec_span section, uint64_t base, uint64_t index, size_t width);

#endif
