#include "symbols/dwarf_value.h"

#include <dwarf.h>

uint64_t rec_table_at(struct rec_span section, uint64_t base, uint64_t index, size_t width)
{
	struct rec_cursor cursor;

	if (index > section.size / width || base > section.size)
		return 0;
	cursor = rec_cursor_at(section, base + index * width);
	return rec_read_uint(&cursor, width);
}

static struct rec_value text_value(const struct rec_span *strings, uint64_t offset)
{
	return (struct rec_value){REC_VALUE_TEXT, 0, {strings, offset}};
}

static struct rec_value indexed_text(
	const struct rec_dwarf_sections *sections, const struct rec_unit *unit, uint64_t index)
{
	uint64_t offset = rec_table_at(
		sections->str_offsets, unit->str_offsets_base, index, unit->offset_bytes);

	return text_value(&sections->str, offset);
}

uint64_t rec_indexed_address(
	const struct rec_dwarf_sections *sections, const struct rec_unit *unit, uint64_t index)
{
	return rec_table_at(sections->addr, unit->addr_base, index, unit->address_bytes);
}

static struct rec_value address_value(uint64_t address)
{
	return (struct rec_value){REC_VALUE_ADDRESS, address, {0}};
}

static struct rec_value number_value(uint64_t number)
{
	return (struct rec_value){REC_VALUE_NUMBER, number, {0}};
}

static struct rec_value entry_value(const struct rec_unit *unit, uint64_t offset)
{
	if (offset >= unit->end - unit->offset)
		return (struct rec_value){REC_VALUE_NONE, 0, {0}};
	return (struct rec_value){REC_VALUE_ENTRY, unit->offset + offset, {0}};
}

static struct rec_value shared_value(uint64_t offset)
{
	return (struct rec_value){REC_VALUE_SHARED_ENTRY, offset, {0}};
}

/* Step over what naming has no use for. */
static void skip_form(struct rec_cursor *cursor, unsigned int form)
{
	switch (form) {
	case DW_FORM_loclistx:
		rec_read_uleb(cursor);
		break;
	case DW_FORM_block1:
		rec_skip(cursor, rec_read_u8(cursor));
		break;
	case DW_FORM_block2:
		rec_skip(cursor, rec_read_u16(cursor));
		break;
	case DW_FORM_block4:
		rec_skip(cursor, rec_read_u32(cursor));
		break;
	case DW_FORM_block:
	case DW_FORM_exprloc:
		rec_skip(cursor, rec_read_uleb(cursor));
		break;
	case DW_FORM_data16:
		rec_skip(cursor, 16);
		break;
	case DW_FORM_ref_sig8:
		rec_skip(cursor, 8);
		break;
	default:
		/* Its length is not known, so neither is where the next one starts. */
		rec_cursor_fail(cursor);
		break;
	}
}

/* Forms that say where their text is. */
static struct rec_value read_text_form(const struct rec_dwarf_sections *sections,
	const struct rec_unit *unit, struct rec_cursor *cursor, unsigned int form)
{
	uint64_t here = (uint64_t)(cursor->at - sections->info.data);

	switch (form) {
	case DW_FORM_string:
		rec_read_text(cursor);
		return text_value(&sections->info, here);
	case DW_FORM_strp:
		return text_value(&sections->str, rec_read_uint(cursor, unit->offset_bytes));
	case DW_FORM_line_strp:
		return text_value(&sections->line_str, rec_read_uint(cursor, unit->offset_bytes));
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return text_value(&sections->shared_str, rec_read_uint(cursor, unit->offset_bytes));
	case DW_FORM_strx:
	case DW_FORM_GNU_str_index:
		return indexed_text(sections, unit, rec_read_uleb(cursor));
	default: /* DW_FORM_strx1 to DW_FORM_strx4 */
		return indexed_text(
			sections, unit, rec_read_uint(cursor, form - DW_FORM_strx1 + 1));
	}
}

struct rec_value rec_value_read(const struct rec_dwarf_sections *sections,
	const struct rec_unit *unit, struct rec_cursor *cursor,
	const struct rec_attribute *attribute)
{
	unsigned int form = attribute->form;

	/* Each round eats a byte. */
	while (form == DW_FORM_indirect && !cursor->is_bad)
		form = (unsigned int)rec_read_uleb(cursor);
	switch (form) {
	case DW_FORM_addr:
		return address_value(rec_read_uint(cursor, unit->address_bytes));
	case DW_FORM_addrx:
	case DW_FORM_GNU_addr_index:
		return address_value(rec_indexed_address(sections, unit, rec_read_uleb(cursor)));
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
		return address_value(rec_indexed_address(
			sections, unit, rec_read_uint(cursor, form - DW_FORM_addrx1 + 1)));
	case DW_FORM_data1:
	case DW_FORM_flag:
		return number_value(rec_read_u8(cursor));
	case DW_FORM_data2:
		return number_value(rec_read_uint(cursor, 2));
	case DW_FORM_data4:
	case DW_FORM_data8:
		/* Before version 4 these were also offsets in sections. */
		return (struct rec_value){unit->version < 4 ? REC_VALUE_SECTION : REC_VALUE_NUMBER,
			rec_read_uint(cursor, form == DW_FORM_data4 ? 4 : 8), {0}};
	case DW_FORM_udata:
		return number_value(rec_read_uleb(cursor));
	case DW_FORM_sdata:
		return number_value((uint64_t)rec_read_sleb(cursor));
	case DW_FORM_implicit_const:
		return number_value((uint64_t)attribute->constant);
	case DW_FORM_flag_present:
		return number_value(1);
	case DW_FORM_string:
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return read_text_form(sections, unit, cursor, form);
	case DW_FORM_ref1:
		return entry_value(unit, rec_read_u8(cursor));
	case DW_FORM_ref2:
		return entry_value(unit, rec_read_uint(cursor, 2));
	case DW_FORM_ref4:
		return entry_value(unit, rec_read_uint(cursor, 4));
	case DW_FORM_ref8:
		return entry_value(unit, rec_read_uint(cursor, 8));
	case DW_FORM_ref_udata:
		return entry_value(unit, rec_read_uleb(cursor));
	case DW_FORM_ref_addr:
		return (struct rec_value){REC_VALUE_ENTRY,
			rec_read_uint(cursor,
				unit->version < 3 ? unit->address_bytes : unit->offset_bytes),
			{0}};
	case DW_FORM_GNU_ref_alt:
		return shared_value(rec_read_uint(cursor, unit->offset_bytes));
	case DW_FORM_ref_sup4:
		return shared_value(rec_read_uint(cursor, 4));
	case DW_FORM_ref_sup8:
		return shared_value(rec_read_uint(cursor, 8));
	case DW_FORM_sec_offset:
		return (struct rec_value){
			REC_VALUE_SECTION, rec_read_uint(cursor, unit->offset_bytes), {0}};
	case DW_FORM_rnglistx:
		return (struct rec_value){REC_VALUE_RANGES_INDEX, rec_read_uleb(cursor), {0}};
	default:
		skip_form(cursor, form);
		return (struct rec_value){REC_VALUE_NONE, 0, {0}};
	}
}
