/*
 * Code that a runtime makes while it runs: which function lies where. Runtimes use memory again, so
 * of several functions at an address the one that was added last is there.
 */
#ifndef RECORD_CODE_MAP_H
#define RECORD_CODE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec_code {
	uint64_t start;
	uint64_t length;
	uint64_t note; /* of whoever adds it */
	uint32_t name; /* offset in the texts */
};

/* A range that belongs to one function alone. */
struct rec_code_piece {
	uint64_t low;
	uint64_t high;
	uint32_t code; /* index */
};

/* Zeroed: empty. */
struct rec_code_map {
	struct rec_code *codes; /* in the order they were added */
	size_t count;
	size_t capacity;
	struct rec_code_piece *pieces; /* by address */
	size_t piece_count;
	size_t settled; /* how many codes the pieces are made of */
	char *names;
	size_t name_bytes;
	size_t name_capacity;
};

/*
 * Add a function; its name has `name_bytes` bytes. Nothing is added that is empty or wraps.
 * Returns 0; TFMT_E_LIMIT; TFMT_E_NOMEM.
 */
int rec_code_map_add(
	struct rec_code_map *map, struct rec_code code, const char *name, size_t name_bytes);
/* After adding: make pieces. Returns 0 or TFMT_E_NOMEM. */
int rec_code_map_settle(struct rec_code_map *map);

/* The piece at `address`, NULL: none. Lives until: settled again. */
const struct rec_code_piece *rec_code_map_find(const struct rec_code_map *map, uint64_t address);
/* The function of a piece, and its name. */
const struct rec_code *rec_code_map_code(
	const struct rec_code_map *map, const struct rec_code_piece *piece);
const char *rec_code_map_name(const struct rec_code_map *map, const struct rec_code_piece *piece);

/* Forget everything, keep the memory. */
void rec_code_map_clear(struct rec_code_map *map);
void rec_code_map_release(struct rec_code_map *map);

#endif
