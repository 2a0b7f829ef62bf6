/* Numbering: equal keys have one number, in the order in which they came, also by the thousand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "convert/intern.h"

static void test_keys(void **unused)
{
	struct conv_intern intern;
	uint64_t i, number64;
	uint32_t number;

	assert_int_equal(conv_intern_init(&intern, sizeof(i)), 0);
	for (int pass = 0; pass < 2; pass++)
		for (i = 0; i < 50000; i++) {
			number64 = i << 40 | i; /* differs in high bits too */
			assert_int_equal(conv_intern_key(&intern, &number64, &number), 0);
			assert_int_equal(number, i + 1);
		}
	assert_int_equal(intern.count, 50000);
	memcpy(&number64, conv_intern_at(&intern, 4711), sizeof(number64));
	assert_int_equal(number64, UINT64_C(4710) << 40 | 4710);
	conv_intern_release(&intern);
}

static void test_texts(void **unused)
{
	static char texts[3000][8];
	struct conv_intern intern;
	char copy[8];
	uint32_t number;

	assert_int_equal(conv_intern_init_texts(&intern), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%d", i);
		assert_int_equal(conv_intern_text(&intern, texts[i], &number), 0);
		assert_int_equal(number, i + 1);
	}
	/* the text counts, not where it is */
	snprintf(copy, sizeof(copy), "%d", 2999);
	assert_int_equal(conv_intern_text(&intern, copy, &number), 0);
	assert_int_equal(number, 3000);
	assert_ptr_equal(conv_intern_text_at(&intern, 3000), texts[2999]);
	assert_int_equal(conv_intern_text(&intern, "", &number), 0);
	assert_int_equal(number, 3001);
	conv_intern_release(&intern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
