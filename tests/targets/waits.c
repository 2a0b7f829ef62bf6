/*
 * Waits in five ways under five functions, and says how long each took: lines
 *
 *     NAME SYSTEM_CALL START_NS LENGTH_NS
 *
 * with times of CLOCK_MONOTONIC.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 4
#define NAMED  __attribute__((noinline, noipa))

static uint64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void sleep_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

/* ---- somebody who ends the waits of the others ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static int pipe_ends[2];

static void *holds_and_writes(void *argument)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		pthread_barrier_wait(&barrier);
		sleep_ms(40 + 10 * i);
		pthread_mutex_unlock(&mutex);
		pthread_barrier_wait(&barrier);
	}
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		sleep_ms(30 + 10 * i);
		if (write(pipe_ends[1], "x", 1) != 1)
			abort();
	}
	return argument;
}

/* ---- the waits ---- */

NAMED static int sleeps(int i)
{
	struct timespec time = {0, (20 + 20 * i) * 1000000};
	return nanosleep(&time, NULL);
}

NAMED static int waits_for_mutex(int i)
{
	int result = pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return result + i;
}

NAMED static int waits_for_pipe(int i)
{
	char byte;
	return (int)read(pipe_ends[0], &byte, 1) + i;
}

NAMED static int waits_in_epoll(int i)
{
	struct epoll_event event;
	int epoll_fd = epoll_create1(0);
	int result = epoll_wait(epoll_fd, &event, 1, 25 + 15 * i);
	close(epoll_fd);
	return result;
}

NAMED static int waits_for_child(int i)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		sleep_ms(30 + 15 * i);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* Something between, as in every program. */
NAMED static int handle(int (*wait)(int), int i)
{
	volatile char room[64];
	room[i & 63] = (char)i;
	return wait(i) + room[i & 63];
}

static void run(const char *name, const char *syscall, int (*wait)(int), int i)
{
	uint64_t start_ns = now_ns();
	handle(wait, i);
	uint64_t end_ns = now_ns();
	printf("%s %s %llu %llu\n", name, syscall, (unsigned long long)start_ns,
		(unsigned long long)(end_ns - start_ns));
}

int main(void)
{
	pthread_t other;
	if (pipe(pipe_ends) != 0 || pthread_barrier_init(&barrier, NULL, 2) != 0 ||
		pthread_create(&other, NULL, holds_and_writes, NULL) != 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		run("waits_for_mutex", "futex", waits_for_mutex, i);
		pthread_barrier_wait(&barrier);
	}
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		run("waits_for_pipe", "read", waits_for_pipe, i);
	}
	pthread_join(other, NULL);
	for (int i = 0; i < ROUNDS; i++)
		run("sleeps", "clock_nanosleep", sleeps, i);
	for (int i = 0; i < ROUNDS; i++)
		run("waits_in_epoll", "epoll_wait", waits_in_epoll, i);
	fflush(stdout); /* not once more by the children */
	for (int i = 0; i < ROUNDS; i++) {
		run("waits_for_child", "wait4", waits_for_child, i);
		fflush(stdout);
	}
	return 0;
}
