/*
 * The index of a trace: one row per chunk, header and end included, in the order of their numbers.
 * The writer puts it behind the end, and the zstd seek table behind that; a reader that can seek
 * finds it there. Nothing depends on it.
 */
#ifndef TFMT_INDEX_H
#define TFMT_INDEX_H

#include "columns.h"

#include "tracefmt/header.h"

/* `kind` of rows that are no records. */
enum {
	TFMT_INDEX_UNKNOWN = TFMT_NONE,
	TFMT_INDEX_HEADER = TFMT_KIND_COUNT,
	TFMT_INDEX_END,
	TFMT_INDEX_KIND_COUNT,
};

struct tfmt_index_row {
	uint64_t offset;   /* since the start of the trace; not stored, follows from the sizes */
	uint64_t begin_ns; /* of samples: of the time the first one stands for */
	uint64_t end_ns;   /* 0, 0: no times */
	uint32_t packed_bytes;
	uint32_t unpacked_bytes;
	uint8_t kind; /* enum tfmt_kind, or one of the above */
	uint8_t is_repeat;
	bool is_examined; /* by the reader */
};

struct tfmt_index {
	struct tfmt_index_row *rows;
	size_t count;
	size_t capacity; /* rows */
	bool is_full;	 /* more than TFMT_MAX_INDEX_ROWS chunks: there will be no index */
};

void tfmt_index__release(struct tfmt_index *index);

/* Append a row; its offset follows from the one before. Returns: 0; TFMT_E_NOMEM. */
int tfmt_index__add(struct tfmt_index *index, const struct tfmt_index_row *row);

/* Append the chunk to `out`. Returns: 0; TFMT_E_NOMEM. */
int tfmt_index__pack(struct tfmt_index *index, const struct tfmt_header *header, uint64_t sequence,
	struct tfmt_columns *columns, struct tfmt_bytes *out);

/*
 * Read an unpacked chunk into `index`, replacing its rows.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_CORRUPT and TFMT_E_LIMIT when it is no index, or one of another
 * trace than that of `header`.
 */
int tfmt_index__unpack(struct tfmt_index *index, const uint8_t *data, size_t size,
	const struct tfmt_header *header, struct tfmt_columns *columns);

/* The row of the chunk that begins at `offset` since the start of the trace, or NULL. */
struct tfmt_index_row *tfmt_index__at(const struct tfmt_index *index, uint64_t offset);

/* The time that samples stand for begins before their times, which are the ends. */
uint64_t tfmt_index__first_begin(
	const struct tfmt_sample *samples, size_t count, uint64_t begin_ns, uint64_t tick_ns);

/*
 * The zstd seek table (seekable format 0.1.0) of the rows and of the index itself, which takes
 * `packed_bytes`. Returns: 0; TFMT_E_NOMEM.
 */
int tfmt_seek_table__pack(const struct tfmt_index *index, size_t packed_bytes,
	size_t unpacked_bytes, struct tfmt_bytes *out);

/* Bytes of its footer, at the end of the file. */
#define TFMT_SEEK_FOOTER_BYTES 9

/* Read a footer. Returns the bytes of the whole table, 0 when it is none. */
uint64_t tfmt_seek_table__bytes(const uint8_t *footer, uint64_t *ret_frame_count);

/* Packed size of the last frame in a table of `size` bytes, 0 when it is none. */
uint64_t tfmt_seek_table__last(const uint8_t *table, size_t size);

#endif
