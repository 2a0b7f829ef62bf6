#include "symbols/dwarf_unit.h"

#include <dwarf.h>

#include "symbols/dwarf_value.h"

static uint64_t ranges_offset(const struct rec_dwarf_sections *sections,
	const struct rec_unit *unit, const struct rec_value *value)
{
	if (value->kind != REC_VALUE_RANGES_INDEX)
		return value->number;
	return unit->rnglists_base + rec_table_at(sections->rnglists, unit->rnglists_base,
					     value->number, unit->offset_bytes);
}

static void keep_code(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	unsigned int name, const struct rec_value *value, struct rec_die *die)
{
	switch (name) {
	case DW_AT_low_pc:
		die->has_low = value->kind == REC_VALUE_ADDRESS;
		die->low = value->number;
		break;
	case DW_AT_high_pc:
		die->has_high = true;
		die->is_high_length = value->kind != REC_VALUE_ADDRESS;
		die->high = value->number;
		break;
	default: /* DW_AT_ranges */
		die->has_ranges = true;
		die->ranges = ranges_offset(sections, unit, value);
		break;
	}
}

static void keep(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	unsigned int name, const struct rec_value *value, struct rec_die *die)
{
	switch (name) {
	case DW_AT_low_pc:
	case DW_AT_high_pc:
	case DW_AT_ranges:
		keep_code(sections, unit, name, value, die);
		break;
	case DW_AT_sibling:
		if (value->kind == REC_VALUE_ENTRY)
			die->sibling = value->number;
		break;
	case DW_AT_abstract_origin:
	case DW_AT_specification:
		if (value->kind == REC_VALUE_ENTRY)
			die->origin = value->number;
		else if (value->kind == REC_VALUE_SHARED_ENTRY)
			die->shared_origin = value->number;
		break;
	case DW_AT_name:
		die->name = value->text;
		break;
	case DW_AT_linkage_name:
	case DW_AT_MIPS_linkage_name:
		die->linkage_name = value->text;
		break;
	case DW_AT_comp_dir:
		die->folder = value->text;
		break;
	case DW_AT_decl_line:
		die->first_line = (uint32_t)value->number;
		break;
	case DW_AT_call_line:
		die->call_line = (uint32_t)value->number;
		break;
	case DW_AT_call_file:
		die->call_file = (uint32_t)value->number;
		break;
	case DW_AT_language:
		die->language = (uint16_t)value->number;
		break;
	case DW_AT_stmt_list:
		die->has_lines = true;
		die->line_offset = value->number;
		break;
	case DW_AT_str_offsets_base:
		die->str_offsets_base = value->number;
		break;
	case DW_AT_addr_base:
	case DW_AT_GNU_addr_base:
		die->addr_base = value->number;
		break;
	case DW_AT_rnglists_base:
		die->rnglists_base = value->number;
		break;
	default:
		break;
	}
}

bool rec_die_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_abbrevs *abbrevs, uint64_t offset, struct rec_die *ret_die)
{
	struct rec_span unit_bytes = {sections->info.data, unit->end};
	struct rec_cursor cursor = rec_cursor_at(unit_bytes, offset);
	const struct rec_abbrev *abbrev;
	uint64_t code;

	*ret_die = (struct rec_die){.offset = offset};
	if (offset < unit->root)
		return false;
	code = rec_read_uleb(&cursor);
	if (cursor.is_bad)
		return false;
	if (code != 0) {
		abbrev = rec_abbrevs_find(abbrevs, code);
		if (!abbrev || !rec_spend(sections, 1 + abbrev->count))
			return false;
		ret_die->tag = abbrev->tag;
		ret_die->has_children = abbrev->has_children;
		for (uint32_t i = 0; i < abbrev->count; i++) {
			const struct rec_attribute *attribute =
				&abbrevs->attributes[abbrev->first + i];
			struct rec_value value = rec_value_read(sections, unit, &cursor, attribute);

			if (value.kind != REC_VALUE_NONE)
				keep(sections, unit, attribute->name, &value, ret_die);
		}
		if (cursor.is_bad)
			return false;
	}
	ret_die->next = (uint64_t)(cursor.at - sections->info.data);
	/* Long texts inside take their time, too. */
	return rec_spend(sections, (ret_die->next - offset) / 64);
}

uint64_t rec_die_skip(const struct rec_unit *unit, const struct rec_die *die, bool *ret_descends)
{
	*ret_descends = false;
	if (!die->has_children)
		return die->next;
	if (die->sibling >= die->next && die->sibling <= unit->end)
		return die->sibling;
	*ret_descends = true;
	return die->next;
}

/* The first entry has the bases that its own attributes may need: it is read twice. */
static bool read_root(
	const struct rec_dwarf_sections *sections, struct rec_unit *unit, struct rec_die *ret_root)
{
	struct rec_cursor cursor = rec_cursor_at(sections->abbrev, unit->abbrev_offset);
	struct rec_abbrevs abbrevs = {0};
	struct rec_die die;
	bool is_read = false;
	int result;

	/* It almost always has the first abbreviation; do not read them all for that. */
	do {
		result = rec_spend(sections, 2) ? rec_abbrevs_read_next(&cursor, &abbrevs) : 0;
		is_read = result == 1 && rec_die_read(sections, unit, &abbrevs, unit->root, &die);
	} while (result == 1 && !is_read);
	if (is_read) {
		unit->str_offsets_base = die.str_offsets_base;
		unit->addr_base = die.addr_base;
		unit->rnglists_base = die.rnglists_base;
		is_read = rec_die_read(sections, unit, &abbrevs, unit->root, &die);
	}
	if (is_read) {
		unit->has_lines = die.has_lines;
		unit->line_offset = die.line_offset;
		unit->language = die.language;
		unit->folder = rec_die_text(die.folder);
		unit->base_address = die.has_low ? die.low : 0;
		*ret_root = die;
	}
	rec_abbrevs_release(&abbrevs);
	return is_read;
}

bool rec_unit_read(const struct rec_dwarf_sections *sections, uint64_t offset,
	struct rec_unit *ret_unit, struct rec_die *ret_root)
{
	struct rec_cursor cursor = rec_cursor_at(sections->info, offset);
	struct rec_unit unit = {.offset = offset, .offset_bytes = 4};
	uint8_t type = DW_UT_compile;
	uint64_t length;

	length = rec_read_u32(&cursor);
	if (length == 0xffffffff) {
		unit.offset_bytes = 8;
		length = rec_read_uint(&cursor, 8);
	}
	if (cursor.is_bad || length > rec_cursor_left(&cursor))
		return false;
	unit.end = (uint64_t)(cursor.at - sections->info.data) + length;
	unit.version = rec_read_u16(&cursor);
	if (unit.version >= 5) {
		type = rec_read_u8(&cursor);
		unit.address_bytes = rec_read_u8(&cursor);
		unit.abbrev_offset = rec_read_uint(&cursor, unit.offset_bytes);
		if (type == DW_UT_skeleton || type == DW_UT_split_compile)
			rec_skip(&cursor, 8);
	} else {
		unit.abbrev_offset = rec_read_uint(&cursor, unit.offset_bytes);
		unit.address_bytes = rec_read_u8(&cursor);
	}
	unit.root = (uint64_t)(cursor.at - sections->info.data);
	/* What cannot be understood is stepped over: it has its length. */
	unit.has_code =
		!cursor.is_bad && unit.version >= 2 && unit.version <= 5 &&
		(unit.address_bytes == 4 || unit.address_bytes == 8) &&
		(type == DW_UT_compile || type == DW_UT_partial || type == DW_UT_skeleton) &&
		unit.root < unit.end && read_root(sections, &unit, ret_root);
	*ret_unit = unit;
	return true;
}
