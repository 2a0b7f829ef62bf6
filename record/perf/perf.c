#include "perf/perf.h"

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

#include "perf/perf_attr.h"
#include "perf/perf_parse.h"
#include "tracefmt/error.h"

/* A sample ring holds what one CPU gives in an eighth of a second, within these bounds. */
#define CALM_RATE_HZ	      2000
#define RING_SHARE	      8
#define MIN_SAMPLE_RING_BYTES (1u << 20)
#define MAX_SAMPLE_RING_BYTES (16u << 20)
#define LIFE_RING_BYTES	      (256u << 10)
#define SWITCH_RING_BYTES     (8u << 20)
#define MIN_RING_BYTES	      (32u << 10)

/* Beyond it one process's share of the records is too small. */
#define MAX_MACHINE_CPUS 64
/* There is memory for large rings on each. */
#define FEW_CPUS 8

#define NO_STACKS ": no stacks, only processes, CPU and memory"

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
	int sample_epoll_fd; /* of the rings whose samples wake; -1: none do */
	bool is_eager;
	uint64_t round_ns; /* how often those are to be drained */
	struct ring *rings;
	size_t ring_count;
	struct rec_perf_layout layout;
	struct rec_perf_event event; /* when there are samples */
	bool failed_at_mmap;	     /* the last refusal */
	bool has_switch_stacks;
	bool is_machine_wide; /* the rings have the records of every process */
	/* Of threads that ran already; their records go into the rings. */
	bool attaches, is_started;
	int *watches;
	size_t watch_count, watch_capacity;
};

static int open_event(struct perf_event_attr *attr, pid_t pid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
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

/* The event whose ring it is: of one process, of nobody, or of everybody on that CPU. */
static int open_owner(
	const struct rec_perf *perf, const struct perf_event_attr *attr, pid_t pid, int cpu)
{
	struct perf_event_attr owner = *attr;
	if (!perf->is_machine_wide) {
		owner.inherit = !perf->attaches; /* not by our own threads */
		return open_event(&owner, pid, cpu);
	}
	owner.inherit = 0;
	owner.enable_on_exec = 0;
	owner.exclude_idle = 1;
	/* The clock of a task stands still where there is none. */
	if (owner.type == PERF_TYPE_SOFTWARE && owner.config == PERF_COUNT_SW_TASK_CLOCK)
		owner.config = PERF_COUNT_SW_CPU_CLOCK;
	return open_event(&owner, -1, cpu);
}

/* Whether each sample wakes, if anybody listens; else it is how full the ring is. */
static bool wakes_at_samples(const struct ring *ring)
{
	return !ring->attr.watermark;
}

/* Returns 0 (`ret_ring->fd` is -1 on an offline CPU), or -1 with errno. */
static int open_ring(struct rec_perf *perf, struct perf_event_attr *attr, pid_t pid, int cpu,
	size_t size_bytes, struct ring *ret_ring)
{
	struct epoll_event event = {.events = EPOLLIN};
	/* With samples in it as well it is not looked through in advance. */
	*ret_ring = (struct ring){
		.cpu = cpu, .attr = *attr, .is_life = attr->task && !attr->context_switch};
	perf->failed_at_mmap = false;
	ret_ring->fd = open_owner(perf, attr, pid, cpu);
	if (ret_ring->fd < 0)
		return errno == ENODEV ? 0 : -1;
	ret_ring->copy = malloc(UINT16_MAX + 1);
	if (ret_ring->copy && map_ring(ret_ring, size_bytes) == 0 &&
		(wakes_at_samples(ret_ring) ||
			epoll_ctl(perf->epoll_fd, EPOLL_CTL_ADD, ret_ring->fd, &event) == 0))
		return 0;
	int saved_errno = errno;
	perf->failed_at_mmap = true;
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
	bool wakes_late = attr->watermark && attr->wakeup_watermark > 1;
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

/* What the kernel refused, and how that could be changed. */
static void describe_refusal(
	char *reason, size_t size_bytes, const struct rec_perf *perf, int error, const char *effect)
{
	long paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
	bool is_forbidden = error == EACCES || error == EPERM;
	bool has_level = is_forbidden && !perf->failed_at_mmap;
	const char *remedy = "";
	if (perf->failed_at_mmap && is_forbidden)
		remedy = "; locked memory is short: raise kernel.perf_event_mlock_kb or ulimit -l";
	else if (is_forbidden && paranoid > 2)
		remedy = "; to allow it: sysctl kernel.perf_event_paranoid=2";
	else if (is_forbidden)
		remedy =
			"; a seccomp filter refuses it, as in containers: allow the call there, or "
			"give CAP_PERFMON";
	else if (error == EMFILE)
		remedy = "; to allow it: ulimit -n 1024";
	char level[48] = "";
	if (has_level)
		snprintf(level, sizeof(level), " (perf_event_paranoid=%ld)", paranoid);
	snprintf(reason, size_bytes, "%s: %s%s%s%s",
		perf->failed_at_mmap ? "mmap of perf's rings" : "perf_event_open", strerror(error),
		level, remedy, effect);
}

static void describe_no_kernel(char *reason, size_t size_bytes, int error)
{
	snprintf(reason, size_bytes,
		"perf_event_open: %s (perf_event_paranoid=%ld): only user code is sampled; for the "
		"kernel's too: sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON",
		strerror(error), read_number("/proc/sys/kernel/perf_event_paranoid"));
}

static void describe_no_counter(char *reason, size_t size_bytes, const char *name, int error)
{
	snprintf(reason, size_bytes,
		"perf_event_open: %s: this machine has no counter of %s, as most virtual ones: CPU "
		"time is sampled instead",
		strerror(error), name);
}

static void limit_rate(struct rec_perf *perf, struct rec_perf_options *options)
{
	long limit = read_number("/proc/sys/kernel/perf_event_max_sample_rate");
	if (limit > 0 && options->rate_hz > (uint64_t)limit)
		options->rate_hz = (uint64_t)limit;
	perf->rate_hz = options->rate_hz;
}

static size_t sample_ring_bytes(const struct rec_perf *perf, const struct rec_perf_options *options)
{
	uint64_t wanted = options->rate_hz * options->stack_bytes / RING_SHARE;
	size_t size_bytes = MIN_SAMPLE_RING_BYTES;
	/* On a busy machine all CPUs give samples all the time, and our turn comes late. */
	if (perf->is_machine_wide && sysconf(_SC_NPROCESSORS_CONF) <= FEW_CPUS)
		wanted *= 4;
	while (size_bytes < wanted && size_bytes < MAX_SAMPLE_RING_BYTES)
		size_bytes *= 2;
	return size_bytes;
}

/* The time in which a fourth of the last ring is filled by samples. */
static uint64_t round_of(const struct rec_perf *perf, const struct rec_perf_options *options)
{
	uint64_t ring_bytes = perf->rings[perf->ring_count - 1].size_bytes;
	uint64_t sample_bytes = options->stack_bytes + 1024;
	return ring_bytes / 4 * 1000000000 / (options->rate_hz * sample_bytes);
}

static void open_switch_stacks(
	struct rec_perf *perf, const struct rec_perf_options *options, pid_t pid)
{
	struct perf_event_attr attr =
		rec_perf_attr_switch_stacks(options, perf->layout.has_kernel_frames);
	perf->has_switch_stacks =
		!options->has_one_ring && add_rings(perf, &attr, pid, SWITCH_RING_BYTES) == 0;
}

static int open_samples_of(struct rec_perf *perf, const struct rec_perf_options *options,
	const struct rec_perf_event *event, pid_t pid, char *reason, size_t reason_bytes)
{
	bool with_kernel = !event->is_user_only;
	for (;; with_kernel = false) {
		struct perf_event_attr attr = rec_perf_attr_samples(options, event, with_kernel);
		if (options->has_one_ring)
			rec_perf_attr_add_life(&attr);
		perf->layout.has_kernel_frames = with_kernel && options->user_registers != 0;
		if (add_rings(perf, &attr, pid, sample_ring_bytes(perf, options)) == 0) {
			perf->mode = with_kernel ? REC_PERF_KERNEL : REC_PERF_USER;
			perf->event = *event;
			if (!attr.watermark)
				perf->round_ns = round_of(perf, options);
			if (options->with_switch_stacks)
				open_switch_stacks(perf, options, pid);
			return 0;
		}
		if (!with_kernel)
			return -1;
		describe_no_kernel(reason, reason_bytes, errno);
	}
}

static int open_samples(struct rec_perf *perf, const struct rec_perf_options *options, pid_t pid,
	char *reason, size_t reason_bytes)
{
	struct rec_perf_event event, cpu_time;
	rec_perf_event_find(options->event, &event);
	rec_perf_event_find(NULL, &cpu_time);
	if (open_samples_of(perf, options, &event, pid, reason, reason_bytes) == 0)
		return 0;
	if (event.count_by_s == 0 || errno == EACCES || errno == EPERM)
		return -1;
	int counter_errno = errno;
	if (open_samples_of(perf, options, &cpu_time, pid, reason, reason_bytes) != 0)
		return -1;
	describe_no_counter(reason, reason_bytes, event.name, counter_errno);
	return 0;
}

/* All there may be, in the order of worth. Returns 0, or -1 with errno. */
static int open_all(struct rec_perf *perf, struct rec_perf_options *options, pid_t pid,
	char *reason, size_t reason_bytes)
{
	struct perf_event_attr life = rec_perf_attr_life();
	struct perf_event_attr switches = rec_perf_attr_switches();
	if (!options->has_one_ring && add_rings(perf, &life, pid, LIFE_RING_BYTES) != 0)
		return -1;
	if (options->with_samples) {
		limit_rate(perf, options);
		if (open_samples(perf, options, pid, reason, reason_bytes) == 0)
			return 0;
		if (options->needs_samples)
			return -1;
		describe_refusal(reason, reason_bytes, perf, errno, NO_STACKS);
	}
	if (options->has_one_ring)
		rec_perf_attr_add_life(&switches);
	if (add_rings(perf, &switches, pid, MIN_SAMPLE_RING_BYTES) != 0 && options->has_one_ring)
		return -1;
	perf->mode = REC_PERF_LIFE;
	return 0;
}

/* All events of all CPUs. Returns false, with nothing changed, where that is not allowed. */
static bool open_machine(struct rec_perf *perf, const struct rec_perf_options *options,
	char *reason, size_t reason_bytes)
{
	struct rec_perf_options wanted = *options;
	wanted.has_one_ring = false;
	wanted.needs_samples = options->with_samples;
	if (!options->prefers_machine || sysconf(_SC_NPROCESSORS_CONF) > MAX_MACHINE_CPUS)
		return false;
	perf->is_machine_wide = true;
	if (open_all(perf, &wanted, 0, reason, reason_bytes) == 0 && perf->mode != REC_PERF_USER)
		return true;
	perf->is_machine_wide = false;
	perf->mode = REC_PERF_NONE;
	*reason = '\0';
	close_rings_from(perf, 0);
	return false;
}

int rec_perf_open(const struct rec_perf_options *options, pid_t pid, struct rec_perf **ret_perf,
	char *ret_reason, size_t reason_bytes)
{
	struct rec_perf_options wanted = *options;
	struct rec_perf *perf = calloc(1, sizeof(*perf));
	if (!perf)
		return TFMT_E_NOMEM;
	*ret_reason = '\0';
	*ret_perf = perf;
	perf->attaches = pid == 0;
	perf->epoll_fd = perf->sample_epoll_fd = -1;
	perf->round_ns = UINT64_MAX;
	if (options->is_unwanted)
		return 0;
	perf->layout.register_count = (unsigned)__builtin_popcountll(options->user_registers);
	perf->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (options->wakes_at_samples)
		perf->sample_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (perf->epoll_fd >= 0 && pid == 0 &&
		open_machine(perf, options, ret_reason, reason_bytes))
		return 0;
	if (perf->epoll_fd >= 0 && open_all(perf, &wanted, pid, ret_reason, reason_bytes) == 0)
		return 0;
	describe_refusal(
		ret_reason, reason_bytes, perf, errno, options->needs_samples ? "" : NO_STACKS);
	close_rings_from(perf, 0);
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
	if (perf->is_machine_wide)
		return 0;
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
	for (size_t i = 0; perf->is_machine_wide && i < perf->ring_count; i++)
		ioctl(perf->rings[i].fd, PERF_EVENT_IOC_ENABLE, 0);
	for (size_t i = 0; i < perf->watch_count; i++)
		ioctl(perf->watches[i], PERF_EVENT_IOC_ENABLE, 0);
}

size_t rec_perf_watch_cost(const struct rec_perf *perf)
{
	return perf->is_machine_wide ? 0 : perf->ring_count;
}

bool rec_perf_is_machine_wide(const struct rec_perf *perf)
{
	return perf->is_machine_wide;
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
	if (perf->sample_epoll_fd >= 0)
		close(perf->sample_epoll_fd);
	free(perf);
}

int rec_perf_try_switch_stacks(void)
{
	struct rec_perf_options options = {.user_registers = 1};
	struct perf_event_attr attr = rec_perf_attr_switch_stacks(&options, false);
	int fd = open_event(&attr, 0, -1);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

bool rec_perf_has_switch_stacks(const struct rec_perf *perf)
{
	return perf->has_switch_stacks;
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

const char *rec_perf_event_name(const struct rec_perf *perf)
{
	bool is_clock = perf->is_machine_wide && perf->event.count_by_s == 0;
	const char *name = is_clock ? "cpu-clock" : perf->event.name;
	return perf->mode >= REC_PERF_USER ? name : NULL;
}

bool rec_perf_counts_events(const struct rec_perf *perf)
{
	return perf->event.count_by_s > 0;
}

int rec_perf_fd(const struct rec_perf *perf)
{
	return perf->ring_count > 0 ? perf->epoll_fd : -1;
}

int rec_perf_sample_fd(const struct rec_perf *perf)
{
	return perf->sample_epoll_fd;
}

void rec_perf_set_eager(struct rec_perf *perf, bool is_eager)
{
	struct epoll_event event = {.events = EPOLLIN};
	if (is_eager == perf->is_eager || perf->sample_epoll_fd < 0)
		return;
	perf->is_eager = is_eager;
	for (size_t i = 0; i < perf->ring_count; i++)
		if (wakes_at_samples(&perf->rings[i]))
			epoll_ctl(perf->sample_epoll_fd, is_eager ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
				perf->rings[i].fd, &event);
}

uint64_t rec_perf_round_ns(const struct rec_perf *perf)
{
	return perf->round_ns;
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

static bool is_of_switches(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE && attr->config == PERF_COUNT_SW_CONTEXT_SWITCHES;
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
			if (ring->next.type == PERF_RECORD_SAMPLE)
				ring->next.sample.is_switch = is_of_switches(&ring->attr);
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

static void peek_at_ring(struct rec_perf *perf, struct ring *ring,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
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

bool rec_perf_peek(struct rec_perf *perf,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
	bool is_told = false;
	for (size_t i = 0; i < perf->ring_count; i++) {
		if (!perf->rings[i].is_life)
			continue;
		peek_at_ring(perf, &perf->rings[i], handle, context);
		is_told = true;
	}
	return is_told;
}

void rec_perf_peek_samples(struct rec_perf *perf,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context)
{
	for (size_t i = 0; perf->is_eager && i < perf->ring_count; i++)
		if (wakes_at_samples(&perf->rings[i]))
			peek_at_ring(perf, &perf->rings[i], handle, context);
}

void rec_perf_stop(struct rec_perf *perf)
{
	for (size_t i = 0; i < perf->ring_count; i++)
		ioctl(perf->rings[i].fd, PERF_EVENT_IOC_DISABLE, 0);
	for (size_t i = 0; i < perf->watch_count; i++)
		ioctl(perf->watches[i], PERF_EVENT_IOC_DISABLE, 0);
}
