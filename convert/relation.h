/*
 * A trace as tables of rows, for databases and spreadsheets: which tables and columns there are,
 * and the rows. What becomes of a row is the backend's (out_sqlite.c, out_csv.c).
 *
 * Times are ns since the start of the trace. Stacks are as in stacks.h, with the frames that say
 * why a thread waited. docs/SQLITE.md describes the tables.
 */
#ifndef CONV_RELATION_H
#define CONV_RELATION_H

#include "format.h"
#include "stacks.h"

enum relation_table {
	RELATION_TRACE,
	RELATION_PROCESS,
	RELATION_THREAD,
	RELATION_MAPPING,
	RELATION_FUNCTION,
	RELATION_STACK,
	RELATION_SAMPLE,
	RELATION_METRIC,
	RELATION_COUNTER,
	RELATION_SPAN,
	RELATION_ARG,
	RELATION_INSTANT,
	RELATION_LIFE,
	RELATION_ALLOC,
	RELATION_FREE,
	RELATION_CLOCK,
	RELATION_LOST,
	RELATION_COST,
	RELATION_TABLE_COUNT,
};

#define RELATION_MAX_COLUMNS 13

/* Columns are integers, or texts where the name ends in '$', which is no part of it. */
struct relation_schema {
	const char *name;
	const char *columns[RELATION_MAX_COLUMNS + 1]; /* NULL ends them */
};
extern const struct relation_schema relation_schemas[RELATION_TABLE_COUNT];

bool relation_has_table(const char *name);

/* A cell: a text, or else a number, or nothing. */
struct relation_value {
	const char *text;
	int64_t number;
	bool is_null;
};

/* One row, `count` values in the order of the columns. Returns: 0; TFMT_E_NOMEM; TFMT_E_IO. */
typedef int relation_put_fn(void *backend, enum relation_table table,
	const struct relation_value *values, size_t count);

struct relation_open_span; /* not ended yet */

/* The first member of a format's state. */
struct relation {
	const struct conv_context *context;
	relation_put_fn *put;
	void *backend;
	struct conv_stacks stacks;
	struct relation_open_span *open; /* [0] is none */
	uint32_t open_count, open_capacity, first_free;
	uint32_t *innermost;   /* open span by thread; [0]: of those that were lost */
	uint32_t thread_count; /* ids and 0 */
	uint64_t orphan_count; /* ends of spans without a beginning */
	uint64_t taken_count, sample_count;
};

/* Starts zeroed; writes what is known before the records. Returns as relation_put_fn. */
int relation_begin(struct relation *relation, const struct conv_context *context,
	relation_put_fn *put, void *backend);
/* The functions and stacks, and spans that never ended. */
int relation_end(struct relation *relation);
void relation_release(struct relation *relation);

/* Callbacks of formats whose state begins with a struct relation. */
conv_record_fn relation_on_sample, relation_on_counter, relation_on_span, relation_on_arg,
	relation_on_instant, relation_on_life, relation_on_alloc, relation_on_free,
	relation_on_clock, relation_on_lost, relation_on_cost;

/* For the `on` of a format, and its `carries`. */
#define RELATION_CALLBACKS                                                            \
	{                                                                             \
		[TFMT_LIFE] = relation_on_life, [TFMT_SAMPLE] = relation_on_sample,   \
		[TFMT_COUNTER] = relation_on_counter, [TFMT_SPAN] = relation_on_span, \
		[TFMT_ARG] = relation_on_arg, [TFMT_ALLOC] = relation_on_alloc,       \
		[TFMT_FREE] = relation_on_free, [TFMT_INSTANT] = relation_on_instant, \
		[TFMT_CLOCK] = relation_on_clock, [TFMT_LOST] = relation_on_lost,     \
		[TFMT_COST] = relation_on_cost,                                       \
	}
#define RELATION_KINDS                                                                           \
	(TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SAMPLE) | TFMT_KIND_BIT(TFMT_COUNTER) |   \
		TFMT_KIND_BIT(TFMT_SPAN) | TFMT_KIND_BIT(TFMT_ARG) | TFMT_KIND_BIT(TFMT_ALLOC) | \
		TFMT_KIND_BIT(TFMT_FREE) | TFMT_KIND_BIT(TFMT_INSTANT) |                         \
		TFMT_KIND_BIT(TFMT_CLOCK) | TFMT_KIND_BIT(TFMT_LOST) | TFMT_KIND_BIT(TFMT_COST))

#endif
