#include "diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

#define MAX_ALIASES 64
#define SURE_SIGMAS 3

static void count_nameless(struct rend_diff *diff)
{
	for (size_t i = 1; i < diff->function_count; i++) {
		const struct tfmt_diff_function *function = &diff->functions[i];
		const uint64_t *self = function->self;
		if (!function->is_address || (self[TFMT_BEFORE] > 0) == (self[TFMT_AFTER] > 0))
			continue;
		diff->nameless_count++;
		for (int side = 0; side < TFMT_SIDE_COUNT; side++)
			diff->nameless[side] += self[side];
	}
}

static int compare_stacks(struct rend_diff *diff)
{
	const struct rend_model *before = diff->models[TFMT_BEFORE];
	const struct rend_model *after = diff->models[TFMT_AFTER];
	struct tfmt_alias aliases[MAX_ALIASES];
	size_t alias_count = tfmt_diff_aliases(before->header, after->header, aliases, MAX_ALIASES);
	int status = tfmt_diff_new(before->tree, after->tree, aliases, alias_count, &diff->stacks);
	if (status < 0)
		return status;
	for (int side = 0; side < TFMT_SIDE_COUNT; side++)
		diff->nodes[side] =
			tfmt_diff_nodes(diff->stacks, (enum tfmt_side)side, &diff->node_count);
	diff->functions = tfmt_diff_functions(diff->stacks, &diff->function_count);
	for (size_t i = 0; i < diff->node_count; i++)
		diff->has_change |=
			diff->nodes[TFMT_BEFORE][i].self != diff->nodes[TFMT_AFTER][i].self;
	count_nameless(diff);
	return 0;
}

int rend_diff_new(const struct rend_model *before, const struct rend_model *after,
	struct rend_diff **ret_diff)
{
	struct rend_diff *diff = calloc(1, sizeof(*diff));
	if (diff == NULL)
		return TFMT_E_NOMEM;
	diff->models[TFMT_BEFORE] = before;
	diff->models[TFMT_AFTER] = after;
	/* Waits are recorded one by one; imported sums are as exact as they came. */
	diff->is_sampled = after->weight < TFMT_WEIGHT_OFFCPU && before->header->rate_hz > 0 &&
			   after->header->rate_hz > 0;
	int status = before->tree != NULL && after->tree != NULL ? compare_stacks(diff) : 0;
	if (status < 0)
		rend_diff_free(diff);
	else
		*ret_diff = diff;
	return status;
}

void rend_diff_free(struct rend_diff *diff)
{
	if (diff == NULL)
		return;
	tfmt_diff_free(diff->stacks);
	free(diff);
}

void rend_diff_sort(struct rend_diff *diff, const char *name)
{
	diff->sort = REND_DIFF_SELF;
	if (name != NULL && strcmp(name, "total") == 0)
		diff->sort = REND_DIFF_TOTAL;
	else if (name != NULL && strcmp(name, "share") == 0)
		diff->sort = REND_DIFF_SHARE;
}

const struct rend_view *rend_diff_view(const char *name)
{
	if (strcmp(name, "diff") == 0)
		return &rend_view_diff;
	if (strcmp(name, "flame") == 0)
		return &rend_view_diff_flame;
	if (strcmp(name, "top") == 0)
		return &rend_view_diff_top;
	return strcmp(name, "usage") == 0 ? &rend_view_diff_usage : NULL;
}

uint64_t rend_diff_whole(const struct rend_diff *diff, enum tfmt_side side)
{
	return diff->stacks != NULL ? diff->nodes[side][0].total : 0;
}

const struct rend_model *rend_diff_owner(
	const struct rend_diff *diff, const struct tfmt_diff_function *function)
{
	return diff->models[function->total_count[TFMT_AFTER] > 0 || function->total[TFMT_AFTER] > 0
				    ? TFMT_AFTER
				    : TFMT_BEFORE];
}

double rend_change_amount(const struct rend_change *change)
{
	return (double)change->amounts[TFMT_AFTER] - (double)change->amounts[TFMT_BEFORE];
}

static double share_of(
	const struct rend_diff *diff, const struct rend_change *change, enum tfmt_side side)
{
	double whole = (double)rend_diff_whole(diff, side);
	return whole > 0 ? (double)change->amounts[side] / whole : 0;
}

double rend_change_share(const struct rend_diff *diff, const struct rend_change *change)
{
	return share_of(diff, change, TFMT_AFTER) - share_of(diff, change, TFMT_BEFORE);
}

double rend_change_size(const struct rend_diff *diff, const struct rend_change *change)
{
	return diff->sort == REND_DIFF_SHARE ? rend_change_share(diff, change)
					     : rend_change_amount(change);
}

bool rend_change_is_sure(const struct rend_diff *diff, const struct rend_change *change)
{
	double variance = 0;
	for (int side = 0; side < TFMT_SIDE_COUNT && diff->is_sampled; side++) {
		double amount = diff->sort == REND_DIFF_SHARE
					? share_of(diff, change, (enum tfmt_side)side)
					: (double)change->amounts[side];
		if (change->counts[side] > 0)
			variance += amount * amount / (double)change->counts[side];
	}
	return fabs(rend_change_size(diff, change)) > SURE_SIGMAS * sqrt(variance);
}

struct rend_change rend_diff_node_change(const struct rend_diff *diff, uint32_t node)
{
	struct rend_change change;
	for (int side = 0; side < TFMT_SIDE_COUNT; side++) {
		change.amounts[side] = diff->nodes[side][node].total;
		change.counts[side] = diff->nodes[side][node].total_count;
	}
	return change;
}

struct rend_change rend_diff_self_change(const struct tfmt_diff_function *function)
{
	struct rend_change change;
	memcpy(change.amounts, function->self, sizeof(change.amounts));
	memcpy(change.counts, function->self_count, sizeof(change.counts));
	return change;
}

struct rend_change rend_diff_total_change(const struct tfmt_diff_function *function)
{
	struct rend_change change;
	memcpy(change.amounts, function->total, sizeof(change.amounts));
	memcpy(change.counts, function->total_count, sizeof(change.counts));
	return change;
}
