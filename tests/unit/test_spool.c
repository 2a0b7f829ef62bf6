/* Lists grouped through a temporary file come back whole and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "convert/spool.h"

#define LISTS 7

struct item {
	uint64_t list;
	uint64_t number;
};

static void check_list(struct conv_spool *spool, size_t list, uint64_t count)
{
	struct conv_spool_cursor cursor;
	const struct item *item;
	const void *next;
	uint64_t number;

	conv_spool_rewind(&cursor, spool, list);
	for (number = 0; number < count; number++) {
		assert_int_equal(conv_spool_next(&cursor, spool, &next), 1);
		item = next;
		assert_int_equal(item->list, list);
		assert_int_equal(item->number, number);
	}
	assert_int_equal(conv_spool_next(&cursor, spool, &next), 0);
}

/* Lists of every length around the borders of blocks, filled in turns. */
static void test_interleaved(void **unused)
{
	static const uint64_t lengths[LISTS] = {0, 1, SPOOL_BLOCK_ITEMS - 1, SPOOL_BLOCK_ITEMS,
		SPOOL_BLOCK_ITEMS + 1, 10 * SPOOL_BLOCK_ITEMS, 1000};
	struct conv_spool spool;
	struct item item;
	size_t list, again;

	assert_int_equal(conv_spool_init(&spool, LISTS, sizeof(item)), 0);
	for (item.number = 0; item.number < 1000; item.number++)
		for (list = 0; list < LISTS; list++) {
			item.list = list;
			if (item.number < lengths[list])
				assert_int_equal(conv_spool_append(&spool, list, &item), 0);
		}
	for (again = 0; again < 2; again++)
		for (list = 0; list < LISTS; list++)
			check_list(&spool, list, lengths[list]);
	conv_spool_release(&spool);
}

static void test_last_is_changed_in_place(void **unused)
{
	struct conv_spool spool;
	struct item item = {0, 0};
	struct item *last;

	assert_int_equal(conv_spool_init(&spool, 1, sizeof(item)), 0);
	assert_null(conv_spool_last(&spool, 0));
	for (item.number = 0; item.number < 3 * SPOOL_BLOCK_ITEMS; item.number++) {
		assert_int_equal(conv_spool_append(&spool, 0, &item), 0);
		last = conv_spool_last(&spool, 0);
		assert_int_equal(last->number, item.number);
	}
	last->number++;
	assert_int_equal(((struct item *)conv_spool_last(&spool, 0))->number, item.number);
	last->number--;
	check_list(&spool, 0, 3 * SPOOL_BLOCK_ITEMS);
	conv_spool_release(&spool);
}

static void test_small_lists_need_no_file(void **unused)
{
	struct conv_spool spool;
	struct item item = {0, 0};

	assert_int_equal(conv_spool_init(&spool, 1, sizeof(item)), 0);
	for (item.number = 0; item.number < SPOOL_BLOCK_ITEMS; item.number++)
		assert_int_equal(conv_spool_append(&spool, 0, &item), 0);
	assert_int_equal(spool.fd, -1);
	check_list(&spool, 0, SPOOL_BLOCK_ITEMS);
	conv_spool_release(&spool);
}

static void test_no_temporary_folder(void **unused)
{
	struct conv_spool spool;
	struct item item = {0, 0};
	int status = 0;

	assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
	assert_int_equal(conv_spool_init(&spool, 1, sizeof(item)), 0);
	for (item.number = 0; !status && item.number < 2 * SPOOL_BLOCK_ITEMS; item.number++)
		status = conv_spool_append(&spool, 0, &item);
	assert_true(status < 0);
	assert_int_equal(item.number, SPOOL_BLOCK_ITEMS + 1);
	conv_spool_release(&spool);
	unsetenv("TMPDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_last_is_changed_in_place),
		cmocka_unit_test(test_small_lists_need_no_file),
		cmocka_unit_test(test_no_temporary_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
