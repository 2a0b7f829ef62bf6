/* The inside of a check: the reader that goes through the file, and what was seen so far. */
#ifndef TFMT_CHECK_H
#define TFMT_CHECK_H

#include "reader_state.h"

#include "tracefmt/check.h"

/* The spans that are open in a thread, outermost first: frame and name of each. */
struct tfmt_open_spans {
	uint64_t *items;
	size_t count;
	size_t capacity;
	uint64_t deeper; /* begun when too many were open: nothing is known of them */
};

struct tfmt_check {
	struct tfmt_reader *reader;
	tfmt_finding_fn *on_finding;
	void *context;
	struct tfmt_check_totals totals;

	/* Bytes that are no chunk, gathered until something else comes. */
	uint64_t foreign_offset;
	uint64_t foreign_bytes;
	const char *foreign_fault;

	/* Of the trace that is being read. */
	uint64_t counts[TFMT_KIND_COUNT]; /* rows, repeated ones not counted */
	struct tfmt_index chunks;	  /* what an index should say */
	uint64_t index_offset;		  /* 0: none was met */
	size_t index_packed_bytes;
	size_t index_unpacked_bytes;
	struct tfmt_open_spans *threads; /* by id */
	size_t thread_count;
	size_t open_spans; /* of all threads */
};

/* Report something about the current chunk. */
void tfmt_check__report(struct tfmt_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Report something at a place that is no chunk. */
void tfmt_check__report_at(struct tfmt_check *check, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Look at the decoded rows of the current chunk. Returns: 0; TFMT_E_NOMEM. */
int tfmt_check__rows(struct tfmt_check *check);

/* Hold the current chunk, an index, against the chunks that were read. Returns: 0; TFMT_E_NOMEM. */
int tfmt_check__index(struct tfmt_check *check);

/* Hold the seek table at the end of the file, if any, against them. Returns: 0; TFMT_E_IO; _NOMEM.
 */
int tfmt_check__seek_table(struct tfmt_check *check);

/* Forget what belongs to one trace. */
void tfmt_check__clear_spans(struct tfmt_check *check);

#endif
