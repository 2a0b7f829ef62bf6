/*
 * Reading a trace, chunk by chunk.
 *
 *	tfmt_reader_open_fd(fd, &r, &err);
 *	while ((status = tfmt_reader_next(r, TFMT_ALL_KINDS, &batch, &err)) > 0)
 *		if (batch->kind == TFMT_SAMPLE)
 *			for (size_t i = 0; i < batch->count; i++)
 *				use(&batch->samples[i]);
 *	tfmt_reader_free(r);
 *
 * The reader applies every table it meets to its `struct tfmt_trace` (tracefmt/trace.h). Names of
 * native frames come later than the samples that use them: to have all names before the first
 * sample, call tfmt_reader_scan() first.
 *
 * Damage does not stop the reader: it skips to the next whole chunk, counts what it missed in
 * `struct tfmt_damage` and goes on. After the last batch look there.
 *
 * One reader belongs to one thread at a time. Memory: one chunk, and the tables.
 */
#ifndef TRACEFMT_READER_H
#define TRACEFMT_READER_H

#include "tracefmt/error.h"
#include "tracefmt/header.h"
#include "tracefmt/record.h"
#include "tracefmt/trace.h"

struct tfmt_reader;

/* The records of one chunk. Lives until the next call on its reader. */
struct tfmt_batch {
	enum tfmt_kind kind;
	uint64_t sequence; /* number of the chunk in the trace */
	uint64_t begin_ns; /* time range of the records; 0, 0 for tables */
	uint64_t end_ns;
	uint64_t first_id;   /* of a table chunk or of spans: id of row 0; else 0 */
	size_t count;	     /* rows */
	uint64_t offset;     /* of the chunk in the input, bytes */
	size_t packed_bytes; /* its size there */
	bool is_repeat;	     /* a checkpoint: rows the trace already has */
	union {
		const void *rows;
		const struct tfmt_string *strings;
		const struct tfmt_mapping *mappings;
		const struct tfmt_frame *frames;
		const struct tfmt_stack *stacks;
		const struct tfmt_process *processes;
		const struct tfmt_thread *threads;
		const struct tfmt_metric *metrics;
		const struct tfmt_life *lives;
		const struct tfmt_sample *samples;
		const struct tfmt_counter *counters;
		const struct tfmt_span *spans;
		const struct tfmt_arg *args;
		const struct tfmt_alloc *allocs;
		const struct tfmt_free *frees;
		const struct tfmt_instant *instants;
		const struct tfmt_clock *clocks;
		const struct tfmt_lost *losts;
		const struct tfmt_cost *costs;
		const struct tfmt_symbol *symbols;
	};
};

/* What is wrong with a file. All zero and `has_end` set: nothing. */
struct tfmt_damage {
	uint64_t lost_chunks;	 /* by gaps in the sequence numbers */
	uint64_t skipped_bytes;	 /* that were no whole chunk */
	uint64_t bad_chunks;	 /* whole, but contradictory or beyond a limit */
	uint64_t lost_ids;	 /* references into rows that were never read */
	uint64_t unknown_chunks; /* of kinds this reader does not know: skipped, no damage */
	uint64_t first_offset;	 /* where the first damage was noticed, bytes */
	bool has_begin;		 /* the trace starts with its header, not in its middle */
	bool has_end;		 /* the end record was read */
};

/*
 * Open a trace and read its header. `fd` may be a pipe; then the input is copied to an unlinked
 * temporary file the first time it must be read twice. tfmt_reader_open_memory() borrows `data`.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_FORMAT when it is empty or foreign; TFMT_E_VERSION.
 * Owns: the caller keeps `fd` and closes it after tfmt_reader_free().
 */
int tfmt_reader_open_fd(int fd, struct tfmt_reader **ret_reader, struct tfmt_error *err);
int tfmt_reader_open_memory(const void *data, size_t size_bytes, struct tfmt_reader **ret_reader,
	struct tfmt_error *err);
void tfmt_reader_free(struct tfmt_reader *reader);

/* Waits for more to be written, a short time. Returns false when no more is wanted. */
typedef bool tfmt_reader_wait_fn(void *context);

/*
 * Open a trace that is still being written, or a pipe, to be read as it comes: at the end of what
 * there is `wait` is called, again and again, until there is another chunk. The end record ends the
 * trace, and so does a `wait` that returns false; then a part of a chunk counts as damage. Such a
 * reader cannot be scanned.
 * Returns: as tfmt_reader_open_fd(), after waiting for the header.
 */
int tfmt_reader_follow_fd(int fd, tfmt_reader_wait_fn *wait, void *context,
	struct tfmt_reader **ret_reader, struct tfmt_error *err);

/*
 * The next chunk with records of a kind in `kinds` (TFMT_KIND_BIT()s). Tables are applied whether
 * asked for or not.
 * After a scan every id in a record is at most tfmt_trace_count() of its table, whatever the file;
 * before one, ids of a damaged trace may be any number.
 * Returns: 1 and a batch; 0 at the end; TFMT_E_IO; TFMT_E_NOMEM. Damage is not an error here.
 */
int tfmt_reader_next(struct tfmt_reader *reader, uint32_t kinds,
	const struct tfmt_batch **ret_batch, struct tfmt_error *err);

/*
 * Read to the end for the tables, lives and symbols only, then go back to the start: afterwards
 * every id has its final name and tfmt_reader_next() gives the same trace again.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_UNSUPPORTED while it is followed.
 * Cost: unpacks the file once; data columns are not decoded. Where the trace ends in an index that
 * fits it, only chunks of tables are unpacked, now, and only what is asked for by
 * tfmt_reader_next() later; damage in other chunks is noticed, and counted, when they are read.
 */
int tfmt_reader_scan(struct tfmt_reader *reader, struct tfmt_error *err);

/*
 * Call `watch` for each chunk of every pass from now on, a scan included, with where it begins in
 * the input and how long that is, 0 when unknown: for showing progress. NULL: no more. It must not
 * use the reader.
 */
typedef void tfmt_reader_watch_fn(void *context, uint64_t offset_bytes, uint64_t size_bytes);
void tfmt_reader_watch(struct tfmt_reader *reader, tfmt_reader_watch_fn *watch, void *context);

/*
 * After a scan: from now on tfmt_reader_next() may leave out chunks of data of `kinds` of which no
 * record has to do with [from_ns, to_ns] (CLOCK_MONOTONIC). It does when the trace has an index,
 * without unpacking them. What it gives may still reach beyond: look at each record. A sample
 * stands for the time before it, so a wait that ends after `to_ns` and began before it is given.
 * Kinds without a time, tables and lives are always given. Counters before the range tell the
 * values at its start: leave them out of `kinds` where that matters. Returns: 0; TFMT_E_ARG before
 * a scan, or when from_ns is after to_ns.
 */
int tfmt_reader_between(
	struct tfmt_reader *reader, uint32_t kinds, uint64_t from_ns, uint64_t to_ns);

/*
 * The latest time of records of `kinds` in the whole trace, 0 for none, whatever is left out. False
 * when only reading can tell: without a scan, or without an index.
 */
bool tfmt_reader_extent(const struct tfmt_reader *reader, uint32_t kinds, uint64_t *ret_end_ns);

/*
 * After a scan: from now on tfmt_trace_stack() leaves out the frames of an interpreter
 * (TFMT_FRAME_INTERPRETER) in stacks that have a Python frame, and, where the interpreter is the
 * program, whatever is above the first of these. A stack that ends in a hidden frame is then that
 * of its caller. Records stay as they are; so do stacks without Python, or nothing would be left of
 * an interpreter that starts.
 * Returns: 0; TFMT_E_ARG before a scan; TFMT_E_NOMEM.
 */
int tfmt_reader_hide_interpreter(struct tfmt_reader *reader);

/*
 * Move on to the trace that follows in the same input: files may be concatenated. Header, tables
 * and damage are then those of that trace; what was borrowed before is gone.
 * Returns: 1; 0 when there is none; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_VERSION.
 */
int tfmt_reader_next_trace(struct tfmt_reader *reader, struct tfmt_error *err);

/*
 * After a scan: whether another trace follows in the same input, and in `*ret_offset` where, in
 * bytes from where this input begins.
 */
bool tfmt_reader_is_followed(const struct tfmt_reader *reader, uint64_t *ret_offset);

/* Borrowed until tfmt_reader_free(). */
const struct tfmt_header *tfmt_reader_header(const struct tfmt_reader *reader);
const struct tfmt_trace *tfmt_reader_trace(const struct tfmt_reader *reader);
const struct tfmt_damage *tfmt_reader_damage(const struct tfmt_reader *reader);

/* True when something of the trace is missing: exit status 3 of the tools. */
bool tfmt_damage_any(const struct tfmt_damage *damage);
/* One line on what is missing and where, such as "cut after 12 chunks, at byte 40 961". */
void tfmt_damage_describe(const struct tfmt_damage *damage, char *text, size_t size_bytes);

#endif
