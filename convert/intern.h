/*
 * Numbering what is alike: equal keys have one number, from 1, in the order in which they came.
 * Keys are either items of one size, compared byte by byte (no padding), or texts.
 */
#ifndef CONV_INTERN_H
#define CONV_INTERN_H

#include <stddef.h>
#include <stdint.h>

struct conv_intern {
	char *keys;	   /* `count` of `key_bytes` each */
	size_t key_bytes;  /* of texts: of a pointer */
	uint32_t count;	   /* the highest number */
	uint32_t capacity; /* of keys */
	uint32_t *slots;   /* numbers by hash, 0: free */
	uint32_t slot_count;
};

/* Returns: 0; TFMT_E_NOMEM. */
int conv_intern_init(struct conv_intern *intern, size_t key_bytes);
int conv_intern_init_texts(struct conv_intern *intern);
void conv_intern_release(struct conv_intern *intern);

/* The number of a key, which is copied. Returns: 0; TFMT_E_NOMEM. */
int conv_intern_key(struct conv_intern *intern, const void *key, uint32_t *ret_number);

/* The number of a text, which must live as long as the table. Returns: 0; TFMT_E_NOMEM. */
int conv_intern_text(struct conv_intern *intern, const char *text, uint32_t *ret_number);

/* The key of a number, 1 to count. Lives until the next key comes. */
static inline const void *conv_intern_at(const struct conv_intern *intern, uint32_t number)
{
	return intern->keys + (number - 1) * intern->key_bytes;
}

static inline const char *conv_intern_text_at(const struct conv_intern *intern, uint32_t number)
{
	return *(const char *const *)conv_intern_at(intern, number);
}

#endif
