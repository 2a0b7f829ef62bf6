#include "heat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS	  (60 * MINUTE_NS)

/* Columns longer than the last are a power of two of it. */
static const uint64_t column_lengths_ns[] = {1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000,
	500000, 1000000, 2000000, 5000000, 10000000, 20000000, 50000000, 100000000, 200000000,
	500000000, SECOND_NS, 2 * SECOND_NS, 5 * SECOND_NS, 10 * SECOND_NS, 20 * SECOND_NS,
	30 * SECOND_NS, MINUTE_NS, 2 * MINUTE_NS, 5 * MINUTE_NS, 10 * MINUTE_NS, 20 * MINUTE_NS,
	30 * MINUTE_NS, HOUR_NS, 2 * HOUR_NS, 6 * HOUR_NS, 12 * HOUR_NS, 24 * HOUR_NS};
#define LENGTH_COUNT (sizeof(column_lengths_ns) / sizeof(*column_lengths_ns))

/* Of frames without a name of their own, and of waits: what is not a string. */
#define NAME_IS_FRAME (UINT32_C(1) << 31)
#define NAME_IS_WAIT  (UINT32_C(3) << 30)

/* A second, or what is nearest to it and makes neither too many columns nor too few. */
static uint64_t choose_column(uint64_t length_ns, const struct rend_heat_size *size)
{
	size_t i = 0;
	while (column_lengths_ns[i] < SECOND_NS)
		i++;
	while (i > 0 && length_ns / column_lengths_ns[i] < size->min_columns)
		i--;
	while (i + 1 < LENGTH_COUNT && length_ns / column_lengths_ns[i] >= size->max_columns)
		i++;
	uint64_t column_ns = column_lengths_ns[i];
	while (length_ns / column_ns >= size->max_columns)
		column_ns *= 2;
	return column_ns;
}

/* An asked for length is taken, but not for more columns than there is room for. */
uint64_t rend_heat_columns(const struct rend_model *model, const struct rend_heat_size *size,
	uint64_t *ret_begin_ns, uint64_t *ret_column_ns, uint32_t *ret_columns)
{
	uint64_t length_ns = model->end_ns - model->begin_ns;
	uint64_t column_ns = model->heat.column_ns;
	if (column_ns == 0)
		column_ns = choose_column(length_ns, size);
	while (length_ns / column_ns >= size->max_columns)
		column_ns *= 2;
	uint64_t begin_ns = model->begin_ns - (model->begin_ns - model->origin_ns) % column_ns;
	/* The range was rounded up to whole bins: no column for that alone. */
	uint64_t over_ns = (model->end_ns - begin_ns) % column_ns;
	uint64_t end_ns = model->end_ns - (over_ns < model->bin_count ? over_ns : 0);
	if (end_ns <= model->begin_ns)
		end_ns = model->end_ns;
	*ret_begin_ns = begin_ns;
	*ret_column_ns = column_ns;
	*ret_columns = (uint32_t)((end_ns - 1 - begin_ns) / column_ns) + 1;
	return end_ns;
}

static uint64_t thread_amount(const struct rend_model *model, uint32_t id)
{
	const struct rend_thread *thread = &model->threads[id];
	uint64_t waited_ns = thread->preempted_ns + thread->blocked_ns;
	switch (model->weight) {
	case TFMT_WEIGHT_SAMPLES:
		return thread->sample_count;
	case TFMT_WEIGHT_CPU:
		return thread->running_ns;
	case TFMT_WEIGHT_OFFCPU:
		return waited_ns;
	default:
		return thread->running_ns + waited_ns;
	}
}

static int compare_threads(const void *left, const void *right, void *context)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	uint64_t amount_a = thread_amount(context, a), amount_b = thread_amount(context, b);
	if (amount_a != amount_b)
		return amount_a < amount_b ? 1 : -1;
	return (a > b) - (a < b);
}

/* The heaviest threads have a line each, the others one together. */
static int set_lines(struct rend_heat *heat, const struct rend_heat_size *size)
{
	const struct rend_model *model = heat->model;
	heat->threads = calloc((size_t)model->thread_count + 1, sizeof(*heat->threads));
	if (heat->threads == NULL)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= model->thread_count; id++) {
		if (thread_amount(model, id) > 0)
			heat->threads[heat->lines++] = id;
	}
	qsort_r(heat->threads, heat->lines, sizeof(*heat->threads), compare_threads, (void *)model);
	if (heat->lines > size->max_lines) {
		heat->rest_count = heat->lines - (size->max_lines - 1);
		heat->lines = size->max_lines;
	}
	if (heat->lines == 0)
		heat->lines = 1;
	return 0;
}

static int set_size(struct rend_heat *heat, const struct rend_heat_size *size)
{
	int status = 0;
	heat->end_ns = rend_heat_columns(
		heat->model, size, &heat->begin_ns, &heat->column_ns, &heat->columns);
	heat->lines = size->max_lines == 0;
	heat->rows = size->max_lines == 0 ? size->rows : 1;
	if (heat->rows > heat->column_ns)
		heat->rows = (uint32_t)heat->column_ns;
	if (size->max_lines > 0)
		status = set_lines(heat, size);
	heat->block_rows = heat->columns * heat->rows / (size->max_blocks + 1) + 1;
	heat->blocks = (heat->rows + heat->block_rows - 1) / heat->block_rows;
	return status;
}

/* The time of a row within its column. */
static uint64_t row_offset_ns(const struct rend_heat *heat, uint32_t row)
{
	return (heat->column_ns * row + heat->rows - 1) / heat->rows;
}

uint64_t rend_heat_time_ns(const struct rend_heat *heat, uint32_t column, uint32_t row)
{
	return heat->begin_ns + column * heat->column_ns + row_offset_ns(heat, row);
}

bool rend_heat_is_within(const struct rend_heat *heat, uint32_t column, uint32_t row)
{
	return rend_heat_time_ns(heat, column, row + 1) > heat->model->begin_ns &&
	       rend_heat_time_ns(heat, column, row) < heat->end_ns;
}

uint64_t rend_heat_amount(
	const struct rend_heat *heat, uint32_t line, uint32_t column, uint32_t row)
{
	return heat->amounts[((size_t)line * heat->columns + column) * heat->rows + row];
}

/* Cells of a line are one after the other in time. */
static size_t cell_at(const struct rend_heat *heat, uint64_t time_ns)
{
	uint64_t offset_ns = time_ns - heat->begin_ns;
	return offset_ns / heat->column_ns * heat->rows +
	       offset_ns % heat->column_ns * heat->rows / heat->column_ns;
}

static uint64_t cell_begin_ns(const struct rend_heat *heat, size_t cell)
{
	return rend_heat_time_ns(
		heat, (uint32_t)(cell / heat->rows), (uint32_t)(cell % heat->rows));
}

static size_t block_of(const struct rend_heat *heat, size_t cell)
{
	return cell / heat->rows * heat->blocks + cell % heat->rows / heat->block_rows;
}

/* What the pass over the samples needs. */
struct fill {
	struct rend_heat *heat;
	/* By cell: how many samples more, or fewer, take whole cells from here on. */
	int64_t *steps;
	uint32_t *line_of; /* by thread */
};

static uint32_t name_of_frame(struct rend_heat *heat, uint32_t frame)
{
	struct tfmt_location location;
	if (heat->frame_names[frame] == 0) {
		tfmt_trace_locations(heat->model->trace, frame, &location, 1);
		heat->frame_names[frame] =
			location.function_id != 0 ? location.function_id : NAME_IS_FRAME | frame;
	}
	return heat->frame_names[frame];
}

/* 0: none. */
static uint32_t name_of(struct rend_heat *heat, const struct tfmt_sample *sample)
{
	const struct tfmt_trace *trace = heat->model->trace;
	if (tfmt_wait_name(sample) != NULL)
		return NAME_IS_WAIT | (uint32_t)sample->state << 16 | sample->syscall;
	uint32_t frame = tfmt_trace_stack(trace, sample->stack)->frame;
	return frame > 0 && frame <= tfmt_trace_count(trace, TFMT_FRAME)
		       ? name_of_frame(heat, frame)
		       : 0;
}

const char *rend_heat_top_name(const struct rend_heat *heat, const struct rend_heat_top *top)
{
	size_t heaviest = 0;
	struct tfmt_location location;
	for (size_t i = 1; i < REND_HEAT_NAMES; i++) {
		if (top->weights[i] > top->weights[heaviest])
			heaviest = i;
	}
	uint32_t name = top->names[heaviest];
	if ((name & NAME_IS_WAIT) == NAME_IS_WAIT) {
		struct tfmt_sample sample = {.state = name >> 16 & 0xff, .syscall = (uint16_t)name};
		return tfmt_wait_name(&sample);
	}
	if ((name & NAME_IS_FRAME) == 0)
		return tfmt_trace_text(heat->model->trace, name);
	tfmt_trace_locations(heat->model->trace, name & ~NAME_IS_FRAME, &location, 1);
	return location.function;
}

/* The lightest name gives way to a new one, which takes its weight over: none stays unseen. */
static void add_name(struct rend_heat_top *top, uint32_t name, uint64_t weight)
{
	size_t lightest = 0;
	for (size_t i = 0; i < REND_HEAT_NAMES; i++) {
		if (top->names[i] == name || top->weights[i] == 0) {
			top->names[i] = name;
			top->weights[i] += weight;
			return;
		}
		if (top->weights[i] < top->weights[lightest])
			lightest = i;
	}
	top->names[lightest] = name;
	top->weights[lightest] += weight;
}

static void add_names(struct fill *fill, size_t line, const struct tfmt_sample *sample,
	size_t first, size_t last, uint64_t length_ns)
{
	struct rend_heat *heat = fill->heat;
	size_t block = block_of(heat, first), last_block = block_of(heat, last);
	uint32_t name = name_of(heat, sample);
	uint64_t weight = length_ns / (last_block - block + 1) + 1;
	struct rend_heat_top *tops = &heat->tops[line * heat->columns * heat->blocks];
	for (; name != 0 && block <= last_block; block++)
		add_name(&tops[block], name, weight);
}

/* An interval of time lies in a cell whole, or fills some and parts of the first and the last. */
static void add_interval(struct fill *fill, size_t base, size_t first, size_t last,
	uint64_t begin_ns, uint64_t end_ns)
{
	struct rend_heat *heat = fill->heat;
	if (first == last) {
		heat->amounts[base + first] += end_ns - begin_ns;
		return;
	}
	heat->amounts[base + first] += cell_begin_ns(heat, first + 1) - begin_ns;
	heat->amounts[base + last] += end_ns - cell_begin_ns(heat, last);
	fill->steps[base + first + 1]++;
	fill->steps[base + last]--;
}

static int add_sample(void *context, const struct tfmt_sample *sample)
{
	struct fill *fill = context;
	struct rend_heat *heat = fill->heat;
	const struct rend_model *model = heat->model;
	uint64_t amount = tfmt_weight_of(model->weight, sample);
	uint64_t end_ns = sample->time_ns;
	if (amount == 0)
		return 0;
	if (sample->flags & (TFMT_SAMPLE_SUMMED | TFMT_SAMPLE_UNSAMPLED)) {
		heat->unplaced += amount;
		return 0;
	}
	/* What is a little later than the end, being rounded, is at the end. */
	if (end_ns > heat->end_ns)
		end_ns = heat->end_ns;
	if (end_ns <= model->begin_ns)
		end_ns = model->begin_ns + 1;
	uint64_t length_ns = end_ns - model->begin_ns;
	if (sample->weight_ns < length_ns)
		length_ns = sample->weight_ns > 0 ? sample->weight_ns : 1;
	size_t line = fill->line_of != NULL ? fill->line_of[sample->thread] : 0;
	size_t base = line * heat->columns * heat->rows;
	size_t last = cell_at(heat, end_ns - 1), first = cell_at(heat, end_ns - length_ns);
	if (model->weight == TFMT_WEIGHT_SAMPLES) {
		heat->amounts[base + last] += amount;
		first = last;
	} else {
		add_interval(fill, base, first, last, end_ns - length_ns, end_ns);
	}
	add_names(fill, line, sample, first, last, length_ns);
	return 0;
}

/* Whole cells, then all sums. */
static void add_up(struct rend_heat *heat, const int64_t *steps)
{
	const bool has_rows = heat->threads == NULL;
	const size_t cells = (size_t)heat->columns * heat->rows;
	int64_t open = 0;
	for (size_t i = 0; i < heat->lines * cells; i++) {
		size_t cell = i % cells, row = cell % heat->rows, column = cell / heat->rows;
		uint64_t length_ns = cell_begin_ns(heat, cell + 1) - cell_begin_ns(heat, cell);
		open = cell == 0 ? steps[i] : open + steps[i];
		heat->amounts[i] += (uint64_t)open * length_ns;
		heat->whole += heat->amounts[i];
		uint64_t *row_sum = &heat->row_sums[has_rows ? row : i / cells];
		*row_sum += heat->amounts[i];
		heat->column_sums[column] += heat->amounts[i];
		/* Many threads in one line would make the scale too long for all others. */
		if (heat->rest_count > 0 && i / cells == heat->lines - 1)
			continue;
		heat->max_row = *row_sum > heat->max_row ? *row_sum : heat->max_row;
		heat->max = fmax(heat->max, rend_heat_value(heat, heat->amounts[i], length_ns));
	}
	for (uint32_t i = 0; i < heat->columns; i++) {
		if (heat->column_sums[i] > heat->max_column)
			heat->max_column = heat->column_sums[i];
	}
}

/* Threads without a line of their own are in the last one. */
static uint32_t *find_lines(const struct rend_heat *heat)
{
	uint32_t *line_of = calloc((size_t)heat->model->thread_count + 1, sizeof(*line_of));
	uint32_t own = heat->lines - (heat->rest_count > 0);
	if (line_of == NULL)
		return NULL;
	for (uint32_t id = 0; id <= heat->model->thread_count; id++)
		line_of[id] = heat->lines - 1;
	for (uint32_t i = 0; i < own; i++)
		line_of[heat->threads[i]] = i;
	return line_of;
}

static int fill_heat(struct rend_heat *heat, struct rend_model *model)
{
	const size_t cells = (size_t)heat->columns * heat->rows * heat->lines;
	struct tfmt_error err = {0};
	struct fill fill = {.heat = heat};
	int status = TFMT_E_NOMEM;
	fill.steps = calloc(cells + 1, sizeof(*fill.steps));
	if (heat->threads != NULL)
		fill.line_of = find_lines(heat);
	heat->amounts = calloc(cells, sizeof(*heat->amounts));
	heat->column_sums = calloc(heat->columns, sizeof(*heat->column_sums));
	heat->row_sums = calloc((size_t)heat->rows * heat->lines, sizeof(*heat->row_sums));
	heat->tops =
		calloc((size_t)heat->columns * heat->blocks * heat->lines, sizeof(*heat->tops));
	heat->frame_names = calloc(
		(size_t)tfmt_trace_count(model->trace, TFMT_FRAME) + 1, sizeof(*heat->frame_names));
	if (fill.steps != NULL && (heat->threads == NULL || fill.line_of != NULL) &&
		heat->amounts != NULL && heat->column_sums != NULL && heat->row_sums != NULL &&
		heat->tops != NULL && heat->frame_names != NULL)
		status = rend_model_each_sample(model, add_sample, &fill, &err);
	if (status == 0)
		add_up(heat, fill.steps);
	free(fill.steps);
	free(fill.line_of);
	return status;
}

int rend_heat_new(
	struct rend_model *model, const struct rend_heat_size *size, struct rend_heat **ret_heat)
{
	struct rend_heat *heat = calloc(1, sizeof(*heat));
	if (heat == NULL)
		return TFMT_E_NOMEM;
	heat->model = model;
	int status = set_size(heat, size);
	if (status == 0)
		status = fill_heat(heat, model);
	if (status == 0)
		*ret_heat = heat;
	else
		rend_heat_free(heat);
	return status;
}

void rend_heat_free(struct rend_heat *heat)
{
	if (heat == NULL)
		return;
	free(heat->threads);
	free(heat->amounts);
	free(heat->column_sums);
	free(heat->row_sums);
	free(heat->tops);
	free(heat->frame_names);
	free(heat);
}

double rend_heat_value(const struct rend_heat *heat, uint64_t amount, uint64_t length_ns)
{
	if (heat->model->weight == TFMT_WEIGHT_SAMPLES)
		return (double)amount;
	return length_ns > 0 ? (double)amount / (double)length_ns : 0;
}
