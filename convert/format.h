/*
 * The interface of a target format. A format is one file that ends in one filled
 * `struct conv_format`, and one row in formats.def.
 *
 * The pump (pump.h) allocates the zeroed state, calls begin, then the callback of each record in
 * the order of the file, then end, and always release, also after a failed begin. All names are
 * known before begin. Formats write to context->out and open nothing themselves.
 *
 * docs/HOWTO_ADD_FORMAT.md goes through it step by step.
 */
#ifndef CONV_FORMAT_H
#define CONV_FORMAT_H

#include "bytesink.h"
#include "msg.h"
#include "tracefmt/header.h"
#include "tracefmt/reader.h"
#include "tracefmt/record.h"
#include "tracefmt/trace.h"
#include "tracefmt/weight.h"

struct conv_after;
struct conv_folder;
struct conv_select;
struct tfmt_calltree;

struct conv_context;

/* Say that there are samples, but none that has a part in the weight asked for. */
void conv_warn_weightless(const struct conv_context *context);

/* What a conversion works with. Lives from begin to release. */
struct conv_context {
	const struct tfmt_trace *trace; /* scanned: all names are final */
	const struct tfmt_header *header;
	const struct tfmt_damage *damage; /* complete when end is called */
	const struct conv_select *select; /* already applied to the records */
	const struct msg *msg;
	struct conv_sink *out;
	enum tfmt_weight weight;    /* asked for, or the format's own choice */
	bool has_weight;	    /* asked for */
	const char *table;	    /* the only one wanted, of formats that are tables; NULL: all */
	uint64_t split_ns;	    /* a file for each such time, in the folder; 0: one file */
	uint64_t level;		    /* of compression, 1 to 19; 0: the format's own choice */
	struct conv_folder *folder; /* where several files go; NULL: all goes to `out` */
	const struct conv_after
		*after; /* of formats that can_diff: another trace, beside this one */
	struct tfmt_calltree **ret_tree; /* of them: hand the built tree over instead of writing */
	uint64_t begin_ns;		 /* the time shown first: --from, or the trace's start */
	uint64_t end_ns; /* the time shown last: --to, or the last record's; final in end */
};

/* `time_ns` relative to the start of the trace; 0 for what came before. */
static inline uint64_t conv_relative_ns(const struct conv_context *context, uint64_t time_ns)
{
	return time_ns > context->header->time_ns ? time_ns - context->header->time_ns : 0;
}

/* One row of a table or one record. Lives until the callback returns. */
struct conv_record {
	enum tfmt_kind kind;
	uint64_t id; /* of a row of a table, or the number of a span; else 0 */
	union {
		const void *row;
		const struct tfmt_string *string;
		const struct tfmt_mapping *mapping;
		const struct tfmt_frame *frame;
		const struct tfmt_stack *stack;
		const struct tfmt_process *process;
		const struct tfmt_thread *thread;
		const struct tfmt_metric *metric;
		const struct tfmt_life *life;
		const struct tfmt_sample *sample;
		const struct tfmt_counter *counter;
		const struct tfmt_span *span;
		const struct tfmt_arg *arg;
		const struct tfmt_alloc *alloc;
		const struct tfmt_free *free;
		const struct tfmt_instant *instant;
		const struct tfmt_clock *clock;
		const struct tfmt_lost *lost;
		const struct tfmt_cost *cost;
		const struct tfmt_symbol *symbol;
	};
};

/* Returns: 0; TFMT_E_NOMEM; TFMT_E_IO for a file of its own (the sink's errors are the pump's). */
typedef int conv_record_fn(void *state, const struct conv_record *record);

struct conv_format {
	const char *name;      /* of its option, without dashes */
	const char *extension; /* of files, with the dot; -o picks the format by it */
	const char *summary;   /* for --help: lower case, no full stop */
	bool is_binary;	       /* not to be written to a terminal */
	bool can_split;	       /* knows split_ns */
	bool can_follow;       /* needs no name before the trace has it: see follow.h */
	bool can_diff;	       /* knows `after` and ret_tree */
	bool is_tables;	       /* several files, in a folder, or one of them (relation.h) */
	uint32_t carries;      /* TFMT_KIND_BIT()s of what the target can hold */
	bool holds_everything; /* frames of interpreters too, which are hidden from others */
	/* Of stacks, unless another is asked for. */
	enum tfmt_weight weight;
	/* Kinds that come in a pass of their own, before all others. */
	uint32_t first_pass;
	size_t state_size;
	/* Returns of begin and end: as conv_record_fn. */
	int (*begin)(void *state, const struct conv_context *context);
	/* Per kind; NULL: not carried, or taken from the tables of the trace. */
	conv_record_fn *on[TFMT_KIND_COUNT];
	int (*end)(void *state);
	void (*release)(void *state); /* may be NULL */
};

/* All formats, in the order of formats.def. */
extern const struct conv_format *const conv_formats[];
extern const size_t conv_format_count;

/* On stdout: names, extensions, and what each can hold. */
void conv_formats_list(void);

/* The format of a file name's extension, NULL when no format has it. */
const struct conv_format *conv_format_from_path(const char *path);

#endif
