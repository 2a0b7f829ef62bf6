#include "intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

#define FEW_SLOTS 256

int conv_intern_init(struct conv_intern *intern, size_t key_bytes)
{
	*intern = (struct conv_intern){.key_bytes = key_bytes, .slot_count = FEW_SLOTS};
	intern->slots = calloc(FEW_SLOTS, sizeof(*intern->slots));
	return intern->slots ? 0 : TFMT_E_NOMEM;
}

int conv_intern_init_texts(struct conv_intern *intern)
{
	return conv_intern_init(intern, sizeof(const char *));
}

void conv_intern_release(struct conv_intern *intern)
{
	free(intern->keys);
	free(intern->slots);
}

/* FNV-1a, with its high bits mixed into the low ones. */
static uint32_t hash_bytes(const void *data, size_t size_bytes)
{
	const unsigned char *bytes = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < size_bytes; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ hash >> 32);
}

/* What a key holds: itself, or the text it points to. */
static const void *content_of(const void *key, bool is_text, size_t key_bytes, size_t *ret_bytes)
{
	const char *text;

	*ret_bytes = key_bytes;
	if (!is_text)
		return key;
	text = *(const char *const *)key;
	*ret_bytes = strlen(text);
	return text;
}

static uint32_t hash_key(const struct conv_intern *intern, const void *key, bool is_text)
{
	size_t size_bytes;
	const void *content = content_of(key, is_text, intern->key_bytes, &size_bytes);

	return hash_bytes(content, size_bytes);
}

static bool is_same(const struct conv_intern *intern, const void *a, const void *b, bool is_text)
{
	if (is_text)
		return !strcmp(*(const char *const *)a, *(const char *const *)b);
	return !memcmp(a, b, intern->key_bytes);
}

/* The slot of a key, or the free one where it belongs. */
static uint32_t *find_slot(const struct conv_intern *intern, const void *key, bool is_text)
{
	uint32_t at = hash_key(intern, key, is_text);

	for (;; at++) {
		uint32_t *slot = &intern->slots[at & (intern->slot_count - 1)];

		if (!*slot || is_same(intern, conv_intern_at(intern, *slot), key, is_text))
			return slot;
	}
}

/* Twice as many slots, when half are taken. Returns: 0; TFMT_E_NOMEM. */
static int spread(struct conv_intern *intern, bool is_text)
{
	uint32_t *old = intern->slots, number;

	if (intern->count < intern->slot_count / 2)
		return 0;
	intern->slots = calloc(2 * (size_t)intern->slot_count, sizeof(*intern->slots));
	if (!intern->slots) {
		intern->slots = old;
		return TFMT_E_NOMEM;
	}
	intern->slot_count *= 2;
	for (number = 1; number <= intern->count; number++)
		*find_slot(intern, conv_intern_at(intern, number), is_text) = number;
	free(old);
	return 0;
}

/* Room for one more key. Returns: 0; TFMT_E_NOMEM. */
static int reserve(struct conv_intern *intern)
{
	uint32_t capacity = intern->capacity ? 2 * intern->capacity : FEW_SLOTS;
	char *grown;

	if (intern->count < intern->capacity)
		return 0;
	grown = reallocarray(intern->keys, capacity, intern->key_bytes);
	if (!grown)
		return TFMT_E_NOMEM;
	intern->keys = grown;
	intern->capacity = capacity;
	return 0;
}

static int add(struct conv_intern *intern, const void *key, bool is_text, uint32_t *ret_number)
{
	uint32_t *slot = find_slot(intern, key, is_text);
	int status;

	if (*slot) {
		*ret_number = *slot;
		return 0;
	}
	status = spread(intern, is_text);
	if (!status)
		status = reserve(intern);
	if (status)
		return status;
	memcpy(intern->keys + intern->count * intern->key_bytes, key, intern->key_bytes);
	*find_slot(intern, key, is_text) = *ret_number = ++intern->count;
	return 0;
}

int conv_intern_key(struct conv_intern *intern, const void *key, uint32_t *ret_number)
{
	return add(intern, key, false, ret_number);
}

int conv_intern_text(struct conv_intern *intern, const char *text, uint32_t *ret_number)
{
	return add(intern, &text, true, ret_number);
}
