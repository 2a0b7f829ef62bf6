/*
 * A stack that is known: level_12 calls level_11 ... level_1, which burns CPU time for the number
 * of milliseconds given. The first argument says from where: main, thread, signal (a handler on a
 * stack of its own, which interrupts level_1), deep (below 400 frames of 100 bytes and more). On
 * the way are a frame of varying size, one that is realigned, and a call through a pointer.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEVEL __attribute__((noinline))

volatile unsigned long sink;
static long milliseconds = 300;
static volatile sig_atomic_t is_handled;

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

LEVEL long level_1(long a, long b)
{
	long end = now_ms() + milliseconds;

	while (!is_handled && now_ms() < end) {
		for (int i = 0; i < 200000; i++)
			sink += (unsigned long)(i * a) ^ (unsigned long)b;
	}
	return (long)sink + a;
}

LEVEL long level_2(long a, long b)
{
	return level_1(a + 1, b) + b;
}

LEVEL long level_3(long a, long b)
{
	char text[64];

	memset(text, (int)a, sizeof(text));
	return level_2(a + text[b & 31], b) + text[a & 31];
}

LEVEL long level_4(long a, long b)
{
	return level_3(a + 1, b ^ a) * (a + b);
}

LEVEL long level_5(long a, long b)
{
	long c = a * b, d = a + b, e = a - b, f = a ^ b;
	long result = level_4(a, b);

	return result + c + d * e + f;
}

LEVEL long level_6(long a, long b)
{
	return level_5(b, a) + 1;
}

LEVEL long level_7(long a, long b)
{
	char *text = __builtin_alloca((size_t)(a & 63) + 16);

	memset(text, 1, 16);
	return level_6(a, b) + text[b & 15];
}

LEVEL long level_8(long a, long b)
{
	return level_7(a, b) + a;
}

LEVEL long level_9(long a, long b)
{
	_Alignas(64) long values[8] = {a, b};

	sink += (unsigned long)&values & 63;
	return level_8(values[a & 1], b) + values[b & 7];
}

LEVEL long level_10(long a, long b)
{
	return level_9(a, b) + b;
}

static long (*volatile pointer)(long, long) = level_10;

LEVEL long level_11(long a, long b)
{
	return pointer(a, b) + 1;
}

LEVEL long level_12(long a, long b)
{
	return level_11(a, b) - 1;
}

LEVEL long deep(long depth)
{
	char text[96];

	memset(text, (int)depth, sizeof(text));
	if (depth == 0)
		return level_12(3, 4);
	return deep(depth - 1) + text[depth & 63];
}

static void *run_thread(void *argument)
{
	level_12(1, 2);
	return argument;
}

LEVEL void handler(int number)
{
	level_12(number, 2);
	is_handled = 1;
}

static int run_signal(void)
{
	stack_t stack = {.ss_size = 64 << 10, .ss_sp = malloc(64 << 10)};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec once = {.it_value = {.tv_nsec = 5000000}};

	if (!stack.ss_sp || sigaltstack(&stack, NULL) < 0 || sigaction(SIGUSR1, &action, NULL) < 0)
		return 1;
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0 ||
		timer_settime(timer, 0, &once, NULL) < 0)
		return 1;
	level_12(5, 6);
	free(stack.ss_sp);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "main";
	pthread_t thread;

	if (argc > 2)
		milliseconds = atol(argv[2]);
	if (strcmp(mode, "signal") == 0)
		return run_signal();
	if (strcmp(mode, "deep") == 0)
		return deep(400) == 42;
	if (strcmp(mode, "thread") == 0) {
		if (pthread_create(&thread, NULL, run_thread, NULL) != 0)
			return 1;
		pthread_join(thread, NULL);
		return 0;
	}
	level_12(1, 2);
	return 0;
}
