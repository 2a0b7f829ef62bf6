#include "native/ptrace_stop.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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
/* Long enough for another thread to go on. */
#define NAP_NS 100000
/* Waiting for a CPU longer is not by surprise; so often it is tried. */
#define PROMPT_NS    60000
#define MAX_ARRIVALS 3
/* A turn that is asked for so short comes soon. */
#define TURN_NS 100000
/* While the main thread has yet to reap a child, whose end would be told to us over and over. */
#define REAPING_NS 500000

static void wake(int signal)
{
}

/* As of sched_setattr(2), which libc may not know. */
struct turns {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/* As soon as possible when we wake, by rank where that is allowed and by asking for little. */
static void ask_for_turns(void)
{
	struct turns turns = {
		.size = sizeof(turns),
		.policy = SCHED_OTHER,
		.nice = -20,
		.runtime_ns = TURN_NS,
	};
	if (syscall(SYS_sched_setattr, 0, &turns, 0) == 0)
		return;
	turns.nice = getpriority(PRIO_PROCESS, 0);
	syscall(SYS_sched_setattr, 0, &turns, 0);
}

int rec_stopper_init(struct rec_stopper *stopper)
{
	struct sigaction action = {.sa_handler = wake};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ALARM_SIGNAL};
	sigset_t alarm;
	event._sigev_un._tid = gettid();
	stopper->cpu = -1;
	stopper->stack = malloc(stopper->stack_bytes);
	stopper->own_fd = rec_schedstat_open(getpid(), gettid());
	if (!stopper->stack)
		return TFMT_E_NOMEM;
	ask_for_turns();
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
static struct rec_stopped copy(struct rec_stopper *stopper, const struct rec_held *held)
{
	struct user_regs_struct registers;
	struct rec_stopped stopped = {.pid = held->pid, .tid = held->tid};
	stopped.is_64bit = read_registers(held->tid, &registers);
	if (stopped.is_64bit) {
		arch_perf_from_registers(stopped.regs, &registers);
		stopped.stack = stopper->stack;
		stopped.stack_bytes = process_read_some(held->tid, arch_perf_sp(stopped.regs),
			stopper->stack, stopper->stack_bytes);
		mend_syscall(stopper, held->tid, &registers);
	}
	return stopped;
}

/* `status`: the signal that stopped it, and above it the event, if it was one. */
static void let_go(struct rec_stopper *stopper, pid_t tid, int status)
{
	struct rec_held *held = find_held(stopper, tid);
	struct rec_held seen = held ? *held : (struct rec_held){0};
	uint64_t since_ns = rec_now_ns(), delay_ns = own_ready_ns(stopper) - seen.own_ready_ns;
	struct rec_stopped stopped = {0};
	/* One of its own signals was just to be delivered: it goes on with it. */
	intptr_t signal = status >> 8 ? 0 : status;
	if (held)
		stopped = copy(stopper, &seen);
	/* It may have been killed meanwhile: then its end is still to be told. */
	if (ptrace(PTRACE_DETACH, tid, NULL, (void *)signal) == 0)
		forget(stopper, tid);
	stopper->counts.stops++;
	if (!held)
		return;
	stopped.time_ns = rec_now_ns();
	/* What went by before it had its turn to stop was no standing still; our own delay was. */
	stopped.stopped_ns = stopped.time_ns - since_ns + delay_ns;
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

/* Come to a CPU; to ours, by leaving it for a moment. */
static void come_to(struct rec_stopper *stopper, int cpu)
{
	struct timespec nap = {0, NAP_NS};
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	if (cpu != stopper->cpu && cpu >= 0 && cpu < CPU_SETSIZE) {
		CPU_SET(cpu, &cpus);
		stopper->cpu = cpu;
		if (sched_setaffinity(0, sizeof(cpus), &cpus) == 0)
			return;
		/* Not ours to use: it works from here too, if less well. */
	}
	nanosleep(&nap, NULL);
}

enum arrival {
	ARRIVED_TOO_LATE, /* we had to wait for the CPU until somebody left it */
	ARRIVED_IN_VAIN,  /* the thread was not there */
	ARRIVED_WELL,
};

/*
 * Take the CPU from a thread in the midst of what it does. When we are made to wait for it, it is
 * given to us where the scheduler likes to change over, which are system calls; and a thread that
 * itself waits for a CPU does so there. Neither is a sample of what uses time.
 */
static enum arrival surprise(struct rec_stopper *stopper, int stat_fd, int schedstat_fd)
{
	struct rec_proc_stat stat;
	struct rec_schedule_totals before, after, ours_before, ours_after;
	if (rec_proc_read_stat(stat_fd, &stat) != 0 || stat.state != 'R' ||
		rec_schedstat_read(schedstat_fd, &before) != 0 ||
		rec_schedstat_read(stopper->own_fd, &ours_before) != 0)
		return ARRIVED_IN_VAIN;
	come_to(stopper, stat.cpu);
	if (rec_schedstat_read(schedstat_fd, &after) != 0 || after.run_ns == before.run_ns ||
		rec_proc_read_stat(stat_fd, &stat) != 0 || stat.state != 'R' ||
		rec_schedstat_read(stopper->own_fd, &ours_after) != 0)
		return ARRIVED_IN_VAIN;
	return ours_after.ready_ns - ours_before.ready_ns < PROMPT_NS ? ARRIVED_WELL
								      : ARRIVED_TOO_LATE;
}

/* Whether `tid` runs, and may be stopped where it is. */
static bool find_running(struct rec_stopper *stopper, pid_t pid, pid_t tid)
{
	char name[32];
	enum arrival arrival = ARRIVED_TOO_LATE;
	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	int stat_fd = rec_proc_open(pid, name), schedstat_fd = rec_schedstat_open(pid, tid);
	for (int i = 0; i < MAX_ARRIVALS && arrival == ARRIVED_TOO_LATE; i++)
		arrival = stat_fd >= 0 && schedstat_fd >= 0
				  ? surprise(stopper, stat_fd, schedstat_fd)
				  : ARRIVED_IN_VAIN;
	if (stat_fd >= 0)
		close(stat_fd);
	if (schedstat_fd >= 0)
		close(schedstat_fd);
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

enum rec_stop_result rec_stopper_stop(struct rec_stopper *stopper, pid_t pid, pid_t tid)
{
	if (stopper->held_count > REC_STOP_MAX_LATE || find_held(stopper, tid) ||
		!find_running(stopper, pid, tid))
		return REC_STOP_NONE;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
		return errno == EPERM && is_there(pid, tid) ? REC_STOP_REFUSED : REC_STOP_NONE;
	uint64_t now_ns = rec_now_ns();
	stopper->held[stopper->held_count++] =
		(struct rec_held){.pid = pid, .tid = tid, .own_ready_ns = own_ready_ns(stopper)};
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	while (find_held(stopper, tid) && wait_for_one(stopper, now_ns + PATIENCE_NS))
		;
	if (find_held(stopper, tid))
		stopper->counts.late++;
	return REC_STOP_DONE;
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
