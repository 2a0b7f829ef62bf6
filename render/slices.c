#include "slices.h"

#include <stdlib.h>

#include "tracefmt/error.h"

/* Blocks of short slices go on over holes of so many times min_ns: two pixels. */
#define DENSE_HOLE 4
/* A gap of so many times gap_ns is a long one. */
#define LONG_GAP 32

void rend_slices_init(struct rend_slices *slices, const struct rend_path_tree *tree,
	uint64_t gap_ns, uint64_t min_ns)
{
	*slices = (struct rend_slices){.tree = tree, .gap_ns = gap_ns, .min_ns = min_ns};
}

void rend_slices_release(struct rend_slices *slices)
{
	for (size_t i = 0; i < REND_MAX_PATH; i++)
		free(slices->rows[i].slices);
	*slices = (struct rend_slices){0};
}

static int append(struct rend_slice_row *row, const struct rend_slice *slice)
{
	if (row->count == row->room) {
		size_t room = row->room > 0 ? row->room * 2 : 64;
		struct rend_slice *grown = realloc(row->slices, room * sizeof(*grown));
		if (grown == NULL)
			return TFMT_E_NOMEM;
		row->slices = grown;
		row->room = room;
	}
	row->slices[row->count++] = *slice;
	return 0;
}

static int flush_dense(struct rend_slice_row *row)
{
	if (row->dense.count == 0)
		return 0;
	struct rend_slice dense = row->dense;
	row->dense.count = 0;
	return append(row, &dense);
}

static uint32_t slice_function(const struct rend_slices *slices, const struct rend_slice *slice)
{
	return slices->tree->nodes[slice->node].function;
}

/* A weighted majority vote finds the function that has most of a block, if one has. */
static void join_dense(
	const struct rend_slices *slices, struct rend_slice *dense, const struct rend_slice *slice)
{
	dense->end_ns = slice->end_ns;
	dense->busy_ns += slice->busy_ns;
	dense->count += slice->count;
	if (slice_function(slices, dense) == slice_function(slices, slice)) {
		dense->major_ns += slice->major_ns;
	} else if (dense->major_ns >= slice->major_ns) {
		dense->major_ns -= slice->major_ns;
	} else {
		dense->node = slice->node;
		dense->major_ns = slice->major_ns - dense->major_ns;
	}
}

/* Slices of a row come in the order of time. Short waits are holes. */
static int add_slice(const struct rend_slices *slices, struct rend_slice_row *row,
	const struct rend_slice *slice)
{
	bool is_short = slice->end_ns - slice->begin_ns < slices->min_ns;
	if (slice->type == REND_SLICE_WAIT && is_short)
		return 0;
	if (slice->type != REND_SLICE_DENSE && !is_short) {
		int status = flush_dense(row);
		return status < 0 ? status : append(row, slice);
	}
	if (row->dense.count > 0 &&
		slice->begin_ns - row->dense.end_ns <= slices->min_ns * DENSE_HOLE) {
		join_dense(slices, &row->dense, slice);
		return 0;
	}
	int status = flush_dense(row);
	row->dense = *slice;
	row->dense.type = REND_SLICE_DENSE;
	return status;
}

static int close_slice(struct rend_slices *slices, uint32_t node, uint64_t end_ns)
{
	uint32_t depth = slices->tree->nodes[node].depth;
	struct rend_slice slice = {
		.begin_ns = slices->begin_ns[depth],
		.end_ns = end_ns,
		.busy_ns = end_ns - slices->begin_ns[depth],
		.major_ns = end_ns - slices->begin_ns[depth],
		.node = node,
		.count = 1,
		.type = REND_SLICE_CODE,
	};
	if (slice.busy_ns == 0)
		return 0;
	if (slices->row_count < depth)
		slices->row_count = depth;
	return add_slice(slices, &slices->rows[depth - 1], &slice);
}

/* Leave the open path for `node`: what both share goes on. */
static int move_to(struct rend_slices *slices, uint32_t node, uint64_t end_ns, uint64_t begin_ns)
{
	const struct rend_path_node *nodes = slices->tree->nodes;
	uint32_t common = rend_path_tree_common(slices->tree, slices->node, node);
	for (uint32_t old = slices->node; old != common; old = nodes[old].parent) {
		int status = close_slice(slices, old, end_ns);
		if (status < 0)
			return status;
	}
	for (uint32_t depth = nodes[common].depth + 1; depth <= nodes[node].depth; depth++)
		slices->begin_ns[depth] = begin_ns;
	slices->node = node;
	return 0;
}

/*
 * Go on from what was seen last to `begin_ns`, where `next` is seen. Over a gap only the callers go
 * on that both share, as in a wait that was too short to be recorded; over a long one nothing does.
 */
static int continue_to(struct rend_slices *slices, uint64_t begin_ns, uint32_t next)
{
	uint64_t passed_ns = begin_ns - slices->end_ns;
	uint32_t path = 0;
	if (slices->end_ns > 0 && passed_ns <= slices->gap_ns)
		return 0;
	if (slices->end_ns > 0 && passed_ns <= slices->gap_ns * LONG_GAP)
		path = rend_path_tree_common(slices->tree, slices->node, next);
	if (path == slices->node)
		path = slices->tree->nodes[path].parent;
	int status = move_to(slices, path, slices->end_ns, begin_ns);
	slices->end_ns = begin_ns;
	return status;
}

/* The functions that the wait happens in. */
static uint32_t waiting_path(
	const struct rend_slices *slices, const struct rend_wait *wait, uint32_t next)
{
	const struct rend_path_node *nodes = slices->tree->nodes;
	uint32_t path = wait->node;
	if (path == 0) {
		path = rend_path_tree_common(slices->tree, slices->node, next);
		while (nodes[path].is_kernel)
			path = nodes[path].parent;
	}
	/* The wait itself needs a row. */
	return nodes[path].depth == REND_MAX_PATH ? nodes[path].parent : path;
}

/* Draw a wait, now that what follows it is known. */
static int place_wait(struct rend_slices *slices, const struct rend_wait *wait, uint32_t next)
{
	struct rend_slice slice = {
		.begin_ns = wait->begin_ns,
		.end_ns = wait->end_ns,
		.busy_ns = wait->end_ns - wait->begin_ns,
		.count = wait->count,
		.syscall = wait->syscall,
		.state = wait->state,
		.type = REND_SLICE_WAIT,
		.is_assumed = wait->is_assumed,
	};
	int status = continue_to(slices, slice.begin_ns, wait->node != 0 ? wait->node : next);
	if (status < 0)
		return status;
	slice.node = waiting_path(slices, wait, next);
	status = move_to(slices, slice.node, slice.begin_ns, slice.begin_ns);
	if (status < 0)
		return status;
	slices->end_ns = slice.end_ns;
	uint32_t row = slices->tree->nodes[slice.node].depth;
	if (slices->row_count <= row && slice.busy_ns >= slices->min_ns)
		slices->row_count = row + 1;
	return add_slice(slices, &slices->rows[row], &slice);
}

static int place_waits(struct rend_slices *slices, uint32_t next)
{
	int status = 0;
	for (size_t i = 0; i < slices->wait_count && status == 0; i++)
		status = place_wait(slices, &slices->waits[i], next);
	if (slices->wait_count > 0)
		slices->whole_ns = slices->end_ns;
	slices->wait_count = 0;
	return status;
}

/* True when the wait is the last one's continuation, which it then has become. */
static bool extend_wait(struct rend_slices *slices, const struct rend_wait *wait)
{
	if (slices->wait_count == 0)
		return false;
	struct rend_wait *last = &slices->waits[slices->wait_count - 1];
	if (last->state != wait->state || last->syscall != wait->syscall ||
		last->node != wait->node || wait->begin_ns > last->end_ns + slices->gap_ns)
		return false;
	if (wait->end_ns > last->end_ns)
		last->end_ns = wait->end_ns;
	last->count++;
	last->is_assumed = last->is_assumed && wait->is_assumed;
	return true;
}

static int add_wait(struct rend_slices *slices, const struct tfmt_sample *sample, uint32_t node)
{
	struct rend_wait wait = {
		.begin_ns = sample->time_ns - sample->weight_ns,
		.end_ns = sample->time_ns,
		.node = node,
		.count = 1,
		.syscall = sample->syscall,
		.state = sample->state,
		.is_assumed = (sample->flags & TFMT_SAMPLE_ASSUMED) != 0,
	};
	int status = 0;
	if (extend_wait(slices, &wait))
		return 0;
	if (node != 0)
		status = place_waits(slices, node);
	else if (slices->wait_count == REND_MAX_WAITS)
		status = place_waits(slices, slices->node);
	if (status < 0)
		return status;
	uint64_t seen_ns = slices->wait_count > 0 ? slices->waits[slices->wait_count - 1].end_ns
						  : slices->end_ns;
	if (wait.begin_ns < seen_ns)
		wait.begin_ns = seen_ns;
	if (wait.begin_ns < wait.end_ns)
		slices->waits[slices->wait_count++] = wait;
	return 0;
}

static int add_running(struct rend_slices *slices, const struct tfmt_sample *sample, uint32_t node)
{
	int status = place_waits(slices, node);
	if (status < 0 || sample->time_ns <= slices->end_ns)
		return status;
	uint64_t begin_ns = sample->time_ns - sample->weight_ns;
	if (begin_ns > slices->end_ns) {
		status = continue_to(slices, begin_ns, node);
		if (status < 0)
			return status;
	}
	status = move_to(slices, node, slices->end_ns, slices->end_ns);
	slices->end_ns = sample->time_ns;
	return status;
}

int rend_slices_add(struct rend_slices *slices, const struct tfmt_sample *sample, uint32_t node)
{
	const bool is_whole = (sample->flags & TFMT_SAMPLE_TRUNCATED) == 0;
	if ((sample->flags & (TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED)) != 0 ||
		sample->weight_ns == 0 || sample->weight_ns > sample->time_ns)
		return 0;
	if (sample->state != TFMT_STATE_RUNNING)
		return add_wait(slices, sample, is_whole ? node : 0);
	if (is_whole)
		slices->whole_ns = sample->time_ns;
	else if (slices->node != 0 && sample->time_ns <= slices->whole_ns + slices->gap_ns)
		node = slices->node;
	return add_running(slices, sample, node);
}

int rend_slices_finish(struct rend_slices *slices)
{
	int status = place_waits(slices, 0);
	if (status == 0)
		status = move_to(slices, 0, slices->end_ns, slices->end_ns);
	for (size_t i = 0; i < REND_MAX_PATH && status == 0; i++)
		status = flush_dense(&slices->rows[i]);
	return status;
}

size_t rend_slices_count(const struct rend_slices *slices)
{
	size_t count = 0;
	for (size_t i = 0; i < slices->row_count; i++)
		count += slices->rows[i].count;
	return count;
}

void rend_slices_coarsen(struct rend_slices *slices, uint64_t min_ns)
{
	slices->min_ns = min_ns;
	for (size_t i = 0; i < slices->row_count; i++) {
		struct rend_slice_row *row = &slices->rows[i];
		size_t count = row->count;
		row->count = 0;
		/* In place and without growing: no slice is written before it has been read. */
		for (size_t j = 0; j < count; j++) {
			struct rend_slice slice = row->slices[j];
			add_slice(slices, row, &slice);
		}
		flush_dense(row);
	}
}
