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

int tfmt_keyed__grow(struct tfmt_keyed *keyed)
{
	struct tfmt_keyed grown = {
		.capacity = keyed->capacity * 2, .generation = keyed->generation};

	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < keyed->capacity; i++) {
		const struct tfmt_keyed_slot *old = &keyed->slots[i];

		if (old->generation == keyed->generation)
			*tfmt_keyed__get(&grown, old->key, 0) = *old;
	}
	free(keyed->slots);
	*keyed = grown;
	return 0;
}
