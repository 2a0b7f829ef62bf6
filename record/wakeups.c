#include "wakeups.h"

#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The shortest that the kernel takes: who asks for little is let in first. */
#define SLICE_NS 100000
/* From an exec to the moment when its arguments can be read, on a busy machine. */
#define GATHER_NS 150000
#define SLACK_NS  1000
/* Of the stacks read beside two busy loops 77 % are joined with 0, 90 % with -10, 93 % with -20. */
#define HURRIED_NICE (-20)

/* Of sched_setattr(2), which glibc 2.36 does not declare. */
struct schedule_attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t slice_ns, deadline_ns, period_ns;
};

void rec_wakeups_prepare(void)
{
	struct schedule_attributes attributes = {0};
	/* All but the slice stays as it is; kernels before 6.12 take no notice of it. */
	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) == 0 &&
		attributes.policy == 0) {
		attributes.slice_ns = SLICE_NS;
		syscall(SYS_sched_setattr, 0, &attributes, 0);
	}
	prctl(PR_SET_TIMERSLACK, SLACK_NS);
}

int rec_wakeups_hurry(void)
{
	int nice = getpriority(PRIO_PROCESS, 0);
	setpriority(PRIO_PROCESS, 0, HURRIED_NICE);
	return nice;
}

void rec_wakeups_relax(int nice)
{
	setpriority(PRIO_PROCESS, 0, nice);
}

void rec_wakeups_gather(void)
{
	nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
}
