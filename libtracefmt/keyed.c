#include "keyed.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

#define FIRST_CAPACITY 64

void tfmt_keyed__release(struct tfmt_keyed *keyed)
{
	free(keyed->slots);
	*keyed = (struct tfmt_keyed){0};
}

int tfmt_keyed__clear(struct tfmt_keyed *keyed)
{
	if (!keyed->slots) {
		keyed->slots = calloc(FIRST_CAPACITY, sizeof(*keyed->slots));
		if (!keyed->slots)
			return TFMT_E_NOMEM;
		keyed->capacity = FIRST_CAPACITY;
	}
	keyed->used = 0;
	if (++keyed->generation == 0) {
		memset(keyed->slots, 0, keyed->capacity * sizeof(*keyed->slots));
		keyed->generation = 1;
	}
	return 0;
}

/* The slot of a key, or the free one where it belongs. */
static struct tfmt_keyed_slot *find(const struct tfmt_keyed *keyed, uint32_t key)
{
	size_t mask = keyed->capacity - 1;
	size_t at = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & mask;
	struct tfmt_keyed_slot *slot = &keyed->slots[at];

	while (slot->generation == keyed->generation && slot->key != key) {
		at = (at + 1) & mask;
		slot = &keyed->slots[at];
	}
	return slot;
}

static int grow(struct tfmt_keyed *keyed)
{
	struct tfmt_keyed grown = *keyed;

	grown.capacity = keyed->capacity * 2;
	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < keyed->capacity; i++) {
		const struct tfmt_keyed_slot *old = &keyed->slots[i];

		if (old->generation == keyed->generation)
			*find(&grown, old->key) = *old;
	}
	free(keyed->slots);
	*keyed = grown;
	return 0;
}

uint64_t *tfmt_keyed__value(struct tfmt_keyed *keyed, uint32_t key)
{
	struct tfmt_keyed_slot *slot = find(keyed, key);

	if (slot->generation == keyed->generation)
		return &slot->value;
	if (keyed->used * 2 >= keyed->capacity) {
		if (grow(keyed) < 0)
			return NULL;
		slot = find(keyed, key);
	}
	keyed->used++;
	*slot = (struct tfmt_keyed_slot){.key = key, .generation = keyed->generation};
	return &slot->value;
}
