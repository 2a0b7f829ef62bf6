#include "tracefmt/series.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tracefmt/error.h"

#define NS_PER_SECOND 1e9

struct tfmt_series {
	uint64_t begin_ns;
	uint64_t end_ns;
	size_t bin_count;
	struct tfmt_bin *bins;
	double *areas;	 /* value x ns held, by bin */
	double *held_ns; /* by bin */
	bool is_finished;
	bool is_rate; /* filled by spreading, not by points */
	bool has_point;
	uint64_t point_ns; /* the last point of a gauge */
	double point_value;
};

int tfmt_series_new(
	uint64_t begin_ns, uint64_t end_ns, size_t bin_count, struct tfmt_series **ret_series)
{
	struct tfmt_series *series;

	if (end_ns <= begin_ns || bin_count == 0)
		return TFMT_E_ARG;
	series = calloc(1, sizeof(*series));
	if (!series)
		return TFMT_E_NOMEM;
	series->begin_ns = begin_ns;
	series->end_ns = end_ns;
	series->bin_count = bin_count;
	series->bins = calloc(bin_count, sizeof(*series->bins));
	series->areas = calloc(bin_count, sizeof(*series->areas));
	series->held_ns = calloc(bin_count, sizeof(*series->held_ns));
	if (!series->bins || !series->areas || !series->held_ns) {
		tfmt_series_free(series);
		return TFMT_E_NOMEM;
	}
	for (size_t i = 0; i < bin_count; i++)
		series->bins[i] = (struct tfmt_bin){
			.first = NAN, .min = NAN, .max = NAN, .last = NAN, .mean = NAN};
	*ret_series = series;
	return 0;
}

void tfmt_series_free(struct tfmt_series *series)
{
	if (!series)
		return;
	free(series->bins);
	free(series->areas);
	free(series->held_ns);
	free(series);
}

/* Where bin `i` begins, in ns after the series does. */
static double bin_start(const struct tfmt_series *series, size_t i)
{
	return (double)(series->end_ns - series->begin_ns) * (double)i / (double)series->bin_count;
}

/* The bin of a time inside the series. */
static size_t bin_of(const struct tfmt_series *series, uint64_t time_ns)
{
	double part =
		(double)(time_ns - series->begin_ns) / (double)(series->end_ns - series->begin_ns);
	size_t bin = (size_t)(part * (double)series->bin_count);

	return bin < series->bin_count ? bin : series->bin_count - 1;
}

/* As fmin() and fmax(): a NAN yields to a number. Here so that users need no libm. */
static double lower(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

static double higher(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static void see(struct tfmt_bin *bin, double value)
{
	if (isnan(bin->first))
		bin->first = value;
	bin->min = lower(bin->min, value);
	bin->max = higher(bin->max, value);
	bin->last = value;
}

/* Let `value` hold over [from, to), in every bin that this touches. */
static void hold(struct tfmt_series *series, uint64_t from_ns, uint64_t to_ns, double value)
{
	double from, to;

	from_ns = from_ns < series->begin_ns ? series->begin_ns : from_ns;
	to_ns = to_ns > series->end_ns ? series->end_ns : to_ns;
	if (from_ns >= to_ns)
		return;
	from = (double)(from_ns - series->begin_ns);
	to = (double)(to_ns - series->begin_ns);
	for (size_t i = bin_of(series, from_ns); i < series->bin_count; i++) {
		double start = higher(from, bin_start(series, i));
		double stop = lower(to, bin_start(series, i + 1));

		if (start >= stop && bin_start(series, i) >= to)
			break;
		see(&series->bins[i], value);
		if (stop > start) {
			series->areas[i] += value * (stop - start);
			series->held_ns[i] += stop - start;
		}
	}
}

void tfmt_series_point(struct tfmt_series *series, uint64_t time_ns, double value)
{
	if (series->has_point && !isnan(series->point_value))
		hold(series, series->point_ns, time_ns, series->point_value);
	if (time_ns >= series->begin_ns && time_ns < series->end_ns && !isnan(value)) {
		struct tfmt_bin *bin = &series->bins[bin_of(series, time_ns)];

		bin->count++;
		see(bin, value);
	}
	series->has_point = true;
	series->point_ns = time_ns;
	series->point_value = value;
}

void tfmt_series_spread(
	struct tfmt_series *series, uint64_t begin_ns, uint64_t end_ns, double amount)
{
	double rate;

	if (end_ns <= begin_ns || isnan(amount))
		return;
	rate = amount / ((double)(end_ns - begin_ns) / NS_PER_SECOND);
	series->is_rate = true;
	hold(series, begin_ns, end_ns, rate);
	if (begin_ns >= series->begin_ns && begin_ns < series->end_ns)
		series->bins[bin_of(series, begin_ns)].count++;
}

/* A rate is over the whole bin, so that spreads that overlap add up; a gauge where it held. */
static double weighed_ns(const struct tfmt_series *series, size_t i)
{
	return series->is_rate ? bin_start(series, i + 1) - bin_start(series, i)
			       : series->held_ns[i];
}

void tfmt_series_finish(struct tfmt_series *series, uint64_t time_ns)
{
	if (series->is_finished)
		return;
	if (series->has_point && !isnan(series->point_value))
		hold(series, series->point_ns, time_ns, series->point_value);
	for (size_t i = 0; i < series->bin_count; i++)
		if (series->held_ns[i] > 0)
			series->bins[i].mean = series->areas[i] / weighed_ns(series, i);
		else if (!isnan(series->bins[i].last))
			series->bins[i].mean = series->bins[i].last;
	series->is_finished = true;
}

/* Where only one of two holds, the other counts as 0. */
static double add(double a, double b)
{
	if (isnan(a))
		return b;
	return isnan(b) ? a : a + b;
}

int tfmt_series_sum(struct tfmt_series *series, const struct tfmt_series *other)
{
	if (!series->is_finished || !other->is_finished || series->bin_count != other->bin_count ||
		series->begin_ns != other->begin_ns || series->end_ns != other->end_ns)
		return TFMT_E_ARG;
	for (size_t i = 0; i < series->bin_count; i++) {
		struct tfmt_bin *bin = &series->bins[i];
		const struct tfmt_bin *more = &other->bins[i];

		bin->first = add(bin->first, more->first);
		bin->min = add(bin->min, more->min);
		bin->max = add(bin->max, more->max);
		bin->last = add(bin->last, more->last);
		bin->mean = add(bin->mean, more->mean);
		bin->count += more->count;
	}
	return 0;
}

const struct tfmt_bin *tfmt_series_bins(const struct tfmt_series *series, size_t *ret_count)
{
	*ret_count = series->bin_count;
	return series->bins;
}
