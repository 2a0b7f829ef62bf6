#include <dwarf.h>
#include <stdlib.h>

#include "symbols/dwarf_unit.h"
#include "tracefmt/error.h"

/* Abbreviations of one unit, and attributes of all of them: hostile files have more. */
#define ABBREVS_MAX    (64 * 1024)
#define ATTRIBUTES_MAX (1024 * 1024)

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

int rec_abbrevs_read_next(struct rec_cursor *cursor, struct rec_abbrevs *abbrevs)
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
		result = rec_spend(sections, 1) ? rec_abbrevs_read_next(&cursor, abbrevs)
						: TFMT_E_CORRUPT;
	} while (result == 1);
	if (result < 0)
		rec_abbrevs_release(abbrevs);
	else if (abbrevs->count > 0)
		qsort(abbrevs->items, abbrevs->count, sizeof(*abbrevs->items), compare_abbrevs);
	return result;
}

const struct rec_abbrev *rec_abbrevs_find(const struct rec_abbrevs *abbrevs, uint64_t code)
{
	struct rec_abbrev wanted = {.code = code};

	/* Compilers number them from 1 without gaps. */
	if (code - 1 < abbrevs->count && abbrevs->items[code - 1].code == code)
		return &abbrevs->items[code - 1];
	if (abbrevs->count == 0)
		return NULL;
	return bsearch(&wanted, abbrevs->items, abbrevs->count, sizeof(wanted), compare_abbrevs);
}
