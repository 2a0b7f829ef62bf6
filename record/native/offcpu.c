#include "native/offcpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "perf/perf.h"
#include "procfs.h"

/* Share of one CPU that readings may take, and what may be saved up while there are none. */
#define BUDGET_SHARE  200
#define MAX_BUDGET_NS 20000000
/* With less than that only what lasts is read. */
#define LOW_BUDGET_NS 5000000
/* Share of it for waits that are probably where the thread's others were, and what is saved up. */
#define STEADY_SHARE	     5
#define MAX_STEADY_BUDGET_NS 4000000
/* Guess of what the first readings cost; the clock of our CPU time is asked every so many. */
#define FIRST_COST_NS  5000
#define READS_PER_LOOK 16
/* So many waits in one place make the next ones not worth a look, but for every eighth. */
#define HABIT_STREAK 4
#define HABIT_CHECK  8
/* After a refusal: a program may exec into one that can be read. */
#define REFUSED_NS 1000000000ull
/* Descriptors kept open, at most, and of the limit. */
#define MAX_FDS	       128
#define FD_LIMIT_SHARE 8

/* What became of the reading of a wait; from RESULT_LATE on: why there is none. */
enum result {
	RESULT_READ,
	RESULT_LATE,
	RESULT_BUDGET,
	RESULT_PERMISSION,
	RESULT_32_BIT,
	RESULT_UNREADABLE,
	RESULT_COUNT,
};

static const char *const reasons[] = {
	[RESULT_LATE] = "wait over before it was read",
	[RESULT_BUDGET] = "reading all waits would cost too much",
	[RESULT_PERMISSION] = "wait not read: no permission",
	[RESULT_32_BIT] = "wait not read: 32-bit program",
	[RESULT_UNREADABLE] = "wait not read: /proc/PID/task/TID/syscall does not tell",
};

enum { QUEUE_NEW, QUEUE_STEADY, QUEUE_COUNT };

struct rec_offcpu {
	rec_offcpu_unwind *unwind;
	void *context;
	struct rec_offcpu_queue queues[QUEUE_COUNT];
	int64_t budget_ns;	  /* of CPU time */
	int64_t steady_budget_ns; /* of that, for QUEUE_STEADY */
	int64_t cost_ns;	  /* of one reading, lately */
	uint64_t look_ns;	  /* of the last look */
	uint64_t short_ns;	  /* when the budget last did not suffice */
	int fd_count, max_fds;
	struct rec_offcpu_counts counts;
	uint64_t losses[RESULT_COUNT]; /* not yet written */
};

int rec_offcpu_parse(struct rec_options *options, const struct msg *msg)
{
	const char *name = options->offcpu_name;
	if (!name || strcmp(name, "long") == 0)
		return 0;
	if (strcmp(name, "all") != 0) {
		msg_error(msg, "--offcpu %s: long or all", name);
		return -1;
	}
	int error = rec_perf_try_switch_stacks();
	if (error != 0) {
		msg_error(msg,
			"--offcpu all: perf_event_open: %s: that needs "
			"kernel.perf_event_paranoid=1 or CAP_PERFMON; --offcpu long does not",
			strerror(error));
		return -1;
	}
	options->wants_all_offcpu = !options->without_offcpu;
	return 0;
}

struct rec_offcpu *rec_offcpu_new(rec_offcpu_unwind *unwind, void *context)
{
	struct rec_offcpu *offcpu = calloc(1, sizeof(*offcpu));
	struct rlimit limit = {0};
	if (!offcpu)
		return NULL;
	offcpu->unwind = unwind;
	offcpu->context = context;
	offcpu->budget_ns = MAX_BUDGET_NS;
	offcpu->steady_budget_ns = MAX_STEADY_BUDGET_NS;
	offcpu->cost_ns = FIRST_COST_NS;
	getrlimit(RLIMIT_NOFILE, &limit);
	rlim_t share = limit.rlim_cur / FD_LIMIT_SHARE;
	offcpu->max_fds = share < MAX_FDS ? (int)share : MAX_FDS;
	return offcpu;
}

void rec_offcpu_free(struct rec_offcpu *offcpu)
{
	free(offcpu);
}

/* ---- which waits are on ---- */

void rec_offcpu_cancel(struct rec_offcpu_thread *entry)
{
	struct rec_offcpu_queue *queue = entry->queue;
	if (!queue)
		return;
	*(entry->previous ? &entry->previous->next : &queue->first) = entry->next;
	*(entry->next ? &entry->next->previous : &queue->last) = entry->previous;
	entry->queue = NULL;
}

/* In the order of time: nearly always at the end. */
static void enqueue(struct rec_offcpu_queue *queue, struct rec_offcpu_thread *entry)
{
	struct rec_offcpu_thread *before = queue->last;
	while (before && before->since_ns > entry->since_ns)
		before = before->previous;
	entry->queue = queue;
	entry->previous = before;
	entry->next = before ? before->next : queue->first;
	*(before ? &before->next : &queue->first) = entry;
	*(entry->next ? &entry->next->previous : &queue->last) = entry;
}

void rec_offcpu_begin(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry,
	struct rec_thread *thread, uint64_t time_ns)
{
	if (entry->thread && entry->since_ns == time_ns)
		return;
	rec_offcpu_cancel(entry);
	entry->thread = thread;
	entry->since_ns = time_ns;
	entry->view = (struct rec_wait_view){0};
	if (time_ns < entry->refused_until_ns)
		return; /* with the last result */
	entry->result = RESULT_LATE;
	bool is_steady = entry->habits[REC_HABIT_LONG].streak >= HABIT_STREAK &&
			 ++entry->wait_count % HABIT_CHECK != 0;
	enqueue(&offcpu->queues[is_steady ? QUEUE_STEADY : QUEUE_NEW], entry);
}

void rec_offcpu_release(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry)
{
	rec_offcpu_cancel(entry);
	if (entry->fd > 0) {
		close(entry->fd - 1);
		offcpu->fd_count--;
	}
	entry->fd = 0;
}

/* ---- reading one ---- */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* The descriptor of the thread's file. Threads met again keep it, as far as there are some. */
static int open_line(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry)
{
	char path[64];
	if (entry->fd > 0)
		return entry->fd - 1;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)entry->thread->process->pid,
		(int)entry->thread->tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && entry->is_met && offcpu->fd_count < offcpu->max_fds) {
		entry->fd = fd + 1;
		offcpu->fd_count++;
	}
	entry->is_met = true;
	return fd;
}

static enum result result_of_errno(int error)
{
	if (error == EACCES || error == EPERM)
		return RESULT_PERMISSION;
	/* It is just ending. */
	return error == ENOENT || error == ESRCH ? RESULT_LATE : RESULT_UNREADABLE;
}

static enum result read_line(
	struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry, char *line, size_t line_bytes)
{
	int fd = open_line(offcpu, entry);
	ssize_t count = fd < 0 ? -1 : pread(fd, line, line_bytes - 1, 0);
	int error = errno;
	if (fd >= 0 && entry->fd == 0)
		close(fd);
	line[count > 0 ? count : 0] = '\0';
	return count > 0 ? RESULT_READ : result_of_errno(error);
}

static enum result parse_line(
	const char *line, struct rec_blocked_state *blocked, struct rec_wait_view *view)
{
	struct rec_proc_syscall call;
	if (!rec_proc_parse_syscall(line, &call))
		return RESULT_LATE; /* it runs, and the switch has not come to us yet; or has ended
				     */
	blocked->argument = call.argument;
	blocked->sp = call.sp;
	blocked->pc = call.pc;
	/* Where only programs have their stacks that know no higher addresses. */
	if ((call.sp | call.pc) >> 32 == 0)
		return RESULT_32_BIT;
	view->syscall = call.number < 0			       ? TFMT_SYSCALL_FAULT
			: call.number + 1 < TFMT_SYSCALL_FAULT ? (uint16_t)(call.number + 1)
							       : 0;
	return RESULT_READ;
}

static void read_wait(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry)
{
	struct rec_blocked_state blocked = {.tid = entry->thread->tid};
	char line[256];
	entry->result = (int)read_line(offcpu, entry, line, sizeof(line));
	if (entry->result == RESULT_READ)
		entry->result = (int)parse_line(line, &blocked, &entry->view);
	if (entry->result == RESULT_READ)
		offcpu->unwind(offcpu->context, entry->thread, &blocked, &entry->view);
	entry->read_ns = clock_ns(CLOCK_MONOTONIC);
	if (entry->result != RESULT_READ && entry->result != RESULT_LATE)
		entry->refused_until_ns = entry->read_ns + REFUSED_NS;
}

/* ---- a look at all ---- */

/* Pay for `count` readings since `start_ns` of our CPU time. Returns the CPU time now. */
static uint64_t pay(struct rec_offcpu *offcpu, uint64_t start_ns, int64_t count)
{
	uint64_t end_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int64_t spent_ns = (int64_t)(end_ns - start_ns);
	offcpu->budget_ns -= spent_ns;
	offcpu->cost_ns += (spent_ns / count - offcpu->cost_ns) / 8;
	return end_ns;
}

/* The oldest wait of a queue that has lasted for so long; NULL: there is none. */
static struct rec_offcpu_thread *oldest(
	const struct rec_offcpu_queue *queue, uint64_t now_ns, uint64_t age_ns)
{
	struct rec_offcpu_thread *entry = queue->first;
	return entry && entry->since_ns + age_ns <= now_ns ? entry : NULL;
}

static struct rec_offcpu_thread *choose(const struct rec_offcpu *offcpu, uint64_t now_ns)
{
	bool is_low = offcpu->budget_ns < LOW_BUDGET_NS;
	struct rec_offcpu_thread *entry = oldest(&offcpu->queues[QUEUE_NEW], now_ns,
		is_low ? REC_OFFCPU_PERIOD_NS : REC_LONG_WAIT_NS);
	if (!entry && !is_low && offcpu->steady_budget_ns > 0)
		entry = oldest(&offcpu->queues[QUEUE_STEADY], now_ns, REC_LONG_WAIT_NS);
	return entry;
}

static void earn(struct rec_offcpu *offcpu, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns - offcpu->look_ns;
	int64_t earned_ns = MAX_BUDGET_NS;
	if (passed_ns < (uint64_t)MAX_BUDGET_NS * BUDGET_SHARE)
		earned_ns = (int64_t)(passed_ns / BUDGET_SHARE);
	offcpu->look_ns = now_ns;
	offcpu->budget_ns += earned_ns;
	if (offcpu->budget_ns > MAX_BUDGET_NS)
		offcpu->budget_ns = MAX_BUDGET_NS;
	offcpu->steady_budget_ns += earned_ns / STEADY_SHARE;
	if (offcpu->steady_budget_ns > MAX_STEADY_BUDGET_NS)
		offcpu->steady_budget_ns = MAX_STEADY_BUDGET_NS;
}

void rec_offcpu_look(struct rec_offcpu *offcpu, uint64_t now_ns)
{
	struct rec_offcpu_thread *entry;
	earn(offcpu, now_ns);
	if (!choose(offcpu, now_ns))
		return;
	uint64_t start_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int64_t count = 0;
	while ((entry = choose(offcpu, now_ns))) {
		if (offcpu->budget_ns < (count + 1) * offcpu->cost_ns) {
			offcpu->short_ns = now_ns;
			break;
		}
		if (entry->queue == &offcpu->queues[QUEUE_STEADY])
			offcpu->steady_budget_ns -= offcpu->cost_ns;
		rec_offcpu_cancel(entry);
		read_wait(offcpu, entry);
		if (++count == READS_PER_LOOK) {
			start_ns = pay(offcpu, start_ns, count);
			count = 0;
		}
	}
	if (count > 0)
		pay(offcpu, start_ns, count);
}

/* ---- what a wait was ---- */

static bool is_same(const struct rec_wait_view *a, const struct rec_wait_view *b)
{
	return a->stack == b->stack && a->syscall == b->syscall && a->is_gil == b->is_gil;
}

static void learn(struct rec_wait_habit *habit, const struct rec_wait_view *view)
{
	if (!is_same(&habit->view, view))
		*habit = (struct rec_wait_habit){.view = *view};
	habit->streak++;
}

struct rec_wait_view rec_offcpu_end(struct rec_offcpu *offcpu, struct rec_offcpu_thread *entry,
	const struct rec_wait *wait, bool goes_on)
{
	bool is_read = entry->result == RESULT_READ && entry->read_ns > entry->since_ns &&
		       entry->read_ns <= wait->end_ns;
	uint64_t length_ns = wait->end_ns - wait->start_ns;
	bool is_long = length_ns >= REC_OFFCPU_PERIOD_NS;
	struct rec_wait_habit *habit = &entry->habits[is_long ? REC_HABIT_LONG : REC_HABIT_SHORT];
	offcpu->counts.waits++;
	if (is_read) {
		offcpu->counts.read++;
		if (!goes_on)
			learn(habit, &entry->view);
		return entry->view;
	}
	/* Those that were read are a sample of all of that length: they speak for the rest. */
	if (habit->streak >= HABIT_STREAK) {
		struct rec_wait_view assumed = habit->view;
		assumed.flags |= TFMT_SAMPLE_ASSUMED;
		offcpu->counts.assumed++;
		return assumed;
	}
	if (length_ns >= 2 * REC_OFFCPU_PERIOD_NS) {
		bool was_short = entry->queue && offcpu->short_ns > entry->since_ns;
		int reason = entry->result == RESULT_READ ? RESULT_LATE : entry->result;
		offcpu->counts.lost++;
		offcpu->losses[was_short ? RESULT_BUDGET : reason]++;
	}
	return (struct rec_wait_view){0};
}

void rec_offcpu_write_losses(struct rec_offcpu *offcpu, struct rec_sink *sink, uint64_t now_ns)
{
	for (int i = RESULT_LATE; i < RESULT_COUNT; i++) {
		rec_sink_lost(sink, now_ns, 0, "stack", reasons[i], offcpu->losses[i]);
		offcpu->losses[i] = 0;
	}
}

struct rec_offcpu_counts rec_offcpu_counts(const struct rec_offcpu *offcpu)
{
	return offcpu->counts;
}
