#include "perf/perf_attr.h"

#include <string.h>
#include <time.h>

#include "opts.h"

#define HARDWARE(label, what, count)                                          \
	{                                                                     \
		label, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##what, count, false \
	}

/* There are many of them. */
#define MAX_SWITCH_STACK_BYTES (16u << 10)

static const struct rec_perf_event cpu_time = {
	"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 0, false};

static const struct rec_perf_event counters[] = {
	HARDWARE("cycles", CPU_CYCLES, 3000000000),
	HARDWARE("instructions", INSTRUCTIONS, 3000000000),
	HARDWARE("cache-misses", CACHE_MISSES, 10000000),
	HARDWARE("branch-misses", BRANCH_MISSES, 10000000),
};

#define COUNTERS (sizeof(counters) / sizeof(*counters))

bool rec_perf_event_find(const char *name, struct rec_perf_event *ret_event)
{
	const char *names[COUNTERS];
	*ret_event = cpu_time;
	if (!name)
		return true;
	size_t length = strcspn(name, ":");
	for (size_t i = 0; i < COUNTERS; i++) {
		names[i] = counters[i].name;
		if (strlen(names[i]) != length || memcmp(names[i], name, length) != 0)
			continue;
		*ret_event = counters[i];
		ret_event->is_user_only = strcmp(name + length, ":u") == 0;
		return name[length] == '\0' || ret_event->is_user_only;
	}
	ret_event->name = opts_nearest(name, names, COUNTERS);
	return false;
}

static struct perf_event_attr common(void)
{
	return (struct perf_event_attr){
		.size = sizeof(struct perf_event_attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU,
		.disabled = 1,
		.enable_on_exec = 1,
		.inherit = 1,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = UINT32_MAX, /* set with the ring's size */
		.exclude_kernel = 1,
	};
}

void rec_perf_attr_add_life(struct perf_event_attr *attr)
{
	attr->task = 1;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->build_id = 1;
}

struct perf_event_attr rec_perf_attr_life(void)
{
	struct perf_event_attr attr = common();
	rec_perf_attr_add_life(&attr);
	attr.wakeup_watermark = 1;
	return attr;
}

struct perf_event_attr rec_perf_attr_switches(void)
{
	struct perf_event_attr attr = common();
	attr.context_switch = 1;
	return attr;
}

struct perf_event_attr rec_perf_attr_samples(const struct rec_perf_options *options,
	const struct rec_perf_event *event, bool with_kernel)
{
	struct perf_event_attr attr = common();
	attr.type = event->type;
	attr.config = event->config;
	if (event->count_by_s == 0) {
		attr.freq = 1;
		attr.sample_freq = options->rate_hz;
	} else {
		/* Each sample stands for as many events: to count samples is to count those. */
		attr.sample_period = event->count_by_s / options->rate_hz;
	}
	attr.sample_type |= PERF_SAMPLE_IP | PERF_SAMPLE_PERIOD;
	if (options->user_registers != 0) {
		attr.sample_type |= PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
		attr.sample_regs_user = options->user_registers;
		attr.sample_stack_user = options->stack_bytes;
	}
	attr.context_switch = 1;
	attr.exclude_kernel = !with_kernel;
	attr.exclude_hv = 1;
	if (options->wakes_at_samples) {
		/* Counts samples only, not switches. */
		attr.watermark = 0;
		attr.wakeup_events = 1;
	}
	if (with_kernel && options->user_registers != 0) {
		attr.sample_type |= PERF_SAMPLE_CALLCHAIN;
		attr.exclude_callchain_user = 1;
		attr.sample_max_stack = REC_PERF_MAX_KERNEL_FRAMES - 1;
	}
	return attr;
}

struct perf_event_attr rec_perf_attr_switch_stacks(
	const struct rec_perf_options *options, bool with_kernel_frames)
{
	static const struct rec_perf_event switches = {
		"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 0, false};
	struct perf_event_attr attr = rec_perf_attr_samples(options, &switches, with_kernel_frames);
	attr.freq = 0;
	attr.sample_period = 1;
	attr.context_switch = 0; /* the samples' rings have the records */
	attr.exclude_kernel = 0; /* it happens there */
	if (attr.sample_stack_user > MAX_SWITCH_STACK_BYTES)
		attr.sample_stack_user = MAX_SWITCH_STACK_BYTES;
	return attr;
}
