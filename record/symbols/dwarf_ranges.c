/*
 * Which code an entry stands for: one range, or a list in .debug_ranges or .debug_rnglists.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "symbols/dwarf_unit.h"
#include "tracefmt/error.h"

/* Of one entry, or of all units together. */
#define RANGES_MAX (1024 * 1024)

static int add(struct rec_ranges *ranges, uint64_t low, uint64_t high)
{
	if (low >= high || ranges->count == RANGES_MAX)
		return 0;
	if (ranges->count == ranges->capacity) {
		size_t capacity = ranges->capacity ? ranges->capacity * 2 : 16;
		struct rec_interval *items = reallocarray(ranges->items, capacity, sizeof(*items));

		if (!items)
			return TFMT_E_NOMEM;
		ranges->items = items;
		ranges->capacity = capacity;
	}
	ranges->items[ranges->count++] = (struct rec_interval){low, high};
	return 0;
}

/* Versions 2 to 4: pairs of addresses. */
static int read_pairs(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	uint64_t offset, struct rec_ranges *ranges)
{
	struct rec_cursor cursor = rec_cursor_at(sections->ranges, offset);
	uint64_t base_mark = unit->address_bytes == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t base = unit->base_address;

	while (rec_spend(sections, 1)) {
		uint64_t low = rec_read_uint(&cursor, unit->address_bytes);
		uint64_t high = rec_read_uint(&cursor, unit->address_bytes);

		if (cursor.is_bad || (low == 0 && high == 0))
			return 0;
		if (low == base_mark)
			base = high;
		else if (add(ranges, base + low, base + high) < 0)
			return TFMT_E_NOMEM;
	}
	return 0;
}

/* Version 5: a list of opcodes. */
static int read_list(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	uint64_t offset, struct rec_ranges *ranges)
{
	struct rec_cursor cursor = rec_cursor_at(sections->rnglists, offset);
	uint64_t base = unit->base_address;

	while (rec_spend(sections, 1)) {
		unsigned int code = rec_read_u8(&cursor);
		uint64_t low = 0, high = 0;

		switch (code) {
		case DW_RLE_base_addressx:
			base = rec_indexed_address(sections, unit, rec_read_uleb(&cursor));
			break;
		case DW_RLE_startx_endx:
			low = rec_indexed_address(sections, unit, rec_read_uleb(&cursor));
			high = rec_indexed_address(sections, unit, rec_read_uleb(&cursor));
			break;
		case DW_RLE_startx_length:
			low = rec_indexed_address(sections, unit, rec_read_uleb(&cursor));
			high = low + rec_read_uleb(&cursor);
			break;
		case DW_RLE_offset_pair:
			low = base + rec_read_uleb(&cursor);
			high = base + rec_read_uleb(&cursor);
			break;
		case DW_RLE_base_address:
			base = rec_read_uint(&cursor, unit->address_bytes);
			break;
		case DW_RLE_start_end:
			low = rec_read_uint(&cursor, unit->address_bytes);
			high = rec_read_uint(&cursor, unit->address_bytes);
			break;
		case DW_RLE_start_length:
			low = rec_read_uint(&cursor, unit->address_bytes);
			high = low + rec_read_uleb(&cursor);
			break;
		default: /* DW_RLE_end_of_list, or one not known */
			return 0;
		}
		if (cursor.is_bad)
			return 0;
		if (add(ranges, low, high) < 0)
			return TFMT_E_NOMEM;
	}
	return 0;
}

int rec_die_ranges(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_die *die, struct rec_ranges *ranges)
{
	if (die->has_ranges && unit->version >= 5)
		return read_list(sections, unit, die->ranges, ranges);
	if (die->has_ranges)
		return read_pairs(sections, unit, die->ranges, ranges);
	if (!die->has_low || !die->has_high)
		return 0;
	return add(ranges, die->low, die->is_high_length ? die->low + die->high : die->high);
}
