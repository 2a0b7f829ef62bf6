/* Streamed JSON: which values are handed over, numbers without rounding, and places of errors. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "json.h"

struct seen {
	char text[512];
	int64_t number;
	bool has_number;
	int digits;
};

/* "PATH@OUTER=TEXT " of each value. */
static int on_item(void *context, size_t path, const struct imp_item *item)
{
	struct seen *seen = context;
	size_t used = strlen(seen->text);

	snprintf(seen->text + used, sizeof(seen->text) - used, "%zu@%d=%s ", path, (int)item->outer,
		item->text + item->values[0].text);
	seen->has_number = imp_number(item, item->values, seen->digits, &seen->number);
	return 0;
}

static int read_text(const char *text, const char *const *paths, struct seen *seen, bool is_cut,
	struct tfmt_error *err)
{
	const struct imp_json_options options = {
		.paths = paths, .may_be_cut = is_cut, .on_item = on_item, .context = seen};
	int fd = memfd_create("json", MFD_CLOEXEC), status;
	struct imp_source source;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(imp_source_open(&source, fd, "json", NULL), 0);
	status = imp_json_read(&source, &options, err);
	imp_source_close(&source);
	close(fd);
	return status;
}

static void only_wanted_values_come(void **state)
{
	static const char *const paths[] = {"a[].b", "c[]", NULL};
	struct seen seen = {0};
	struct tfmt_error err = {0};

	assert_int_equal(read_text("{\"x\":{\"c\":[9]},\"a\":[{\"b\":1,\"d\":[{\"b\":7}]},{},"
				   "{\"b\":\"two\"}],\"c\":[3,[4],5],\"a\\u0000\":[{\"b\":8}]}",
				 paths, &seen, false, &err),
		0);
	assert_string_equal(seen.text, "0@0=1 0@2=two 1@0=3 1@1= 1@2=5 ");
}

static void members_are_found(void **state)
{
	struct imp_value values[] = {
		{.type = IMP_OBJECT, .child = 1},
		{.type = IMP_STRING,
			.key = 1,
			.key_length = 1,
			.text = 3,
			.text_length = 2,
			.next = 2},
		{.type = IMP_NULL, .key = 6, .key_length = 2},
	};
	const struct imp_item item = {.values = values, .text = "\0a\0xy\0bc"};

	assert_true(imp_is(&item, imp_member(&item, values, "a"), "xy"));
	assert_ptr_equal(imp_member(&item, values, "bc"), &values[2]);
	assert_null(imp_member(&item, values, "b"));
	assert_null(imp_member(&item, &values[1], "a"));
}

static void numbers_are_exact(void **state)
{
	static const char *const paths[] = {"[]", NULL};
	static const struct {
		const char *text;
		int digits;
		bool is_number;
		int64_t number;
	} cases[] = {
		{"[17927689239.123]", 3, true, INT64_C(17927689239123)},
		{"[0.1]", 9, true, 100000000},
		{"[-1.5]", 3, true, -1500},
		{"[1e3]", 0, true, 1000},
		{"[2.5E-3]", 6, true, 2500},
		{"[9223372036854775807]", 0, true, INT64_MAX},
		{"[9223372036854775808]", 0, false, 0},
		{"[1234.99999999999999999999999]", 0, true, 1234},
		{"[1e999999]", 0, false, 0},
		{"[1e-999]", 0, true, 0},
		{"[\"12\"]", 0, true, 12},
		{"[\"twelve\"]", 0, false, 0},
		{"[null]", 0, false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = {.digits = cases[i].digits};
		struct tfmt_error err = {0};

		assert_int_equal(read_text(cases[i].text, paths, &seen, false, &err), 0);
		assert_int_equal(seen.has_number, cases[i].is_number);
		if (seen.has_number)
			assert_int_equal(seen.number, cases[i].number);
	}
}

static void errors_have_a_place(void **state)
{
	static const char *const paths[] = {"[]", NULL};
	struct seen seen = {0};
	struct tfmt_error err = {0};
	char deep[300];

	assert_int_equal(read_text("[1,\n2,\n  tru]", paths, &seen, false, &err), TFMT_E_FORMAT);
	assert_non_null(strstr(err.message, "line 3, column 6"));
	assert_int_equal(read_text("[1,\n2,", paths, &seen, false, &err), TFMT_E_FORMAT);
	assert_int_equal(read_text("[1,\n2,", paths, &seen, true, &err), 0);
	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(read_text(deep, paths, &seen, true, &err), TFMT_E_FORMAT);
	assert_non_null(strstr(err.message, "64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_wanted_values_come),
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(errors_have_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
