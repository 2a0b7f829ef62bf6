/* Values over time in bins: extremes survive, gaps stay gaps, rates keep their amount. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracefmt/error.h"
#include "tracefmt/series.h"

static struct tfmt_series *make(uint64_t begin_ns, uint64_t end_ns, size_t bins)
{
	struct tfmt_series *series = NULL;

	assert_int_equal(tfmt_series_new(begin_ns, end_ns, bins, &series), 0);
	return series;
}

static void near(double a, double b)
{
	assert_true(a > b - 1e-6 && a < b + 1e-6);
}

static void a_gauge_holds(void **state)
{
	struct tfmt_series *series = make(1000, 2000, 10);
	const struct tfmt_bin *bins;
	size_t count;

	tfmt_series_point(series, 1000, 5);
	tfmt_series_point(series, 1110, 99); /* a spike inside one bin */
	tfmt_series_point(series, 1120, 5);
	tfmt_series_point(series, 1350, NAN); /* nothing from here */
	tfmt_series_point(series, 1850, 1);
	tfmt_series_finish(series, 2000);
	bins = tfmt_series_bins(series, &count);
	assert_int_equal(count, 10);
	near(bins[0].mean, 5);
	near(bins[1].max, 99);
	near(bins[1].min, 5);
	near(bins[1].first, 5);
	near(bins[1].last, 5);
	near(bins[1].mean, (5 * 90 + 99 * 10) / 100.0);
	assert_int_equal(bins[1].count, 2);
	near(bins[2].mean, 5);
	assert_int_equal(bins[2].count, 0);
	near(bins[3].mean, 5);
	assert_true(isnan(bins[4].min));
	assert_true(isnan(bins[7].mean));
	near(bins[8].mean, 1);
	near(bins[9].last, 1);
	tfmt_series_free(series);
}

static void values_from_outside_are_cut(void **state)
{
	struct tfmt_series *series = make(1000, 2000, 2);
	const struct tfmt_bin *bins;
	size_t count;

	tfmt_series_point(series, 0, 3);
	tfmt_series_point(series, 5000, 8);
	tfmt_series_finish(series, 9000);
	bins = tfmt_series_bins(series, &count);
	near(bins[0].mean, 3);
	near(bins[1].max, 3);
	assert_int_equal(bins[0].count + bins[1].count, 0);
	tfmt_series_free(series);
}

static void rates_keep_their_amount(void **state)
{
	struct tfmt_series *series = make(0, 4000000000, 4);
	const struct tfmt_bin *bins;
	double sum = 0;
	size_t count;

	tfmt_series_spread(series, 500000000, 2500000000, 20);
	/* Two at once add up. */
	tfmt_series_spread(series, 1000000000, 2000000000, 5);
	tfmt_series_spread(series, 7, 7, 100); /* no time: no rate */
	tfmt_series_finish(series, 4000000000);
	bins = tfmt_series_bins(series, &count);
	near(bins[0].mean, 5);
	near(bins[1].mean, 15);
	near(bins[2].mean, 5);
	near(bins[0].max, 10);
	assert_true(isnan(bins[3].mean));
	for (size_t i = 0; i < 3; i++)
		sum += bins[i].mean;
	near(sum, 25);
	tfmt_series_free(series);
}

static void series_add_up(void **state)
{
	struct tfmt_series *a = make(0, 100, 2), *b = make(0, 100, 2), *other = make(0, 100, 3);
	const struct tfmt_bin *bins;
	size_t count;

	tfmt_series_point(a, 0, 1);
	tfmt_series_point(b, 50, 2);
	assert_int_equal(tfmt_series_sum(a, b), TFMT_E_ARG); /* not finished */
	tfmt_series_finish(a, 100);
	tfmt_series_finish(b, 100);
	tfmt_series_finish(other, 100);
	assert_int_equal(tfmt_series_sum(a, other), TFMT_E_ARG);
	assert_int_equal(tfmt_series_sum(a, b), 0);
	bins = tfmt_series_bins(a, &count);
	near(bins[0].mean, 1);
	near(bins[1].mean, 3);
	near(bins[1].max, 3);
	tfmt_series_free(a);
	tfmt_series_free(b);
	tfmt_series_free(other);
}

static void bad_ranges_are_refused(void **state)
{
	struct tfmt_series *series = NULL;

	assert_int_equal(tfmt_series_new(5, 5, 10, &series), TFMT_E_ARG);
	assert_int_equal(tfmt_series_new(6, 5, 10, &series), TFMT_E_ARG);
	assert_int_equal(tfmt_series_new(5, 6, 0, &series), TFMT_E_ARG);
	assert_null(series);
	/* More bins than nanoseconds. */
	series = make(5, 6, 1000);
	tfmt_series_point(series, 5, 1);
	tfmt_series_finish(series, 6);
	tfmt_series_free(series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gauge_holds),
		cmocka_unit_test(values_from_outside_are_cut),
		cmocka_unit_test(rates_keep_their_amount),
		cmocka_unit_test(series_add_up),
		cmocka_unit_test(bad_ranges_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
