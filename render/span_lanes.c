#include "span_lanes.h"

#include <stdlib.h>

#include "tracefmt/error.h"

/* Blocks of short spans go on over holes of so many times min_ns: two pixels. */
#define DENSE_HOLE 4
/* Longer than anything, and its hole can be told in 64 bits. */
#define MAX_MIN_NS (UINT64_MAX / DENSE_HOLE / 2)

struct collector {
	struct rend_span_lanes *lanes;
	uint8_t *lane_of; /* by `what`: lane + 1, or 0 */
	uint32_t what_count;
};

static int append(struct rend_bar_row *row, const struct rend_bar *bar)
{
	if (row->count == row->room) {
		size_t room = row->room > 0 ? row->room * 2 : 32;
		struct rend_bar *bars = reallocarray(row->bars, room, sizeof(*bars));
		if (bars == NULL)
			return TFMT_E_NOMEM;
		row->bars = bars;
		row->room = room;
	}
	row->bars[row->count++] = *bar;
	return 0;
}

static int flush_dense(struct rend_bar_row *row)
{
	struct rend_bar dense = row->dense;
	row->dense.count = 0;
	return dense.count > 0 ? append(row, &dense) : 0;
}

/* Bars of a row come in the order of time. One that `is_kept` is never part of a block. */
static int add_bar(
	struct rend_bar_row *row, const struct rend_bar *bar, uint64_t min_ns, bool is_kept)
{
	bool is_short = bar->end_ns - bar->begin_ns < min_ns && !is_kept;
	int status = 0;
	row->end_ns = bar->end_ns;
	if (row->dense.count > 0 && (is_short || bar->count > 1) &&
		bar->begin_ns - row->dense.end_ns <= min_ns * DENSE_HOLE) {
		row->dense.end_ns = bar->end_ns;
		row->dense.busy_ns += bar->busy_ns;
		row->dense.count += bar->count;
		row->dense.thread = bar->thread;
		row->dense.is_open = false;
		row->dense.is_failed = row->dense.is_failed || bar->is_failed;
		return 0;
	}
	status = flush_dense(row);
	if (status == 0 && (is_short || bar->count > 1))
		row->dense = *bar;
	else if (status == 0)
		status = append(row, bar);
	return status;
}

/* Short spans of several threads at one time are one block. */
static bool joins_dense(struct rend_bar_row *row, const struct rend_bar *bar, uint64_t min_ns)
{
	struct rend_bar *dense = &row->dense;
	if (dense->count == 0 || bar->is_open || bar->end_ns - bar->begin_ns >= min_ns ||
		bar->begin_ns < dense->begin_ns)
		return false;
	dense->busy_ns += bar->busy_ns;
	dense->count += bar->count;
	dense->is_failed = dense->is_failed || bar->is_failed;
	if (bar->end_ns > dense->end_ns)
		dense->end_ns = row->end_ns = bar->end_ns;
	return true;
}

static int add_span(void *context, const struct rend_whole_span *span)
{
	struct collector *collector = context;
	struct rend_lane *lane;
	if (span->is_inner || span->what >= collector->what_count ||
		collector->lane_of[span->what] == 0)
		return 0;
	lane = &collector->lanes->lanes[collector->lane_of[span->what] - 1];
	struct rend_bar bar = {
		.begin_ns = span->begin_ns,
		.end_ns = span->end_ns,
		.busy_ns = span->end_ns - span->begin_ns,
		.count = 1,
		.thread = span->thread,
		.is_open = span->is_open,
		.is_failed = span->is_failed,
	};
	for (uint32_t i = 0; i < collector->lanes->max_rows; i++) {
		if (span->begin_ns < lane->rows[i].end_ns) {
			if (joins_dense(&lane->rows[i], &bar, collector->lanes->min_ns))
				return 0;
			continue;
		}
		if (lane->row_count <= i)
			lane->row_count = i + 1;
		return add_bar(&lane->rows[i], &bar, collector->lanes->min_ns, bar.is_open);
	}
	lane->hidden_count++;
	return 0;
}

/* Below `parent`, in the order in which they were seen first. */
static void order_lanes(struct rend_span_lanes *ordered, const struct rend_span_lanes *lanes,
	const struct rend_span_names *names, const uint8_t *lane_of, uint32_t parent,
	uint32_t depth)
{
	uint32_t last = 0;
	for (;;) {
		/* Numbers are in the order of the file, times are what is seen. */
		const struct rend_lane *next = NULL;
		for (size_t i = 0; i < lanes->count; i++) {
			uint32_t what = lanes->lanes[i].row->what;
			uint32_t above = names->whats[what].parent;
			while (above != 0 && lane_of[above] == 0)
				above = names->whats[above].parent;
			if (above == parent && what > last &&
				(next == NULL || what < next->row->what))
				next = &lanes->lanes[i];
		}
		if (next == NULL)
			return;
		last = next->row->what;
		ordered->lanes[ordered->count] = *next;
		ordered->lanes[ordered->count++].depth = depth;
		order_lanes(ordered, lanes, names, lane_of, last, depth + 1);
	}
}

static void choose_lanes(struct rend_span_lanes *lanes, const struct rend_span_table *table,
	const struct rend_lane_options *options, uint8_t *lane_of)
{
	struct rend_span_lanes chosen = {0};
	for (uint32_t i = 0; i < table->count && chosen.count < options->max_lanes; i++) {
		const struct rend_span_row *row = &table->rows[i];
		if (options->scopes_only && !rend_span_is_scope(&table->names, row->what))
			continue;
		lane_of[row->what] = 1;
		chosen.lanes[chosen.count++].row = row;
	}
	order_lanes(lanes, &chosen, &table->names, lane_of, 0, 0);
	for (size_t i = 0; i < lanes->count; i++)
		lane_of[lanes->lanes[i].row->what] = (uint8_t)(i + 1);
}

/*
 * Fewer bars, by a longer min_ns, also of what has no end: there may be one of each thread. In
 * place, none is written before it has been read.
 */
static void coarsen(struct rend_bar_row *row, uint64_t min_ns)
{
	size_t count = row->count;
	row->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct rend_bar bar = row->bars[i];
		add_bar(row, &bar, min_ns, false);
	}
	flush_dense(row);
}

static int finish(struct rend_span_lanes *lanes, size_t max_bars)
{
	int status = 0;
	size_t bars = 0;
	for (size_t i = 0; i < lanes->count; i++) {
		for (uint32_t j = 0; status == 0 && j < lanes->lanes[i].row_count; j++) {
			status = flush_dense(&lanes->lanes[i].rows[j]);
			bars += lanes->lanes[i].rows[j].count;
		}
	}
	while (status == 0 && bars > max_bars && lanes->min_ns < MAX_MIN_NS) {
		bars = 0;
		lanes->min_ns *= 2;
		for (size_t i = 0; i < lanes->count; i++) {
			for (uint32_t j = 0; j < lanes->lanes[i].row_count; j++) {
				coarsen(&lanes->lanes[i].rows[j], lanes->min_ns);
				bars += lanes->lanes[i].rows[j].count;
			}
		}
	}
	return status;
}

int rend_span_lanes_init(struct rend_span_lanes *lanes, struct rend_model *model,
	struct rend_span_table *table, const struct rend_lane_options *options)
{
	struct collector collector = {.lanes = lanes, .what_count = table->names.count + 1};
	*lanes = (struct rend_span_lanes){
		.min_ns = options->min_ns > 0 ? options->min_ns : 1,
		.max_rows = options->max_rows,
	};
	collector.lane_of = calloc(collector.what_count, sizeof(*collector.lane_of));
	if (collector.lane_of == NULL)
		return TFMT_E_NOMEM;
	choose_lanes(lanes, table, options, collector.lane_of);
	int status = rend_span_walk(model, &table->names, add_span, &collector, NULL);
	if (status == 0)
		status = finish(lanes, options->max_bars);
	free(collector.lane_of);
	if (status < 0)
		rend_span_lanes_release(lanes);
	return status;
}

void rend_span_lanes_release(struct rend_span_lanes *lanes)
{
	for (size_t i = 0; i < lanes->count; i++) {
		for (size_t j = 0; j < REND_MAX_LANE_ROWS; j++)
			free(lanes->lanes[i].rows[j].bars);
	}
	*lanes = (struct rend_span_lanes){0};
}
