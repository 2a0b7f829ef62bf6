/* Samples of a thread become slices: what goes on, what ends, what a wait does, what is merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "slices.h"

#define MS    1000000u
#define FUTEX (202 + 1)

struct chart {
	struct rend_path_tree tree;
	struct rend_slices slices;
};

static void chart_begin(struct chart *chart, uint64_t min_ns)
{
	assert_int_equal(rend_path_tree_init(&chart->tree), 0);
	rend_slices_init(&chart->slices, &chart->tree, 2 * MS, min_ns);
}

static void chart_end(struct chart *chart)
{
	rend_slices_release(&chart->slices);
	rend_path_tree_release(&chart->tree);
}

/* "abc": c called from b called from a. */
static uint32_t path(struct chart *chart, const char *functions)
{
	uint32_t node = 0;
	for (; *functions != '\0'; functions++)
		assert_int_equal(
			rend_path_tree_child(&chart->tree, node, (uint32_t)*functions, &node), 0);
	return node;
}

/* A sample of 1 ms that ends at `ms`. */
static void run(struct chart *chart, unsigned ms, const char *functions)
{
	struct tfmt_sample sample = {.time_ns = (uint64_t)ms * MS, .weight_ns = MS};
	assert_int_equal(rend_slices_add(&chart->slices, &sample, path(chart, functions)), 0);
}

static void wait_for(struct chart *chart, unsigned begin_ms, unsigned end_ms, const char *functions)
{
	struct tfmt_sample sample = {.time_ns = (uint64_t)end_ms * MS,
		.weight_ns = (uint64_t)(end_ms - begin_ms) * MS,
		.syscall = FUTEX,
		.state = TFMT_STATE_BLOCKED};
	assert_int_equal(rend_slices_add(&chart->slices, &sample, path(chart, functions)), 0);
}

static void check_slice(struct chart *chart, size_t row, size_t i, enum rend_slice_type type,
	char function, unsigned begin_ms, unsigned end_ms)
{
	assert_true(i < chart->slices.rows[row].count);
	const struct rend_slice *slice = &chart->slices.rows[row].slices[i];
	assert_int_equal(slice->type, type);
	assert_int_equal(slice->begin_ns, (uint64_t)begin_ms * MS);
	assert_int_equal(slice->end_ns, (uint64_t)end_ms * MS);
	if (function != 0)
		assert_int_equal(chart->tree.nodes[slice->node].function, function);
}

static void test_equal_frames_go_on(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abc");
	run(&chart, 102, "abc");
	run(&chart, 103, "abd");
	run(&chart, 104, "aed");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	assert_int_equal(chart.slices.row_count, 3);
	assert_int_equal(chart.slices.rows[0].count, 1);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 104);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 103);
	check_slice(&chart, 1, 1, REND_SLICE_CODE, 'e', 103, 104);
	check_slice(&chart, 2, 0, REND_SLICE_CODE, 'c', 100, 102);
	/* The same function, called by another: not the same slice. */
	check_slice(&chart, 2, 1, REND_SLICE_CODE, 'd', 102, 103);
	check_slice(&chart, 2, 2, REND_SLICE_CODE, 'd', 103, 104);
	chart_end(&chart);
}

static void test_gaps(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "ab");
	run(&chart, 104, "ab"); /* began 2 ms after the last was seen: no gap */
	run(&chart, 120, "ab"); /* the caller goes on */
	run(&chart, 900, "ab"); /* nothing does */
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	assert_int_equal(chart.slices.rows[0].count, 2);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 120);
	check_slice(&chart, 0, 1, REND_SLICE_CODE, 'a', 899, 900);
	assert_int_equal(chart.slices.rows[1].count, 3);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 104);
	check_slice(&chart, 1, 1, REND_SLICE_CODE, 'b', 119, 120);
	check_slice(&chart, 1, 2, REND_SLICE_CODE, 'b', 899, 900);
	chart_end(&chart);
}

static void test_outer_frames_go_on_while_waiting(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abc");
	wait_for(&chart, 101, 151, "abw");
	run(&chart, 152, "abd");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 152);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 152);
	assert_int_equal(chart.slices.rows[2].count, 3);
	check_slice(&chart, 2, 0, REND_SLICE_CODE, 'c', 100, 101);
	check_slice(&chart, 2, 1, REND_SLICE_CODE, 'w', 101, 151);
	check_slice(&chart, 2, 2, REND_SLICE_CODE, 'd', 151, 152);
	assert_int_equal(chart.slices.rows[3].count, 1);
	check_slice(&chart, 3, 0, REND_SLICE_WAIT, 'w', 101, 151);
	assert_int_equal(chart.slices.rows[3].slices[0].syscall, FUTEX);
	chart_end(&chart);
}

static void test_wait_without_stack(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abc");
	wait_for(&chart, 101, 151, "");
	run(&chart, 152, "axc");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 152);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 101);
	check_slice(&chart, 1, 1, REND_SLICE_WAIT, 'a', 101, 151);
	check_slice(&chart, 1, 2, REND_SLICE_CODE, 'x', 151, 152);
	chart_end(&chart);
}

/* The kernel's functions were left before the thread could wait somewhere else. */
static void test_wait_is_not_under_kernel_functions(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abkl");
	chart.tree.nodes[path(&chart, "abk")].is_kernel = true;
	chart.tree.nodes[path(&chart, "abkl")].is_kernel = true;
	wait_for(&chart, 101, 151, "");
	run(&chart, 152, "abkl");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 152);
	check_slice(&chart, 2, 0, REND_SLICE_CODE, 'k', 100, 101);
	check_slice(&chart, 2, 1, REND_SLICE_WAIT, 'b', 101, 151);
	check_slice(&chart, 2, 2, REND_SLICE_CODE, 'k', 151, 152);
	chart_end(&chart);
}

/* Preempted right after: what follows the second wait tells about the first too. */
static void test_waits_in_a_row(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abc");
	wait_for(&chart, 101, 151, "");
	struct tfmt_sample sample = {
		.time_ns = 160 * MS, .weight_ns = 8 * MS, .state = TFMT_STATE_PREEMPTED};
	assert_int_equal(rend_slices_add(&chart.slices, &sample, 0), 0);
	run(&chart, 161, "abd");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 161);
	check_slice(&chart, 2, 1, REND_SLICE_WAIT, 'b', 101, 151);
	check_slice(&chart, 2, 2, REND_SLICE_WAIT, 'b', 152, 160);
	check_slice(&chart, 2, 3, REND_SLICE_CODE, 'd', 160, 161);
	chart_end(&chart);
}

static void test_truncated_stacks_do_not_end_slices(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abc");
	struct tfmt_sample sample = {
		.time_ns = 102 * MS, .weight_ns = MS, .flags = TFMT_SAMPLE_TRUNCATED};
	assert_int_equal(rend_slices_add(&chart.slices, &sample, path(&chart, "x")), 0);
	run(&chart, 103, "abc");
	for (unsigned ms = 104; ms < 120; ms++) {
		sample.time_ns = ms * MS;
		assert_int_equal(rend_slices_add(&chart.slices, &sample, path(&chart, "x")), 0);
	}
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	assert_int_equal(chart.slices.rows[0].count, 2);
	check_slice(&chart, 2, 0, REND_SLICE_CODE, 'c', 100, 105);
	/* When nothing else comes, it is all that is known. */
	check_slice(&chart, 0, 1, REND_SLICE_CODE, 'x', 105, 119);
	chart_end(&chart);
}

/* What is at both sides is no longer there when the wait was somewhere else. */
static void test_stack_of_the_wait_counts(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	run(&chart, 101, "abc");
	wait_for(&chart, 101, 151, "ax");
	run(&chart, 152, "abc");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 152);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 101);
	check_slice(&chart, 1, 1, REND_SLICE_CODE, 'x', 101, 151);
	check_slice(&chart, 1, 2, REND_SLICE_CODE, 'b', 151, 152);
	check_slice(&chart, 2, 1, REND_SLICE_WAIT, 'x', 101, 151);
	chart_end(&chart);
}

static void test_waits_of_one_reason_are_one(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	wait_for(&chart, 100, 110, "ab");
	wait_for(&chart, 110, 120, "ab");
	wait_for(&chart, 105, 115, "ab"); /* late, and known already */
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	assert_int_equal(rend_slices_count(&chart.slices), 3);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 120);
	check_slice(&chart, 1, 0, REND_SLICE_CODE, 'b', 100, 120);
	check_slice(&chart, 2, 0, REND_SLICE_WAIT, 'b', 100, 120);
	chart_end(&chart);
}

static void test_short_slices_become_blocks(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 5 * MS);
	for (unsigned i = 0; i < 40; i++)
		run(&chart, 101 + i, i % 4 == 3 ? "a" : i % 4 == 2 ? "ac" : "ab");
	run(&chart, 400, "ab");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	check_slice(&chart, 0, 0, REND_SLICE_CODE, 'a', 100, 140);
	assert_int_equal(chart.slices.rows[1].count, 2);
	check_slice(&chart, 1, 0, REND_SLICE_DENSE, 'b', 100, 139);
	const struct rend_slice *block = &chart.slices.rows[1].slices[0];
	assert_int_equal(block->busy_ns, 30 * MS);
	assert_int_equal(block->count, 20);
	assert_in_range(block->major_ns, 1, 20 * MS);
	check_slice(&chart, 1, 1, REND_SLICE_DENSE, 'b', 399, 400);
	chart_end(&chart);
}

static void test_coarsening_keeps_the_time(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	for (unsigned i = 0; i < 1000; i++)
		run(&chart, 101 + i, i % 3 == 0 ? "ab" : "ac");
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	assert_true(rend_slices_count(&chart.slices) > 600);
	rend_slices_coarsen(&chart.slices, 10 * MS);
	assert_int_equal(rend_slices_count(&chart.slices), 2);
	check_slice(&chart, 1, 0, REND_SLICE_DENSE, 'c', 100, 1100);
	assert_int_equal(chart.slices.rows[1].slices[0].busy_ns, 1000u * MS);
	chart_end(&chart);
}

/* Samples that overlap, stand still, or reach back before time began do no harm. */
static void test_contradictory_samples(void **state)
{
	(void)state;
	struct chart chart;
	chart_begin(&chart, 1);
	uint32_t deep = path(&chart, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
	assert_int_equal(chart.tree.nodes[deep].depth, REND_MAX_PATH);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		struct tfmt_sample sample = {
			.time_ns = (uint64_t)(rand() % 1000),
			.weight_ns = rand() % 3 == 0 ? UINT64_MAX : (uint64_t)(rand() % 300),
			.state = (uint8_t)(rand() % 4),
			.flags = (uint8_t)(rand() % 8 == 0 ? TFMT_SAMPLE_SUMMED : 0),
		};
		uint32_t node = (uint32_t)rand() % (deep + 1);
		assert_int_equal(rend_slices_add(&chart.slices, &sample, node), 0);
	}
	assert_int_equal(rend_slices_finish(&chart.slices), 0);
	for (size_t row = 0; row < REND_MAX_PATH; row++) {
		const struct rend_slice_row *slices = &chart.slices.rows[row];
		for (size_t i = 0; i < slices->count; i++) {
			assert_true(slices->slices[i].begin_ns < slices->slices[i].end_ns);
			assert_true(i == 0 ||
				    slices->slices[i - 1].end_ns <= slices->slices[i].begin_ns);
		}
	}
	chart_end(&chart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_frames_go_on),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_outer_frames_go_on_while_waiting),
		cmocka_unit_test(test_wait_without_stack),
		cmocka_unit_test(test_wait_is_not_under_kernel_functions),
		cmocka_unit_test(test_waits_in_a_row),
		cmocka_unit_test(test_truncated_stacks_do_not_end_slices),
		cmocka_unit_test(test_stack_of_the_wait_counts),
		cmocka_unit_test(test_waits_of_one_reason_are_one),
		cmocka_unit_test(test_short_slices_become_blocks),
		cmocka_unit_test(test_coarsening_keeps_the_time),
		cmocka_unit_test(test_contradictory_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
