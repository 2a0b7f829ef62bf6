/* The functions that changed, sorted: the rows of the comparing tables. */
#ifndef REND_DIFF_ROWS_H
#define REND_DIFF_ROWS_H

#include "diff.h"

struct rend_diff_row {
	const struct tfmt_diff_function *function;
	struct rend_change change; /* of itself, or with what it called */
	double size;		   /* by which it is sorted, signed */
};

struct rend_diff_rows {
	struct rend_diff_row *rows; /* the largest change first, of either sign */
	size_t count;
};

/*
 * Those of which something changed; with `only_sure` by more than sampling may bring. Returns: 0;
 * TFMT_E_NOMEM.
 */
int rend_diff_rows_init(struct rend_diff_rows *rows, const struct rend_diff *diff, bool only_sure);
void rend_diff_rows_release(struct rend_diff_rows *rows);

/* "new", "gone", "~" for what may come from sampling alone; else "". */
const char *rend_diff_row_note(const struct rend_diff *diff, const struct rend_diff_row *row);

#endif
