#include "symbols/dwarf.h"

#include <stdlib.h>
#include <string.h>

#include "symbols/dwarf_private.h"
#include "tracefmt/error.h"

#define UNITS_MAX (128 * 1024)
/* Ranges of all units together. */
#define RANGES_MAX (512 * 1024)
/* Some five seconds of CPU: far more than an honest file takes. */
#define STEPS_MAX UINT64_C(1000000000)
/* Ranges of units before an address that are tried, should they overlap. */
#define OVERLAP_MAX 16

static void free_cache(struct rec_unit *unit)
{
	if (!unit->cache)
		return;
	rec_abbrevs_release(&unit->cache->abbrevs);
	rec_functions_release(&unit->cache->functions);
	rec_lines_release(&unit->cache->lines);
	free(unit->cache);
	unit->cache = NULL;
}

void rec_dwarf_forget(struct rec_dwarf *dwarf)
{
	for (size_t i = 0; i < dwarf->unit_count; i++)
		free_cache(&dwarf->units[i]);
	dwarf->cached_bytes = 0;
	if (dwarf->shared)
		rec_dwarf_forget(dwarf->shared);
}

void rec_dwarf_free(struct rec_dwarf *dwarf)
{
	if (!dwarf)
		return;
	rec_dwarf_free(dwarf->shared);
	dwarf->shared = NULL;
	rec_dwarf_forget(dwarf);
	rec_dwarf_forget_names(dwarf);
	free(dwarf->ranges);
	free(dwarf->units);
	free(dwarf);
}

bool rec_dwarf_is_given_up(const struct rec_dwarf *dwarf)
{
	return dwarf->steps_left == 0;
}

size_t rec_dwarf_cached_bytes(const struct rec_dwarf *dwarf)
{
	return dwarf->cached_bytes + (dwarf->shared ? rec_dwarf_cached_bytes(dwarf->shared) : 0);
}

size_t rec_dwarf_bytes(const struct rec_dwarf *dwarf)
{
	return dwarf->unit_capacity * sizeof(*dwarf->units) +
	       dwarf->range_capacity * sizeof(*dwarf->ranges) +
	       (dwarf->shared ? rec_dwarf_bytes(dwarf->shared) : 0);
}

static int add_unit(struct rec_dwarf *dwarf, const struct rec_unit *unit)
{
	if (dwarf->unit_count == dwarf->unit_capacity) {
		size_t capacity = dwarf->unit_capacity ? dwarf->unit_capacity * 2 : 16;
		struct rec_unit *units = reallocarray(dwarf->units, capacity, sizeof(*units));

		if (!units)
			return TFMT_E_NOMEM;
		dwarf->units = units;
		dwarf->unit_capacity = capacity;
	}
	dwarf->units[dwarf->unit_count++] = *unit;
	return 0;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct rec_unit_range *a = left, *b = right;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return a->high > b->high ? -1 : a->high < b->high;
}

/* Keep the ranges of the last unit that lie where code is. */
static int take_ranges(struct rec_dwarf *dwarf, const struct rec_ranges *ranges)
{
	size_t needed = dwarf->range_count + ranges->count;

	if (needed > RANGES_MAX)
		return 0;
	if (needed > dwarf->range_capacity) {
		size_t capacity = needed * 2;
		struct rec_unit_range *items =
			reallocarray(dwarf->ranges, capacity, sizeof(*items));

		if (!items)
			return TFMT_E_NOMEM;
		dwarf->ranges = items;
		dwarf->range_capacity = capacity;
	}
	for (size_t i = 0; i < ranges->count; i++) {
		const struct rec_interval *range = &ranges->items[i];

		if (rec_text_contains(&dwarf->text, range->low))
			dwarf->ranges[dwarf->range_count++] = (struct rec_unit_range){
				range->low, range->high, (uint32_t)dwarf->unit_count - 1};
	}
	return 0;
}

static int index_units(struct rec_dwarf *dwarf)
{
	struct rec_ranges ranges = {0};
	struct rec_unit unit;
	struct rec_die root;
	uint64_t offset = 0;
	int result = 0;

	while (result == 0 && dwarf->unit_count < UNITS_MAX &&
		rec_unit_read(&dwarf->sections, offset, &unit, &root)) {
		offset = unit.end;
		result = add_unit(dwarf, &unit);
		ranges.count = 0;
		if (result == 0 && unit.has_code)
			result = rec_die_ranges(&dwarf->sections, &unit, &root, &ranges);
		if (result == 0)
			result = take_ranges(dwarf, &ranges);
	}
	free(ranges.items);
	if (dwarf->range_count > 0)
		qsort(dwarf->ranges, dwarf->range_count, sizeof(*dwarf->ranges), compare_ranges);
	return result;
}

/* Read the sections and index the units. Returns NULL as rec_dwarf_new(). */
static struct rec_dwarf *open_sections(struct rec_elf_file *file, const struct rec_text *text,
	size_t limit_bytes, bool *ret_too_large)
{
	struct rec_dwarf *dwarf = calloc(1, sizeof(*dwarf));

	if (!dwarf)
		return NULL;
	dwarf->text = *text;
	dwarf->steps_left = STEPS_MAX;
	dwarf->sections = (struct rec_dwarf_sections){
		.info = rec_elf_load(file, ".debug_info", limit_bytes, ret_too_large),
		.abbrev = rec_elf_load(file, ".debug_abbrev", limit_bytes, ret_too_large),
		.line = rec_elf_load(file, ".debug_line", limit_bytes, ret_too_large),
		.str = rec_elf_load(file, ".debug_str", limit_bytes, ret_too_large),
		.line_str = rec_elf_load(file, ".debug_line_str", limit_bytes, ret_too_large),
		.ranges = rec_elf_load(file, ".debug_ranges", limit_bytes, ret_too_large),
		.rnglists = rec_elf_load(file, ".debug_rnglists", limit_bytes, ret_too_large),
		.addr = rec_elf_load(file, ".debug_addr", limit_bytes, ret_too_large),
		.str_offsets = rec_elf_load(file, ".debug_str_offsets", limit_bytes, ret_too_large),
		.steps_left = &dwarf->steps_left,
	};
	if (dwarf->sections.info.size == 0 || *ret_too_large || index_units(dwarf) < 0) {
		rec_dwarf_free(dwarf);
		return NULL;
	}
	return dwarf;
}

struct rec_dwarf *rec_dwarf_new(struct rec_elf_file *file, const struct rec_text *text,
	size_t limit_bytes, bool *ret_too_large)
{
	struct rec_dwarf *dwarf = open_sections(file, text, limit_bytes, ret_too_large);

	if (dwarf && dwarf->range_count > 0)
		return dwarf;
	rec_dwarf_free(dwarf);
	return NULL;
}

void rec_dwarf_add_shared(struct rec_dwarf *dwarf, struct rec_elf_file *shared, size_t limit_bytes,
	bool *ret_too_large)
{
	/* It has no code of its own. */
	dwarf->shared = open_sections(shared, &dwarf->text, limit_bytes, ret_too_large);
	if (dwarf->shared)
		dwarf->sections.shared_str = dwarf->shared->sections.str;
}

/* Read the unit's abbreviations. Returns false when they cannot be used. */
static bool load_abbrevs(struct rec_dwarf *dwarf, struct rec_unit *unit)
{
	if (unit->cache)
		return unit->cache->abbrevs.count > 0;
	unit->cache = calloc(1, sizeof(*unit->cache));
	if (!unit->cache)
		return false;
	rec_abbrevs_read(&dwarf->sections, unit, &unit->cache->abbrevs);
	dwarf->cached_bytes += sizeof(*unit->cache) + rec_abbrevs_bytes(&unit->cache->abbrevs);
	return unit->cache->abbrevs.count > 0;
}

struct rec_unit *rec_dwarf_unit_at(struct rec_dwarf *dwarf, uint64_t offset)
{
	size_t low = 0, high = dwarf->unit_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dwarf->units[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || offset >= dwarf->units[low - 1].end || !dwarf->units[low - 1].has_code ||
		!load_abbrevs(dwarf, &dwarf->units[low - 1]))
		return NULL;
	return &dwarf->units[low - 1];
}

/* Read the unit's functions and lines. Returns false when it has none that can be used. */
static bool load_code(struct rec_dwarf *dwarf, struct rec_unit *unit)
{
	struct rec_unit_cache *cache;

	if (!load_abbrevs(dwarf, unit))
		return false;
	cache = unit->cache;
	if (cache->has_code)
		return true;
	cache->has_code = true;
	rec_functions_read(
		&dwarf->sections, unit, &cache->abbrevs, &dwarf->text, &cache->functions);
	rec_lines_read(&dwarf->sections, unit, &dwarf->text, &cache->lines);
	dwarf->cached_bytes +=
		rec_functions_bytes(&cache->functions) + rec_lines_bytes(&cache->lines);
	return true;
}

/* Append a row for the function of an entry. Returns whether its name is whole. */
static bool add_row(struct rec_dwarf *dwarf, uint64_t die, struct rec_chain *chain)
{
	const struct rec_dwarf_name *name = rec_dwarf_name(dwarf, die);

	chain->rows[chain->count++] = (struct rec_symbol_row){
		.function = name->text ? rec_chain_text(chain, name->text) : NULL,
		.first_line = name->first_line,
	};
	return !name->is_short;
}

/* Fill the rows of a chain: innermost first, each with the place it has in its own function. */
static enum rec_dwarf_found add_rows(struct rec_dwarf *dwarf, const struct rec_unit *unit,
	const struct rec_body *body, uint32_t innermost, struct rec_chain *chain)
{
	const struct rec_lines *lines = &unit->cache->lines;
	bool is_whole;

	for (uint32_t i = innermost; i != REC_NO_INLINE; i = body->inlines[i].parent)
		add_row(dwarf, body->inlines[i].die, chain);
	is_whole = add_row(dwarf, body->die, chain);
	for (uint32_t i = innermost, row = 1; i != REC_NO_INLINE; i = body->inlines[i].parent) {
		chain->rows[row].line = body->inlines[i].call_line;
		chain->rows[row].file = rec_lines_path(lines, body->inlines[i].call_file, chain);
		row++;
	}
	if (!chain->rows[chain->count - 1].function) {
		/* Without a name of its own the symbol table is asked. */
		chain->count = 0;
		return REC_DWARF_NOTHING;
	}
	return is_whole ? REC_DWARF_FUNCTION : REC_DWARF_SHORT_NAME;
}

/* Look for an address in one unit. */
static enum rec_dwarf_found find_in_unit(
	struct rec_dwarf *dwarf, struct rec_unit *unit, uint64_t address, struct rec_chain *chain)
{
	enum rec_dwarf_found found = REC_DWARF_NOTHING;
	const struct rec_function *function;
	const struct rec_line_row *line;
	struct rec_body *body;

	if (!load_code(dwarf, unit))
		return REC_DWARF_NOTHING;
	function = rec_functions_find(&unit->cache->functions, address, &chain->range);
	if (function) {
		body = &unit->cache->functions.bodies[function->body];
		if (!body->is_read) {
			rec_body_read(&dwarf->sections, unit, &unit->cache->abbrevs, body);
			dwarf->cached_bytes += body->capacity * sizeof(*body->inlines);
		}
		found = add_rows(
			dwarf, unit, body, rec_body_find(body, address, &chain->range), chain);
	}
	line = rec_lines_find(&unit->cache->lines, address, &chain->range);
	if (!line)
		return found;
	if (found == REC_DWARF_NOTHING) {
		chain->rows[0] = (struct rec_symbol_row){0};
		chain->count = 1;
		found = REC_DWARF_LINE;
	}
	chain->rows[0].line = line->line;
	chain->rows[0].file = rec_lines_path(&unit->cache->lines, line->file, chain);
	return found;
}

enum rec_dwarf_found rec_dwarf_find(
	struct rec_dwarf *dwarf, uint64_t address, struct rec_chain *chain)
{
	enum rec_dwarf_found found = REC_DWARF_NOTHING;
	size_t low = 0, high = dwarf->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dwarf->ranges[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < dwarf->range_count && dwarf->ranges[low].low < chain->range.high)
		chain->range.high = dwarf->ranges[low].low;
	for (size_t tries = 0; low > 0 && tries < OVERLAP_MAX; tries++) {
		const struct rec_unit_range *range = &dwarf->ranges[--low];

		if (address >= range->high) {
			rec_chain_narrow(chain, (struct rec_interval){range->high, UINT64_MAX});
			continue;
		}
		rec_chain_narrow(chain, (struct rec_interval){range->low, range->high});
		found = find_in_unit(dwarf, &dwarf->units[range->unit], address, chain);
		if (found != REC_DWARF_NOTHING)
			break;
	}
	return found;
}
