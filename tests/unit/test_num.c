/* Numbers as people read and write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/num.h"

static void bytes_have_three_digits(void **unused)
{
	char text[NUM_TEXT_BYTES];
	assert_string_equal(num_bytes(text, 0), "0");
	assert_string_equal(num_bytes(text, 512), "512 B");
	assert_string_equal(num_bytes(text, 1536), "1.5 KiB");
	assert_string_equal(num_bytes(text, 1023 << 10), "1023 KiB");
	assert_string_equal(num_bytes(text, 694ull << 20), "694 MiB");
	assert_string_equal(num_bytes(text, UINT64_MAX), "16 EiB");
}

static void durations_change_their_unit(void **unused)
{
	char text[NUM_TEXT_BYTES];
	assert_string_equal(num_duration(text, 0), "0");
	assert_string_equal(num_duration(text, 850), "850 ns");
	assert_string_equal(num_duration(text, 1250000), "1.25 ms");
	assert_string_equal(num_duration(text, 999600000), "1 s");
	assert_string_equal(num_duration(text, 12400000000), "12.4 s");
	assert_string_equal(num_duration(text, 59990000000), "1 min 0 s");
	assert_string_equal(num_duration(text, 125000000000), "2 min 5 s");
	assert_string_equal(num_duration(text, 11520000000000), "3 h 12 min");
	assert_non_null(num_duration(text, UINT64_MAX));
}

static void counts_are_grouped(void **unused)
{
	char text[NUM_TEXT_BYTES];
	assert_string_equal(num_count(text, 7), "7");
	assert_string_equal(num_count(text, 21874), "21\u2009874");
	assert_string_equal(num_count(text, 1000000), "1\u2009000\u2009000");
	assert_string_equal(num_count(text, UINT64_MAX), "18446744073709551615");
}

static void percents(void **unused)
{
	char text[NUM_TEXT_BYTES];
	assert_string_equal(num_percent(text, 1, 3), "33.3 %");
	assert_string_equal(num_percent(text, 3, 3), "100 %");
	assert_string_equal(num_percent(text, 0, 3), "0 %");
	assert_string_equal(num_percent(text, 1, 0), "0 %");
}

static void durations_are_parsed(void **unused)
{
	uint64_t ns = 1;
	assert_int_equal(num_parse_duration("1.5s", &ns), 0);
	assert_int_equal(ns, 1500000000);
	assert_int_equal(num_parse_duration("250ms", &ns), 0);
	assert_int_equal(ns, 250000000);
	assert_int_equal(num_parse_duration("3", &ns), 0);
	assert_int_equal(ns, 3000000000);
	assert_int_equal(num_parse_duration("2 m", &ns), 0);
	assert_int_equal(ns, 120000000000);
	static const char *const bad[] = {
		"", "s", "-1s", "1x", "nan", "inf", "1e30", "1.5.2s", "+3"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ns = 42;
		assert_int_equal(num_parse_duration(bad[i], &ns), -1);
		assert_int_equal(ns, 42);
	}
}

static void sizes_are_parsed(void **unused)
{
	uint64_t bytes = 0;
	assert_int_equal(num_parse_size("64K", &bytes), 0);
	assert_int_equal(bytes, 65536);
	assert_int_equal(num_parse_size("1MiB", &bytes), 0);
	assert_int_equal(bytes, 1 << 20);
	assert_int_equal(num_parse_size("4096", &bytes), 0);
	assert_int_equal(bytes, 4096);
	assert_int_equal(num_parse_size("4 parsecs", &bytes), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_have_three_digits),
		cmocka_unit_test(durations_change_their_unit),
		cmocka_unit_test(counts_are_grouped),
		cmocka_unit_test(percents),
		cmocka_unit_test(durations_are_parsed),
		cmocka_unit_test(sizes_are_parsed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
