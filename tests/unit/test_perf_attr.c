/* What is asked of the kernel: also for counters that this machine may not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/perf/perf_attr.h"

static const struct rec_perf_options options = {
	.rate_hz = 1000, .stack_bytes = 16384, .user_registers = 0xff01ff};

static struct perf_event_attr samples(const char *name, bool with_kernel)
{
	struct rec_perf_event event;
	assert_true(rec_perf_event_find(name, &event));
	return rec_perf_attr_samples(&options, &event, with_kernel);
}

static void test_cpu_time(void **state)
{
	struct perf_event_attr attr = samples(NULL, true);
	assert_int_equal(attr.type, PERF_TYPE_SOFTWARE);
	assert_int_equal(attr.config, PERF_COUNT_SW_TASK_CLOCK);
	assert_true(attr.freq);
	assert_int_equal(attr.sample_freq, 1000);
	assert_int_equal(attr.sample_stack_user, 16384);
	assert_int_equal(attr.sample_regs_user, 0xff01ff);
	assert_true(attr.sample_type & PERF_SAMPLE_CALLCHAIN);
	assert_true(attr.context_switch && attr.inherit && attr.enable_on_exec);
	assert_true(attr.use_clockid && attr.exclude_callchain_user);
	assert_false(attr.exclude_kernel);
	attr = samples(NULL, false);
	assert_true(attr.exclude_kernel);
	assert_false(attr.sample_type & PERF_SAMPLE_CALLCHAIN);
}

/* A fixed number of events for each sample: so many samples are so many events. */
static void test_counters(void **state)
{
	static const struct {
		const char *name;
		uint64_t config, period;
	} wanted[] = {
		{"cycles", PERF_COUNT_HW_CPU_CYCLES, 3000000},
		{"instructions", PERF_COUNT_HW_INSTRUCTIONS, 3000000},
		{"cache-misses", PERF_COUNT_HW_CACHE_MISSES, 10000},
		{"branch-misses:u", PERF_COUNT_HW_BRANCH_MISSES, 10000},
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		struct perf_event_attr attr = samples(wanted[i].name, false);
		assert_int_equal(attr.type, PERF_TYPE_HARDWARE);
		assert_int_equal(attr.config, wanted[i].config);
		assert_false(attr.freq);
		assert_int_equal(attr.sample_period, wanted[i].period);
		assert_true(attr.context_switch); /* CPU time comes from the switches */
	}
}

static void test_names(void **state)
{
	struct rec_perf_event event;
	assert_true(rec_perf_event_find("cycles:u", &event));
	assert_true(event.is_user_only);
	assert_string_equal(event.name, "cycles");
	assert_true(rec_perf_event_find("cycles", &event));
	assert_false(event.is_user_only);
	assert_false(rec_perf_event_find("cycles:k", &event));
	assert_false(rec_perf_event_find("cycle", &event));
	assert_string_equal(event.name, "cycles");
	assert_false(rec_perf_event_find("", &event));
	assert_false(rec_perf_event_find("nothing-like-it", &event));
	assert_null(event.name);
}

static void test_life(void **state)
{
	struct perf_event_attr attr = rec_perf_attr_life();
	assert_int_equal(attr.config, PERF_COUNT_SW_DUMMY);
	assert_true(attr.task && attr.comm && attr.comm_exec && attr.mmap2 && attr.build_id);
	assert_true(attr.exclude_kernel); /* allowed to everybody */
	assert_int_equal(attr.wakeup_watermark, 1);
	assert_false(attr.context_switch);
	attr = rec_perf_attr_switches();
	assert_true(attr.context_switch && attr.exclude_kernel);
	assert_false(attr.task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_time),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_life),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
