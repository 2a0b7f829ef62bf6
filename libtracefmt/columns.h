/*
 * Rows to columns and back: arrays of the structs of tracefmt/record.h against the stored columns
 * of a chunk, driven by schema.h.
 */
#ifndef TFMT_COLUMNS_H
#define TFMT_COLUMNS_H

#include "chunk.h"
#include "keyed.h"
#include "schema.h"

/* Buffers that are used again for every chunk. */
struct tfmt_columns {
	struct tfmt_keyed keyed;
	uint64_t *values; /* of one column */
	size_t capacity;
	struct tfmt_bytes packed; /* the columns of a chunk before its envelope */
};

void tfmt_columns__release(struct tfmt_columns *columns);

/*
 * Append the CBOR of a chunk with `chunk->count` rows to `out`. Uses kind, is_repeat, sequence,
 * tick_ns, first_id and count of `chunk`, and sets begin_ns and end_ns.
 * Returns: 0; TFMT_E_NOMEM.
 */
int tfmt_columns__pack(struct tfmt_columns *columns, struct tfmt_chunk *chunk, const void *rows,
	struct tfmt_bytes *out);

/*
 * Append the map of columns of `chunk->count` rows that are as `schema` says; what the envelope
 * says of them must be set. Returns: 0; TFMT_E_NOMEM.
 */
int tfmt_columns__put(struct tfmt_columns *columns, const struct tfmt_schema *schema,
	const struct tfmt_chunk *chunk, const void *rows, struct tfmt_bytes *out);

/*
 * Fill `rows` from columns that were checked to be as `schema` says, padding included.
 * Returns as tfmt_columns__unpack().
 */
int tfmt_columns__get(struct tfmt_columns *columns, const struct tfmt_schema *schema,
	const struct tfmt_chunk *chunk, void *rows);

/*
 * Fill `rows`, chunk->count structs of the chunk's kind, which is not TFMT_STRING.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_CORRUPT when a row's parent is not before it.
 */
int tfmt_columns__unpack(struct tfmt_columns *columns, const struct tfmt_chunk *chunk, void *rows);

#endif
