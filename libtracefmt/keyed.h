/*
 * The last value of each key of a chunk, for transforms that go by a key. An open-addressing table
 * that is emptied by counting up a generation.
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

/* Make room for one more key. Slots move. Returns: 0; TFMT_E_NOMEM. */
int tfmt_keyed__grow(struct tfmt_keyed *keyed);

/*
 * The slot of a key. A new one has the value `first_value`. Lives until the next call.
 * Returns NULL when the table must grow first.
 */
static inline struct tfmt_keyed_slot *tfmt_keyed__get(
	struct tfmt_keyed *keyed, uint32_t key, uint64_t first_value)
{
	size_t mask = keyed->capacity - 1;
	size_t at = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & mask;
	struct tfmt_keyed_slot *slot = &keyed->slots[at];

	while (slot->generation == keyed->generation && slot->key != key) {
		at = (at + 1) & mask;
		slot = &keyed->slots[at];
	}
	if (slot->generation == keyed->generation)
		return slot;
	if (keyed->used * 2 >= keyed->capacity)
		return NULL;
	keyed->used++;
	*slot = (struct tfmt_keyed_slot){
		.key = key, .generation = keyed->generation, .value = first_value};
	return slot;
}

#endif
