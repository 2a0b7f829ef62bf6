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
/* Rows of one chunk: one byte each at least. */
#define TFMT_MAX_ROWS (4u << 20)
/* Rows of a chunk whose columns are all constant. */
#define TFMT_MAX_CONSTANT_ROWS (64u << 10)
/* Rows of all tables together: this many, and so many more for each packed byte read. */
#define TFMT_MAX_TABLE_ROWS	     (1u << 20)
#define TFMT_MAX_TABLE_ROWS_PER_BYTE 64
/* Ids of one table: its last id, over all chunks. */
#define TFMT_MAX_IDS (64u << 20)
/* Frames of one stack, root to leaf. Deeper ones are cut at the root side and marked. */
#define TFMT_MAX_DEPTH 65536
/* Chunks that an index can list; a trace of more has none. */
#define TFMT_MAX_INDEX_ROWS (512u << 10)
/* Columns of one chunk, unknown ones included. */
#define TFMT_MAX_COLUMNS 64

#endif
