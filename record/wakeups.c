#include "wakeups.h"

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
/* So many samples of another CPU, one after the other, and it goes there. */
#define ELSEWHERE_COUNT 4

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

void rec_wakeups_hurry(struct rec_hurry *hurry)
{
	*hurry = (struct rec_hurry){
		.usual_nice = getpriority(PRIO_PROCESS, 0),
		.cpu = UINT32_MAX,
	};
	/* Where that is not known, none is allowed. */
	sched_getaffinity(0, sizeof(hurry->usual_cpus), &hurry->usual_cpus);
	setpriority(PRIO_PROCESS, 0, HURRIED_NICE);
}

/*
 * Woken on another CPU that sleeps, it comes 30 to 100 us late, and the program runs on while it is
 * read. On its own CPU the program stands behind the reader for the 20 us that a read takes.
 */
void rec_wakeups_follow(struct rec_hurry *hurry, uint32_t cpu)
{
	cpu_set_t only;
	if (cpu == hurry->cpu || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &hurry->usual_cpus)) {
		hurry->elsewhere_count = 0;
		return;
	}
	if (++hurry->elsewhere_count < ELSEWHERE_COUNT)
		return;
	hurry->elsewhere_count = 0;
	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	if (sched_setaffinity(0, sizeof(only), &only) == 0)
		hurry->cpu = cpu;
}

void rec_wakeups_relax(const struct rec_hurry *hurry)
{
	setpriority(PRIO_PROCESS, 0, hurry->usual_nice);
	if (hurry->cpu != UINT32_MAX)
		sched_setaffinity(0, sizeof(hurry->usual_cpus), &hurry->usual_cpus);
}

void rec_wakeups_gather(void)
{
	nanosleep(&(struct timespec){.tv_nsec = GATHER_NS}, NULL);
}
