#include "native/ptrace_stop.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native/schedstat.h"
#include "procfs.h"
#include "tracefmt/error.h"
#include "unwind/arch.h"
#include "unwind/memory.h"

/* A thread that can run stops within microseconds; one that is queued, when its turn comes. */
#define PATIENCE_NS 1000000ull
/* Asked again, should the alarm have come just before the waiting. */
#define ALARM_AGAIN_NS 1000000
#define ALARM_SIGNAL   (SIGRTMIN + 1)
/* From the stop until we know, and from letting go until it goes. */
#define AROUND_NS 10000
/* A nap on the thread's CPU: at least so long, and at most that much longer. */
#define NAP_NS	     100000
#define NAP_RANGE_NS 900000
/* Who gets the CPU at once has waited no longer for it; so often it is tried. */
#define PROMPT_NS    10000
#define MAX_ARRIVALS 3
/* While the main thread has yet to reap a child, whose end would be told to us over and over. */
#define REAPING_NS 500000

static void wake(int signal)
{
}

int rec_stopper_init(struct rec_stopper *stopper)
{
	struct sigaction action = {.sa_handler = wake};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ALARM_SIGNAL};
	sigset_t alarm;
	event._sigev_un._tid = gettid();
	stopper->cpu = -1;
	stopper->random = rec_now_ns();
	stopper->stack = malloc(stopper->stack_bytes);
	stopper->own_fd = rec_schedstat_open(getpid(), gettid());
	if (!stopper->stack)
		return TFMT_E_NOMEM;
	prctl(PR_SET_TIMERSLACK, 1);
	/* No signal for stops: the main thread would wake at each. */
	struct sigaction child = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	sigaction(SIGCHLD, &child, NULL);
	sigaction(ALARM_SIGNAL, &action, NULL);
	sigemptyset(&alarm);
	sigaddset(&alarm, ALARM_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	if (timer_create(CLOCK_MONOTONIC, &event, &stopper->timer) != 0) {
		free(stopper->stack);
		return TFMT_E_IO;
	}
	return 0;
}

void rec_stopper_release(struct rec_stopper *stopper)
{
	timer_delete(stopper->timer);
	if (stopper->own_fd >= 0)
		close(stopper->own_fd);
	free(stopper->stack);
}

static void set_alarm(struct rec_stopper *stopper, uint64_t time_ns)
{
	struct itimerspec alarm = {0};
	if (time_ns > 0) {
		alarm.it_value.tv_sec = (time_t)(time_ns / 1000000000);
		alarm.it_value.tv_nsec = (long)(time_ns % 1000000000);
		alarm.it_interval.tv_nsec = ALARM_AGAIN_NS;
	}
	timer_settime(stopper->timer, TIMER_ABSTIME, &alarm, NULL);
}

static struct rec_held *find_held(struct rec_stopper *stopper, pid_t tid)
{
	for (size_t i = 0; i < stopper->held_count; i++)
		if (stopper->held[i].tid == tid)
			return &stopper->held[i];
	return NULL;
}

/*
 * A thread that calls exec waits until we have seen its siblings end if we hold them, and we wait
 * for the end of its exec to seize it: never both.
 */
static bool holds_of(const struct rec_stopper *stopper, pid_t pid)
{
	for (size_t i = 0; i < stopper->held_count; i++)
		if (stopper->held[i].pid == pid)
			return true;
	return false;
}

static void forget(struct rec_stopper *stopper, pid_t tid)
{
	struct rec_held *held = find_held(stopper, tid);
	if (held)
		*held = stopper->held[--stopper->held_count];
}

/* ---- a thread that stands still ---- */

static bool read_registers(pid_t tid, struct user_regs_struct *registers)
{
	struct iovec part = {registers, sizeof(*registers)};
	return ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &part) == 0 &&
	       part.iov_len == sizeof(*registers) && arch_is_64bit(registers);
}

/*
 * The stop has ended a system call too early. The kernel begins most of them anew by itself; for
 * the others the program would see an EINTR that no signal of its own has caused.
 */
static void mend_syscall(struct rec_stopper *stopper, pid_t tid, struct user_regs_struct *registers)
{
	if (!arch_in_syscall(registers))
		return;
	stopper->counts.in_syscall++;
	if (!arch_restart_syscall(registers))
		return;
	struct iovec part = {registers, sizeof(*registers)};
	if (ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &part) == 0)
		stopper->counts.restarted++;
}

/* How long we have waited for a CPU in all. */
static uint64_t own_ready_ns(struct rec_stopper *stopper)
{
	struct rec_schedule_totals totals = {0};
	rec_schedstat_read(stopper->own_fd, &totals);
	return totals.ready_ns;
}

/* What the thread does now; the time is the caller's. */
static void copy(struct rec_stopper *stopper, const struct rec_held *held,
	const struct user_regs_struct *registers, struct rec_stopped *ret_stopped)
{
	arch_perf_from_registers(ret_stopped->regs, registers);
	ret_stopped->stack = stopper->stack;
	ret_stopped->stack_bytes = process_read_some(
		held->tid, arch_perf_sp(ret_stopped->regs), stopper->stack, stopper->stack_bytes);
}

/* `status`: the signal that stopped it, and above it the event, if it was one. */
static void let_go(struct rec_stopper *stopper, pid_t tid, int status)
{
	struct user_regs_struct registers;
	const struct rec_held *found = find_held(stopper, tid);
	struct rec_held held = found ? *found : (struct rec_held){.schedstat_fd = -1};
	struct rec_stopped stopped = {.pid = held.pid, .tid = tid, .arrival = held.arrival};
	uint64_t since_ns = rec_now_ns(), delay_ns = own_ready_ns(stopper) - held.own_ready_ns;
	/* One of its own signals was just to be delivered: it goes on with it. */
	intptr_t signal = status >> 8 ? 0 : status;
	bool is_wanted = rec_schedstat_read(held.schedstat_fd, &stopped.totals) == 0;
	stopped.is_64bit = read_registers(tid, &registers);
	if (stopped.is_64bit && is_wanted)
		copy(stopper, &held, &registers, &stopped);
	if (stopped.is_64bit)
		mend_syscall(stopper, tid, &registers);
	/* What went by before it had its turn to stop was no standing still; our own delay was. */
	stopped.stopped_ns = rec_now_ns() - since_ns + delay_ns + AROUND_NS;
	/* It may have been killed meanwhile: then its end is still to be told. */
	if (ptrace(PTRACE_DETACH, tid, NULL, (void *)signal) == 0)
		forget(stopper, tid);
	stopper->counts.stops++;
	stopper->counts.stopped_ns += stopped.stopped_ns;
	if (is_wanted)
		stopper->take(stopper->context, &stopped);
}

/* ---- waiting ---- */

/* Our child's end is for the main thread to take; others' are handed on to their own parents. */
static bool is_our_child(struct rec_stopper *stopper, pid_t tid)
{
	const struct rec_held *held = find_held(stopper, tid);
	struct rec_proc_stat stat;
	if (held && held->pid != tid)
		return false;
	int fd = rec_proc_open(tid, "stat");
	bool is_ours = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0 && stat.ppid == getpid();
	if (fd >= 0)
		close(fd);
	return is_ours;
}

static void take_end(struct rec_stopper *stopper, pid_t tid)
{
	if (is_our_child(stopper, tid)) {
		struct timespec pause = {0, REAPING_NS};
		nanosleep(&pause, NULL);
	} else {
		waitpid(tid, NULL, __WALL | __WNOTHREAD | WNOHANG);
	}
	forget(stopper, tid);
}

/* One stop or end among the held; false: none of them is there any more, or the time is over. */
static bool wait_for_one(struct rec_stopper *stopper, uint64_t until_ns)
{
	const int own = __WALL | __WNOTHREAD;
	siginfo_t info = {0};
	int status = waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | own);
	if (status == 0 && info.si_pid == 0) {
		if (rec_now_ns() >= until_ns)
			return false;
		set_alarm(stopper, until_ns);
		status = waitid(P_ALL, 0, &info, WSTOPPED | WEXITED | WNOWAIT | own);
		int error = errno;
		set_alarm(stopper, 0);
		if (status != 0 && error == EINTR)
			return true;
	}
	if (status != 0) {
		stopper->held_count = 0;
		return false;
	}
	if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
		let_go(stopper, info.si_pid, info.si_status);
	else
		take_end(stopper, info.si_pid);
	return true;
}

void rec_stopper_collect(struct rec_stopper *stopper, uint64_t until_ns)
{
	while (stopper->held_count > 0 && wait_for_one(stopper, until_ns))
		;
}

/* Not ours to use: naps work elsewhere too, if less well. */
static void move_to(struct rec_stopper *stopper, int cpu)
{
	cpu_set_t cpus;
	if (cpu == stopper->cpu || cpu < 0 || cpu >= CPU_SETSIZE)
		return;
	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	stopper->cpu = cpu;
}

/* A nap never of the same length: what goes round and round is not to be seen in one place only. */
static void nap(struct rec_stopper *stopper)
{
	stopper->random = stopper->random * 6364136223846793005u + 1442695040888963407u;
	struct timespec time = {0, NAP_NS + (long)(stopper->random >> 33) % NAP_RANGE_NS};
	nanosleep(&time, NULL);
}

/* The files of a thread that tell what it does. */
struct looks {
	int stat_fd, schedstat_fd;
	int syscall_fd; /* the quickest way to know whether it runs */
};

static void open_looks(struct looks *looks, pid_t pid, pid_t tid)
{
	char name[40];
	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	looks->stat_fd = rec_proc_open(pid, name);
	snprintf(name, sizeof(name), "task/%d/syscall", (int)tid);
	looks->syscall_fd = rec_proc_open(pid, name);
	looks->schedstat_fd = rec_schedstat_open(pid, tid);
}

static void close_looks(struct looks *looks)
{
	const int fds[] = {looks->stat_fd, looks->syscall_fd, looks->schedstat_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool runs(const struct looks *looks)
{
	char text[8] = "";
	return pread(looks->syscall_fd, text, sizeof(text) - 1, 0) > 0 && text[0] == 'r';
}

enum arrival {
	ARRIVED_TOO_LATE, /* we had to wait for the CPU until somebody left it */
	ARRIVED_IN_VAIN,  /* the thread does not run there */
	ARRIVED_WELL,
};

/*
 * Take its CPU from a thread in the midst of what it does: we go there, let it go on, and have the
 * CPU's own timer wake us. When we are made to wait for the CPU, it is given to us where the
 * scheduler likes to change over, which is in system calls, and a thread that itself waits for a
 * CPU does so there: neither is a sample of what uses time. Now there is no time to lose: a CPU
 * that is idle may take the thread over.
 */
static enum arrival surprise(struct rec_stopper *stopper, const struct looks *looks,
	struct rec_schedule_totals *ret_arrival)
{
	struct rec_proc_stat stat;
	struct rec_schedule_totals before, ours_before, ours_after;
	if (rec_proc_read_stat(looks->stat_fd, &stat) != 0 || stat.state != 'R')
		return ARRIVED_IN_VAIN;
	move_to(stopper, stat.cpu);
	if (rec_schedstat_read(looks->schedstat_fd, &before) != 0 ||
		rec_schedstat_read(stopper->own_fd, &ours_before) != 0)
		return ARRIVED_IN_VAIN;
	nap(stopper);
	if (rec_schedstat_read(stopper->own_fd, &ours_after) != 0 ||
		ours_after.ready_ns - ours_before.ready_ns > PROMPT_NS)
		return ARRIVED_TOO_LATE;
	bool is_there = rec_schedstat_read(looks->schedstat_fd, ret_arrival) == 0 &&
			ret_arrival->run_ns != before.run_ns && runs(looks);
	return is_there ? ARRIVED_WELL : ARRIVED_IN_VAIN;
}

static bool find_running(struct rec_stopper *stopper, const struct looks *looks,
	struct rec_schedule_totals *ret_arrival)
{
	enum arrival arrival = ARRIVED_TOO_LATE;
	for (int i = 0; i < MAX_ARRIVALS && arrival == ARRIVED_TOO_LATE; i++)
		arrival = surprise(stopper, looks, ret_arrival);
	return arrival == ARRIVED_WELL;
}

/* A thread that has just ended is refused too. */
static bool is_there(pid_t pid, pid_t tid)
{
	char name[32];
	struct rec_proc_stat stat;
	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	int fd = rec_proc_open(pid, name);
	bool is_alive = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0 && stat.state != 'Z' &&
			stat.state != 'X';
	if (fd >= 0)
		close(fd);
	return is_alive;
}

static enum rec_stop_result interrupt(struct rec_stopper *stopper, const struct looks *looks,
	pid_t pid, pid_t tid, uint64_t *ret_asked_ns)
{
	struct rec_schedule_totals arrival;
	if (!find_running(stopper, looks, &arrival))
		return REC_STOP_NONE;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
		return errno == EPERM && is_there(pid, tid) ? REC_STOP_REFUSED : REC_STOP_NONE;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	*ret_asked_ns = rec_now_ns();
	stopper->held[stopper->held_count++] = (struct rec_held){
		.pid = pid,
		.tid = tid,
		.arrival = arrival,
		.schedstat_fd = looks->schedstat_fd,
		.own_ready_ns = own_ready_ns(stopper),
	};
	return REC_STOP_DONE;
}

enum rec_stop_result rec_stopper_stop(struct rec_stopper *stopper, pid_t pid, pid_t tid)
{
	struct looks looks;
	uint64_t asked_ns;
	if (stopper->held_count > REC_STOP_MAX_LATE || holds_of(stopper, pid))
		return REC_STOP_NONE;
	open_looks(&looks, pid, tid);
	enum rec_stop_result result = interrupt(stopper, &looks, pid, tid, &asked_ns);
	while (result == REC_STOP_DONE && find_held(stopper, tid) &&
		wait_for_one(stopper, asked_ns + PATIENCE_NS))
		;
	struct rec_held *late = result == REC_STOP_DONE ? find_held(stopper, tid) : NULL;
	if (late) {
		late->schedstat_fd = -1;
		stopper->counts.late++;
	}
	close_looks(&looks);
	return result;
}

/* ---- what is allowed ---- */

int rec_stopper_probe(pid_t pid, const char **ret_call)
{
	*ret_call = "ptrace";
	/* No such process: a filter or a kernel that refuses the call says so before it looks. */
	if (ptrace(PTRACE_SEIZE, (pid_t)-1, NULL, NULL) != 0 && errno != ESRCH)
		return errno;
	/* The same right as for stopping, checked without doing so. */
	*ret_call = "/proc/PID/mem";
	int fd = rec_proc_open(pid, "mem");
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

pid_t rec_stopper_tracer(pid_t pid)
{
	char text[4096];
	if (rec_proc_read(pid, "status", text, sizeof(text)) <= 0)
		return 0;
	const char *line = strstr(text, "\nTracerPid:");
	return line ? (pid_t)strtol(line + strlen("\nTracerPid:"), NULL, 10) : 0;
}
