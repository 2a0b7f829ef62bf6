/*
 * Processes whose threads keep a CPU busy until another one of them calls exec, is killed, or
 *leaves before them: what a tracer has to let go of at once.
 *
 *	restless SECONDS
 *
 * Prints how many of them ended as they should, and how many otherwise.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char program[4096];

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void work(double ms)
{
	double end = now_ms() + ms;
	while (now_ms() < end)
		;
}

static void *work_on(void *argument)
{
	work(2000);
	return argument;
}

static void *call_exec(void *argument)
{
	work(3 + rand() % 9);
	execl(program, program, "end", (char *)NULL);
	_exit(1);
}

static void start(void *(*run)(void *))
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		_exit(1);
}

static void *end_soon(void *argument)
{
	work(8);
	return argument;
}

/* What a child does; how it is to end is known by the caller. */
static void be(int kind)
{
	srand((unsigned)getpid());
	if (kind == 0) { /* a thread calls exec while others work */
		start(work_on);
		start(call_exec);
		work(2000);
	} else if (kind == 1) { /* killed while it works */
		start(work_on);
		work(2000);
	} else { /* the main thread leaves first */
		start(end_soon);
		work(rand() % 9);
		pthread_exit(NULL);
	}
	_exit(1);
}

int main(int argc, char **argv)
{
	const int wanted[] = {7 << 8, SIGKILL, 0};
	int good = 0, bad = 0;
	if (argc < 2 || strcmp(argv[1], "end") == 0)
		return 7;
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (length < 0)
		return 77;
	if (strncmp(argv[1], "kind", 4) == 0)
		be(argv[1][4] - '0');
	double end = now_ms() + 1000 * atof(argv[1]);
	for (int i = 0; now_ms() < end; i++) {
		/* Mostly the first, the hardest. */
		int kind = i % 8 < 6 ? 0 : i % 8 - 5, status = -1;
		char name[] = {'k', 'i', 'n', 'd', (char)('0' + kind), '\0'};
		pid_t pid = fork();
		if (pid == 0) {
			/* What has just forked is left alone by those who stop threads. */
			execl(program, program, name, (char *)NULL);
			_exit(1);
		}
		if (kind == 1) {
			work(5);
			kill(pid, SIGKILL);
		}
		waitpid(pid, &status, 0);
		good += status == wanted[kind];
		bad += status != wanted[kind];
	}
	printf("%d good, %d bad\n", good, bad);
	return bad > 0;
}
