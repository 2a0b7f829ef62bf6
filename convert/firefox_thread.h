/*
 * A thread in a profile of the Firefox Profiler: its samples and markers as columns, and the tables
 * of stacks, functions and strings that these need, which every thread has for itself.
 */
#ifndef CONV_FIREFOX_THREAD_H
#define CONV_FIREFOX_THREAD_H

#include "format.h"
#include "intern.h"
#include "jsonw.h"
#include "span_args.h"
#include "spool.h"
#include "stacks.h"

/* Of stacks and markers. */
enum firefox_category {
	FIREFOX_CATEGORY_USER,
	FIREFOX_CATEGORY_KERNEL,
	FIREFOX_CATEGORY_PYTHON,
	FIREFOX_CATEGORY_JIT,
	FIREFOX_CATEGORY_WAIT
};

/* The viewer draws a sample from its time to that of the next: these begin where they began. */
struct firefox_sample {
	uint64_t begin_ns; /* since the start of the trace */
	uint64_t weight_ns;
	uint64_t cpu_ns;
	uint32_t node; /* of the stacks; 0: idle, without a weight */
	uint32_t unused;
};

enum firefox_phase {
	FIREFOX_INSTANT = 0,
	FIREFOX_BEGIN = 2,
	FIREFOX_END = 3,
};

enum firefox_marker_kind {
	FIREFOX_SPAN,	 /* `number` is that of the span record */
	FIREFOX_REMARK,	 /* an instant with a text */
	FIREFOX_LOSS,	 /* `number` of `name` for the reason `text` */
	FIREFOX_PROCESS, /* exec of `text`, or the end: `number` is its status, `id` the type */
};

struct firefox_marker {
	uint64_t time_ns; /* since the start of the trace */
	uint64_t number;
	uint32_t name; /* string, 0: the function of frame `id` */
	uint32_t text; /* string */
	uint32_t id;
	uint8_t phase; /* enum firefox_phase */
	uint8_t kind;  /* enum firefox_marker_kind */
	uint16_t unused;
};

/* What threads are written from; numbers of things in the thread being written. */
struct firefox_tables {
	const struct conv_context *context;
	struct jsonw *w;
	uint64_t tolerance_ns; /* shorter gaps are jitter, not idleness */
	struct conv_stacks stacks;
	struct conv_span_args args;
	struct conv_spool samples; /* of struct firefox_sample, by thread */
	struct conv_spool markers; /* of struct firefox_marker, by thread */
	uint32_t *local_node;	   /* by node: its number + 1, 0: not in this thread */
	uint32_t *local_function;  /* by function, the same */
	uint32_t *local_resource;  /* by mapping, the same */
	uint32_t *nodes;	   /* of this thread, ascending */
	uint32_t *functions;	   /* of this thread */
	uint32_t *resources;	   /* mappings of this thread */
	uint32_t node_count, function_count, resource_count;
	struct conv_intern strings; /* of this thread */
	bool failed;		    /* no memory for a string */
};

/* Starts zeroed. Returns: 0; TFMT_E_NOMEM. */
int firefox_tables_init(
	struct firefox_tables *tables, const struct conv_context *context, struct jsonw *w);
void firefox_tables_release(struct firefox_tables *tables);

/* Add a sample, and before it the idle one that fills a gap. Returns: 0; TFMT_E_NOMEM; TFMT_E_IO.
 */
int firefox_add_sample(
	struct firefox_tables *tables, uint32_t thread, struct firefox_sample sample);

/* All samples are there: make ready for threads. Returns: 0; TFMT_E_NOMEM; TFMT_E_IO. */
int firefox_tables_complete(struct firefox_tables *tables);

/*
 * Write the fields of a thread that are tables, into the object that is open.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO.
 */
int firefox_put_tables(struct firefox_tables *tables, uint32_t thread);

/* Parts of that: the number of a string in the thread, and its markers (firefox_markers.c). */
void firefox_put_text(struct firefox_tables *tables, const char *text);
int firefox_put_markers(struct firefox_tables *tables, uint32_t thread);

/* The categories that stacks refer to, as an array. */
void firefox_put_categories(struct jsonw *w);

#endif
