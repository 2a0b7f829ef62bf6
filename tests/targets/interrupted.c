/*
 * What stopping a thread may do to it: system calls that end too early, and signals that are lost,
 * doubled or changed.
 *
 *	interrupted MILLISECONDS
 *
 * One thread each works a little and then waits a moment, all the time, in every way that a stop
 * could be noticed; nothing but a timeout ends those waits. Another process sends queued signals to
 * a busy thread. Prints how many EINTRs there were, and how many signals came.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIGNALS 500

static double end_s;
static atomic_long signals, sum_of_values;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void work(void)
{
	double end = now_s() + 0.0005;
	while (now_s() < end)
		;
}

static int wait_epoll(int fd)
{
	struct epoll_event event;
	return epoll_wait(fd, &event, 1, 1);
}

static int wait_poll(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	return poll(&one, 1, 1);
}

static int wait_select(int fd)
{
	struct timeval timeout = {0, 1000};
	fd_set set;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &timeout);
}

static int wait_sleep(int fd)
{
	struct timespec time = {0, 1000000};
	return nanosleep(&time, NULL);
}

/* A socket with a timeout: one of the calls that a stop ends with EINTR. */
static int wait_receive(int fd)
{
	char byte;
	int status = (int)recv(fd, &byte, 1, 0);
	return status < 0 && errno == EAGAIN ? 0 : status;
}

static int wait_signal(int fd)
{
	sigset_t set;
	struct timespec time = {0, 1000000};
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	int status = sigtimedwait(&set, NULL, &time);
	return status < 0 && errno == EAGAIN ? 0 : status;
}

static int wait_semaphore(int id)
{
	struct sembuf one = {0, -1, 0};
	struct timespec time = {0, 1000000};
	int status = semtimedop(id, &one, 1, &time);
	return status < 0 && errno == EAGAIN ? 0 : status;
}

static struct waiter {
	const char *name;
	int (*wait)(int fd);
	int fd;
	long interrupted;
} waiters[] = {
	{"epoll_wait", wait_epoll, -1, 0},
	{"poll", wait_poll, -1, 0},
	{"select", wait_select, -1, 0},
	{"nanosleep", wait_sleep, -1, 0},
	{"recv", wait_receive, -1, 0},
	{"sigtimedwait", wait_signal, -1, 0},
	{"semtimedop", wait_semaphore, -1, 0},
};

#define WAITERS (sizeof(waiters) / sizeof(*waiters))

static void *run_waiter(void *opaque)
{
	struct waiter *waiter = opaque;
	while (now_s() < end_s) {
		work();
		if (waiter->wait(waiter->fd) < 0)
			waiter->interrupted += errno == EINTR ? 1 : 1000000;
	}
	return NULL;
}

static void take_signal(int number, siginfo_t *info, void *context)
{
	atomic_fetch_add(&signals, 1);
	atomic_fetch_add(&sum_of_values, info->si_value.sival_int);
}

/* Queued signals: each comes once, with its value. */
static pid_t start_sender(pid_t target)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	struct timespec pause = {0, (long)((end_s - now_s()) * 0.8e9 / SIGNALS)};
	for (int i = 1; i <= SIGNALS; i++) {
		union sigval value = {.sival_int = i};
		while (sigqueue(target, SIGRTMIN + 3, value) != 0 && errno == EAGAIN)
			nanosleep(&pause, NULL);
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	pthread_t threads[WAITERS];
	int quiet[2], sockets[2], ids = semget(IPC_PRIVATE, 1, 0600);
	struct timeval timeout = {0, 1000};
	struct sigaction action = {.sa_sigaction = take_signal, .sa_flags = SA_SIGINFO};
	sigset_t all, before;
	long interrupted = 0;

	end_s = now_s() + (argc > 1 ? atof(argv[1]) : 1000) / 1000;
	if (pipe(quiet) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 || ids < 0)
		return 77;
	setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0);
	epoll_ctl(epoll, EPOLL_CTL_ADD, quiet[0], &event);
	const int fds[WAITERS] = {epoll, quiet[0], quiet[0], -1, sockets[0], -1, ids};

	sigaction(SIGRTMIN + 3, &action, NULL);
	pid_t sender = start_sender(getpid());
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < WAITERS; i++) {
		waiters[i].fd = fds[i];
		pthread_create(&threads[i], NULL, run_waiter, &waiters[i]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (now_s() < end_s || waitpid(sender, NULL, WNOHANG) == 0)
		work();
	for (size_t i = 0; i < WAITERS; i++) {
		pthread_join(threads[i], NULL);
		if (waiters[i].interrupted > 0)
			printf("%s: %ld\n", waiters[i].name, waiters[i].interrupted);
		interrupted += waiters[i].interrupted;
	}
	semctl(ids, 0, IPC_RMID);
	printf("interrupted %ld, signals %ld, values %ld\n", interrupted, (long)signals,
		(long)sum_of_values);
	return 0;
}
