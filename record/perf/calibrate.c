#include "perf/calibrate.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procfs.h"

#define RING_BYTES (64u << 10)
/* So many samples are taken at this rate, for no longer than that. */
#define SAMPLE_COUNT	24
#define RATE_HZ		10000
#define MAX_SAMPLING_NS 30000000ull
/* Fewer say nothing. */
#define LEAST_COUNT 8
/* Between two looks at the clock something else ran, when they are so far apart; another thread. */
#define LEAST_GAP_NS   500
#define LONGEST_GAP_NS 200000
/* Two threads wake each other so often, without and with the event. */
#define ROUND_COUNT 100
#define FAST_SHARE  8
#define STACK_BYTES (256u << 10)

/* An event on the calling thread, or on `tid`, and its ring if there is memory for it. */
struct probe {
	int fd;
	struct perf_event_mmap_page *page;
	size_t mapped_bytes;
};

/* `tid` -1: of all on this CPU. */
static int open_event(struct perf_event_attr *attr, pid_t tid)
{
	int cpu = tid == -1 ? sched_getcpu() : -1;
	return (int)syscall(SYS_perf_event_open, attr, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void open_probe(const struct perf_event_attr *like, pid_t tid, struct probe *probe)
{
	struct perf_event_attr attr = *like;
	attr.disabled = 1;
	attr.enable_on_exec = 0;
	attr.inherit = 0;
	attr.wakeup_watermark = UINT32_MAX;
	if (attr.freq)
		attr.sample_freq = RATE_HZ;
	*probe = (struct probe){.fd = open_event(&attr, tid)};
	attr.sample_freq = like->sample_freq; /* the kernel's limit may be below ours */
	if (probe->fd < 0)
		probe->fd = open_event(&attr, tid);
	if (probe->fd < 0)
		return;
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE) + RING_BYTES;
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, probe->fd, 0);
	if (map == MAP_FAILED)
		return;
	probe->page = map;
	probe->mapped_bytes = bytes;
}

static void close_probe(struct probe *probe)
{
	if (probe->page)
		munmap(probe->page, probe->mapped_bytes);
	if (probe->fd >= 0)
		close(probe->fd);
}

static void enable(const struct probe *probe, bool on)
{
	ioctl(probe->fd, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

/* Whether records have come since the last time; room for the next. */
static bool empty(const struct probe *probe)
{
	if (!probe->page)
		return true;
	uint64_t head = __atomic_load_n(&probe->page->data_head, __ATOMIC_ACQUIRE);
	bool had = head != probe->page->data_tail;
	__atomic_store_n(&probe->page->data_tail, head, __ATOMIC_RELEASE);
	return had;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return a < b ? -1 : a > b;
}

/* Other threads can only make things slower: of the fast ones, a typical one. */
static uint64_t typical(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count > 0 ? values[count / FAST_SHARE] : 0;
}

/* A thread that only looks at the clock sees how long each sample held it up. */
static uint64_t measure_sample(const struct perf_event_attr *attr)
{
	uint64_t gaps[SAMPLE_COUNT];
	size_t count = 0;
	struct probe probe;
	open_probe(attr, 0, &probe);
	if (probe.fd >= 0)
		enable(&probe, true);
	uint64_t begin_ns = rec_now_ns(), last_ns = begin_ns, now_ns = begin_ns;
	while (probe.fd >= 0 && now_ns < begin_ns + MAX_SAMPLING_NS && count < SAMPLE_COUNT) {
		now_ns = rec_now_ns();
		uint64_t gap_ns = now_ns - last_ns;
		if (gap_ns > LEAST_GAP_NS && empty(&probe)) {
			if (gap_ns < LONGEST_GAP_NS)
				gaps[count++] = gap_ns;
			now_ns = rec_now_ns();
		}
		last_ns = now_ns;
	}
	close_probe(&probe);
	return count >= LEAST_COUNT ? typical(gaps, count) : 0;
}

/* ---- switches ---- */

struct partner {
	int request[2], answer[2]; /* pipes */
	_Atomic pid_t tid;
};

static void *answer(void *opaque)
{
	struct partner *partner = opaque;
	char byte;
	atomic_store(&partner->tid, (pid_t)syscall(SYS_gettid));
	while (read(partner->request[0], &byte, 1) == 1)
		if (write(partner->answer[1], &byte, 1) != 1)
			break;
	return NULL;
}

/* The typical time of a request and its answer: both threads are on one CPU, so two switches. */
static uint64_t measure_rounds(const struct partner *partner)
{
	uint64_t rounds[ROUND_COUNT];
	char byte = 0;
	for (size_t i = 0; i < ROUND_COUNT; i++) {
		uint64_t begin_ns = rec_now_ns();
		if (write(partner->request[1], &byte, 1) != 1 ||
			read(partner->answer[0], &byte, 1) != 1)
			return 0;
		rounds[i] = rec_now_ns() - begin_ns;
	}
	return typical(rounds, ROUND_COUNT);
}

static uint64_t measure_with_partner(
	const struct perf_event_attr *like, bool is_machine_wide, struct partner *partner)
{
	struct perf_event_attr attr = *like;
	struct probe own, other;
	attr.freq = 0; /* switches only */
	attr.sample_period = UINT32_MAX;
	uint64_t plain_ns = measure_rounds(partner); /* the partner has told its tid, too */
	open_probe(&attr, is_machine_wide ? -1 : 0, &own);
	other = (struct probe){.fd = -1};
	if (!is_machine_wide)
		open_probe(&attr, atomic_load(&partner->tid), &other);
	uint64_t probed_ns = 0;
	if (own.fd >= 0 && (other.fd >= 0 || is_machine_wide)) {
		enable(&own, true);
		if (other.fd >= 0)
			enable(&other, true);
		probed_ns = measure_rounds(partner);
	}
	close_probe(&own);
	close_probe(&other);
	return probed_ns > plain_ns ? (probed_ns - plain_ns) / 2 : 0;
}

static void close_pipe(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static uint64_t measure_switch(const struct perf_event_attr *attr, bool is_machine_wide)
{
	struct partner partner = {0};
	pthread_t thread;
	uint64_t switch_ns = 0;
	if (pipe2(partner.request, O_CLOEXEC) != 0)
		return 0;
	if (pipe2(partner.answer, O_CLOEXEC) != 0) {
		close_pipe(partner.request);
		return 0;
	}
	bool has_thread = pthread_create(&thread, NULL, answer, &partner) == 0;
	if (has_thread)
		switch_ns = measure_with_partner(attr, is_machine_wide, &partner);
	close(partner.request[1]);
	if (has_thread)
		pthread_join(thread, NULL);
	close(partner.request[0]);
	close_pipe(partner.answer);
	return switch_ns;
}

/* ---- both ---- */

struct job {
	const struct perf_event_attr *attr;
	bool is_machine_wide;
	struct rec_calibration result;
};

/* As deep as the part of the stack that samples copy, and on one CPU. */
static void *calibrate(void *opaque)
{
	struct job *job = opaque;
	volatile char deep[STACK_BYTES / 4];
	cpu_set_t one;
	for (size_t i = 0; i < sizeof(deep); i += 64)
		deep[i] = 0;
	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	if (job->attr->sample_period > 0) /* or frequency: one field */
		job->result.sample_ns = measure_sample(job->attr);
	if (job->attr->context_switch)
		job->result.switch_ns = measure_switch(job->attr, job->is_machine_wide);
	return NULL;
}

void rec_calibrate(const struct perf_event_attr *attr, bool is_machine_wide,
	struct rec_calibration *ret_calibration)
{
	struct job job = {.attr = attr, .is_machine_wide = is_machine_wide};
	pthread_attr_t small;
	pthread_t thread;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, STACK_BYTES);
	if (pthread_create(&thread, &small, calibrate, &job) == 0)
		pthread_join(thread, NULL);
	pthread_attr_destroy(&small);
	*ret_calibration = job.result;
}
