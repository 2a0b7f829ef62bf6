/*
 * The filter language: which records of a trace are wanted, in one expression.
 *
 *	tfmt_filter_new("func == 'db_%' and dur > 5ms", &filter, &err);
 *	tfmt_reader_scan(reader, &err);
 *	tfmt_filter_bind(filter, reader, &err);
 *	tfmt_filter_takes(filter, batch->kind, &batch->samples[i], 0);	for each record
 *	tfmt_filter_free(filter);
 *
 * tracefmt-filter(7) describes the language. A record is kept or dropped as a whole. What a
 * condition says nothing about is unknown, and so is its opposite; of what happened (samples,
 * spans, allocations, instants) the unknown is dropped, of what stands beside it (lives, counters,
 * clocks, losses, costs) it is kept. Rows of tables are always taken.
 *
 * A filter belongs to one thread at a time. Memory: a bit for each frame, stack, thread and span
 * record and each condition on them, and a byte for each string and condition on texts.
 */
#ifndef TRACEFMT_FILTER_H
#define TRACEFMT_FILTER_H

#include "tracefmt/error.h"
#include "tracefmt/reader.h"
#include "tracefmt/record.h"

/* Bounds of an expression: its length, its conditions, and how deep it nests. */
#define TFMT_FILTER_MAX_BYTES	   4096
#define TFMT_FILTER_MAX_CONDITIONS 64
#define TFMT_FILTER_MAX_NESTING	   32
/* Texts are searched by `~` up to this length, and their components compared. */
#define TFMT_FILTER_MAX_TEXT_BYTES 4096

struct tfmt_filter;

/* Something that is possible, but hardly meant: `text` is one line. */
struct tfmt_filter_warning {
	size_t offset; /* in the expression, bytes */
	const char *text;
};

/*
 * Understand an expression.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_ARG when it is wrong: err->offset is the byte in the expression
 * where, err->message says what is possible there.
 */
int tfmt_filter_new(
	const char *expression, struct tfmt_filter **ret_filter, struct tfmt_error *err);
void tfmt_filter_free(struct tfmt_filter *filter);

/* The expression. Lives until: the filter is freed. */
const char *tfmt_filter_text(const struct tfmt_filter *filter);

/*
 * Look its names up in a scanned trace, to ask about the records of that. A filter on the length of
 * spans, their names or arguments reads the trace once more, one on arguments twice; afterwards the
 * reader is at the start, as after a scan. Frames that tfmt_reader_hide_interpreter() hides must
 * be hidden before. May be called again, for another trace. Before it, and after it failed, every
 * record is in.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO; TFMT_E_ARG as above, for a date in a trace without dates.
 */
int tfmt_filter_bind(
	struct tfmt_filter *filter, struct tfmt_reader *reader, struct tfmt_error *err);

/* After bind: texts that nothing in the trace is equal to. Lives until: the filter is freed. */
const struct tfmt_filter_warning *tfmt_filter_warnings(
	const struct tfmt_filter *filter, size_t *ret_count);

/*
 * After bind: is the record in? `row` is the struct of its kind, as in a batch; `id` the number of
 * a span record (batch->first_id + i), else ignored. An argument is in when its span record is,
 * which is asked by the caller: this answers true.
 * Cost: a few lookups, whatever the depth of its stack.
 */
bool tfmt_filter_takes(
	struct tfmt_filter *filter, enum tfmt_kind kind, const void *row, uint64_t id);

/*
 * After bind: may records of that process, or thread, be in? False only when what the filter says
 * of processes and threads leaves out all of them. Whatever is not known is kept.
 */
bool tfmt_filter_takes_process(struct tfmt_filter *filter, uint32_t process);
bool tfmt_filter_takes_thread(struct tfmt_filter *filter, uint32_t thread);

#endif
