#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace_tables.h"

#include "tracefmt/error.h"

/* Symbols of one range of addresses: rows [first, first + count) of the symbol table. */
struct symbol_range {
	uint64_t address;
	uint64_t length;
	uint32_t mapping;
	uint32_t first;
	uint32_t count;
};

/* What a frame was found to be. Neither set: not looked up yet. */
struct place {
	const char *made_up;
	uint32_t range; /* index + 1 */
};

struct tfmt_names {
	struct symbol_range *ranges; /* by mapping, address; of equals the newest last */
	size_t range_count;
	uint32_t symbol_count; /* rows that the ranges were made from */
	struct place *places;  /* by frame id */
	size_t place_count;
	struct tfmt_arena texts;
};

/* Ranges may overlap; so many are looked at before an address counts as unknown. */
#define MAX_OVERLAPS 64

void tfmt_names__free(struct tfmt_names *names)
{
	if (!names)
		return;
	free(names->ranges);
	free(names->places);
	tfmt_arena__release(&names->texts);
	free(names);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct symbol_range *left = a, *right = b;

	if (left->mapping != right->mapping)
		return left->mapping < right->mapping ? -1 : 1;
	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->first < right->first ? -1 : 1;
}

/* Whether row `id` goes on where the row before it, inlined into it, left off. */
static bool goes_on(const struct tfmt_table *symbols, uint32_t id)
{
	const struct tfmt_symbol *row = tfmt_table__row(symbols, id);
	const struct tfmt_symbol *inner = tfmt_table__row(symbols, id - 1);

	return tfmt_table__has(symbols, id - 1) && inner->inlined &&
	       inner->mapping == row->mapping && inner->address == row->address &&
	       inner->length == row->length;
}

static int build_ranges(struct tfmt_names *names, const struct tfmt_table *symbols)
{
	struct symbol_range *ranges = malloc((symbols->present + 1) * sizeof(*ranges));
	size_t count = 0;

	if (!ranges)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= symbols->count; id++) {
		const struct tfmt_symbol *row = tfmt_table__row(symbols, id);

		if (!tfmt_table__has(symbols, id))
			continue;
		if (count > 0 && id > 1 && goes_on(symbols, id))
			ranges[count - 1].count++;
		else
			ranges[count++] = (struct symbol_range){.address = row->address,
				.length = row->length,
				.mapping = row->mapping,
				.first = id,
				.count = 1};
	}
	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	free(names->ranges);
	names->ranges = ranges;
	names->range_count = count;
	names->symbol_count = symbols->present;
	return 0;
}

/* Make the index fit the tables as they are now. Returns NULL without memory. */
static struct tfmt_names *prepare(struct tfmt_trace *trace)
{
	const struct tfmt_table *symbols = &trace->tables[TFMT_SYMBOL];
	size_t frames = (size_t)trace->tables[TFMT_FRAME].count + 1;
	struct tfmt_names *names = trace->names;

	if (!names)
		names = trace->names = calloc(1, sizeof(*names));
	if (!names)
		return NULL;
	if (names->ranges && names->symbol_count == symbols->present &&
		names->place_count >= frames)
		return names;
	if (names->place_count < frames) {
		struct place *grown = reallocarray(names->places, frames, sizeof(*grown));

		if (!grown)
			return NULL;
		names->places = grown;
		names->place_count = frames;
	}
	memset(names->places, 0, names->place_count * sizeof(*names->places));
	return build_ranges(names, symbols) < 0 ? NULL : names;
}

/* Index + 1 of the newest range with the address, 0 when there is none. */
static uint32_t find_range(const struct tfmt_names *names, uint32_t mapping, uint64_t address)
{
	size_t low = 0, high = names->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct symbol_range *range = &names->ranges[middle];

		if (range->mapping < mapping ||
			(range->mapping == mapping && range->address <= address))
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t steps = 0; low > 0 && steps < MAX_OVERLAPS; low--, steps++) {
		const struct symbol_range *range = &names->ranges[low - 1];

		if (range->mapping != mapping)
			return 0;
		if (address - range->address < range->length)
			return (uint32_t)low;
	}
	return 0;
}

/* "libc.so.6+0x1f"; "[lost]" of a lost mapping; "0x1f" of none. */
static const char *make_up(struct tfmt_trace *trace, const struct tfmt_frame *frame)
{
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, frame->mapping);
	const char *module = tfmt_base_name(tfmt_trace_text(trace, mapping->path));
	char offset[32];
	int offset_length = snprintf(offset, sizeof(offset), "0x%" PRIx64, frame->address);
	size_t module_length = strlen(module);
	char *text;

	if (frame->mapping != 0 && !tfmt_table__has(&trace->tables[TFMT_MAPPING], frame->mapping))
		return "[lost]";
	text = tfmt_arena__alloc(
		&trace->names->texts, module_length + 1 + (size_t)offset_length + 1);
	if (!text)
		return "[no memory]";
	if (module_length > 0) {
		memcpy(text, module, module_length);
		text[module_length++] = '+';
	}
	memcpy(text + module_length, offset, (size_t)offset_length + 1);
	return text;
}

static const struct place *look_up(struct tfmt_trace *trace, struct tfmt_names *names, uint32_t id)
{
	const struct tfmt_frame *frame = tfmt_trace_frame(trace, id);
	struct place *place = &names->places[id];
	const struct tfmt_symbol *symbol;

	if (place->range != 0 || place->made_up)
		return place;
	place->range = find_range(names, frame->mapping, frame->address);
	if (place->range == 0) {
		place->made_up = make_up(trace, frame);
		return place;
	}
	/* A symbol may name only the file; then the function is made up. */
	symbol =
		tfmt_table__row(&trace->tables[TFMT_SYMBOL], names->ranges[place->range - 1].first);
	if (symbol->function == 0)
		place->made_up = make_up(trace, frame);
	return place;
}

/* A frame that carries its names, or that has none at all. */
static struct tfmt_location plain_location(
	const struct tfmt_trace *trace, const struct tfmt_frame *frame, const char *made_up)
{
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, frame->mapping);

	return (struct tfmt_location){
		.function = made_up ? made_up : tfmt_trace_text(trace, frame->function),
		.module = tfmt_trace_text(trace, mapping->path),
		.file = tfmt_trace_text(trace, frame->file),
		.function_id = made_up ? 0 : frame->function,
		.file_id = frame->file,
		.mapping = frame->mapping,
		.line = frame->line,
		.first_line = frame->first_line,
		.language = frame->language,
		.is_interpreter = frame->flags & TFMT_FRAME_INTERPRETER,
	};
}

static void use_symbol(const struct tfmt_trace *trace, const struct tfmt_symbol *symbol,
	struct tfmt_location *location)
{
	if (symbol->function != 0) {
		location->function = tfmt_trace_text(trace, symbol->function);
		location->function_id = symbol->function;
	}
	location->file = tfmt_trace_text(trace, symbol->file);
	location->file_id = symbol->file;
	location->line = symbol->line;
	location->first_line = symbol->first_line;
	location->inlined = symbol->inlined;
}

size_t tfmt_trace_locations(
	const struct tfmt_trace *trace, uint32_t frame, struct tfmt_location *locations, size_t max)
{
	/* The index is a cache: making it does not change what the trace says. */
	struct tfmt_trace *cached = (struct tfmt_trace *)trace;
	const struct tfmt_frame *row = tfmt_trace_frame(trace, frame);
	const struct symbol_range *range;
	const struct place *place;
	struct tfmt_names *names;
	struct tfmt_location location;

	if (row->function != 0 || frame == 0 || frame > trace->tables[TFMT_FRAME].count) {
		if (max > 0)
			locations[0] = plain_location(trace, row, NULL);
		return 1;
	}
	names = prepare(cached);
	if (!names) {
		if (max > 0)
			locations[0] = plain_location(trace, row, "[no memory]");
		return 1;
	}
	place = look_up(cached, names, frame);
	location = plain_location(trace, row, place->made_up ? place->made_up : "");
	if (place->range == 0) {
		if (max > 0)
			locations[0] = location;
		return 1;
	}
	range = &names->ranges[place->range - 1];
	for (uint32_t i = 0; i < range->count && i < max; i++) {
		locations[i] = location;
		use_symbol(trace, tfmt_table__row(&trace->tables[TFMT_SYMBOL], range->first + i),
			&locations[i]);
	}
	return range->count;
}
