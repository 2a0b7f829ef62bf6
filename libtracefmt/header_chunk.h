/* The header chunk: struct tfmt_header and the schema, as CBOR and back. */
#ifndef TFMT_HEADER_CHUNK_H
#define TFMT_HEADER_CHUNK_H

#include "arena.h"
#include "cbor_codec.h"

#include "tracefmt/error.h"
#include "tracefmt/header.h"

/*
 * Append a header chunk. `continues` marks the repetition that begins a checkpoint.
 * Returns: 0; TFMT_E_NOMEM.
 */
int tfmt_header__pack(const struct tfmt_header *header, uint64_t sequence, bool continues,
	struct tfmt_bytes *out);

/* A header with all texts "" instead of NULL. */
struct tfmt_header tfmt_header__empty(void);

/*
 * Read an unpacked header chunk; its texts are copied into `arena`.
 * Returns: 0; TFMT_E_CORRUPT; TFMT_E_LIMIT; TFMT_E_NOMEM; TFMT_E_VERSION with words in `err`.
 */
int tfmt_header__unpack(const uint8_t *data, size_t size, struct tfmt_arena *arena,
	struct tfmt_header *ret_header, bool *ret_continues, struct tfmt_error *err);

#endif
