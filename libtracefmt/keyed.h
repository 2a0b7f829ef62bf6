/*
 * The last value of each key of a chunk, for transforms that go by a key. An open-addressing
 * table that is emptied by counting up a generation.
 */
#ifndef TFMT_KEYED_H
#define TFMT_KEYED_H

#include <stddef.h>
#include <stdint.h>

struct tfmt_keyed_slot {
	uint32_t key;
	uint32_t generation; /* of the slot's content; 0: never used */
	uint64_t value;
};

struct tfmt_keyed {
	struct tfmt_keyed_slot *slots;
	size_t capacity; /* a power of two */
	size_t used;
	uint32_t generation;
};

void tfmt_keyed__release(struct tfmt_keyed *keyed);

/* Forget all keys. Returns: 0; TFMT_E_NOMEM. */
int tfmt_keyed__clear(struct tfmt_keyed *keyed);

/* The last value of a key, 0 at first, for the caller to change. NULL without memory. */
uint64_t *tfmt_keyed__value(struct tfmt_keyed *keyed, uint32_t key);

#endif
