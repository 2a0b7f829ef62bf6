#include "symbols/dwarf_unit.h"

#include <dwarf.h>
#include <stdlib.h>

#include "tracefmt/error.h"

/* Abbreviations of one unit, and attributes of all of them: hostile files have more. */
#define ABBREVS_MAX    (64 * 1024)
#define ATTRIBUTES_MAX (1024 * 1024)

enum value_kind {
	VALUE_NONE,
	VALUE_NUMBER,
	VALUE_ADDRESS,
	VALUE_TEXT,
	VALUE_ENTRY,	   /* an offset in .debug_info */
	VALUE_SECTION,	   /* an offset in another section */
	VALUE_RANGES_INDEX /* a number in the list of range lists */
};

struct value {
	enum value_kind kind;
	uint64_t number;
	struct rec_die_text text;
};

void rec_abbrevs_release(struct rec_abbrevs *abbrevs)
{
	free(abbrevs->items);
	free(abbrevs->attributes);
	*abbrevs = (struct rec_abbrevs){0};
}

size_t rec_abbrevs_bytes(const struct rec_abbrevs *abbrevs)
{
	return abbrevs->capacity * sizeof(*abbrevs->items) +
	       abbrevs->attribute_capacity * sizeof(*abbrevs->attributes);
}

static int add_attribute(struct rec_abbrevs *abbrevs, struct rec_attribute attribute)
{
	if (abbrevs->attribute_count == ATTRIBUTES_MAX)
		return TFMT_E_CORRUPT;
	if (abbrevs->attribute_count == abbrevs->attribute_capacity) {
		size_t capacity =
			abbrevs->attribute_capacity ? abbrevs->attribute_capacity * 2 : 512;
		struct rec_attribute *attributes =
			reallocarray(abbrevs->attributes, capacity, sizeof(*attributes));

		if (!attributes)
			return TFMT_E_NOMEM;
		abbrevs->attributes = attributes;
		abbrevs->attribute_capacity = capacity;
	}
	abbrevs->attributes[abbrevs->attribute_count++] = attribute;
	return 0;
}

static int add_abbrev(struct rec_abbrevs *abbrevs, struct rec_abbrev abbrev)
{
	if (abbrevs->count == ABBREVS_MAX)
		return TFMT_E_CORRUPT;
	if (abbrevs->count == abbrevs->capacity) {
		size_t capacity = abbrevs->capacity ? abbrevs->capacity * 2 : 128;
		struct rec_abbrev *items = reallocarray(abbrevs->items, capacity, sizeof(*items));

		if (!items)
			return TFMT_E_NOMEM;
		abbrevs->items = items;
		abbrevs->capacity = capacity;
	}
	abbrevs->items[abbrevs->count++] = abbrev;
	return 0;
}

/* Read one abbreviation with its attributes. Returns 1; 0 at the end of the table; an error. */
static int read_abbrev(struct rec_cursor *cursor, struct rec_abbrevs *abbrevs)
{
	struct rec_abbrev abbrev = {.first = (uint32_t)abbrevs->attribute_count};
	int result;

	abbrev.code = rec_read_uleb(cursor);
	if (abbrev.code == 0)
		return 0;
	abbrev.tag = (uint16_t)rec_read_uleb(cursor);
	abbrev.has_children = rec_read_u8(cursor) != 0;
	for (;;) {
		struct rec_attribute attribute = {0};

		attribute.name = (uint16_t)rec_read_uleb(cursor);
		attribute.form = (uint16_t)rec_read_uleb(cursor);
		if (attribute.form == DW_FORM_implicit_const)
			attribute.constant = rec_read_sleb(cursor);
		if (cursor->is_bad)
			return TFMT_E_CORRUPT;
		if (attribute.name == 0 && attribute.form == 0)
			break;
		result = add_attribute(abbrevs, attribute);
		if (result < 0)
			return result;
		abbrev.count++;
	}
	result = add_abbrev(abbrevs, abbrev);
	return result < 0 ? result : 1;
}

static int compare_abbrevs(const void *left, const void *right)
{
	const struct rec_abbrev *a = left, *b = right;

	return a->code < b->code ? -1 : a->code > b->code;
}

int rec_abbrevs_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	struct rec_abbrevs *abbrevs)
{
	struct rec_cursor cursor = rec_cursor_at(sections->abbrev, unit->abbrev_offset);
	int result;

	do {
		result = rec_spend(sections, 1) ? read_abbrev(&cursor, abbrevs) : TFMT_E_CORRUPT;
	} while (result == 1);
	if (result < 0)
		rec_abbrevs_release(abbrevs);
	else if (abbrevs->count > 0)
		qsort(abbrevs->items, abbrevs->count, sizeof(*abbrevs->items), compare_abbrevs);
	return result;
}

static const struct rec_abbrev *find_abbrev(const struct rec_abbrevs *abbrevs, uint64_t code)
{
	struct rec_abbrev wanted = {.code = code};

	/* Compilers number them from 1 without gaps. */
	if (code - 1 < abbrevs->count && abbrevs->items[code - 1].code == code)
		return &abbrevs->items[code - 1];
	if (abbrevs->count == 0)
		return NULL;
	return bsearch(&wanted, abbrevs->items, abbrevs->count, sizeof(wanted), compare_abbrevs);
}

/* Number `index` of a table of `width` bytes each that starts at `base`. Returns 0 if outside. */
static uint64_t table_at(struct rec_span section, uint64_t base, uint64_t index, size_t width)
{
	struct rec_cursor cursor;

	if (index > section.size / width || base > section.size)
		return 0;
	cursor = rec_cursor_at(section, base + index * width);
	return rec_read_uint(&cursor, width);
}

static struct value text_value(const struct rec_span *strings, uint64_t offset)
{
	return (struct value){VALUE_TEXT, 0, {strings, offset}};
}

static struct value indexed_text(
	const struct rec_dwarf_sections *sections, const struct rec_unit *unit, uint64_t index)
{
	uint64_t offset =
		table_at(sections->str_offsets, unit->str_offsets_base, index, unit->offset_bytes);

	return text_value(&sections->str, offset);
}

uint64_t rec_indexed_address(
	const struct rec_dwarf_sections *sections, const struct rec_unit *unit, uint64_t index)
{
	return table_at(sections->addr, unit->addr_base, index, unit->address_bytes);
}

static struct value address_value(uint64_t address)
{
	return (struct value){VALUE_ADDRESS, address, {0}};
}

static struct value number_value(uint64_t number)
{
	return (struct value){VALUE_NUMBER, number, {0}};
}

static struct value entry_value(const struct rec_unit *unit, uint64_t offset)
{
	if (offset >= unit->end - unit->offset)
		return (struct value){VALUE_NONE, 0, {0}};
	return (struct value){VALUE_ENTRY, unit->offset + offset, {0}};
}

static struct value skipped(struct rec_cursor *cursor, uint64_t size_bytes)
{
	rec_skip(cursor, size_bytes);
	return (struct value){VALUE_NONE, 0, {0}};
}

/* Forms that say where their text is. */
static struct value read_text_form(const struct rec_dwarf_sections *sections,
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
	case DW_FORM_strx:
	case DW_FORM_GNU_str_index:
		return indexed_text(sections, unit, rec_read_uleb(cursor));
	default: /* DW_FORM_strx1 to DW_FORM_strx4 */
		return indexed_text(
			sections, unit, rec_read_uint(cursor, form - DW_FORM_strx1 + 1));
	}
}

static struct value read_form(const struct rec_dwarf_sections *sections,
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
		return (struct value){unit->version < 4 ? VALUE_SECTION : VALUE_NUMBER,
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
		return (struct value){VALUE_ENTRY,
			rec_read_uint(cursor,
				unit->version < 3 ? unit->address_bytes : unit->offset_bytes),
			{0}};
	case DW_FORM_sec_offset:
		return (struct value){
			VALUE_SECTION, rec_read_uint(cursor, unit->offset_bytes), {0}};
	case DW_FORM_rnglistx:
		return (struct value){VALUE_RANGES_INDEX, rec_read_uleb(cursor), {0}};
	case DW_FORM_loclistx:
		rec_read_uleb(cursor);
		return skipped(cursor, 0);
	case DW_FORM_block1:
		return skipped(cursor, rec_read_u8(cursor));
	case DW_FORM_block2:
		return skipped(cursor, rec_read_u16(cursor));
	case DW_FORM_block4:
		return skipped(cursor, rec_read_u32(cursor));
	case DW_FORM_block:
	case DW_FORM_exprloc:
		return skipped(cursor, rec_read_uleb(cursor));
	case DW_FORM_data16:
		return skipped(cursor, 16);
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return skipped(cursor, 8);
	case DW_FORM_ref_sup4:
		return skipped(cursor, 4);
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
	case DW_FORM_GNU_ref_alt:
		return skipped(cursor, unit->offset_bytes);
	default:
		/* Its length is not known, so neither is where the next one starts. */
		rec_cursor_fail(cursor);
		return skipped(cursor, 0);
	}
}

static uint64_t ranges_offset(const struct rec_dwarf_sections *sections,
	const struct rec_unit *unit, const struct value *value)
{
	if (value->kind != VALUE_RANGES_INDEX)
		return value->number;
	return unit->rnglists_base +
	       table_at(sections->rnglists, unit->rnglists_base, value->number, unit->offset_bytes);
}

static void keep_code(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	unsigned int name, const struct value *value, struct rec_die *die)
{
	switch (name) {
	case DW_AT_low_pc:
		die->has_low = value->kind == VALUE_ADDRESS;
		die->low = value->number;
		break;
	case DW_AT_high_pc:
		die->has_high = true;
		die->is_high_length = value->kind != VALUE_ADDRESS;
		die->high = value->number;
		break;
	default: /* DW_AT_ranges */
		die->has_ranges = true;
		die->ranges = ranges_offset(sections, unit, value);
		break;
	}
}

static void keep(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	unsigned int name, const struct value *value, struct rec_die *die)
{
	switch (name) {
	case DW_AT_low_pc:
	case DW_AT_high_pc:
	case DW_AT_ranges:
		keep_code(sections, unit, name, value, die);
		break;
	case DW_AT_sibling:
		if (value->kind == VALUE_ENTRY)
			die->sibling = value->number;
		break;
	case DW_AT_abstract_origin:
	case DW_AT_specification:
		if (value->kind == VALUE_ENTRY)
			die->origin = value->number;
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
		abbrev = find_abbrev(abbrevs, code);
		if (!abbrev || !rec_spend(sections, 1 + abbrev->count))
			return false;
		ret_die->tag = abbrev->tag;
		ret_die->has_children = abbrev->has_children;
		for (uint32_t i = 0; i < abbrev->count; i++) {
			const struct rec_attribute *attribute =
				&abbrevs->attributes[abbrev->first + i];
			struct value value = read_form(sections, unit, &cursor, attribute);

			if (value.kind != VALUE_NONE)
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
		result = rec_spend(sections, 2) ? read_abbrev(&cursor, &abbrevs) : 0;
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
