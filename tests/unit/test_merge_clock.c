/* Times of one boot in UTC and back: import/merge_clock.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/merge_clock.h"

#define SECOND INT64_C(1000000000)

static void add(struct imp_clock *clock, int64_t time_ns, int64_t utc_ns)
{
	assert_int_equal(imp_clock_add(clock, (uint64_t)time_ns, utc_ns), 0);
}

static void test_one_instant(void **state)
{
	struct imp_clock clock = {0};

	add(&clock, 10 * SECOND, 1000 * SECOND);
	imp_clock_finish(&clock);
	assert_int_equal(imp_clock_utc(&clock, 12 * SECOND), 1002 * SECOND);
	assert_int_equal(imp_clock_utc(&clock, 0), 990 * SECOND);
	assert_int_equal(imp_clock_time(&clock, 900 * SECOND), -90 * SECOND);
	imp_clock_release(&clock);
}

/* Between two instants UTC runs 10 % fast, then 10 % slow; outside as the clock itself. */
static void test_drift(void **state)
{
	struct imp_clock clock = {0};
	int64_t time_ns;

	add(&clock, 30 * SECOND, 1020 * SECOND);
	add(&clock, 10 * SECOND, 1000 * SECOND);
	add(&clock, 20 * SECOND, 1011 * SECOND);
	imp_clock_finish(&clock);
	assert_int_equal(imp_clock_utc(&clock, 10 * SECOND), 1000 * SECOND);
	assert_int_equal(imp_clock_utc(&clock, 15 * SECOND), 1000 * SECOND + 55 * SECOND / 10);
	assert_int_equal(imp_clock_utc(&clock, 20 * SECOND), 1011 * SECOND);
	assert_int_equal(imp_clock_utc(&clock, 25 * SECOND), 1000 * SECOND + 155 * SECOND / 10);
	assert_int_equal(imp_clock_utc(&clock, 9 * SECOND), 999 * SECOND);
	assert_int_equal(imp_clock_utc(&clock, 31 * SECOND), 1021 * SECOND);
	for (time_ns = 5 * SECOND; time_ns < 40 * SECOND; time_ns += SECOND / 7)
		assert_in_range(
			imp_clock_time(&clock, imp_clock_utc(&clock, time_ns)) - time_ns + 2, 0, 4);
	imp_clock_release(&clock);
}

/* A clock that is set back: what runs backwards is left out. */
static void test_backwards(void **state)
{
	struct imp_clock clock = {0};

	add(&clock, 10 * SECOND, 1000 * SECOND);
	add(&clock, 20 * SECOND, 900 * SECOND);
	add(&clock, 20 * SECOND, 900 * SECOND);
	add(&clock, 30 * SECOND, 1020 * SECOND);
	imp_clock_finish(&clock);
	assert_int_equal(clock.count, 2);
	assert_int_equal(imp_clock_utc(&clock, 20 * SECOND), 1010 * SECOND);
	imp_clock_release(&clock);
}

/* Nothing that a file says overflows. */
static void test_extremes(void **state)
{
	struct imp_clock clock = {0};

	add(&clock, 0, INT64_MIN);
	add(&clock, INT64_MAX, INT64_MAX);
	assert_int_equal(imp_clock_add(&clock, UINT64_MAX, 0), 0);
	imp_clock_finish(&clock);
	assert_int_equal(clock.count, 2);
	assert_int_equal(imp_clock_utc(&clock, INT64_MAX), INT64_MAX);
	assert_int_equal(imp_clock_time(&clock, INT64_MIN), 0);
	assert_true(imp_clock_utc(&clock, INT64_MAX / 2) < 0);
	assert_true(imp_clock_utc(&clock, INT64_MIN) == INT64_MIN);
	imp_clock_release(&clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_instant),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
