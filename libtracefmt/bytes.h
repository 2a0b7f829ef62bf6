/* A growing byte string. A failed allocation is remembered, so that callers check once. */
#ifndef TFMT_BYTES_H
#define TFMT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tfmt_bytes {
	uint8_t *data;
	size_t length;
	size_t capacity;
	bool failed; /* no memory: the content is incomplete */
};

void tfmt_bytes__release(struct tfmt_bytes *bytes);

/* Room for `count` more bytes at data + length, or NULL. The caller adds to `length`. */
uint8_t *tfmt_bytes__reserve(struct tfmt_bytes *bytes, size_t count);

void tfmt_bytes__append(struct tfmt_bytes *bytes, const void *data, size_t count);

/*
 * Make the array at `items` (the address of its pointer) hold at least `count` elements of
 * `item_bytes`, doubling. New ones are not cleared. Returns: 0; TFMT_E_NOMEM, nothing changed.
 */
int tfmt_array__grow(void *items, size_t *capacity, size_t count, size_t item_bytes);

#endif
