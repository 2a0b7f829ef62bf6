/* The JSON writer: escapes, broken UTF-8, exact numbers, commas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "common/utf8.h"
#include "convert/jsonw.h"

struct fixture {
	char *text;
	size_t length;
	FILE *stream;
	struct conv_sink sink;
	struct jsonw w;
};

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->stream = open_memstream(&f->text, &f->length);
	assert_non_null(f->stream);
	assert_int_equal(conv_sink_init(&f->sink, f->stream), 0);
	jsonw_init(&f->w, &f->sink);
}

/* Compare what was written with `wanted`. */
static void finish(struct fixture *f, const char *wanted)
{
	assert_int_equal(conv_sink_flush(&f->sink), 0);
	fclose(f->stream);
	assert_string_equal(f->text, wanted);
	conv_sink_release(&f->sink);
	free(f->text);
}

static void check_text(const char *data, size_t length, const char *wanted)
{
	struct fixture f;

	begin(&f);
	jsonw_text(&f.w, data, length);
	finish(&f, wanted);
}

static void check_exact(const char *data, size_t length, const char *wanted)
{
	struct fixture f;

	begin(&f);
	jsonw_exact(&f.w, data, length);
	finish(&f, wanted);
}

static void test_commas_and_nesting(void **unused)
{
	struct fixture f;

	begin(&f);
	jsonw_begin_object(&f.w);
	jsonw_key(&f.w, "a");
	jsonw_begin_array(&f.w);
	jsonw_u64(&f.w, 1);
	jsonw_begin_array(&f.w);
	jsonw_end_array(&f.w);
	jsonw_begin_object(&f.w);
	jsonw_end_object(&f.w);
	jsonw_u64(&f.w, 2);
	jsonw_end_array(&f.w);
	jsonw_text_key(&f.w, "b\n", 2);
	jsonw_null(&f.w);
	jsonw_key(&f.w, "c");
	jsonw_bool(&f.w, false);
	jsonw_end_object(&f.w);
	finish(&f, "{\"a\":[1,[],{},2],\"b\\n\":null,\"c\":false}");
}

static void test_lines(void **unused)
{
	struct fixture f;

	begin(&f);
	for (int i = 0; i < 2; i++) {
		jsonw_begin_object(&f.w);
		jsonw_end_object(&f.w);
		jsonw_newline(&f.w);
	}
	jsonw_begin_array(&f.w);
	for (int i = 0; i < 2; i++) {
		jsonw_newline(&f.w);
		jsonw_u64(&f.w, 1);
	}
	jsonw_newline(&f.w);
	jsonw_end_array(&f.w);
	finish(&f, "{}\n{}\n[\n1,\n1\n]");
}

static void test_escapes(void **unused)
{
	check_text("plain", 5, "\"plain\"");
	check_text("", 0, "\"\"");
	check_text("\"\\/\b\f\n\r\t\x1b\x7f", 10,
		"\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\t\\u001b\\u007f\"");
	check_text("a\0b", 3, "\"a\\u0000b\"");
	check_text("\xc2\x9b\xe2\x80\xae\xe2\x81\xa9", 8, "\"\\u009b\\u202e\\u2069\"");
	check_text("</script>;$(x)", 14, "\"</script>;$(x)\"");
	check_text("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

static void test_broken_utf8(void **unused)
{
	check_text("\x80", 1, "\"\xef\xbf\xbd\"");
	check_text("a\xff\xfe", 3, "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
	/* overlong '/', a surrogate, beyond U+10FFFF: each byte is one broken part */
	check_text("\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	check_text("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	check_text("\xf4\x90", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	/* a character that is cut: one broken part */
	check_text("\xe2\x82", 2, "\"\xef\xbf\xbd\"");
	check_text("\xf0\x9f\x98x", 4, "\"\xef\xbf\xbdx\"");
}

static void test_exact(void **unused)
{
	check_exact("x\n", 2, "\"x\\n\"");
	check_exact("\xc3\x28\n", 3, "{\"bytes\":\"c3280a\"}");
	check_exact("", 0, "\"\"");
}

static void test_numbers(void **unused)
{
	struct fixture f;

	begin(&f);
	jsonw_begin_array(&f.w);
	jsonw_u64(&f.w, 0);
	jsonw_u64(&f.w, UINT64_MAX);
	jsonw_i64(&f.w, INT64_MIN);
	jsonw_i64(&f.w, -1);
	jsonw_i64(&f.w, INT64_MAX);
	jsonw_address(&f.w, 0);
	jsonw_address(&f.w, UINT64_C(0xffffffff81000000));
	jsonw_fixed(&f.w, 1234567, 3);
	jsonw_fixed(&f.w, 7, 3);
	jsonw_fixed(&f.w, 42, 0);
	jsonw_double(&f.w, 0.12345, 3);
	jsonw_double(&f.w, NAN, 3);
	jsonw_double(&f.w, -INFINITY, 3);
	jsonw_end_array(&f.w);
	finish(&f, "[0,18446744073709551615,-9223372036854775808,-1,9223372036854775807,"
		   "\"0x0\",\"0xffffffff81000000\",1234.567,0.007,42,0.123,null,null]");
}

/* Texts across and beyond the sink's buffer arrive whole. */
static void test_long_texts(void **unused)
{
	size_t length = 3 * CONV_SINK_BYTES + 17;
	char *text = malloc(length), *wanted = malloc(length + 5);
	struct fixture f;

	assert_non_null(text);
	assert_non_null(wanted);
	memset(text, 'x', length);
	sprintf(wanted, "[\"%.*s\"]", (int)length, text);
	begin(&f);
	jsonw_begin_array(&f.w);
	jsonw_text(&f.w, text, length);
	jsonw_end_array(&f.w);
	finish(&f, wanted);
	free(text);
	free(wanted);
}

static void test_failed_stream(void **unused)
{
	FILE *stream = fopen("/dev/full", "w");
	struct conv_sink sink;
	struct jsonw w;

	assert_non_null(stream);
	setvbuf(stream, NULL, _IONBF, 0);
	assert_int_equal(conv_sink_init(&sink, stream), 0);
	jsonw_init(&w, &sink);
	jsonw_string(&w, "x");
	assert_true(conv_sink_flush(&sink) < 0);
	assert_int_not_equal(sink.saved_errno, 0);
	conv_sink_release(&sink);
	fclose(stream);
}

/* The borders of what a character may be, and where a broken one ends. */
static void test_utf8_steps(void **unused)
{
	assert_true(utf8_is_valid("", 0));
	assert_true(utf8_is_valid("\xf4\x8f\xbf\xbf", 4));
	assert_true(utf8_is_valid("\xed\x9f\xbf", 3));
	assert_false(utf8_is_valid("\xf5", 1));
	assert_false(utf8_is_valid("\xe0\x9f\xbf", 3));
	assert_false(utf8_is_valid("ok\xe2\x82", 4));
	assert_int_equal(utf8_step("\xe2\x82\xac", 3), 3);
	assert_int_equal(utf8_step("\xe2\x82", 2), -2);
	assert_int_equal(utf8_step("\xe2 ", 2), -1);
	assert_true(utf8_is_control("\xe2\x80\xae") && utf8_is_control("\xe2\x81\xa6"));
	assert_false(utf8_is_control("\xe2\x80\x9c") || utf8_is_control("\xe2\x82\xac"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commas_and_nesting),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_broken_utf8),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_failed_stream),
		cmocka_unit_test(test_utf8_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
