/* Round numbers beside axes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "render/axis.h"

#define SECOND UINT64_C(1000000000)

static size_t ticks_of(uint64_t length_ns, struct rend_tick *ticks)
{
	const struct rend_time_axis axis = {
		.origin_ns = 5 * SECOND,
		.begin_ns = 5 * SECOND,
		.end_ns = 5 * SECOND + length_ns,
		.x0 = 100,
		.x1 = 900,
	};
	return rend_time_ticks(&axis, ticks);
}

static void times_become_pixels(void **state)
{
	const struct rend_time_axis axis = {.begin_ns = 100, .end_ns = 300, .x0 = 10, .x1 = 210};
	assert_float_equal(rend_time_x(&axis, 100), 10, 1e-9);
	assert_float_equal(rend_time_x(&axis, 200), 110, 1e-9);
	assert_float_equal(rend_time_x(&axis, 50), -40, 1e-9);
	assert_float_equal(rend_time_x_clamped(&axis, 50), 10, 1e-9);
	assert_float_equal(rend_time_x_clamped(&axis, 1000), 210, 1e-9);
}

static void ticks_have_round_labels(void **state)
{
	static const struct {
		uint64_t length_ns;
		const char *second_label;
	} cases[] = {
		{30 * SECOND, "5 s"},
		{2 * SECOND, "500 ms"},
		{12400000000, "2 s"},
		{3 * 3600 * SECOND, "30 min"},
		{20 * 60 * SECOND, "5 min"},
		{40000, "5 \xc2\xb5s"},
		{3, "1 ns"},
		{5 * 86400 * SECOND, "24 h"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rend_tick ticks[REND_MAX_TICKS];
		size_t count = ticks_of(cases[i].length_ns, ticks);
		assert_true(count >= 3 && count <= 12);
		assert_string_equal(ticks[0].label, "0");
		assert_string_equal(ticks[1].label, cases[i].second_label);
	}
}

static void ticks_are_bounded(void **state)
{
	for (uint64_t length_ns = 1; length_ns < UINT64_C(1) << 60; length_ns = length_ns * 3 + 1) {
		struct rend_tick ticks[REND_MAX_TICKS];
		size_t count = ticks_of(length_ns, ticks);
		assert_true(count >= 1 && count <= 12);
	}
}

static void ends_of_byte_axes(void **state)
{
	assert_int_equal(rend_byte_ceiling(0), 1024);
	assert_int_equal(rend_byte_ceiling(1024), 1024);
	assert_int_equal(rend_byte_ceiling(1025), 1280);
	assert_int_equal(rend_byte_ceiling(694u << 20), 768u << 20);
	assert_int_equal(rend_byte_ceiling(800u << 20), UINT64_C(1) << 30);
	assert_true(rend_byte_ceiling(UINT64_MAX) == UINT64_MAX);
}

static void ends_of_count_axes(void **state)
{
	assert_float_equal(rend_count_ceiling(0), 1, 0);
	assert_float_equal(rend_count_ceiling(6), 6, 0);
	assert_float_equal(rend_count_ceiling(7), 8, 0);
	assert_float_equal(rend_count_ceiling(81), 100, 0);
	assert_float_equal(rend_count_ceiling(211), 300, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_become_pixels),
		cmocka_unit_test(ticks_have_round_labels),
		cmocka_unit_test(ticks_are_bounded),
		cmocka_unit_test(ends_of_byte_axes),
		cmocka_unit_test(ends_of_count_axes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
