/* Samples become runs: exact weights, right places, no gaps, merged neighbours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "convert/timeline.h"

#define MAX_RUNS 4096

struct runs {
	struct conv_run items[MAX_RUNS];
	size_t count;
	uint64_t total_ns;
};

static void add(struct conv_timeline *timeline, uint64_t end_ns, uint64_t weight_ns, uint32_t stack,
	bool is_sum)
{
	const struct conv_interval interval = {.end_ns = end_ns, .run = {weight_ns, stack}};

	assert_int_equal(conv_timeline_add(timeline, 0, &interval, is_sum), 0);
}

static void read_runs(
	struct conv_timeline *timeline, uint64_t begin_ns, uint64_t length_ns, struct runs *runs)
{
	struct conv_timeline_cursor cursor;
	int status;

	runs->count = 0;
	runs->total_ns = 0;
	conv_timeline_rewind(&cursor, timeline, 0, begin_ns, length_ns);
	for (;;) {
		assert_true(runs->count < MAX_RUNS);
		status = conv_timeline_next(&cursor, &runs->items[runs->count]);
		if (status <= 0)
			break;
		runs->total_ns += runs->items[runs->count++].weight_ns;
	}
	assert_int_equal(status, 0);
	assert_int_equal(cursor.position_ns, runs->total_ns);
}

/* Compare with pairs of stack (0: idle) and weight, ended by a weight of 0. */
static void check(struct conv_timeline *timeline, uint64_t begin_ns, uint64_t length_ns,
	const uint64_t (*wanted)[2])
{
	static struct runs runs;
	size_t i;

	read_runs(timeline, begin_ns, length_ns, &runs);
	for (i = 0; wanted[i][1]; i++) {
		assert_true(i < runs.count);
		assert_int_equal(runs.items[i].stack, wanted[i][0]);
		assert_int_equal(runs.items[i].weight_ns, wanted[i][1]);
	}
	assert_int_equal(i, runs.count);
	conv_timeline_release(timeline);
}

static void test_gaps(void **unused)
{
	struct conv_timeline timeline;

	assert_int_equal(conv_timeline_init(&timeline, 1, 5), 0);
	add(&timeline, 200, 100, 1, false);
	add(&timeline, 302, 100, 1, false); /* jitter of 2 */
	add(&timeline, 404, 100, 1, false);
	add(&timeline, 510, 100, 1, false); /* in all 10 late: a gap */
	add(&timeline, 600, 90, 2, false);
	check(&timeline, 0, 1000,
		(const uint64_t[][2]){
			{0, 100}, {1, 300}, {0, 10}, {1, 100}, {2, 90}, {0, 400}, {0, 0}});
}

static void test_overlap(void **unused)
{
	struct conv_timeline timeline;

	assert_int_equal(conv_timeline_init(&timeline, 1, 0), 0);
	add(&timeline, 100, 100, 1, false);
	add(&timeline, 150, 100, 2, false); /* half of it overlaps */
	add(&timeline, 120, 10, 3, false);  /* steps back */
	add(&timeline, 300, 50, 1, false);
	add(&timeline, 5, 20, 1, false); /* began before the start */
	check(&timeline, 0, 300,
		(const uint64_t[][2]){{1, 100}, {2, 100}, {3, 10}, {0, 40}, {1, 70}, {0, 0}});
}

static void test_empty(void **unused)
{
	struct conv_timeline timeline;

	assert_int_equal(conv_timeline_init(&timeline, 1, 0), 0);
	add(&timeline, 10, 0, 1, false);
	check(&timeline, 0, 7, (const uint64_t[][2]){{0, 7}, {0, 0}});
}

/* A sum fills the gaps of its second, from the thread's start on; what is left comes at its time.
 */
static void test_sums(void **unused)
{
	const uint64_t s = 1000000000;
	struct conv_timeline timeline;

	assert_int_equal(conv_timeline_init(&timeline, 1, 0), 0);
	add(&timeline, 2 * s, s / 2, 1, false);
	add(&timeline, 5 * s / 2, s / 4, 1, false);
	add(&timeline, 5 * s / 2, s / 2, 9, true);
	add(&timeline, 3 * s, s / 4, 1, false);
	check(&timeline, 5 * s / 4, 3 * s,
		(const uint64_t[][2]){
			{0, 3 * s / 2},
			{1, s / 2},
			{9, s / 4},
			{1, s / 4},
			{9, s / 4},
			{1, s / 4},
			{0, 0},
		});
	assert_int_equal(conv_timeline_init(&timeline, 1, 0), 0);
	add(&timeline, 2 * s, s, 1, false);
	add(&timeline, 2 * s, s / 2, 9, true);
	check(&timeline, 3 * s / 4, 3 * s,
		(const uint64_t[][2]){{0, s}, {1, s}, {9, s / 2}, {0, s / 2}, {0, 0}});
}

/* Whatever comes: per stack the weights are exact, no neighbours are alike, the length holds. */
static void test_random(void **unused)
{
	static struct runs runs;
	uint64_t wanted[4], found[4], time_ns, weight_ns;
	struct conv_timeline timeline;
	uint32_t stack;
	size_t round, i;

	srand(1);
	for (round = 0; round < 200; round++) {
		assert_int_equal(conv_timeline_init(&timeline, 1, (uint64_t)rand() % 50), 0);
		for (i = 0; i < 4; i++)
			wanted[i] = found[i] = 0;
		for (time_ns = 0, i = 0; i < 500; i++) {
			time_ns += (uint64_t)rand() % 200;
			weight_ns = (uint64_t)rand() % 150;
			stack = 1 + (uint32_t)rand() % 3;
			wanted[stack] += weight_ns;
			add(&timeline, time_ns - (uint64_t)rand() % (1 + time_ns / 4), weight_ns,
				stack, rand() % 20 == 0);
		}
		read_runs(&timeline, 0, 60000, &runs);
		for (i = 0; i < runs.count; i++) {
			assert_true(runs.items[i].weight_ns > 0);
			found[runs.items[i].stack] += runs.items[i].weight_ns;
			if (i)
				assert_false(runs.items[i].stack == runs.items[i - 1].stack);
		}
		for (i = 1; i < 4; i++)
			assert_int_equal(found[i], wanted[i]);
		assert_true(runs.total_ns >= 60000);
		if (found[0])
			assert_int_equal(runs.total_ns, found[0] + found[1] + found[2] + found[3]);
		conv_timeline_release(&timeline);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
