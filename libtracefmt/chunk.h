/*
 * A chunk: one zstd frame holding one CBOR map. Packing and unpacking of frames, and the envelope
 * around the columns. What the columns mean is in schema.h and columns.h.
 */
#ifndef TFMT_CHUNK_H
#define TFMT_CHUNK_H

#include "cbor_codec.h"

#include "tracefmt/limits.h"
#include "tracefmt/record.h"

/* A column as it lies in the unpacked chunk. */
enum tfmt_stored_type {
	TFMT_STORED_CONSTANT, /* one value for all rows */
	TFMT_STORED_ARRAY,    /* little-endian integers, `width` bytes each */
	TFMT_STORED_LIST,     /* a CBOR array of strings */
	TFMT_STORED_OTHER,    /* something of tomorrow */
};

struct tfmt_stored {
	const uint8_t *name; /* `name_length` bytes */
	size_t name_length;
	enum tfmt_stored_type type;
	bool is_signed;
	uint8_t width;	     /* bytes of an item of an array */
	uint64_t constant;   /* modulo 2^64 */
	const uint8_t *data; /* of the array, or the first item of the list */
	size_t count;	     /* items */
};

enum tfmt_chunk_role {
	TFMT_CHUNK_RECORDS,
	TFMT_CHUNK_HEADER,
	TFMT_CHUNK_END,
	TFMT_CHUNK_INDEX,
	TFMT_CHUNK_UNKNOWN, /* of a kind of tomorrow */
};

struct tfmt_chunk {
	const char *fault; /* why it was refused, in words */
	enum tfmt_chunk_role role;
	enum tfmt_kind kind; /* of records */
	bool is_repeat;
	uint64_t sequence;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t tick_ns;
	uint64_t first_id;
	uint64_t count;
	size_t column_count;
	struct tfmt_stored columns[TFMT_MAX_COLUMNS];
};

/*
 * Read the envelope of an unpacked chunk; `ret_chunk` points into it. Of a header only role and
 * sequence are set. Columns that this version knows have the right form and size afterwards.
 * Returns: 0; TFMT_E_CORRUPT, TFMT_E_LIMIT: only `fault` is set for sure.
 */
int tfmt_chunk__parse(const uint8_t *data, size_t size, struct tfmt_chunk *ret_chunk);

/* The stored column of that name, or NULL: all zero. */
const struct tfmt_stored *tfmt_chunk__column(const struct tfmt_chunk *chunk, const char *name);

/* Write the envelope up to and including the key "columns"; then comes the map of columns. */
void tfmt_chunk__put_envelope(
	struct tfmt_bytes *out, const struct tfmt_chunk *chunk, bool has_time, bool has_first_id);
/* What comes after the columns. */
void tfmt_chunk__put_trailer(
	struct tfmt_bytes *out, const struct tfmt_chunk *chunk, bool has_first_id);

#endif
