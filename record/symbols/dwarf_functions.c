#include "symbols/dwarf_functions.h"

#include <dwarf.h>
#include <stdlib.h>

#include "tracefmt/error.h"

/* Of one unit; of one function; entries within entries. */
#define FUNCTIONS_MAX (256 * 1024)
#define INLINES_MAX   (64 * 1024)
#define DEPTH_MAX     256
/* Functions before an address that are tried, should ranges overlap. */
#define OVERLAP_MAX 16

void rec_functions_release(struct rec_functions *functions)
{
	for (size_t i = 0; i < functions->body_count; i++)
		free(functions->bodies[i].inlines);
	free(functions->bodies);
	free(functions->items);
	*functions = (struct rec_functions){0};
}

size_t rec_functions_bytes(const struct rec_functions *functions)
{
	return functions->capacity * sizeof(*functions->items) +
	       functions->body_capacity * sizeof(*functions->bodies);
}

static int add_body(struct rec_functions *functions, uint64_t die)
{
	if (functions->body_count == functions->body_capacity) {
		size_t capacity = functions->body_capacity ? functions->body_capacity * 2 : 32;
		struct rec_body *bodies =
			reallocarray(functions->bodies, capacity, sizeof(*bodies));

		if (!bodies)
			return TFMT_E_NOMEM;
		functions->bodies = bodies;
		functions->body_capacity = capacity;
	}
	functions->bodies[functions->body_count++] = (struct rec_body){.die = die};
	return 0;
}

static int add_piece(struct rec_functions *functions, struct rec_interval range)
{
	if (functions->count == functions->capacity) {
		size_t capacity = functions->capacity ? functions->capacity * 2 : 32;
		struct rec_function *items =
			reallocarray(functions->items, capacity, sizeof(*items));

		if (!items)
			return TFMT_E_NOMEM;
		functions->items = items;
		functions->capacity = capacity;
	}
	functions->items[functions->count++] =
		(struct rec_function){range.low, range.high, (uint32_t)functions->body_count - 1};
	return 0;
}

/* Add a function with the pieces that lie where code is: linkers throw functions away. */
static int add_function(struct rec_functions *functions, const struct rec_text *text, uint64_t die,
	const struct rec_ranges *ranges)
{
	bool has_body = false;

	for (size_t i = 0; i < ranges->count; i++) {
		if (!rec_text_contains(text, ranges->items[i].low) ||
			functions->count == FUNCTIONS_MAX)
			continue;
		if (!has_body && add_body(functions, die) < 0)
			return TFMT_E_NOMEM;
		has_body = true;
		if (add_piece(functions, ranges->items[i]) < 0)
			return TFMT_E_NOMEM;
	}
	return 0;
}

/*
 * Where functions are looked for: also in functions, for the methods of local classes and lambdas
 * (which gcc puts there) and for languages that nest them; but not in types outside of functions,
 * which have but declarations.
 */
static bool may_contain_functions(unsigned int tag, bool is_in_function)
{
	switch (tag) {
	case DW_TAG_compile_unit:
	case DW_TAG_partial_unit:
	case DW_TAG_skeleton_unit:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_subprogram:
		return true;
	case DW_TAG_lexical_block:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		return is_in_function;
	default:
		return false;
	}
}

static int compare_functions(const void *left, const void *right)
{
	const struct rec_function *a = left, *b = right;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return a->high > b->high ? -1 : a->high < b->high;
}

int rec_functions_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_abbrevs *abbrevs, const struct rec_text *text,
	struct rec_functions *functions)
{
	struct rec_ranges ranges = {0};
	uint64_t offset = unit->root;
	uint64_t depth = 0, function_depth = 0;
	struct rec_die die;
	int result = 0;

	while (result == 0 && rec_die_read(sections, unit, abbrevs, offset, &die)) {
		bool descends = die.has_children;

		offset = die.next;
		if (die.tag == 0) {
			if (depth-- <= 1)
				break;
			if (depth <= function_depth)
				function_depth = 0;
			continue;
		}
		if (die.tag == DW_TAG_subprogram && (die.has_low || die.has_ranges)) {
			ranges.count = 0;
			result = rec_die_ranges(sections, unit, &die, &ranges);
			if (result == 0)
				result = add_function(functions, text, die.offset, &ranges);
		}
		if (!may_contain_functions(die.tag, function_depth > 0))
			offset = rec_die_skip(unit, &die, &descends);
		else if (die.tag == DW_TAG_subprogram && descends && function_depth == 0)
			function_depth = depth;
		depth += descends;
		if (depth == 0)
			break;
	}
	free(ranges.items);
	if (functions->count > 0)
		qsort(functions->items, functions->count, sizeof(*functions->items),
			compare_functions);
	return result;
}

const struct rec_function *rec_functions_find(
	const struct rec_functions *functions, uint64_t address, struct rec_interval *range)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions->items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < functions->count && functions->items[low].low < range->high)
		range->high = functions->items[low].low;
	for (size_t tries = 0; low > 0 && tries < OVERLAP_MAX; tries++) {
		const struct rec_function *function = &functions->items[--low];

		if (address < function->high) {
			if (function->low > range->low)
				range->low = function->low;
			if (function->high < range->high)
				range->high = function->high;
			return function;
		}
		if (function->high > range->low)
			range->low = function->high;
	}
	return NULL;
}

/* What an entry's children belong to, while a body is read. */
struct scope {
	uint32_t parent; /* index of the inlined piece, REC_NO_INLINE */
	uint32_t level;
	bool is_foreign; /* inside a type or a nested function: its inlining is not ours */
};

static int add_inline(struct rec_body *body, const struct rec_die *die, const struct scope *scope,
	struct rec_interval range)
{
	if (body->count == INLINES_MAX)
		return 0;
	if (body->count == body->capacity) {
		uint32_t capacity = body->capacity ? body->capacity * 2 : 8;
		struct rec_inline *inlines =
			reallocarray(body->inlines, capacity, sizeof(*inlines));

		if (!inlines)
			return TFMT_E_NOMEM;
		body->inlines = inlines;
		body->capacity = capacity;
	}
	body->inlines[body->count++] = (struct rec_inline){
		.low = range.low,
		.high = range.high,
		.die = die->offset,
		.parent = scope->parent,
		.call_line = die->call_line,
		.call_file = die->call_file,
		.level = scope->level + 1,
	};
	return 0;
}

/* Add the pieces of an inlined function, and make `inner` the scope of its children. */
static int enter_inlined(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	struct rec_body *body, const struct rec_die *die, const struct scope *scope,
	struct scope *inner)
{
	struct rec_ranges ranges = {0};
	uint32_t first = body->count;
	int result = rec_die_ranges(sections, unit, die, &ranges);

	for (size_t i = 0; result == 0 && i < ranges.count; i++)
		result = add_inline(body, die, scope, ranges.items[i]);
	free(ranges.items);
	if (body->count > first) {
		inner->parent = first;
		inner->level = scope->level + 1;
	}
	/* The row of the function itself needs its place. */
	inner->is_foreign = inner->level >= REC_CHAIN_MAX - 1;
	return result;
}

int rec_body_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_abbrevs *abbrevs, struct rec_body *body)
{
	struct scope scopes[DEPTH_MAX] = {{.parent = REC_NO_INLINE}};
	size_t depth = 0;
	struct rec_die die;
	uint64_t offset;
	int result = 0;

	body->is_read = true;
	if (!rec_die_read(sections, unit, abbrevs, body->die, &die) || !die.has_children)
		return 0;
	offset = die.next;
	while (result == 0 && rec_die_read(sections, unit, abbrevs, offset, &die)) {
		const struct scope *scope = &scopes[depth];
		struct scope inner = *scope;
		bool descends = die.has_children;

		offset = die.next;
		if (die.tag == 0) {
			if (depth-- == 0)
				break;
			continue;
		}
		switch (die.tag) {
		case DW_TAG_inlined_subroutine:
			if (!scope->is_foreign)
				result = enter_inlined(sections, unit, body, &die, scope, &inner);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
		case DW_TAG_with_stmt:
			break;
		default:
			offset = rec_die_skip(unit, &die, &descends);
			inner.is_foreign = true;
			break;
		}
		if (!descends)
			continue;
		if (++depth == DEPTH_MAX)
			break;
		scopes[depth] = inner;
	}
	return result;
}

uint32_t rec_body_find(const struct rec_body *body, uint64_t address, struct rec_interval *range)
{
	uint32_t best = REC_NO_INLINE;

	for (uint32_t i = 0; i < body->count; i++) {
		const struct rec_inline *piece = &body->inlines[i];
		uint64_t low = piece->low, high = piece->high;

		if (address < low) {
			high = low;
			low = 0;
		} else if (address >= high) {
			low = high;
			high = UINT64_MAX;
		} else if (best == REC_NO_INLINE || piece->level >= body->inlines[best].level) {
			best = i;
		}
		if (low > range->low)
			range->low = low;
		if (high < range->high)
			range->high = high;
	}
	return best;
}
