/*
 * Stacks as viewers see them: lists of functions. Addresses within a function are one, inlined
 * functions are apart, and stacks that then look alike are one: a prefix tree whose nodes are a
 * function and the node of its caller.
 *
 * Memory: one node per distinct list, two small arrays by the ids of the trace.
 */
#ifndef CONV_STACKS_H
#define CONV_STACKS_H

#include "tracefmt/record.h"
#include "tracefmt/trace.h"

/* A function: equal name, module and language; of Python also file and first line. */
struct conv_function {
	struct tfmt_location location; /* of the first place met; the line is the declaration's */
	uint32_t next;		       /* in its hash bucket, 0: none */
};

struct conv_node {
	uint32_t parent;   /* the caller, 0: none */
	uint32_t function; /* number, from 1 */
	uint32_t depth;	   /* 1: a root */
	uint32_t next;	   /* in its hash bucket, 0: none */
};

/* Chains of rows with equal hash. */
struct conv_buckets {
	uint32_t *first; /* `count` rows, 0: none */
	uint32_t count;	 /* a power of two */
};

struct conv_stacks {
	const struct tfmt_trace *trace;
	struct conv_function *functions; /* [0] is no function */
	uint32_t function_count, function_capacity;
	struct conv_buckets function_buckets;
	struct conv_node *nodes; /* [0] is no stack */
	uint32_t node_count, node_capacity;
	struct conv_buckets node_buckets;
	uint32_t max_depth;
	uint32_t *node_of_stack; /* by stack id, 0: not asked yet */
	uint32_t stack_count;	 /* ids and 0 */
	uint32_t *path;		 /* TFMT_MAX_DEPTH stacks: the way up from one */
	char **names;		 /* copies, of functions that are in no frame */
	uint32_t name_count, name_capacity;
};

/* `trace` must be scanned and outlive it. Returns: 0; TFMT_E_NOMEM. */
int conv_stacks_init(struct conv_stacks *stacks, const struct tfmt_trace *trace);
void conv_stacks_release(struct conv_stacks *stacks);

/* The node of a stack of the trace; 0 for stack 0. Returns: 0; TFMT_E_NOMEM. */
int conv_stacks_add(struct conv_stacks *stacks, uint32_t stack, uint32_t *ret_node);

/*
 * The node below `parent` of a function that is in no frame, such as "[off CPU]"; the name is
 * copied. Returns: 0; TFMT_E_NOMEM.
 */
int conv_stacks_add_name(
	struct conv_stacks *stacks, uint32_t parent, const char *name, uint32_t *ret_node);

/*
 * The node of a sample's stack, with what stands on top of it or instead of it: see
 * tracefmt/weight.h. Returns: 0; TFMT_E_NOMEM.
 */
int conv_stacks_add_sample(
	struct conv_stacks *stacks, const struct tfmt_sample *sample, uint32_t *ret_node);

/* The node of a function below `parent`, 0: a root. Returns: 0; TFMT_E_NOMEM. */
int conv_stacks_add_node(
	struct conv_stacks *stacks, uint32_t parent, uint32_t function, uint32_t *ret_node);

/* The number of such a function alone. Returns: 0; TFMT_E_NOMEM. */
int conv_stacks_number_name(struct conv_stacks *stacks, const char *name, uint32_t *ret_function);

#endif
