/* The inside of struct tfmt_trace: what its reader fills and its lookups use. */
#ifndef TFMT_TRACE_TABLES_H
#define TFMT_TRACE_TABLES_H

#include "arena.h"
#include "table.h"

#include "tracefmt/trace.h"

/* A string id that no file can define: its text reads "[lost]". */
#define TFMT_LOST_ID UINT32_MAX

/* What is kept of a process; the public part is derived from the rest when asked for. */
struct tfmt_process_entry {
	struct tfmt_process_info info;
	struct tfmt_image *images;
	uint32_t own_name; /* by a name event before any exec; 0: none */
};

struct tfmt_thread_entry {
	struct tfmt_thread_info info;
	uint32_t own_name; /* 0: it has that of its process */
};

struct tfmt_lost_rows {
	struct tfmt_string string;
	struct tfmt_mapping mapping;
	struct tfmt_frame frame;
	struct tfmt_stack stack;
	struct tfmt_process_entry process;
	struct tfmt_thread_entry thread;
	struct tfmt_metric metric;
	struct tfmt_life life;
	struct tfmt_symbol symbol;
};

struct tfmt_names;

struct tfmt_trace {
	/* Of table kinds; rows of processes and threads are entries. */
	struct tfmt_table tables[TFMT_KIND_COUNT];
	struct tfmt_table depths; /* uint32_t, by stack */
	struct tfmt_lost_rows lost;
	struct tfmt_arena texts;
	struct tfmt_names *names; /* made when first asked for */
	bool is_unsettled;	  /* names of processes and threads must be derived again */
};

/* Returns NULL without memory. */
struct tfmt_trace *tfmt_trace__new(void);
void tfmt_trace__free(struct tfmt_trace *trace);
/* Forget all rows. Returns: 0; TFMT_E_NOMEM. */
int tfmt_trace__clear(struct tfmt_trace *trace);

/*
 * Add the rows of a table chunk that are not there yet. All ids in them were checked.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_LIMIT for a stack that is too deep.
 */
int tfmt_trace__apply(struct tfmt_trace *trace, enum tfmt_kind kind, uint32_t first_id,
	const void *rows, size_t count);

/* A life event, to the process or thread it is about. Returns: 0; TFMT_E_NOMEM. */
int tfmt_trace__apply_life(struct tfmt_trace *trace, const struct tfmt_life *life);

/*
 * After the last chunk. With `has_gaps` every table gets a lost row at its end, which ids beyond
 * it are turned into, so that each id found in the trace is at most tfmt_trace_count().
 */
void tfmt_trace__close(struct tfmt_trace *trace, bool has_gaps);

/* Derive what processes and threads inherit. */
void tfmt_trace__settle(struct tfmt_trace *trace);

/* Free what tfmt_trace_locations() made. */
void tfmt_names__free(struct tfmt_names *names);

#endif
