/* The inside of a reader: where it is in the input, and what it found there. */
#ifndef TFMT_READER_STATE_H
#define TFMT_READER_STATE_H

#include "columns.h"
#include "end_chunk.h"
#include "frame_zstd.h"
#include "index.h"
#include "input.h"
#include "trace_tables.h"

#include "tracefmt/reader.h"

struct tfmt_reader;

/* `count` things of the counter `counter` of reader->damage, at `offset`. */
typedef void tfmt_reader_finding_fn(
	void *context, const uint64_t *counter, uint64_t count, uint64_t offset);

struct tfmt_reader {
	struct tfmt_input input;
	struct tfmt_unpacker *unpacker;
	struct tfmt_bytes unpacked; /* the current chunk */
	struct tfmt_columns columns;
	struct tfmt_chunk chunk; /* its envelope, pointing into `unpacked` */
	uint64_t chunk_offset;
	size_t chunk_bytes;   /* packed */
	uint8_t *rows;	      /* its records */
	size_t rows_capacity; /* bytes */
	struct tfmt_batch batch;

	struct tfmt_arena texts; /* of the header */
	struct tfmt_header header;
	bool has_header;
	struct tfmt_trace *trace;
	struct tfmt_damage damage;
	struct tfmt_end end;	 /* once it was read */
	struct tfmt_index index; /* empty without one */
	uint32_t windowed_kinds; /* given only where they touch [from_ns, to_ns] */
	uint64_t from_ns;
	uint64_t to_ns;

	uint64_t trace_offset; /* where the trace begins in the input */
	uint64_t offset;       /* of what comes next */
	uint64_t next_sequence;
	uint64_t table_rows; /* of table chunks in this pass */
	bool has_sequence;   /* a chunk of this trace was read in this pass */
	bool has_passed_end; /* its end record was */
	bool has_next_trace; /* another header is at `offset` */
	bool is_scanned;     /* tables are complete, damage is counted */
	bool is_followed;    /* by another trace, at next_trace_offset; once scanned */
	uint64_t next_trace_offset;
	bool has_lost_rows;	/* each table ends in one; once scanned */
	uint64_t search_budget; /* bytes that may still be looked at in vain */

	tfmt_reader_watch_fn *watch; /* NULL: nobody watches */
	void *watch_context;
	uint64_t watch_bytes; /* size of the input, 0: unknown */

	/* For a check: told of all that is counted as damage. NULL otherwise. */
	tfmt_reader_finding_fn *on_finding;
	void *finding_context;
	const char *fault; /* of the chunk or the place that is being looked at */
	bool has_taken;	   /* the last step took a chunk of this trace */
};

/*
 * Pass over one chunk, whole or not, and parse its envelope. Headers and ends are dealt with here.
 * Returns: 1; 0 at the end of the trace; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_VERSION.
 */
int tfmt_reader__step(struct tfmt_reader *reader, bool *ret_has_records, struct tfmt_error *err);

/*
 * Move to the next chunk with records, of `kinds` where others can be passed over. Returns as
 * tfmt_reader__step().
 */
int tfmt_reader__next_chunk(struct tfmt_reader *reader, uint32_t kinds, struct tfmt_error *err);

/*
 * Decode the records of the current chunk into reader->rows and, while the trace is not scanned,
 * apply those of tables. One that contradicts itself or the tables is counted as damage.
 * Returns: 0 and whether it is good; TFMT_E_NOMEM.
 */
int tfmt_reader__decode(struct tfmt_reader *reader, bool *ret_is_good);

/* Go back to the start of the trace. */
void tfmt_reader__rewind(struct tfmt_reader *reader);

/* Count damage noticed at `offset` in one of the counters. */
void tfmt_reader__note_damage(
	struct tfmt_reader *reader, uint64_t *counter, uint64_t count, uint64_t offset);

/*
 * Whether rows may be missing from the tables, so that unknown ids are no contradiction. After a
 * scan: whether the tables end in a lost row.
 */
bool tfmt_reader__has_gaps(const struct tfmt_reader *reader);

#endif
