/*
 * What a trace may ask of its reader. A file that exceeds one of these is damaged or hostile:
 * the chunk is skipped and reported (TFMT_E_LIMIT). Each limit has a file in tests/corpus.
 */
#ifndef TRACEFMT_LIMITS_H
#define TRACEFMT_LIMITS_H

/* Bytes of one chunk, unpacked. A writer closes chunks far earlier, at 64 to 256 KiB. */
#define TFMT_MAX_CHUNK_BYTES (16u << 20)
/* CBOR nesting inside a chunk; ours have 4 levels. */
#define TFMT_MAX_NESTING 16
/* Bytes of one string. */
#define TFMT_MAX_STRING_BYTES (1u << 20)
/* Rows of one chunk: one byte each at least, unless all columns are constant. */
#define TFMT_MAX_ROWS (4u << 20)
/* Ids of one table: its last id, over all chunks. */
#define TFMT_MAX_IDS (64u << 20)
/* Frames of one stack, root to leaf. Deeper ones are cut at the root side and marked. */
#define TFMT_MAX_DEPTH 65536
/* Columns of one chunk, unknown ones included. */
#define TFMT_MAX_COLUMNS 64

#endif
