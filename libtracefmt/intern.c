#include "intern.h"

#include <stdlib.h>

#include "tracefmt/error.h"

#define FIRST_CAPACITY 256

void tfmt_intern__release(struct tfmt_intern *index)
{
	free(index->slots);
	*index = (struct tfmt_intern){0};
}

void tfmt_intern__insert(struct tfmt_intern *index, uint32_t hash, uint32_t id)
{
	size_t mask = index->capacity - 1;
	size_t at = hash & mask;

	while (index->slots[at].id != 0)
		at = (at + 1) & mask;
	index->slots[at] = (struct tfmt_intern_slot){.hash = hash, .id = id};
	index->used++;
}

int tfmt_intern__reserve(struct tfmt_intern *index)
{
	struct tfmt_intern grown = {
		.capacity = index->capacity ? index->capacity * 2 : FIRST_CAPACITY};

	if (index->used * 2 < index->capacity)
		return 0;
	grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < index->capacity; i++)
		if (index->slots[i].id != 0)
			tfmt_intern__insert(&grown, index->slots[i].hash, index->slots[i].id);
	free(index->slots);
	*index = grown;
	return 0;
}
