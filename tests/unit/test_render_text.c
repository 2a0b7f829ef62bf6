/* Texts of pictures: measured, shortened, made harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "render/text.h"

/* DejaVu Sans has 1303/2048 em for digits: the width is known without the font. */
static void widths_are_those_of_the_font(void **state)
{
	assert_float_equal(rend_text_width_px(REND_FONT_BODY, "00"), 2 * 1303 * 12 / 2048.0, 1e-9);
	assert_float_equal(rend_text_width_px(REND_FONT_STRONG, "0"), 1425 * 12 / 2048.0, 1e-9);
	assert_float_equal(rend_text_width_px(REND_FONT_BODY, ""), 0, 0);
	assert_float_equal(rend_text_width_px(REND_FONT_BODY, "\xe2\x80\xa6"), 12, 1e-9);
	/* A combining accent takes no room. */
	assert_float_equal(rend_text_width_px(REND_FONT_BODY, "e\xcc\x81"),
		rend_text_width_px(REND_FONT_BODY, "e"), 1e-9);
}

static void short_texts_stay(void **state)
{
	char out[64];
	double width_px =
		rend_text_shorten(REND_FONT_BODY, "main", 100, REND_ELLIPSIS_END, out, sizeof(out));
	assert_string_equal(out, "main");
	assert_float_equal(width_px, rend_text_width_px(REND_FONT_BODY, "main"), 1e-9);
	rend_text_shorten(REND_FONT_BODY, "main", 0, REND_ELLIPSIS_END, out, sizeof(out));
	assert_string_equal(out, "main");
}

static void long_texts_lose_the_side_asked_for(void **state)
{
	static const char text[] = "lzma_lzma_optimum_normal";
	char out[64];
	for (enum rend_ellipsis side = REND_ELLIPSIS_END; side <= REND_ELLIPSIS_START; side++) {
		double width_px =
			rend_text_shorten(REND_FONT_LABEL, text, 90, side, out, sizeof(out));
		assert_true(width_px <= 90);
		assert_true(width_px > 75);
		assert_float_equal(width_px, rend_text_width_px(REND_FONT_LABEL, out), 1e-6);
		assert_non_null(strstr(out, "\xe2\x80\xa6"));
		assert_int_equal(strncmp(out, "lzma", 4) == 0, side != REND_ELLIPSIS_START);
		assert_int_equal(strstr(out, "normal") != NULL || strstr(out, "ormal") != NULL,
			side != REND_ELLIPSIS_END);
	}
}

static void an_ellipsis_alone_is_not_shown(void **state)
{
	char out[16];
	for (double room_px = 0.5; room_px < 14; room_px += 0.5) {
		double width_px = rend_text_shorten(
			REND_FONT_BODY, "WWWW", room_px, REND_ELLIPSIS_END, out, sizeof(out));
		assert_string_equal(out, "");
		assert_float_equal(width_px, 0, 0);
	}
}

static void no_control_reaches_a_picture(void **state)
{
	char out[128];
	rend_text_shorten(REND_FONT_BODY, "a\x1b[31mb\nc\x7f\xc2\x9b", 0, REND_ELLIPSIS_END, out,
		sizeof(out));
	for (const char *c = out; *c != '\0'; c++)
		assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
	assert_null(strstr(out, "\xc2\x9b"));
	assert_string_equal(out, "a [31mb c");
	/* Overrides of the writing direction would reorder what follows. */
	rend_text_shorten(REND_FONT_BODY, "x\xe2\x80\xaey", 0, REND_ELLIPSIS_END, out, sizeof(out));
	assert_string_equal(out, "x y");
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
	static const char *const wrong[] = {
		"\xff",		    /* never used */
		"\xc0\xaf",	    /* overlong */
		"\xe0\x80\xaf",	    /* overlong */
		"\xed\xa0\x80",	    /* surrogate */
		"\xf4\x90\x80\x80", /* beyond the last character */
		"\xef\xbf\xbf",	    /* not a character in XML */
		"\xc3",		    /* cut */
		"\xf0\x9f\x98",	    /* cut */
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char out[64];
		size_t length;
		assert_int_equal(rend_text_decode(wrong[i], &length), 0xfffd);
		rend_text_shorten(REND_FONT_BODY, wrong[i], 0, REND_ELLIPSIS_END, out, sizeof(out));
		assert_int_equal(strncmp(out, "\xef\xbf\xbd", 3), 0);
		for (const char *c = out; *c != '\0'; c += length)
			assert_int_equal(rend_text_decode(c, &length), 0xfffd);
	}
}

static void a_small_buffer_is_never_overrun(void **state)
{
	static const char text[] = "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e";
	for (size_t size = 1; size < sizeof(text) + 2; size++) {
		char out[32];
		memset(out, 'x', sizeof(out));
		rend_text_shorten(REND_FONT_BODY, text, 0, REND_ELLIPSIS_MIDDLE, out, size);
		assert_true(strlen(out) < size);
		assert_int_equal(out[size], 'x');
	}
}

static void columns_of_a_terminal(void **state)
{
	assert_int_equal(rend_text_columns("abc"), 3);
	assert_int_equal(rend_text_columns("\xe6\x97\xa5"), 2);
	assert_int_equal(rend_text_columns("e\xcc\x81"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_are_those_of_the_font),
		cmocka_unit_test(short_texts_stay),
		cmocka_unit_test(long_texts_lose_the_side_asked_for),
		cmocka_unit_test(an_ellipsis_alone_is_not_shown),
		cmocka_unit_test(no_control_reaches_a_picture),
		cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(a_small_buffer_is_never_overrun),
		cmocka_unit_test(columns_of_a_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
