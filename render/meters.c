#include "meters.h"

bool rend_meter_read(
	struct rend_meter *meter, uint64_t time_ns, uint64_t value, uint64_t *ret_growth)
{
	if (!meter->has_value) {
		*meter = (struct rend_meter){true, value, time_ns, time_ns};
		return false;
	}
	bool is_later = time_ns > meter->to_ns;
	if (is_later) {
		meter->from_ns = meter->to_ns;
		meter->to_ns = time_ns;
	}
	*ret_growth = value > meter->value ? value - meter->value : 0;
	meter->value += *ret_growth;
	return is_later || *ret_growth > 0;
}

uint64_t rend_model_part(
	const struct rend_model *model, uint64_t begin_ns, uint64_t end_ns, uint64_t amount)
{
	if (begin_ns >= model->begin_ns && end_ns <= model->end_ns)
		return amount;
	uint64_t from_ns = begin_ns > model->begin_ns ? begin_ns : model->begin_ns;
	uint64_t to_ns = end_ns < model->end_ns ? end_ns : model->end_ns;
	if (to_ns <= from_ns)
		return 0;
	return (uint64_t)((double)amount * (double)(to_ns - from_ns) / (double)(end_ns - begin_ns));
}

struct rend_meter rend_model_first_reading(const struct rend_model *model, uint32_t process)
{
	uint64_t start_ns = model->processes[process].info->start_ns;
	/* The command itself is started a moment before the recording's second 0. */
	const uint64_t moment_ns = 1000000000;
	if (start_ns + moment_ns < model->origin_ns)
		return (struct rend_meter){0};
	return (struct rend_meter){true, 0, start_ns, start_ns};
}

void rend_gauge_commit(
	struct rend_gauge_sum *gauge, const struct rend_model *model, uint64_t until_ns)
{
	if (!gauge->has_value || gauge->time_ns >= until_ns)
		return;
	tfmt_series_point(gauge->series, gauge->time_ns, gauge->sum);
	bool is_in_range = until_ns > model->begin_ns && gauge->time_ns <= model->end_ns;
	if (is_in_range && gauge->sum > gauge->peak) {
		gauge->peak = gauge->sum;
		gauge->peak_ns = gauge->time_ns;
	}
}

void rend_gauge_change(struct rend_gauge_sum *gauge, const struct rend_model *model,
	uint64_t time_ns, double change)
{
	rend_gauge_commit(gauge, model, time_ns);
	if (time_ns > gauge->time_ns)
		gauge->time_ns = time_ns;
	gauge->has_value = true;
	gauge->sum += change;
}
