/*
 * The CBOR (RFC 8949) of chunks, over libcbor's streaming decoder and head encoders. Writing is
 * deterministic as far as heads go; the caller orders its keys. Reading is a cursor over memory
 * that gives one head or one whole string at a time and allocates nothing.
 */
#ifndef TFMT_CBOR_CODEC_H
#define TFMT_CBOR_CODEC_H

#include "bytes.h"

/* Tags we write and read: RFC 8746 little-endian typed arrays, and "this is CBOR". */
enum {
	TFMT_TAG_U8 = 64,
	TFMT_TAG_U16 = 69,
	TFMT_TAG_U32 = 70,
	TFMT_TAG_U64 = 71,
	TFMT_TAG_S8 = 72,
	TFMT_TAG_S16 = 77,
	TFMT_TAG_S32 = 78,
	TFMT_TAG_S64 = 79,
	TFMT_TAG_MAGIC = 55799,
};

void tfmt_cbor__put_uint(struct tfmt_bytes *out, uint64_t value);
void tfmt_cbor__put_int(struct tfmt_bytes *out, int64_t value);
void tfmt_cbor__put_bool(struct tfmt_bytes *out, bool value);
void tfmt_cbor__put_map(struct tfmt_bytes *out, size_t pairs);
void tfmt_cbor__put_array(struct tfmt_bytes *out, size_t items);
void tfmt_cbor__put_tag(struct tfmt_bytes *out, uint64_t tag);
void tfmt_cbor__put_bytes(struct tfmt_bytes *out, const void *data, size_t length);
/* Only the head of a byte string: `length` bytes must be appended by the caller. */
void tfmt_cbor__put_bytes_head(struct tfmt_bytes *out, size_t length);
/* A text string if `data` is valid UTF-8, else a byte string. */
void tfmt_cbor__put_text(struct tfmt_bytes *out, const char *data, size_t length);
void tfmt_cbor__put_key(struct tfmt_bytes *out, const char *key);

enum tfmt_cbor_type {
	TFMT_CBOR_UINT,
	TFMT_CBOR_NEGINT, /* -1 - value */
	TFMT_CBOR_BYTES,
	TFMT_CBOR_TEXT,
	TFMT_CBOR_ARRAY, /* value items follow */
	TFMT_CBOR_MAP,	 /* value pairs follow */
	TFMT_CBOR_TAG,	 /* number value; one item follows */
	TFMT_CBOR_BOOL,
	TFMT_CBOR_OTHER, /* null, undefined, floats */
	TFMT_CBOR_INDEFINITE,
};

struct tfmt_cbor_item {
	enum tfmt_cbor_type type;
	uint64_t value;
	const uint8_t *data; /* of strings: inside the input */
	size_t length;	     /* bytes */
};

struct tfmt_cbor {
	const uint8_t *next;
	const uint8_t *end;
};

/*
 * The next head, or whole string. Indefinite lengths are refused.
 * Returns: 0; TFMT_E_CORRUPT.
 */
int tfmt_cbor__read(struct tfmt_cbor *cursor, struct tfmt_cbor_item *ret_item);

/*
 * Pass over one item with all it contains, when `depth` levels are open already.
 * Returns: 0; TFMT_E_CORRUPT; TFMT_E_LIMIT beyond TFMT_MAX_NESTING.
 */
int tfmt_cbor__skip(struct tfmt_cbor *cursor, unsigned int depth);

/* The next item, which must be of that type. Returns: 0; TFMT_E_CORRUPT. */
int tfmt_cbor__read_uint(struct tfmt_cbor *cursor, uint64_t *ret_value);
int tfmt_cbor__read_int(struct tfmt_cbor *cursor, int64_t *ret_value);
int tfmt_cbor__read_bool(struct tfmt_cbor *cursor, bool *ret_value);
int tfmt_cbor__read_map(struct tfmt_cbor *cursor, uint64_t *ret_pairs);
int tfmt_cbor__read_array(struct tfmt_cbor *cursor, uint64_t *ret_items);
/* Text or bytes. */
int tfmt_cbor__read_string(struct tfmt_cbor *cursor, struct tfmt_cbor_item *ret_item);

/* Whether a string item equals `text`. */
bool tfmt_cbor__is(const struct tfmt_cbor_item *item, const char *text);

/* Whether `data` is valid UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool tfmt_utf8__is_valid(const void *data, size_t length);

#endif
