/* Protocol buffers: the bytes of the specification's examples, and lengths that need more room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "protobuf.h"

static void holds(const struct protobuf *pb, const void *bytes, size_t size_bytes)
{
	assert_false(pb->failed);
	assert_int_equal(pb->used, size_bytes);
	assert_memory_equal(pb->data, bytes, size_bytes);
}

static void test_examples(void **unused)
{
	struct protobuf pb = {0};
	size_t message;

	protobuf_u64(&pb, 1, 150);
	holds(&pb, "\x08\x96\x01", 3);
	protobuf_text(&pb, 2, "testing");
	holds(&pb, "\x08\x96\x01\x12\x07testing", 12);
	pb.used = 0;
	message = protobuf_begin(&pb, 3);
	protobuf_u64(&pb, 1, 150);
	protobuf_end(&pb, message);
	holds(&pb, "\x1a\x03\x08\x96\x01", 5);
	pb.used = 0;
	message = protobuf_begin(&pb, 6);
	protobuf_item(&pb, 3);
	protobuf_item(&pb, 270);
	protobuf_item(&pb, 86942);
	protobuf_end(&pb, message);
	holds(&pb, "\x32\x06\x03\x8e\x02\x9e\xa7\x05", 8);
	protobuf_release(&pb);
}

static void test_extremes(void **unused)
{
	struct protobuf pb = {0};

	protobuf_i64(&pb, 1, -2);
	holds(&pb, "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	pb.used = 0;
	protobuf_u64(&pb, 135, UINT64_MAX);
	holds(&pb, "\xb8\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
	pb.used = 0;
	protobuf_bytes(&pb, 1, "", 0);
	holds(&pb, "\x0a\x00", 2);
	protobuf_release(&pb);
}

/* A message within a message, both longer than one byte of length can say. */
static void test_long_messages(void **unused)
{
	char text[20000];
	struct protobuf pb = {0};
	size_t outer, inner;

	memset(text, 'x', sizeof(text));
	outer = protobuf_begin(&pb, 1);
	inner = protobuf_begin(&pb, 2);
	protobuf_bytes(&pb, 3, text, sizeof(text));
	protobuf_end(&pb, inner);
	protobuf_end(&pb, outer);
	assert_int_equal(pb.used, 12 + sizeof(text));
	/* 20008, 20004 and 20000 */
	assert_memory_equal(pb.data, "\x0a\xa8\x9c\x01\x12\xa4\x9c\x01\x1a\xa0\x9c\x01", 12);
	assert_memory_equal(pb.data + 12, text, sizeof(text));
	protobuf_release(&pb);
}

static void test_texts_are_harmless(void **unused)
{
	struct protobuf pb = {0};

	protobuf_text(&pb, 1, "a\n\x1b[31m\xff\xc2\x9b");
	holds(&pb,
		"\x0a\x0b"
		"a  [31m\xef\xbf\xbd ",
		13);
	protobuf_release(&pb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_texts_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
