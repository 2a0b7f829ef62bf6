/* A hash index over the rows of a table: finds the id of an equal row. The rows live elsewhere. */
#ifndef TFMT_INTERN_H
#define TFMT_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tfmt_intern_slot {
	uint32_t hash;
	uint32_t id; /* 0: free */
};

struct tfmt_intern {
	struct tfmt_intern_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t used;
};

void tfmt_intern__release(struct tfmt_intern *index);

/* Make room for one more id. Returns: 0; TFMT_E_NOMEM. */
int tfmt_intern__reserve(struct tfmt_intern *index);

/* Remember `id` at the place where a search for `hash` ended; reserve first. */
void tfmt_intern__insert(struct tfmt_intern *index, uint32_t hash, uint32_t id);

/*
 * Walk the ids of one hash: start with *at = hash, ends with 0.
 *	for (at = hash; (id = tfmt_intern__next(index, hash, &at)) != 0;) if equal(id) break;
 */
static inline uint32_t tfmt_intern__next(
	const struct tfmt_intern *index, uint32_t hash, uint32_t *at)
{
	if (index->capacity == 0)
		return 0;
	for (;;) {
		const struct tfmt_intern_slot *slot = &index->slots[*at & (index->capacity - 1)];

		++*at;
		if (slot->id == 0 || slot->hash == hash)
			return slot->id;
	}
}

static inline uint64_t tfmt_intern__mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ (hash >> 32);
}

static inline uint32_t tfmt_intern__hash(const void *data, size_t length)
{
	const uint8_t *next = data;
	uint64_t hash = length, word;

	for (; length >= sizeof(word); length -= sizeof(word), next += sizeof(word)) {
		memcpy(&word, next, sizeof(word));
		hash = tfmt_intern__mix(hash, word);
	}
	word = 0;
	if (length)
		memcpy(&word, next, length);
	hash = tfmt_intern__mix(hash, word);
	return (uint32_t)tfmt_intern__mix(hash, hash >> 29);
}

#endif
