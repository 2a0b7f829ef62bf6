/* Memory that is freed all at once: the texts of a header, of a table, of made-up names. */
#ifndef TFMT_ARENA_H
#define TFMT_ARENA_H

#include <stddef.h>

struct tfmt_arena_block;

struct tfmt_arena {
	struct tfmt_arena_block *blocks; /* newest first */
	size_t used;			 /* bytes of the newest */
	size_t capacity;
};

void tfmt_arena__release(struct tfmt_arena *arena);

/* `size` bytes aligned for any type, not cleared; NULL without memory. Never moves. */
void *tfmt_arena__alloc(struct tfmt_arena *arena, size_t size);

/* A copy of `length` bytes with a NUL after them, not aligned; NULL without memory. */
char *tfmt_arena__text(struct tfmt_arena *arena, const void *data, size_t length);

#endif
