#include "arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES (64u << 10)

struct tfmt_arena_block {
	struct tfmt_arena_block *next;
	alignas(max_align_t) unsigned char data[];
};

void tfmt_arena__release(struct tfmt_arena *arena)
{
	struct tfmt_arena_block *block = arena->blocks;

	while (block) {
		struct tfmt_arena_block *next = block->next;

		free(block);
		block = next;
	}
	*arena = (struct tfmt_arena){0};
}

static void *alloc_aligned(struct tfmt_arena *arena, size_t size, size_t alignment)
{
	size_t start = (arena->used + alignment - 1) & ~(alignment - 1);

	if (!arena->blocks || size > arena->capacity || start > arena->capacity - size) {
		size_t capacity = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		struct tfmt_arena_block *block = malloc(sizeof(*block) + capacity);

		if (!block)
			return NULL;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->capacity = capacity;
		start = 0;
	}
	arena->used = start + size;
	return arena->blocks->data + start;
}

void *tfmt_arena__alloc(struct tfmt_arena *arena, size_t size)
{
	return alloc_aligned(arena, size, alignof(max_align_t));
}

char *tfmt_arena__text(struct tfmt_arena *arena, const void *data, size_t length)
{
	char *text = alloc_aligned(arena, length + 1, 1);

	if (!text)
		return NULL;
	if (length)
		memcpy(text, data, length);
	text[length] = '\0';
	return text;
}
