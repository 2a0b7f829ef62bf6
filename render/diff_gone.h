/* What only the recording before has: stacks that are gone, as a tree of their own. */
#ifndef REND_DIFF_GONE_H
#define REND_DIFF_GONE_H

#include "diff.h"

struct rend_diff_gone {
	struct tfmt_node *nodes; /* amounts of before; 0 is the root, over all that is gone */
	uint32_t *origins;	 /* by node: which it is in the diff */
	size_t count;
};

/* Returns: 0; TFMT_E_NOMEM. */
int rend_diff_gone_init(struct rend_diff_gone *gone, const struct rend_diff *diff);
void rend_diff_gone_release(struct rend_diff_gone *gone);

#endif
