/*
 * The way into the trace: the only caller of the library's writer, and a thread that writes whole
 * chunks to the output, so that a slow pipe or disk never stalls what records.
 */
#ifndef RECORD_SINK_H
#define RECORD_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "tracefmt/writer.h"

struct rec_sink;

/*
 * Begin a trace for `fd`, which stays the caller's. `queue_bytes` bounds what may wait for the
 * output. Nothing is written before rec_sink_start().
 * Returns: 0, or a negative enum tfmt_err with words in `err`.
 */
int rec_sink_new(int fd, const struct tfmt_header *header, size_t queue_bytes,
	struct rec_sink **ret_sink, struct tfmt_error *err);

/* Let the trace reach the output from now on. */
void rec_sink_start(struct rec_sink *sink);
/*
 * Write the end record. What waits for the output goes on its way: rec_sink_fd() becomes readable
 * when all of it has arrived or failed.
 */
void rec_sink_end(struct rec_sink *sink);
int rec_sink_fd(const struct rec_sink *sink);
/* End the trace, if that was not done, and wait for it all. Returns as rec_sink_error(). */
int rec_sink_finish(struct rec_sink *sink);
/* Drops what has not been written yet. */
void rec_sink_free(struct rec_sink *sink);

/* To add records and rows with. Its failures need no handling: see rec_sink_error(). */
struct tfmt_writer *rec_sink_writer(struct rec_sink *sink);

/* The id of a NUL-terminated text; 0 for NULL or when out of memory. */
uint32_t rec_sink_text(struct rec_sink *sink, const char *text);

/* False when the output is so slow that bulk records must be dropped, and counted, now. */
bool rec_sink_has_room(const struct rec_sink *sink);

/* Hand over everything so far. */
void rec_sink_flush(struct rec_sink *sink);

/* 0, or the errno with which the output failed: nothing more is written then. */
int rec_sink_error(const struct rec_sink *sink);

/* Bytes written to the output so far. */
uint64_t rec_sink_bytes(const struct rec_sink *sink);

/* Add `count` lost things of kind `what` for `reason`, written as one record now. */
void rec_sink_lost(struct rec_sink *sink, uint64_t time_ns, uint32_t process, const char *what,
	const char *reason, uint64_t count);
/* Add a figure of what recording has cost. */
void rec_sink_cost(struct rec_sink *sink, uint64_t time_ns, const char *name, const char *unit,
	uint64_t value);
/* Add a remark that viewers show with the facts of the recording. */
void rec_sink_note(struct rec_sink *sink, uint64_t time_ns, const char *name, const char *text);

#endif
