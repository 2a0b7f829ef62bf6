/* The inside of struct tfmt_filter: what the parser makes, binding fills in and matching reads. */
#ifndef TFMT_FILTER_STATE_H
#define TFMT_FILTER_STATE_H

#include "arena.h"
#include "filter_fields.h"
#include "filter_numbers.h"
#include "filter_text.h"

#include "tracefmt/filter.h"

enum tfmt_filter_op {
	OP_EQUAL,
	OP_LESS,
	OP_GREATER,
	OP_AT_MOST,
	OP_AT_LEAST,
	OP_MATCH,
	OP_COUNT,
};

/* A comparison. `!=` and `!~` are a negation of `==` and `~`. */
struct tfmt_filter_condition {
	enum tfmt_filter_field field;
	enum tfmt_filter_op op;
	size_t field_offset; /* in the expression, bytes */
	size_t value_offset;
	size_t value_length;
	char *argument;		      /* the NAME of arg.NAME */
	bool is_text;		      /* else a number */
	struct tfmt_filter_text text; /* when it is a text */
	double decimal;		      /* of arguments */
	int64_t number;		      /* ns, or as it is; of dates UTC */
	bool is_date;
	uint32_t mask;	  /* kinds and states that are meant */
	uint64_t *meant;  /* after bind: bit by process, thread, or number of system call */
	uint8_t *memo;	  /* after bind, by string: 0 not asked yet, else 1 + the answer */
	uint64_t *frames; /* after bind, of `name`: bit by frame */
	size_t slot;	  /* of spans: where the answer is; of arg.NAME the next: has it one? */
};

enum tfmt_filter_node_type {
	NODE_AND,
	NODE_OR,
	NODE_NOT,
	NODE_CONDITION,
	NODE_ANY_FRAME,	   /* its child, of conditions on frames, holds of one frame */
	NODE_LEAF_FRAME,   /* ... of the leaf */
	NODE_ANY_ARGUMENT, /* its child, of conditions on arguments, holds of one argument */
};

/* Nodes are numbered; 0 is none. */
struct tfmt_filter_node {
	enum tfmt_filter_node_type type;
	bool has_parentheses;
	uint32_t first_child, last_child, next;
	uint32_t condition; /* index */
	uint64_t *frames;   /* after bind, of nodes on frames: bits by frame, and by stack */
	uint64_t *stacks;
	size_t slot; /* of nodes on arguments: where the answer is */
};

/* Bits of a run of span records: 64 x SPAN_PAGE_WORDS for each slot. */
#define SPAN_PAGE_WORDS 64

struct tfmt_filter_page {
	uint64_t number; /* of the span records, divided by those of a page */
	uint64_t *words;
};

struct tfmt_filter {
	char *expression;
	struct tfmt_filter_node *nodes;
	size_t node_count, node_capacity;
	uint32_t root;
	struct tfmt_filter_condition conditions[TFMT_FILTER_MAX_CONDITIONS];
	size_t condition_count;
	size_t slot_count;  /* answers about span records that a pass over them finds */
	bool has_lengths;   /* one of them is about `dur` */
	size_t length_slot; /* ... and this tells whether it is known */
	bool has_arguments;
	/* After bind. */
	const struct tfmt_trace *trace;
	uint32_t counts[TFMT_SYMBOL]; /* of tables: the ids that bits stand for */
	int64_t start_ns, start_utc_ns;
	struct tfmt_filter_page *pages; /* ascending */
	size_t page_count, page_capacity, last_page;
	bool *names, *arguments, *types; /* by string: spans and instants, arguments have them */
	struct tfmt_arena texts;	 /* of warnings */
	struct tfmt_filter_warning *warnings;
	size_t warning_count, warning_capacity;
};

static inline bool tfmt_filter__bit(const uint64_t *bits, size_t at)
{
	return bits[at / 64] >> (at % 64) & 1;
}

static inline void tfmt_filter__set_bit(uint64_t *bits, size_t at)
{
	bits[at / 64] |= UINT64_C(1) << (at % 64);
}

/* Times are compared as signed numbers; none that is real is cut by it. */
static inline int64_t tfmt_filter__ns(uint64_t ns)
{
	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

/* filter_parse.c: fills nodes and conditions. Returns: as tfmt_filter_new(). */
int tfmt_filter__parse(struct tfmt_filter *filter, struct tfmt_error *err);

/*
 * filter_group.c: joins conditions on frames and on arguments that are about one and the same.
 * Returns: 0; TFMT_E_NOMEM.
 */
int tfmt_filter__group(struct tfmt_filter *filter);

/* filter.c: a new node; 0 without memory. */
uint32_t tfmt_filter__add_node(struct tfmt_filter *filter, enum tfmt_filter_node_type type);
void tfmt_filter__add_child(struct tfmt_filter *filter, uint32_t parent, uint32_t child);

/* filter_bind.c: free what belongs to a trace. */
void tfmt_filter__unbind(struct tfmt_filter *filter);

/* filter_compare.c */
bool tfmt_filter__compare(enum tfmt_filter_op op, int64_t left, int64_t right);
/* Is the text of a string what the condition says? `string` 0: it is none of the trace's. */
bool tfmt_filter__holds_of_string(struct tfmt_filter *filter,
	struct tfmt_filter_condition *condition, uint32_t string, const char *text);
/* The value of an argument: as a number when the condition has one. */
bool tfmt_filter__holds_of_value(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, uint32_t value);
bool tfmt_filter__holds_of_location(struct tfmt_filter *filter,
	struct tfmt_filter_condition *condition, const struct tfmt_location *location);
bool tfmt_filter__holds_of_process(
	struct tfmt_filter *filter, struct tfmt_filter_condition *condition, uint32_t process);
/* A node of conditions on frames only, or on arguments only. */
bool tfmt_filter__node_holds_of_location(
	struct tfmt_filter *filter, uint32_t node, const struct tfmt_location *location);
bool tfmt_filter__node_holds_of_argument(
	struct tfmt_filter *filter, uint32_t node, const struct tfmt_arg *arg);

/* filter_spans.c: passes over span records and arguments; the reader is at the start again. */
int tfmt_filter__look_at_spans(
	struct tfmt_filter *filter, struct tfmt_reader *reader, struct tfmt_error *err);
bool tfmt_filter__span_bit(struct tfmt_filter *filter, uint64_t number, size_t slot);

/* filter_warn.c: one warning for each text that nothing is equal to. Returns: 0; TFMT_E_NOMEM. */
int tfmt_filter__warn(struct tfmt_filter *filter);

#endif
