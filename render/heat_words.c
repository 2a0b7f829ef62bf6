/* Heat in words: what cells and lines are called, and what is known of them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "heat.h"
#include "num.h"

/* What values are counted in. */
static const char *unit_of(const struct rend_heat *heat)
{
	switch (heat->model->weight) {
	case TFMT_WEIGHT_SAMPLES:
		return "samples";
	case TFMT_WEIGHT_CPU:
		return "cores";
	default:
		return "threads";
	}
}

double rend_heat_ceiling(double value)
{
	static const double steps[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
	if (!(value > 0))
		return 1;
	/* Cells of threads may exceed 1 by the rounding of their times. */
	double power = pow(10, floor(log10(value)));
	size_t i = 0;
	while (steps[i] * power * 1.01 < value)
		i++;
	return steps[i] * power;
}

void rend_heat_exact_time(const struct rend_model *model, uint64_t time_ns, char *text)
{
	uint64_t offset_ns = time_ns - model->origin_ns;
	int length = snprintf(text, REND_HEAT_TIME_BYTES, "%llu.%09llu",
		(unsigned long long)(offset_ns / 1000000000),
		(unsigned long long)(offset_ns % 1000000000));
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	text[length] = 's';
	text[length + 1] = '\0';
}

void rend_heat_line_name(const struct rend_heat *heat, uint32_t line, char *text, size_t size)
{
	const struct rend_model *model = heat->model;
	if (heat->rest_count > 0 && line == heat->lines - 1) {
		snprintf(text, size, "%u other threads", (unsigned)heat->rest_count);
		return;
	}
	const struct tfmt_thread_info *thread =
		tfmt_trace_thread(model->trace, heat->threads[line]);
	snprintf(text, size, "%.100s (%u)", tfmt_trace_text(model->trace, thread->name),
		(unsigned)thread->tid);
}

void rend_heat_value_text(const struct rend_heat *heat, double value, char *text, size_t size)
{
	const char *unit = unit_of(heat);
	double rounded = round(value * 1000) / 1000;
	snprintf(text, size, "%.3g %.*s", value, (int)strlen(unit) - (rounded == 1), unit);
}

uint32_t rend_heat_offset_parts(uint64_t column_ns)
{
	while (column_ns % 10 == 0)
		column_ns /= 10;
	return column_ns % 3 == 0 ? 6 : column_ns == 2 ? 4 : 5;
}

bool rend_heat_title(const struct rend_heat *heat, uint32_t line, uint32_t column, uint32_t row,
	uint32_t row_end, char *text)
{
	const struct rend_model *model = heat->model;
	char from[REND_HEAT_TIME_BYTES], to[REND_HEAT_TIME_BYTES], amount_text[NUM_TEXT_BYTES],
		value[48], share[64] = "", thread[128] = "";
	uint64_t begin_ns = rend_heat_time_ns(heat, column, row);
	uint64_t end_ns = rend_heat_time_ns(heat, column, row_end);
	uint64_t amount = 0;
	for (uint32_t i = row; i < row_end; i++)
		amount += rend_heat_amount(heat, line, column, i);
	if (amount == 0)
		return false;
	size_t block =
		((size_t)line * heat->columns + column) * heat->blocks + row / heat->block_rows;
	const char *top = rend_heat_top_name(heat, &heat->tops[block]);
	rend_heat_exact_time(model, begin_ns, from);
	rend_heat_exact_time(model, end_ns, to);
	rend_heat_value_text(
		heat, rend_heat_value(heat, amount, end_ns - begin_ns), value, sizeof(value));
	if (model->weight != TFMT_WEIGHT_SAMPLES)
		snprintf(share, sizeof(share), " %s, %s", tfmt_weight_title(model->weight), value);
	if (heat->threads != NULL) {
		rend_heat_line_name(heat, line, thread, sizeof(thread) - 1);
		strcat(thread, "\n");
	}
	snprintf(text, REND_HEAT_TITLE_BYTES, "%s%s%s%s%.200s\n--from %s --to %s", thread,
		rend_model_amount(model, amount_text, amount), share,
		top[0] != '\0' ? ", mostly " : "", top, from, to);
	return true;
}

void rend_heat_heading(const struct rend_heat *heat, char *text, size_t size)
{
	char column[NUM_TEXT_BYTES], row[NUM_TEXT_BYTES];
	const char *title = tfmt_weight_title(heat->model->weight);
	num_duration(column, heat->column_ns);
	if (heat->threads != NULL)
		snprintf(text, size, "%s by thread, columns of %s", title, column);
	else
		snprintf(text, size, "%s, columns of %s, rows of %s", title, column,
			num_duration(row, heat->column_ns / heat->rows));
	if (text[0] >= 'a' && text[0] <= 'z')
		text[0] = (char)(text[0] - 'a' + 'A');
}

void rend_heat_unplaced(const struct rend_heat *heat, char *text, size_t size)
{
	char percent[NUM_TEXT_BYTES];
	text[0] = '\0';
	if (heat->unplaced == 0)
		return;
	num_percent(percent, (double)heat->unplaced, (double)heat->unplaced + (double)heat->whole);
	snprintf(text, size, "%s of the %s, in short pieces, is not placed", percent,
		tfmt_weight_title(heat->model->weight));
}
