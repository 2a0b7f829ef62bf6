/* Cells of text, scales and classes of duration: what the views source and heat are made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/cells.h"
#include "render/heat.h"
#include "render/latency.h"
#include "render/source_find.h"

static void source_lines_fit_and_do_no_harm(void **state)
{
	static const struct {
		const char *text;
		int columns;
		const char *wanted;
	} cases[] = {
		{"plain", 10, "plain"},
		{"\tx", 10, "        x"},
		{"ab\tx", 20, "ab      x"},
		{"exactly 10", 10, "exactly 10"},
		{"longer than 10", 10, "longer th…"},
		{"宽宽宽", 6, "宽宽宽"},
		{"宽宽宽", 5, "宽宽…"},
		{"宽宽宽", 4, "宽…"},
		{"\tno room", 4, "…"},
		{"ends  \t\r", 10, "ends"},
		{"a\033[31mb", 10, "a\xef\xbf\xbd[31mb"},
		{"a\xff\xfe"
		 "b",
			10,
			"a\xef\xbf\xbd\xef\xbf\xbd"
			"b"},
		{"\xe2\x80\xae"
		 "evil",
			10,
			"\xef\xbf\xbd"
			"evil"},
		{"", 10, ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *stream = open_memstream(&text, &size);
		rend_put_source(stream, cases[i].text, cases[i].columns);
		fclose(stream);
		assert_string_equal(text, cases[i].wanted);
		free(text);
	}
}

static void classes_of_duration_follow_each_other(void **state)
{
	for (uint32_t class = 2 * REND_LATENCY_SUBCLASSES; class < 62 * REND_LATENCY_SUBCLASSES;
		class ++) {
		uint64_t begin_ns = rend_latency_class_ns(class);
		uint64_t end_ns = rend_latency_class_ns(class + 1);
		assert_true(begin_ns <= end_ns && (double)end_ns <= (double)begin_ns * 1.5);
		if (begin_ns > 1000)
			assert_int_equal(rend_latency_class(begin_ns + 1), class);
	}
	assert_int_equal(rend_latency_class(0), 0);
	assert_int_equal(rend_latency_class(1), 0);
	assert_in_range(rend_latency_class(UINT64_MAX), 0, REND_LATENCY_CLASSES - 1);
}

static void scales_end_in_round_numbers(void **state)
{
	assert_float_equal(rend_heat_ceiling(0), 1, 1e-9);
	assert_float_equal(rend_heat_ceiling(1), 1, 1e-9);
	assert_float_equal(rend_heat_ceiling(2.3), 2.5, 1e-9);
	assert_float_equal(rend_heat_ceiling(0.7), 0.8, 1e-9);
	assert_float_equal(rend_heat_ceiling(97), 100, 1e-9);
	assert_int_equal(rend_heat_offset_parts(UINT64_C(1000000000)), 5);
	assert_int_equal(rend_heat_offset_parts(UINT64_C(200000000)), 4);
	assert_int_equal(rend_heat_offset_parts(UINT64_C(60000000000)), 6);
}

static void columns_are_about_a_second(void **state)
{
	static const struct {
		uint64_t length_ms, column_ms;
	} cases[] = {
		{60000, 1000},
		{40000, 1000},
		{39000, 500},
		{10000, 200},
		{100, 2},
		{300000, 2000},
		{3600000, 20000},
	};
	const struct rend_heat_size size = {.max_columns = 200, .min_columns = 40};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct rend_model model = {
			.origin_ns = 1000,
			.begin_ns = 1000,
			.end_ns = 1000 + cases[i].length_ms * 1000000,
			.bin_count = 100,
		};
		uint64_t begin_ns, column_ns;
		uint32_t columns;
		rend_heat_columns(&model, &size, &begin_ns, &column_ns, &columns);
		assert_int_equal(begin_ns, 1000);
		assert_int_equal(column_ns, cases[i].column_ms * 1000000);
		assert_int_equal(columns, cases[i].length_ms / cases[i].column_ms);
	}
}

static void sources_are_looked_for_where_they_may_be(void **state)
{
	static const char *const paths[] = {"/build=/home/me", "/src", "/build/app=/other"};
	static const char *const wanted[] = {"/home/me/app/a.c", "/other/a.c", "/build/app/a.c",
		"/src/build/app/a.c", "/src/app/a.c", "/src/a.c"};
	const struct tfmt_header header = {.cwd = "/cwd"};
	const struct rend_model model = {
		.header = &header, .source_paths = paths, .source_path_count = 3};
	struct rend_source_places places = {.model = &model, .path = "/build/app/a.c"};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		assert_true(rend_source_places_next(&places));
		assert_string_equal(places.place, wanted[i]);
	}
	assert_false(rend_source_places_next(&places));
	/* "/building" is not below "/build"; a relative path is relative to where it ran. */
	struct rend_source_places other = {.model = &model, .path = "/building/a.c"};
	assert_true(rend_source_places_next(&other));
	assert_string_equal(other.place, "/building/a.c");
	struct rend_source_places relative = {.model = &model, .path = "a.c"};
	assert_true(rend_source_places_next(&relative));
	assert_string_equal(relative.place, "/cwd/a.c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_lines_fit_and_do_no_harm),
		cmocka_unit_test(classes_of_duration_follow_each_other),
		cmocka_unit_test(scales_end_in_round_numbers),
		cmocka_unit_test(columns_are_about_a_second),
		cmocka_unit_test(sources_are_looked_for_where_they_may_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
