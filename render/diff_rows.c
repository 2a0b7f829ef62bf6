#include "diff_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_rows(const void *left, const void *right)
{
	const struct rend_diff_row *a = left, *b = right;
	double size_a = fabs(a->size), size_b = fabs(b->size);
	if (size_a != size_b)
		return size_a > size_b ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	int order = strcmp(a->function->location->function, b->function->location->function);
	if (order == 0)
		order = strcmp(a->function->location->module, b->function->location->module);
	return order != 0 ? order : (a->function > b->function) - (a->function < b->function);
}

int rend_diff_rows_init(struct rend_diff_rows *rows, const struct rend_diff *diff, bool only_sure)
{
	*rows = (struct rend_diff_rows){
		.rows = calloc(diff->function_count + 1, sizeof(*rows->rows))};
	if (rows->rows == NULL)
		return TFMT_E_NOMEM;
	for (size_t i = 1; i < diff->function_count; i++) {
		const struct tfmt_diff_function *function = &diff->functions[i];
		struct rend_diff_row row = {
			.function = function,
			.change = diff->sort == REND_DIFF_TOTAL ? rend_diff_total_change(function)
								: rend_diff_self_change(function),
		};
		row.size = rend_change_size(diff, &row.change);
		if (row.size != 0 && (!only_sure || rend_change_is_sure(diff, &row.change)))
			rows->rows[rows->count++] = row;
	}
	qsort(rows->rows, rows->count, sizeof(*rows->rows), compare_rows);
	return 0;
}

void rend_diff_rows_release(struct rend_diff_rows *rows)
{
	free(rows->rows);
	*rows = (struct rend_diff_rows){0};
}

const char *rend_diff_row_note(const struct rend_diff *diff, const struct rend_diff_row *row)
{
	if (!rend_change_is_sure(diff, &row->change))
		return "~";
	if (row->function->total[TFMT_BEFORE] == 0)
		return "new";
	return row->function->total[TFMT_AFTER] == 0 ? "gone" : "";
}
