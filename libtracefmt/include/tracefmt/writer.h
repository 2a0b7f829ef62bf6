/*
 * Writing a trace.
 *
 *	tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &w, &err);
 *	tfmt_writer_intern(w, "main", 4, &name);
 *	... tfmt_writer_add_frame(), _add_stack(), _add_process(), _add_thread() ...
 *	tfmt_writer_sample(w, &(struct tfmt_sample){ ... });
 *	tfmt_writer_finish(w, &err);
 *	tfmt_writer_free(w);
 *
 * Records gather in one open chunk per kind. A chunk is closed when it is large enough or old
 * enough and handed to the sink in one call; tables are always handed over before the data that
 * refers to them. Records of one kind should come in the order of their times; small steps back
 * are stored correctly.
 *
 * After a failure of the sink every call returns TFMT_E_IO and nothing more is written: what was
 * handed over before is a valid, cut trace.
 *
 * One writer belongs to one thread at a time. Nothing here is global.
 */
#ifndef TRACEFMT_WRITER_H
#define TRACEFMT_WRITER_H

#include "tracefmt/error.h"
#include "tracefmt/header.h"
#include "tracefmt/record.h"

struct tfmt_writer;

/*
 * Where chunks go. `write` takes one whole compressed chunk; it returns 0, or a negative enum
 * tfmt_err with errno set, and may be called from any writer function.
 */
struct tfmt_sink {
	int (*write)(void *context, const void *data, size_t size_bytes);
	void *context;
};

/* A sink that writes each chunk with write(2) to *fd, whole. `fd` must outlive the writer. */
struct tfmt_sink tfmt_sink_fd(const int *fd);

struct tfmt_writer_options {
	int level;		 /* of zstd; 0: 1, fast. 19 packs tightest */
	size_t chunk_bytes;	 /* a chunk is closed at this size unpacked; 0: 128 KiB */
	uint64_t flush_ns;	 /* ... and when its oldest record is this old; 0: 1 s */
	size_t checkpoint_bytes; /* tables are repeated after so much output; 0: 4 MiB */
	uint64_t sample_tick_ns; /* times of samples are rounded to it; 0: exact (1 ns) */
	/*
	 * An index and a zstd seek table behind the end: readers that can seek pass over chunks.
	 * Traces of less than 64 KiB, or of more than TFMT_MAX_INDEX_ROWS chunks, get none.
	 */
	bool has_index;
};

/*
 * Begin a trace: writes the header at once. `options` may be NULL.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_ARG for options out of range; TFMT_E_IO from the sink.
 * Owns: the writer keeps copies of all it needs from `header` and `options`.
 */
int tfmt_writer_new(const struct tfmt_header *header, const struct tfmt_writer_options *options,
	struct tfmt_sink sink, struct tfmt_writer **ret_writer, struct tfmt_error *err);

/* Free without finishing: open chunks are lost. NULL is fine. */
void tfmt_writer_free(struct tfmt_writer *writer);

/*
 * Tables. Each returns the id of the row in `*ret_id`. Strings, mappings, frames and stacks are
 * interned: an equal row gets its old id (one hash lookup). Processes, threads and metrics are new
 * rows each time.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_LIMIT when the table is full, a string is longer than
 * TFMT_MAX_STRING_BYTES or a stack deeper than TFMT_MAX_DEPTH; TFMT_E_ARG when the row refers to
 * an id that is not defined, or has an unknown value of an enum; TFMT_E_IO from the sink.
 */
int tfmt_writer_intern(
	struct tfmt_writer *writer, const char *data, size_t length, uint32_t *ret_id);
int tfmt_writer_add_mapping(
	struct tfmt_writer *writer, const struct tfmt_mapping *row, uint32_t *ret_id);
int tfmt_writer_add_frame(
	struct tfmt_writer *writer, const struct tfmt_frame *row, uint32_t *ret_id);
int tfmt_writer_add_stack(
	struct tfmt_writer *writer, const struct tfmt_stack *row, uint32_t *ret_id);
int tfmt_writer_add_process(
	struct tfmt_writer *writer, const struct tfmt_process *row, uint32_t *ret_id);
int tfmt_writer_add_thread(
	struct tfmt_writer *writer, const struct tfmt_thread *row, uint32_t *ret_id);
int tfmt_writer_add_metric(
	struct tfmt_writer *writer, const struct tfmt_metric *row, uint32_t *ret_id);

/*
 * Data. Each appends one record, copied.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO from the sink; TFMT_E_ARG for an undefined id or an
 * unknown value of an enum.
 */
int tfmt_writer_life(struct tfmt_writer *writer, const struct tfmt_life *record);
int tfmt_writer_sample(struct tfmt_writer *writer, const struct tfmt_sample *record);
int tfmt_writer_counter(struct tfmt_writer *writer, const struct tfmt_counter *record);
int tfmt_writer_arg(struct tfmt_writer *writer, const struct tfmt_arg *record);
int tfmt_writer_alloc(struct tfmt_writer *writer, const struct tfmt_alloc *record);
int tfmt_writer_release(struct tfmt_writer *writer, const struct tfmt_free *record);
int tfmt_writer_instant(struct tfmt_writer *writer, const struct tfmt_instant *record);
int tfmt_writer_clock(struct tfmt_writer *writer, const struct tfmt_clock *record);
int tfmt_writer_lost(struct tfmt_writer *writer, const struct tfmt_lost *record);
int tfmt_writer_cost(struct tfmt_writer *writer, const struct tfmt_cost *record);
int tfmt_writer_symbol(struct tfmt_writer *writer, const struct tfmt_symbol *record);
/* As the others; the number of the span record, for its arguments, in `*ret_number`. */
int tfmt_writer_span(
	struct tfmt_writer *writer, const struct tfmt_span *record, uint64_t *ret_number);

/*
 * Hand over what is old enough at `now_ns` (CLOCK_MONOTONIC). Call it about ten times a second in
 * a live recording; with UINT64_MAX everything is handed over.
 */
int tfmt_writer_flush(struct tfmt_writer *writer, uint64_t now_ns);

/* Hand over everything and the end record. Only tfmt_writer_free() may follow. */
int tfmt_writer_finish(struct tfmt_writer *writer, struct tfmt_error *err);

/* Bytes handed to the sink so far: per kind of chunk (`kind`), or in all (TFMT_NONE). */
uint64_t tfmt_writer_bytes(const struct tfmt_writer *writer, enum tfmt_kind kind);

#endif
