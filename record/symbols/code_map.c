#include "symbols/code_map.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

/* What a runtime in a bad mood may write. */
#define CODES_MAX      (512 * 1024)
#define NAME_BYTES_MAX (24u << 20)

int rec_code_map_add(
	struct rec_code_map *map, struct rec_code code, const char *name, size_t name_bytes)
{
	size_t needed = map->name_bytes + name_bytes + 1;

	if (code.length == 0 || code.start + code.length < code.start)
		return 0;
	if (map->count == CODES_MAX || name_bytes > NAME_BYTES_MAX || needed > NAME_BYTES_MAX)
		return TFMT_E_LIMIT;
	if (map->count == map->capacity) {
		size_t capacity = map->capacity ? map->capacity * 2 : 256;
		struct rec_code *codes = reallocarray(map->codes, capacity, sizeof(*codes));

		if (!codes)
			return TFMT_E_NOMEM;
		map->codes = codes;
		map->capacity = capacity;
	}
	if (needed > map->name_capacity) {
		char *names = realloc(map->names, needed * 2);

		if (!names)
			return TFMT_E_NOMEM;
		map->names = names;
		map->name_capacity = needed * 2;
	}
	memcpy(map->names + map->name_bytes, name, name_bytes);
	map->names[needed - 1] = '\0';
	code.name = (uint32_t)map->name_bytes;
	map->name_bytes = needed;
	map->codes[map->count++] = code;
	return 0;
}

/* ---- pieces ---- */

/* Where a function begins or ends. */
struct edge {
	uint64_t address;
	uint32_t code;
	bool is_end;
};

/* The functions that have begun and maybe not ended: a heap, the one added last on top. */
struct active {
	uint32_t *codes;
	size_t count;
};

static int compare_edges(const void *left, const void *right)
{
	const struct edge *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static void push(struct active *active, uint32_t code)
{
	size_t at = active->count++;

	for (; at > 0 && active->codes[(at - 1) / 2] < code; at = (at - 1) / 2)
		active->codes[at] = active->codes[(at - 1) / 2];
	active->codes[at] = code;
}

static void pop(struct active *active)
{
	uint32_t last = active->codes[--active->count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < active->count) {
		if (child + 1 < active->count && active->codes[child + 1] > active->codes[child])
			child++;
		if (active->codes[child] < last)
			break;
		active->codes[at] = active->codes[child];
		at = child;
	}
	active->codes[at] = last;
}

/* [low, high) belongs to the function on top, if there is one. */
static void add_piece(
	struct rec_code_map *map, const struct active *active, uint64_t low, uint64_t high)
{
	struct rec_code_piece *last =
		map->piece_count > 0 ? &map->pieces[map->piece_count - 1] : NULL;

	if (active->count == 0 || low == high)
		return;
	if (last && last->high == low && last->code == active->codes[0])
		last->high = high;
	else
		map->pieces[map->piece_count++] =
			(struct rec_code_piece){low, high, active->codes[0]};
}

static void sweep(struct rec_code_map *map, const struct edge *edges, struct active *active)
{
	map->piece_count = 0;
	for (size_t i = 0; i < 2 * map->count; i++) {
		if (!edges[i].is_end)
			push(active, edges[i].code);
		/* Those that have ended leave when they come to the top. */
		while (active->count > 0) {
			const struct rec_code *top = &map->codes[active->codes[0]];

			if (top->start + top->length > edges[i].address)
				break;
			pop(active);
		}
		if (i + 1 < 2 * map->count)
			add_piece(map, active, edges[i].address, edges[i + 1].address);
	}
}

int rec_code_map_settle(struct rec_code_map *map)
{
	struct edge *edges = NULL;
	struct active active = {0};
	struct rec_code_piece *pieces;
	int result = TFMT_E_NOMEM;

	if (map->settled == map->count)
		return 0;
	/* Each edge begins one piece at most. */
	pieces = reallocarray(map->pieces, 2 * map->count, sizeof(*pieces));
	if (pieces)
		map->pieces = pieces;
	edges = reallocarray(NULL, 2 * map->count, sizeof(*edges));
	active.codes = reallocarray(NULL, map->count, sizeof(*active.codes));
	if (!pieces || !edges || !active.codes)
		goto out;
	for (size_t i = 0; i < map->count; i++) {
		const struct rec_code *code = &map->codes[i];

		edges[2 * i] = (struct edge){code->start, (uint32_t)i, false};
		edges[2 * i + 1] = (struct edge){code->start + code->length, (uint32_t)i, true};
	}
	qsort(edges, 2 * map->count, sizeof(*edges), compare_edges);
	sweep(map, edges, &active);
	map->settled = map->count;
	result = 0;
out:
	free(edges);
	free(active.codes);
	return result;
}

/* ---- asking ---- */

const struct rec_code_piece *rec_code_map_find(const struct rec_code_map *map, uint64_t address)
{
	size_t low = 0, high = map->piece_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->pieces[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && address < map->pieces[low - 1].high ? &map->pieces[low - 1] : NULL;
}

const struct rec_code *rec_code_map_code(
	const struct rec_code_map *map, const struct rec_code_piece *piece)
{
	return &map->codes[piece->code];
}

const char *rec_code_map_name(const struct rec_code_map *map, const struct rec_code_piece *piece)
{
	return map->names + map->codes[piece->code].name;
}

void rec_code_map_clear(struct rec_code_map *map)
{
	map->count = 0;
	map->settled = 0;
	map->piece_count = 0;
	map->name_bytes = 0;
}

void rec_code_map_release(struct rec_code_map *map)
{
	free(map->codes);
	free(map->pieces);
	free(map->names);
	*map = (struct rec_code_map){0};
}
