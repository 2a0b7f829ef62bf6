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
/* Who has not stopped for so long waits for something else than a CPU. */
#define SOON_NS 200000000ull
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

/*
 * While a thread stands still for us it must not stand long: whoever may do so goes before all
 * others then, however busy the machine.
 */
static void go_first(struct rec_stopper *stopper, bool first)
{
	struct sched_param rank = {.sched_priority = first};
	if (!stopper->may_go_first)
		return;
	stopper->may_go_first = sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &rank) == 0;
}

int rec_stopper_init(struct rec_stopper *stopper)
{
	struct sigaction action = {.sa_handler = wake};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = ALARM_SIGNAL};
	sigset_t alarm;
	event._sigev_un._tid = gettid();
	stopper->cpu = -1;
	stopper->random = rec_now_ns();
	stopper->stack = malloc(stopper->stack_bytes + stopper->look_bytes);
	stopper->own_fd = rec_schedstat_open(getpid(), gettid());
	if (!stopper->stack)
		return TFMT_E_NOMEM;
	prctl(PR_SET_TIMERSLACK, 1);
	stopper->may_go_first = true;
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
	if (!held)
		return;
	close(held->schedstat_fd);
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
	ret_stopped->stack_bytes &= ~(size_t)7;
	if (stopper->look_bytes > 0)
		ret_stopped->more_bytes = stopper->look(stopper->context, held->pid, held->tid,
			stopper->stack + ret_stopped->stack_bytes, stopper->look_bytes);
}

/*
 * `status`: the signal that stopped it, and above it the event, if it was one. It may have stood
 * still for `unseen_ns` before we saw it.
 */
static void let_go(struct rec_stopper *stopper, pid_t tid, int status, uint64_t unseen_ns)
{
	struct user_regs_struct registers;
	const struct rec_held *found = find_held(stopper, tid);
	struct rec_held held = found ? *found : (struct rec_held){.schedstat_fd = -1};
	struct rec_stopped stopped = {.pid = held.pid, .tid = tid, .arrival = held.arrival};
	uint64_t since_ns = rec_now_ns();
	/* One of its own signals was just to be delivered: it goes on with it. */
	intptr_t signal = status >> 8 ? 0 : status;
	bool is_wanted = rec_schedstat_read(held.schedstat_fd, &stopped.totals) == 0;
	stopped.is_64bit = read_registers(tid, &registers);
	if (stopped.is_64bit && is_wanted)
		copy(stopper, &held, &registers, &stopped);
	if (stopped.is_64bit)
		mend_syscall(stopper, tid, &registers);
	stopped.stopped_ns = rec_now_ns() - since_ns + unseen_ns + AROUND_NS;
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

/*
 * Look for a stop, then for an end: of a child that the main thread has yet to reap we are told
 * over and over. Returns: 0 with what was found, or si_pid 0; -1 when nothing is traced any more.
 */
static int poll_held(siginfo_t *info)
{
	const int own = WNOHANG | __WALL | __WNOTHREAD;
	*info = (siginfo_t){0};
	/* "No children" means no stops here: there may be ends all the same. */
	if (waitid(P_ALL, 0, info, WSTOPPED | own) == 0 && info->si_pid != 0)
		return 0;
	*info = (siginfo_t){0};
	return waitid(P_ALL, 0, info, WSTOPPED | WEXITED | WNOWAIT | own);
}

/* One stop or end among the held; false: none of them is there any more, or the time is over. */
static bool wait_for_one(struct rec_stopper *stopper, uint64_t until_ns)
{
	siginfo_t info;
	uint64_t now_ns = rec_now_ns(), unseen_ns = now_ns - stopper->looked_ns;
	int status = poll_held(&info);
	if (status == 0 && info.si_pid == 0) {
		if (now_ns >= until_ns)
			return false;
		set_alarm(stopper, until_ns);
		/* What goes by before it has its turn to stop is no standing still, our delay is.
		 */
		uint64_t ready_ns = own_ready_ns(stopper);
		status = waitid(
			P_ALL, 0, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL | __WNOTHREAD);
		int error = errno;
		unseen_ns = own_ready_ns(stopper) - ready_ns;
		set_alarm(stopper, 0);
		if (status != 0 && error == EINTR)
			return true;
	}
	stopper->looked_ns = rec_now_ns();
	if (status != 0) {
		while (stopper->held_count > 0)
			forget(stopper, stopper->held[0].tid);
		return false;
	}
	if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
		let_go(stopper, info.si_pid, info.si_status, unseen_ns);
	else
		take_end(stopper, info.si_pid);
	return true;
}

void rec_stopper_collect(struct rec_stopper *stopper, uint64_t until_ns)
{
	if (stopper->held_count == 0)
		return;
	go_first(stopper, true);
	while (stopper->held_count > 0 && wait_for_one(stopper, until_ns))
		;
	go_first(stopper, false);
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

/* Is it the thread that we have taken this CPU from? */
static bool was_here(struct rec_stopper *stopper, const struct rec_candidate *candidate,
	struct rec_schedule_totals *ret_arrival)
{
	char name[32];
	struct rec_proc_stat stat;
	if (rec_schedstat_read(candidate->schedstat_fd, ret_arrival) != 0 ||
		ret_arrival->run_ns == candidate->run_ns)
		return false;
	snprintf(name, sizeof(name), "task/%d/stat", (int)candidate->tid);
	int fd = rec_proc_open(candidate->pid, name);
	bool is_here = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0 && stat.state == 'R' &&
		       stat.cpu == stopper->cpu;
	if (fd >= 0)
		close(fd);
	return is_here;
}

/*
 * Take the CPU from a thread in the midst of what it does: let it go on for a while, and have the
 * CPU's own timer wake us. When we are made to wait for the CPU, it is given to us where the
 * scheduler likes to change over, which is in system calls, and a thread that itself waits for a
 * CPU does so there: neither is a sample of what uses time. Now there is no time to lose: a CPU
 * that is idle may take the thread over. Returns: NULL when it is none of the candidates.
 */
static struct rec_candidate *surprise(struct rec_stopper *stopper, struct rec_candidate *candidates,
	size_t count, struct rec_schedule_totals *ret_arrival)
{
	struct rec_schedule_totals totals;
	for (size_t i = 0; i < count; i++)
		if (rec_schedstat_read(candidates[i].schedstat_fd, &totals) == 0)
			candidates[i].run_ns = totals.run_ns;
	uint64_t ready_ns = own_ready_ns(stopper);
	nap(stopper);
	if (own_ready_ns(stopper) - ready_ns > PROMPT_NS)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (was_here(stopper, &candidates[i], ret_arrival))
			return &candidates[i];
	return NULL;
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

/* The thread is held from now on, with its schedstat, until it has stopped and goes. */
static enum rec_stop_result interrupt(struct rec_stopper *stopper, struct rec_candidate *candidate,
	const struct rec_schedule_totals *arrival)
{
	if (ptrace(PTRACE_SEIZE, candidate->tid, NULL, NULL) != 0)
		return errno == EPERM && is_there(candidate->pid, candidate->tid) ? REC_STOP_REFUSED
										  : REC_STOP_NONE;
	ptrace(PTRACE_INTERRUPT, candidate->tid, NULL, NULL);
	stopper->looked_ns = stopper->held_ns = rec_now_ns();
	stopper->held[stopper->held_count++] = (struct rec_held){
		.pid = candidate->pid,
		.tid = candidate->tid,
		.arrival = *arrival,
		.schedstat_fd = candidate->schedstat_fd,
	};
	candidate->schedstat_fd = -1;
	return REC_STOP_DONE;
}

static enum rec_stop_result stop(struct rec_stopper *stopper, struct rec_candidate *candidate,
	const struct rec_schedule_totals *arrival)
{
	if (holds_of(stopper, candidate->pid))
		return REC_STOP_NONE;
	go_first(stopper, true);
	enum rec_stop_result result = interrupt(stopper, candidate, arrival);
	uint64_t until_ns = rec_now_ns() + PATIENCE_NS;
	while (result == REC_STOP_DONE && find_held(stopper, candidate->tid) &&
		wait_for_one(stopper, until_ns))
		;
	stopper->counts.late += result == REC_STOP_DONE && find_held(stopper, candidate->tid);
	go_first(stopper, false);
	return result;
}

enum rec_stop_result rec_stopper_visit(struct rec_stopper *stopper, int cpu,
	struct rec_candidate *candidates, size_t count, struct rec_candidate **ret_met)
{
	struct rec_schedule_totals arrival;
	struct rec_candidate *met = NULL;
	/* One that may stop any moment is not to stand there while we are after another. */
	rec_stopper_collect(stopper, 0);
	if (stopper->held_count > REC_STOP_MAX_LATE ||
		(stopper->held_count > 0 && rec_now_ns() < stopper->held_ns + SOON_NS))
		return REC_STOP_NONE;
	move_to(stopper, cpu);
	for (int i = 0; i < MAX_ARRIVALS && !met; i++)
		met = surprise(stopper, candidates, count, &arrival);
	*ret_met = met;
	return met ? stop(stopper, met, &arrival) : REC_STOP_NONE;
}

void rec_stopper_release(struct rec_stopper *stopper)
{
	timer_delete(stopper->timer);
	while (stopper->held_count > 0)
		forget(stopper, stopper->held[0].tid);
	if (stopper->own_fd >= 0)
		close(stopper->own_fd);
	free(stopper->stack);
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
