/*
 * What is known of every code address met so far: its rule, and the caller's number for it.
 */
#ifndef RECORD_UNWIND_PC_CACHE_H
#define RECORD_UNWIND_PC_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pc_entry {
	uint64_t key; /* 0: empty */
	uint32_t rule;
	uint32_t user;
};

struct pc_cache {
	struct pc_entry *entries;
	size_t capacity; /* a power of two */
	size_t count;
};

/* Returns: 0, or TFMT_E_NOMEM. */
int pc_cache_init(struct pc_cache *cache);
void pc_cache_release(struct pc_cache *cache);

/*
 * Make room for `extra` addresses, so that entries do not move while that many are added. When the
 * cache is as large as it may be, everything is forgotten.
 */
void pc_cache_reserve(struct pc_cache *cache, size_t extra);

static inline size_t pc_cache_slot(const struct pc_cache *cache, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15) >> 32) & (cache->capacity - 1);
}

/* The entry of an address: 16 bits of module, 47 bits of virtual address. */
static inline struct pc_entry *pc_cache_find(
	struct pc_cache *cache, uint32_t module, uint64_t vaddr)
{
	uint64_t key =
		(uint64_t)1 << 63 | (uint64_t)module << 47 | (vaddr & (((uint64_t)1 << 47) - 1));
	size_t slot = pc_cache_slot(cache, key);

	while (cache->entries[slot].key != key) {
		if (cache->entries[slot].key == 0) {
			cache->entries[slot] = (struct pc_entry){.key = key};
			cache->count++;
			break;
		}
		slot = (slot + 1) & (cache->capacity - 1);
	}
	return &cache->entries[slot];
}

#endif
