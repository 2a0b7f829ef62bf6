/*
 * A recording compared with another: `before` and `after` some change. + is what has become more.
 * The views are drawn from the model of `after`, whose `diff` this is.
 */
#ifndef REND_DIFF_H
#define REND_DIFF_H

#include "model.h"
#include "tracefmt/diff.h"

struct rend_view;

/* By what functions are sorted and boxes are coloured. */
enum rend_diff_sort {
	REND_DIFF_SELF, /* the change of what they weigh themselves; boxes: with what they called */
	REND_DIFF_TOTAL, /* with what they called */
	REND_DIFF_SHARE, /* of their share of everything: for runs of different lengths */
};

/* An amount on both sides, by enum tfmt_side; samples too, for how sure it is. */
struct rend_change {
	uint64_t amounts[TFMT_SIDE_COUNT];
	uint64_t counts[TFMT_SIDE_COUNT];
};

struct rend_diff {
	const struct rend_model *models[TFMT_SIDE_COUNT];
	const char *names[TFMT_SIDE_COUNT]; /* of the files, borrowed */
	struct tfmt_diff *stacks;	    /* NULL: one side has none */
	const struct tfmt_node *nodes[TFMT_SIDE_COUNT];
	size_t node_count;
	const struct tfmt_diff_function *functions;
	size_t function_count;
	enum rend_diff_sort sort;
	size_t max_rows; /* of functions in a picture; 0: a usual number */
	bool has_change; /* any stack weighs more or less */
	bool is_sampled; /* small changes may come from sampling alone */
	/* Functions without a name that only one side has, and what they weigh there. */
	size_t nameless_count;
	uint64_t nameless[TFMT_SIDE_COUNT];
};

/* Both models outlive it. Returns: 0; TFMT_E_NOMEM. */
int rend_diff_new(const struct rend_model *before, const struct rend_model *after,
	struct rend_diff **ret_diff);
void rend_diff_free(struct rend_diff *diff);

/* As --sort has it: self, total, share; NULL: self. */
void rend_diff_sort(struct rend_diff *diff, const char *name);

/* How a view of that name compares; NULL: it cannot. */
const struct rend_view *rend_diff_view(const char *name);
#define REND_NO_STACKS_TO_COMPARE "No stacks to compare: a recording has none."
#define REND_DIFF_VIEWS		  "diff, flame, top and usage"

extern const struct rend_view rend_view_diff_flame, rend_view_diff_top, rend_view_diff_usage;

/* What everything weighs. */
uint64_t rend_diff_whole(const struct rend_diff *diff, enum tfmt_side side);

/* The model a location is of. */
const struct rend_model *rend_diff_owner(
	const struct rend_diff *diff, const struct tfmt_diff_function *function);

/* after - before. */
double rend_change_amount(const struct rend_change *change);
/* The same of their shares of everything: -1 to 1. */
double rend_change_share(const struct rend_diff *diff, const struct rend_change *change);
/* One of them, as asked for. */
double rend_change_size(const struct rend_diff *diff, const struct rend_change *change);

/*
 * False when the two may differ by so much because of sampling alone: three standard deviations of
 * as many samples.
 */
bool rend_change_is_sure(const struct rend_diff *diff, const struct rend_change *change);

/* What a row or a box shows. */
struct rend_change rend_diff_node_change(const struct rend_diff *diff, uint32_t node);
struct rend_change rend_diff_self_change(const struct tfmt_diff_function *function);
struct rend_change rend_diff_total_change(const struct tfmt_diff_function *function);

#endif
