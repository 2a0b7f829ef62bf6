/*
 * Writing the rows of a scanned trace into another one: each id becomes that of the new trace, and
 * the row it means is written first if it was not yet.
 *
 * Tables of names are written as a whole, interned by the writer. Rows of processes, threads and
 * metrics are written as they come or are needed; a caller that knows the new id of one already
 * puts it into `ids` beforehand.
 */
#ifndef IMPORT_REWRITE_H
#define IMPORT_REWRITE_H

#include "tracefmt/tracefmt.h"

/* Old numbers [old, old + count) of spans are now [new, new + count), or left out: `new` is 0. */
struct imp_span_run {
	uint64_t old, new, count;
};

struct imp_rewrite {
	const struct tfmt_trace *trace; /* scanned */
	struct tfmt_writer *writer;
	uint64_t begin_ns;		  /* of the new trace */
	uint32_t counts[TFMT_KIND_COUNT]; /* the last id of each table */
	uint32_t *ids[TFMT_KIND_COUNT];	  /* of tables: the new id by the old one, 0: not written */
	struct imp_span_run *runs;	  /* ascending */
	size_t run_count, run_capacity;
};

/* A row of any kind, to be changed in place. */
union imp_row {
	struct tfmt_mapping mapping;
	struct tfmt_frame frame;
	struct tfmt_stack stack;
	struct tfmt_process process;
	struct tfmt_thread thread;
	struct tfmt_metric metric;
	struct tfmt_life life;
	struct tfmt_sample sample;
	struct tfmt_counter counter;
	struct tfmt_span span;
	struct tfmt_arg arg;
	struct tfmt_alloc alloc;
	struct tfmt_free free;
	struct tfmt_instant instant;
	struct tfmt_clock clock;
	struct tfmt_lost lost;
	struct tfmt_cost cost;
	struct tfmt_symbol symbol;
};

/* Bytes of a row of this kind, to walk over a batch. */
size_t imp_row_bytes(enum tfmt_kind kind);

/*
 * All functions return 0; TFMT_E_NOMEM; TFMT_E_IO; TFMT_E_LIMIT. The trace and the writer stay the
 * caller's.
 */
int imp_rewrite_init(struct imp_rewrite *rewrite, const struct tfmt_trace *trace,
	struct tfmt_writer *writer, uint64_t begin_ns);
void imp_rewrite_release(struct imp_rewrite *rewrite);

/* Write strings, mappings, frames and stacks, in order, so that ids stay where they can. */
int imp_rewrite_names(struct imp_rewrite *rewrite);

/* Whether a row of a table is there and not written yet. */
bool imp_rewrite_is_due(const struct imp_rewrite *rewrite, enum tfmt_kind kind, uint64_t id);

/* Write the row `id` of processes, threads or metrics, as it is in the table, if it is due. */
int imp_rewrite_need(struct imp_rewrite *rewrite, enum tfmt_kind kind, uint32_t id);

/* Make all ids of a row those of the new trace; an argument of an unknown span has span 0. */
int imp_rewrite_ids(struct imp_rewrite *rewrite, enum tfmt_kind kind, union imp_row *row);

/* Write a row with new ids; `old` is its id, or the number of the span, in the old trace. */
int imp_rewrite_put(
	struct imp_rewrite *rewrite, enum tfmt_kind kind, uint64_t old, const union imp_row *row);

/* Note that the old span is `new` in the new trace, 0: left out. Old numbers ascend. */
int imp_rewrite_note_span(struct imp_rewrite *rewrite, uint64_t old, uint64_t new);

#endif
