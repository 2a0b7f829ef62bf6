/*
 * Processes and threads that come and go in the ways that recorders lose: lives MODE [N].
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void work_ms(int ms)
{
	struct timespec t;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
}

/* A daemon works after everybody has left it: status 41. */
static int daemonise(int unused)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			usleep(300000);
			work_ms(50);
			_exit(41);
		}
		_exit(42);
	}
	wait(NULL);
	return 0;
}

static int spawn(int count)
{
	char *argv[] = {"sh", "-c", "exit 43", NULL};
	pid_t pid;
	for (int i = 0; i < count; i++)
		if (posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) == 0)
			waitpid(pid, NULL, 0);
	return 0;
}

static int run_vfork(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = vfork();
		if (pid == 0) {
			execlp("sh", "sh", "-c", "exit 44", (char *)0);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static int forks(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(45);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

static void *work_thread(void *ms)
{
	work_ms((int)(long)ms);
	return NULL;
}

/* All at the same time. */
static int threads(int count)
{
	pthread_t *ids = calloc((size_t)count, sizeof(*ids));
	for (int i = 0; i < count; i++)
		if (pthread_create(&ids[i], NULL, work_thread, (void *)2L) != 0)
			return 1;
	for (int i = 0; i < count; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	return 0;
}

/* One after the other, each ending while it is busy. */
static int short_threads(int count)
{
	pthread_t id;
	for (int i = 0; i < count; i++)
		if (pthread_create(&id, NULL, work_thread, (void *)1L) == 0)
			pthread_join(id, NULL);
	return 0;
}

/* Takes in its orphans, status 46, as the recorder might want to. */
static int subreaper(int unused)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0) {
		if (fork() == 0) {
			usleep(200000);
			_exit(46);
		}
		_exit(0);
	}
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return 0;
}

static int non_dumpable(int unused)
{
	prctl(PR_SET_DUMPABLE, 0);
	work_ms(200);
	return 47;
}

static int killed(int unused)
{
	work_ms(50);
	return raise(SIGKILL);
}

static const struct mode {
	const char *name;
	int (*run)(int count);
} modes[] = {
	{"daemon", daemonise},
	{"forks", forks},
	{"killed", killed},
	{"non-dumpable", non_dumpable},
	{"short-threads", short_threads},
	{"spawn", spawn},
	{"subreaper", subreaper},
	{"threads", threads},
	{"vfork", run_vfork},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argc > 2 ? atoi(argv[2]) : 1);
	return 2;
}
