/*
 * What one sample of Python code costs at least: to be woken by it, and to read 2 KiB of the
 * process: wakeup PID SECONDS. Prints µs of CPU time per sample, without and with the read.
 */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS  1000000
#define RING_PAGES 8
#define READ_BYTES 2048

static double cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Where the process's heap begins, 0: it has none. */
static unsigned long heap_of(pid_t pid)
{
	unsigned long start = 0;
	char path[32], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	while (maps && start == 0 && fgets(line, sizeof(line), maps))
		if (strstr(line, "[heap]"))
			start = strtoul(line, NULL, 16);
	if (maps)
		fclose(maps);
	return start;
}

static double wakeups(pid_t pid, int fd, volatile struct perf_event_mmap_page *ring,
	unsigned long address, long seconds)
{
	int poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN};
	double start_us = cpu_us();
	time_t end = time(NULL) + seconds;
	char copy[READ_BYTES];
	long count = 0;

	epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
	while (time(NULL) < end) {
		struct iovec here = {copy, sizeof(copy)};
		struct iovec there = {(void *)address, sizeof(copy)};

		epoll_wait(poller, &event, 1, 100);
		count += ring->data_head != ring->data_tail;
		ring->data_tail = ring->data_head;
		if (address)
			process_vm_readv(pid, &here, 1, &there, 1, 0);
	}
	close(poller);
	return count ? (cpu_us() - start_us) / (double)count : 0;
}

int main(int argc, char **argv)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
		.wakeup_events = 1,
		.exclude_kernel = 1,
	};
	pid_t pid = argc > 2 ? atoi(argv[1]) : 0;
	long seconds = argc > 2 ? atol(argv[2]) : 0;
	int fd = (int)syscall(SYS_perf_event_open, &attributes, pid, -1, -1, 0);
	void *ring = fd < 0 ? MAP_FAILED
			    : mmap(NULL, (1 + RING_PAGES) * 4096, PROT_READ | PROT_WRITE,
				      MAP_SHARED, fd, 0);

	if (ring == MAP_FAILED) {
		perror("wakeup: perf_event_open");
		return 1;
	}
	printf("%.1f", wakeups(pid, fd, ring, 0, seconds));
	printf(" %.1f\n", wakeups(pid, fd, ring, heap_of(pid), seconds));
	return 0;
}
