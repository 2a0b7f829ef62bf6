#include "perf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "perf_parse.h"
#include "tracefmt/error.h"

/* A sample ring holds what one CPU gives in an eighth of a second, within these bounds. */
#define CALM_RATE_HZ	      2000
#define RING_SHARE	      8
#define MIN_SAMPLE_RING_BYTES (1u << 20)
#define MAX_SAMPLE_RING_BYTES (16u << 20)
#define LIFE_RING_BYTES	      (256u << 10)
#define MIN_RING_BYTES	      (32u << 10)

struct ring {
	int fd;
	int cpu;
	struct perf_event_attr attr;
	struct perf_event_mmap_page *page;
	size_t mapped_bytes;
	const uint8_t *data;
	uint64_t size_bytes; /* a power of two */
	uint64_t head;	     /* as read at the start of the round */
	uint64_t tail;
	uint64_t peeked; /* how far rec_perf_peek() has looked */
	bool is_life;
	/* The record at tail, when has_next. */
	struct rec_perf_record next;
	bool has_next;
	uint64_t next_bytes;
	uint8_t *copy; /* of a record that wraps around the end of the ring */
};

struct rec_perf {
	enum rec_perf_mode mode;
	uint64_t rate_hz;
	int epoll_fd;
	struct ring *rings;
	size_t ring_count;
	struct rec_perf_layout layout;
	/* Of threads that ran already; their records go into the rings. */
	bool attaches, is_started;
	int *watches;
	size_t watch_count, watch_capacity;
};

static int open_event(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void fill_common(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->type = PERF_TYPE_SOFTWARE;
	attr->disabled = 1;
	attr->enable_on_exec = 1;
	attr->inherit = 1;
	attr->sample_id_all = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
}

static void add_life(struct perf_event_attr *attr)
{
	attr->task = 1;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->build_id = 1;
}

static struct perf_event_attr life_attr(void)
{
	struct perf_event_attr attr = {0};
	fill_common(&attr);
	attr.config = PERF_COUNT_SW_DUMMY;
	attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
	add_life(&attr);
	attr.exclude_kernel = 1;
	attr.wakeup_watermark = 1;
	return attr;
}

static struct perf_event_attr sample_attr(const struct rec_perf_options *options, bool with_kernel)
{
	struct perf_event_attr attr = {0};
	fill_common(&attr);
	attr.config = PERF_COUNT_SW_TASK_CLOCK;
	attr.freq = 1;
	attr.sample_freq = options->rate_hz;
	attr.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU |
			   PERF_SAMPLE_PERIOD | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
	attr.sample_regs_user = options->user_registers;
	attr.sample_stack_user = options->stack_bytes;
	attr.context_switch = 1;
	attr.exclude_kernel = !with_kernel;
	attr.exclude_hv = 1;
	if (with_kernel) {
		attr.sample_type |= PERF_SAMPLE_CALLCHAIN;
		attr.exclude_callchain_user = 1;
		attr.sample_max_stack = REC_PERF_MAX_KERNEL_FRAMES - 1;
	}
	attr.wakeup_watermark = UINT32_MAX; /* set with the ring's size */
	return attr;
}

/* No samples: only when threads run and when they do not. */
static struct perf_event_attr switch_attr(void)
{
	struct perf_event_attr attr = {0};
	fill_common(&attr);
	attr.config = PERF_COUNT_SW_DUMMY;
	attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
	attr.context_switch = 1;
	attr.exclude_kernel = 1;
	attr.wakeup_watermark = UINT32_MAX; /* set with the ring's size */
	return attr;
}

static int map_ring(struct ring *ring, size_t size_bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *map = mmap(
		NULL, page_bytes + size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	ring->page = map;
	ring->mapped_bytes = page_bytes + size_bytes;
	ring->data = (const uint8_t *)map + page_bytes;
	ring->size_bytes = size_bytes;
	return 0;
}

static void close_ring(struct ring *ring)
{
	if (ring->page)
		munmap(ring->page, ring->mapped_bytes);
	if (ring->fd >= 0)
		close(ring->fd);
	free(ring->copy);
}

static void close_rings_from(struct rec_perf *perf, size_t first)
{
	while (perf->ring_count > first)
		close_ring(&perf->rings[--perf->ring_count]);
}

/* Returns 0 (`ret_ring->fd` is -1 on an offline CPU), or -1 with errno. */
static int open_ring(struct rec_perf *perf, struct perf_event_attr *attr, pid_t pid, int cpu,
	size_t size_bytes, struct ring *ret_ring)
{
	struct epoll_event event = {.events = EPOLLIN};
	/* With samples in it as well it is not looked through in advance. */
	*ret_ring = (struct ring){
		.cpu = cpu, .attr = *attr, .is_life = attr->task && !attr->context_switch};
	struct perf_event_attr owner = *attr;
	owner.inherit = !perf->attaches; /* not by our own threads */
	ret_ring->fd = open_event(&owner, pid, cpu);
	if (ret_ring->fd < 0)
		return errno == ENODEV ? 0 : -1;
	ret_ring->copy = malloc(UINT16_MAX + 1);
	if (ret_ring->copy && map_ring(ret_ring, size_bytes) == 0 &&
		epoll_ctl(perf->epoll_fd, EPOLL_CTL_ADD, ret_ring->fd, &event) == 0)
		return 0;
	int saved_errno = errno;
	close_ring(ret_ring);
	errno = saved_errno;
	return -1;
}

/* A ring of `attr` on every CPU, all or none. Returns 0, or -1 with errno. */
static int add_rings_of_size(
	struct rec_perf *perf, struct perf_event_attr *attr, pid_t pid, size_t size_bytes)
{
	size_t first = perf->ring_count;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct ring *rings = realloc(perf->rings, (first + (size_t)cpus) * sizeof(*rings));
	if (!rings)
		return -1;
	perf->rings = rings;
	for (int cpu = 0; cpu < cpus; cpu++) {
		struct ring ring;
		if (open_ring(perf, attr, pid, cpu, size_bytes, &ring) != 0) {
			int saved_errno = errno;
			close_rings_from(perf, first);
			errno = saved_errno;
			return -1;
		}
		if (ring.fd >= 0)
			perf->rings[perf->ring_count++] = ring;
	}
	return 0;
}

/* The same size for all CPUs, smaller and smaller while locked memory is short. */
static int add_rings(
	struct rec_perf *perf, struct perf_event_attr *attr, pid_t pid, size_t size_bytes)
{
	bool wakes_late = attr->wakeup_watermark > 1;
	/* Each wake-up finds cold caches; at a high rate what is left of the ring fills fast. */
	uint32_t share = perf->rate_hz <= CALM_RATE_HZ ? 2 : 4;
	for (; size_bytes >= MIN_RING_BYTES; size_bytes /= 2) {
		if (wakes_late)
			attr->wakeup_watermark = (uint32_t)size_bytes / share;
		if (add_rings_of_size(perf, attr, pid, size_bytes) == 0)
			return 0;
		if (errno != EPERM && errno != ENOMEM)
			return -1;
	}
	return -1;
}

static long read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

static void describe_refusal(char *reason, size_t size_bytes, int error)
{
	long paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
	bool is_forbidden = error == EACCES || error == EPERM;
	const char *remedy = "";
	if (is_forbidden && paranoid > 2)
		remedy = "; to allow it: sysctl kernel.perf_event_paranoid=2";
	else if (is_forbidden)
		remedy =
			"; a seccomp filter refuses it, as in containers: allow the call there, or "
			"give CAP_PERFMON";
	else if (error == EMFILE)
		remedy = "; to allow it: ulimit -n 1024";
	char level[48] = "";
	if (is_forbidden)
		snprintf(level, sizeof(level), " (perf_event_paranoid=%ld)", paranoid);
	snprintf(reason, size_bytes,
		"perf_event_open: %s%s: no stacks, only processes, CPU and memory%s",
		strerror(error), level, remedy);
}

static void limit_rate(struct rec_perf *perf, struct rec_perf_options *options)
{
	long limit = read_number("/proc/sys/kernel/perf_event_max_sample_rate");
	if (limit > 0 && options->rate_hz > (uint64_t)limit)
		options->rate_hz = (uint64_t)limit;
	perf->rate_hz = options->rate_hz;
}

static size_t sample_ring_bytes(const struct rec_perf_options *options)
{
	uint64_t wanted = options->rate_hz * options->stack_bytes / RING_SHARE;
	size_t size_bytes = MIN_SAMPLE_RING_BYTES;
	while (size_bytes < wanted && size_bytes < MAX_SAMPLE_RING_BYTES)
		size_bytes *= 2;
	return size_bytes;
}

static int open_samples(struct rec_perf *perf, const struct rec_perf_options *options, pid_t pid)
{
	for (int with_kernel = 1; with_kernel >= 0; with_kernel--) {
		struct perf_event_attr attr = sample_attr(options, with_kernel);
		if (options->has_one_ring)
			add_life(&attr);
		perf->layout.has_kernel_frames = with_kernel;
		if (add_rings(perf, &attr, pid, sample_ring_bytes(options)) == 0) {
			perf->mode = with_kernel ? REC_PERF_KERNEL : REC_PERF_USER;
			return 0;
		}
	}
	return -1;
}

int rec_perf_open(const struct rec_perf_options *options, pid_t pid, struct rec_perf **ret_perf,
	char *ret_reason, size_t reason_bytes)
{
	struct rec_perf_options wanted = *options;
	struct rec_perf *perf = calloc(1, sizeof(*perf));
	if (!perf)
		return TFMT_E_NOMEM;
	*ret_reason = '\0';
	perf->attaches = pid == 0;
	perf->layout.register_count = (unsigned)__builtin_popcountll(options->user_registers);
	perf->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct perf_event_attr life = life_attr();
	bool has_life_ring = !options->has_one_ring;
	if (perf->epoll_fd < 0 ||
		(has_life_ring && add_rings(perf, &life, pid, LIFE_RING_BYTES) != 0)) {
		describe_refusal(ret_reason, reason_bytes, errno);
	} else {
		perf->mode = REC_PERF_LIFE;
		if (wanted.with_samples) {
			limit_rate(perf, &wanted);
			if (open_samples(perf, &wanted, pid) != 0)
				describe_refusal(ret_reason, reason_bytes, errno);
		}
		if (perf->mode == REC_PERF_LIFE) {
			struct perf_event_attr switches = switch_attr();
			if (!has_life_ring)
				add_life(&switches);
			if (add_rings(perf, &switches, pid, MIN_SAMPLE_RING_BYTES) != 0 &&
				!has_life_ring)
				perf->mode = REC_PERF_NONE;
		}
	}
	*ret_perf = perf;
	return 0;
}

/* ---- threads that run already ---- */

static void close_watches_from(struct rec_perf *perf, size_t first)
{
	while (perf->watch_count > first)
		close(perf->watches[--perf->watch_count]);
}

static int make_room_for_watches(struct rec_perf *perf)
{
	if (perf->watch_count + perf->ring_count <= perf->watch_capacity)
		return 0;
	size_t capacity = 2 * perf->watch_capacity + perf->ring_count;
	int *watches = realloc(perf->watches, capacity * sizeof(*watches));
	if (!watches)
		return -1;
	perf->watches = watches;
	perf->watch_capacity = capacity;
	return 0;
}

int rec_perf_watch(struct rec_perf *perf, pid_t tid)
{
	size_t first = perf->watch_count;
	if (make_room_for_watches(perf) != 0)
		return ENOMEM;
	for (size_t i = 0; i < perf->ring_count; i++) {
		struct ring *ring = &perf->rings[i];
		int fd = open_event(&ring->attr, tid, ring->cpu);
		if (fd >= 0)
			perf->watches[perf->watch_count++] = fd;
		if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, ring->fd) != 0) {
			int error = errno;
			close_watches_from(perf, first);
			return error;
		}
	}
	for (size_t i = first; perf->is_started && i < perf->watch_count; i++)
		ioctl(perf->watches[i], PERF_EVENT_IOC_ENABLE, 0);
	return 0;
}

void rec_perf_start(struct rec_perf *perf)
{
	perf->is_started = true;
	for (size_t i = 0; i < perf->watch_count; i++)
		ioctl(perf->watches[i], PERF_EVENT_IOC_ENABLE, 0);
}

size_t rec_perf_ring_count(const struct rec_perf *perf)
{
	return perf->ring_count;
}

void rec_perf_free(struct rec_perf *perf)
{
	if (!perf)
		return;
	close_watches_from(perf, 0);
	free(perf->watches);
	close_rings_from(perf, 0);
	free(perf->rings);
	if (perf->epoll_fd >= 0)
		close(perf->epoll_fd);
	free(perf);
}

enum rec_perf_mode rec_perf_mode(const struct rec_perf *perf)
{
	return perf->mode;
}

uint64_t rec_perf_rate_hz(const struct rec_perf *perf)
{
	return perf->mode >= REC_PERF_USER ? perf->rate_hz : 0;
}

const struct perf_event_attr *rec_perf_sample_attr(const struct rec_perf *perf)
{
	for (size_t i = 0; i < perf->ring_count; i++)
		if (perf->rings[i].attr.context_switch)
			return &perf->rings[i].attr;
	return NULL;
}

int rec_perf_fd(const struct rec_perf *perf)
{
	return perf->ring_count > 0 ? perf->epoll_fd : -1;
}

/* The record at the tail as one piece, or NULL when there is none. */
static const struct perf_event_header *peek(struct ring *ring)
{
	if (ring->tail >= ring->head)
		return NULL;
	uint64_t at = ring->tail & (ring->size_bytes - 1);
	const struct perf_event_header *header = (const void *)(ring->data + at);
	uint64_t room = ring->size_bytes - at;
	if (header->size <= room)
		return header;
	memcpy(ring->copy, ring->data + at, room);
	memcpy(ring->copy + room, ring->data, header->size - room);
	return (const void *)ring->copy;
}

/* Advance to the next record that we understand. */
static void load_next(const struct rec_perf *perf, struct ring *ring)
{
	const struct perf_event_header *header;
	ring->has_next = false;
	while ((header = peek(ring))) {
		if (header->size < sizeof(*header)) {
			ring->tail = ring->head; /* never seen; must not loop */
			return;
		}
		ring->next_bytes = header->size;
		if (rec_perf_parse(&perf->layout, header, &ring->next)) {
			ring->has_next = true;
			return;
		}
		ring->tail += header->size;
	}
}

static struct ring *oldest(struct rec_perf *perf)
{
	struct ring *best = NULL;
	for (size_t i = 0; i < perf->ring_count; i++) {
		struct ring *ring = &perf->rings[i];
		if (ring->has_next && (!best || ring->next.time_ns < best->next.time_ns))
			best = ring;
	}
	return best;
}

bool rec_perf_drain(struct rec_perf *perf, uint64_t until_ns,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
	for (size_t i = 0; i < perf->ring_count; i++) {
		struct ring *ring = &perf->rings[i];
		ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
		load_next(perf, ring);
	}
	struct ring *ring;
	while ((ring = oldest(perf)) && ring->next.time_ns <= until_ns) {
		handle(context, &ring->next);
		ring->tail += ring->next_bytes;
		__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
		load_next(perf, ring);
	}
	for (size_t i = 0; i < perf->ring_count; i++)
		if (perf->rings[i].is_life && perf->rings[i].has_next)
			return true;
	return false;
}

void rec_perf_peek(struct rec_perf *perf,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
	for (size_t i = 0; i < perf->ring_count; i++) {
		struct ring *ring = &perf->rings[i];
		if (!ring->is_life)
			continue;
		uint64_t tail = ring->tail;
		ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
		ring->tail = ring->peeked > tail ? ring->peeked : tail;
		for (load_next(perf, ring); ring->has_next; load_next(perf, ring)) {
			handle(context, &ring->next);
			ring->tail += ring->next_bytes;
		}
		ring->peeked = ring->tail;
		ring->tail = tail;
	}
}

void rec_perf_stop(struct rec_perf *perf)
{
	for (size_t i = 0; i < perf->ring_count; i++)
		ioctl(perf->rings[i].fd, PERF_EVENT_IOC_DISABLE, 0);
	for (size_t i = 0; i < perf->watch_count; i++)
		ioctl(perf->watches[i], PERF_EVENT_IOC_DISABLE, 0);
}
