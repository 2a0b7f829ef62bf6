#include "pc_cache.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

#define MIN_CAPACITY ((size_t)64 << 10) /* 1 MiB */
#define MAX_CAPACITY ((size_t)1 << 20)	/* 16 MiB */

int pc_cache_init(struct pc_cache *cache)
{
	cache->count = 0;
	cache->capacity = MIN_CAPACITY;
	cache->entries = calloc(cache->capacity, sizeof(*cache->entries));
	return cache->entries ? 0 : TFMT_E_NOMEM;
}

void pc_cache_release(struct pc_cache *cache)
{
	free(cache->entries);
	*cache = (struct pc_cache){0};
}

static bool grow(struct pc_cache *cache)
{
	struct pc_cache grown = {.capacity = 2 * cache->capacity, .count = cache->count};

	grown.entries = calloc(grown.capacity, sizeof(*grown.entries));
	if (!grown.entries)
		return false;
	for (size_t i = 0; i < cache->capacity; i++) {
		const struct pc_entry *entry = &cache->entries[i];
		size_t slot = pc_cache_slot(&grown, entry->key);

		if (entry->key == 0)
			continue;
		while (grown.entries[slot].key != 0)
			slot = (slot + 1) & (grown.capacity - 1);
		grown.entries[slot] = *entry;
	}
	free(cache->entries);
	*cache = grown;
	return true;
}

void pc_cache_reserve(struct pc_cache *cache, size_t extra)
{
	while (cache->count + extra > cache->capacity / 4 * 3) {
		if (cache->capacity < MAX_CAPACITY && grow(cache))
			continue;
		memset(cache->entries, 0, cache->capacity * sizeof(*cache->entries));
		cache->count = 0;
	}
}
