/*
 * A server to attach to. It begins with a busy thread (three quarters of its time in alpha, one in
 * beta), a thread that waits in a read, and a child that does as well; then it obeys the letters
 * on its stdin, and answers each with a line when it is done:
 *	t  a new thread works in late_thread for a moment
 *	f  a new child works in late_child for a moment, and ends with status 3
 *	r  stop working: the busy thread ends
 *	e  the first child ends, with status 4
 *	q  end, with status 7
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static volatile bool is_over;

/* What is done afterwards keeps calls from being jumps, which leave no frame. */
static volatile unsigned long done;

#define SPIN(name, seed)                                         \
	NOINLINE unsigned long name(unsigned long x, long turns) \
	{                                                        \
		x |= seed;                                       \
		for (long i = 0; i < turns; i++) {               \
			x ^= x << 13;                            \
			x ^= x >> 7;                             \
			x ^= x << 17;                            \
		}                                                \
		return x;                                        \
	}

SPIN(alpha, 0x3)
SPIN(beta, 0x50)

NOINLINE void serve(void)
{
	unsigned long x = 1;
	while (!is_over)
		x = beta(alpha(x, 30000), 10000);
	done += x;
}

NOINLINE void wait_for_request(int fd)
{
	char byte;
	while (read(fd, &byte, 1) > 0)
		done++;
}

static void work(double seconds)
{
	struct timespec t;
	unsigned long x = 1;
	do {
		x = alpha(x, 500000);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	} while ((double)t.tv_sec + (double)t.tv_nsec * 1e-9 < seconds);
	done += x;
}

NOINLINE void late_thread(void)
{
	work(0.3);
	done++;
}

NOINLINE void late_child(void)
{
	work(0.3);
	done++;
}

static void *run_serve(void *unused)
{
	prctl(PR_SET_NAME, "busy");
	serve();
	done++;
	return NULL;
}

static void *run_wait(void *fd)
{
	prctl(PR_SET_NAME, "waiting");
	wait_for_request(*(int *)fd);
	done++;
	return NULL;
}

static void *run_late(void *unused)
{
	late_thread();
	done++;
	return NULL;
}

/* Ends when the pipe it waits for is closed. */
static pid_t start_child(int pipe_fds[2])
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	close(pipe_fds[1]);
	wait_for_request(pipe_fds[0]);
	done++;
	_exit(4);
}

static void start_late_child(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		late_child();
		_exit(3);
	}
	waitpid(pid, NULL, 0);
}

int main(void)
{
	pthread_t busy, waiting, late;
	int child_pipe[2], thread_pipe[2], command;
	if (pipe(child_pipe) != 0)
		return 1;
	pid_t child = start_child(child_pipe);
	if (pipe(thread_pipe) != 0)
		return 1;
	pthread_create(&busy, NULL, run_serve, NULL);
	pthread_create(&waiting, NULL, run_wait, &thread_pipe[0]);
	printf("%d\n", (int)child);
	fflush(stdout);
	while ((command = getchar()) != EOF && command != 'q') {
		if (command == 't') {
			pthread_create(&late, NULL, run_late, NULL);
			pthread_join(late, NULL);
		} else if (command == 'f') {
			start_late_child();
		} else if (command == 'r') {
			is_over = true;
			pthread_join(busy, NULL);
		} else if (command == 'e') {
			close(child_pipe[1]);
			waitpid(child, NULL, 0);
		} else {
			continue;
		}
		printf("%c\n", command);
		fflush(stdout);
	}
	return 7;
}
