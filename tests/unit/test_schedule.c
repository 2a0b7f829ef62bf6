/* What threads do over time: every nanosecond is counted once, whatever tells of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "native/schedule.h"

#define MS 1000000ull

static struct rec_switch runs_at(uint64_t time_ns)
{
	return (struct rec_switch){.time_ns = time_ns, .runs = true};
}

static struct rec_switch blocks_at(uint64_t time_ns)
{
	return (struct rec_switch){.time_ns = time_ns};
}

static struct rec_switch loses_cpu_at(uint64_t time_ns)
{
	return (struct rec_switch){.time_ns = time_ns, .is_preempted = true};
}

/* Everything counted so far that has not been given out as a wait. */
static uint64_t sum_of(const struct rec_schedule *schedule)
{
	return schedule->running_ns + schedule->short_ns[REC_WAIT_PREEMPTED] +
	       schedule->short_ns[REC_WAIT_BLOCKED];
}

static bool take(struct rec_schedule *schedule, struct rec_switch change, struct rec_wait *ret_wait)
{
	return rec_schedule_switch(schedule, 100, &change, ret_wait);
}

static void test_switches(void **state)
{
	struct rec_schedule schedule = {0};
	struct rec_wait wait;

	/* A new thread waits for its first CPU. */
	assert_false(take(&schedule, runs_at(300), &wait));
	assert_int_equal(schedule.short_ns[REC_WAIT_PREEMPTED], 200);
	assert_false(take(&schedule, blocks_at(1300), &wait));
	assert_int_equal(schedule.running_ns, 1000);
	/* Long: given out in whole microseconds. */
	assert_true(take(&schedule, runs_at(1300 + 5 * MS + 7), &wait));
	assert_int_equal(wait.kind, REC_WAIT_BLOCKED);
	assert_int_equal(wait.start_ns, 1300);
	assert_int_equal(wait.end_ns, 1300 + 5 * MS + 7);
	assert_int_equal(wait.length_ns, 5 * MS);
	assert_int_equal(schedule.short_ns[REC_WAIT_BLOCKED], 7);
	/* Short: added up, of its kind. */
	assert_false(take(&schedule, loses_cpu_at(10 * MS), &wait));
	assert_false(take(&schedule, runs_at(10 * MS + 500), &wait));
	assert_int_equal(schedule.short_ns[REC_WAIT_PREEMPTED], 700);
	/* Older than what is known: ignored. */
	assert_false(take(&schedule, blocks_at(10 * MS), &wait));
	assert_true(schedule.is_running);
	assert_false(rec_schedule_end(&schedule, 11 * MS, &wait));
	assert_int_equal(sum_of(&schedule), 11 * MS - 100 - 5 * MS);
}

/* One that runs when the recording finds it, and waits when that ends. */
static void test_ends(void **state)
{
	struct rec_schedule schedule = {0};
	struct rec_wait wait;

	assert_false(rec_schedule_end(&schedule, 5, &wait)); /* nothing is known of it */
	assert_false(take(&schedule, blocks_at(2100), &wait));
	assert_int_equal(schedule.running_ns, 2000);
	rec_schedule_pass(&schedule, 5000); /* a wait goes on */
	assert_int_equal(schedule.since_ns, 2100);
	assert_true(rec_schedule_end(&schedule, 2100 + 3 * MS, &wait));
	assert_int_equal(wait.length_ns, 3 * MS);
	/* What is left is counted from there. */
	assert_true(rec_schedule_end(&schedule, 2100 + 5 * MS, &wait));
	assert_int_equal(wait.start_ns, 2100 + 3 * MS);
	assert_int_equal(wait.length_ns, 2 * MS);
}

/* Switches that were lost: samples say how much of the time between was running. */
static void test_losses(void **state)
{
	struct rec_schedule schedule = {0};
	struct rec_wait wait;

	take(&schedule, runs_at(100), &wait);
	rec_schedule_sampled(&schedule, 2 * MS);
	assert_false(take(&schedule, runs_at(100 + 9 * MS), &wait));
	assert_int_equal(schedule.running_ns, 2 * MS);
	assert_int_equal(schedule.short_ns[REC_WAIT_BLOCKED], 7 * MS);
	take(&schedule, blocks_at(100 + 10 * MS), &wait);
	assert_false(take(&schedule, loses_cpu_at(100 + 14 * MS), &wait));
	assert_int_equal(schedule.running_ns, 3 * MS);
	assert_int_equal(schedule.short_ns[REC_WAIT_BLOCKED], 11 * MS);
	/* More samples than time. */
	rec_schedule_sampled(&schedule, 20 * MS);
	assert_false(take(&schedule, loses_cpu_at(100 + 15 * MS), &wait));
	assert_int_equal(schedule.running_ns, 4 * MS);
	assert_int_equal(sum_of(&schedule), 15 * MS);
}

/* A thread that has a CPU for itself is not switched for long. */
static void test_no_switches(void **state)
{
	struct rec_schedule schedule = {0};
	struct rec_wait wait;

	rec_schedule_runs(&schedule, 100);
	rec_schedule_pass(&schedule, 100 + 3 * MS);
	assert_int_equal(schedule.running_ns, 3 * MS);
	rec_schedule_runs(&schedule, 100);
	rec_schedule_pass(&schedule, 100 + 5 * MS);
	assert_false(take(&schedule, loses_cpu_at(100 + 6 * MS), &wait));
	assert_int_equal(schedule.running_ns, 6 * MS);
	assert_int_equal(sum_of(&schedule), 6 * MS);
	/* What a switch has told is known better. */
	rec_schedule_runs(&schedule, 100);
	assert_false(schedule.is_running);
}

static void test_totals(void **state)
{
	struct rec_schedule schedule = {0};
	struct rec_wait wait;
	struct rec_schedule_totals totals = {.time_ns = 10 * MS, .run_ns = MS, .turns = 3};

	/* Several turns: nobody knows how long each wait was. */
	assert_false(rec_schedule_totals(&schedule, 0, &totals, &wait));
	assert_int_equal(schedule.running_ns, MS);
	assert_int_equal(schedule.short_ns[REC_WAIT_BLOCKED], 9 * MS);
	/* Unchanged: it is blocked, since the last reading at least. */
	totals.time_ns = 20 * MS;
	totals.waits = true;
	assert_false(rec_schedule_totals(&schedule, 0, &totals, &wait));
	assert_false(schedule.is_running);
	assert_int_equal(schedule.wait, REC_WAIT_BLOCKED);
	totals = (struct rec_schedule_totals){30 * MS, 2 * MS, MS / 2, 5};
	assert_true(rec_schedule_totals(&schedule, 0, &totals, &wait));
	assert_int_equal(wait.start_ns, 10 * MS);
	assert_int_equal(wait.length_ns, 20 * MS - MS - MS / 2);
	assert_int_equal(schedule.short_ns[REC_WAIT_PREEMPTED], MS / 2);
	/* Counters that go back, or further than the clock: no more than what has passed. */
	totals = (struct rec_schedule_totals){31 * MS, MS, 900 * MS, 6};
	assert_false(rec_schedule_totals(&schedule, 0, &totals, &wait));
	assert_int_equal(sum_of(&schedule) + wait.length_ns, 31 * MS);
}

/* One that runs or waits for a CPU: what it does just now is told only later. */
static void test_open_totals(void **state)
{
	struct rec_schedule schedule = {0};
	struct rec_wait wait;
	struct rec_schedule_totals totals = {.time_ns = 10 * MS, .run_ns = 6 * MS, .turns = 1};

	totals.is_open = true;
	assert_false(rec_schedule_totals(&schedule, 0, &totals, &wait));
	assert_int_equal(sum_of(&schedule), 6 * MS);
	rec_schedule_pass(&schedule, 12 * MS); /* nobody knows whether it runs */
	assert_int_equal(sum_of(&schedule), 6 * MS);
	/* In the queue all the time since, which is told when it leaves it. */
	totals = (struct rec_schedule_totals){20 * MS, 10 * MS, 0, 1, .is_open = true};
	assert_false(rec_schedule_totals(&schedule, 0, &totals, &wait));
	totals = (struct rec_schedule_totals){30 * MS, 12 * MS, 18 * MS, 2};
	assert_false(rec_schedule_totals(&schedule, 0, &totals, &wait));
	assert_int_equal(schedule.running_ns, 12 * MS);
	assert_int_equal(schedule.short_ns[REC_WAIT_PREEMPTED], 18 * MS);
	assert_int_equal(schedule.short_ns[REC_WAIT_BLOCKED], 0);
	/* It runs to its end. */
	assert_false(rec_schedule_end(&schedule, 33 * MS, &wait));
	assert_int_equal(schedule.running_ns, 15 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_no_switches),
		cmocka_unit_test(test_totals),
		cmocka_unit_test(test_open_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
