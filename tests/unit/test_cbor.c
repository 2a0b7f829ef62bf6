/* Heads, strings, limits of the CBOR layer, and UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cbor_codec.h"

#include "tracefmt/error.h"
#include "tracefmt/limits.h"

static void heads_are_shortest(void **state)
{
	static const uint8_t expected[] = {0x17, 0x18, 0x18, 0x19, 0x01, 0x00, 0x1a, 0x00, 0x01,
		0x00, 0x00, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x20, 0x38, 0x18,
		0x3b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xa2, 0x82, 0xd8, 0x46, 0xf5,
		0x62, 'o', 'k', 0x41, 0xff};
	struct tfmt_bytes out = {0};

	tfmt_cbor__put_uint(&out, 23);
	tfmt_cbor__put_uint(&out, 24);
	tfmt_cbor__put_uint(&out, 256);
	tfmt_cbor__put_uint(&out, 65536);
	tfmt_cbor__put_uint(&out, UINT64_MAX);
	tfmt_cbor__put_int(&out, -1);
	tfmt_cbor__put_int(&out, -25);
	tfmt_cbor__put_int(&out, INT64_MIN);
	tfmt_cbor__put_map(&out, 2);
	tfmt_cbor__put_array(&out, 2);
	tfmt_cbor__put_tag(&out, TFMT_TAG_U32);
	tfmt_cbor__put_bool(&out, true);
	tfmt_cbor__put_text(&out, "ok", 2);
	tfmt_cbor__put_text(&out, "\xff", 1);
	assert_false(out.failed);
	assert_int_equal(out.length, sizeof(expected));
	assert_memory_equal(out.data, expected, sizeof(expected));
	tfmt_bytes__release(&out);
}

static void integers_come_back(void **state)
{
	static const int64_t values[] = {
		0, 1, 23, 24, 255, 256, 65535, 65536, INT64_MAX, -1, -24, -25, -65537, INT64_MIN};
	struct tfmt_bytes out = {0};
	struct tfmt_cbor cursor;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		tfmt_cbor__put_int(&out, values[i]);
	cursor = (struct tfmt_cbor){.next = out.data, .end = out.data + out.length};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int64_t value;

		assert_int_equal(tfmt_cbor__read_int(&cursor, &value), 0);
		assert_true(value == values[i]);
	}
	assert_ptr_equal(cursor.next, cursor.end);
	tfmt_bytes__release(&out);
}

/* Every input of one item that must be refused, whole. */
static void bad_items_are_refused(void **state)
{
	static const struct {
		const char *data;
		size_t size;
	} bad[] = {
		{"", 0}, {"\x18", 1},	 /* no argument */
		{"\x42\x00", 2},	 /* a byte string that is cut */
		{"\x5f\x41\x00\xff", 4}, /* indefinite lengths */
		{"\x9f\x00\xff", 3}, {"\xbf\xff", 2}, {"\xff", 1},
		{"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* more items than bytes */
		{"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9},
		{"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", 9}, /* a string longer than all memory */
		{"\x82\x00", 2}, {"\xc6\x00", 2},	     /* a tag the library refuses */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tfmt_cbor cursor = {.next = (const uint8_t *)bad[i].data,
			.end = (const uint8_t *)bad[i].data + bad[i].size};

		assert_int_equal(tfmt_cbor__skip(&cursor, 0), TFMT_E_CORRUPT);
	}
}

static void nesting_is_bounded(void **state)
{
	uint8_t data[TFMT_MAX_NESTING + 2];
	struct tfmt_cbor cursor = {.next = data, .end = data + TFMT_MAX_NESTING + 1};

	memset(data, 0x81, sizeof(data));
	data[TFMT_MAX_NESTING] = 0;
	assert_int_equal(tfmt_cbor__skip(&cursor, 0), 0);
	cursor.next = data;
	assert_int_equal(tfmt_cbor__skip(&cursor, 1), TFMT_E_LIMIT);
	memset(data, 0x81, sizeof(data));
	data[TFMT_MAX_NESTING + 1] = 0;
	cursor = (struct tfmt_cbor){.next = data, .end = data + sizeof(data)};
	assert_int_equal(tfmt_cbor__skip(&cursor, 0), TFMT_E_LIMIT);
}

static void utf8_is_told_from_bytes(void **state)
{
	static const struct {
		const char *text;
		bool is_valid;
	} cases[] = {
		{"", true},
		{"plain", true},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true},
		{"\xf4\x8f\xbf\xbf", true}, /* U+10FFFF */
		{"\x80", false},
		{"\xc3", false},
		{"\xc0\x80", false}, /* overlong */
		{"\xe0\x9f\xbf", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xed\xa0\x80", false},     /* a surrogate */
		{"\xf4\x90\x80\x80", false}, /* beyond U+10FFFF */
		{"ok\xff", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(tfmt_utf8__is_valid(cases[i].text, strlen(cases[i].text)),
			cases[i].is_valid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_shortest),
		cmocka_unit_test(integers_come_back),
		cmocka_unit_test(bad_items_are_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(utf8_is_told_from_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
