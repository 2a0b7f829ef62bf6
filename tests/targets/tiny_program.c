/* A little work with a thread and a child that ends with 3: prints who it is, and its sum. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned long sum;

__attribute__((noinline)) static void work(int turns)
{
	for (int i = 0; i < turns; i++)
		sum = sum * 3 + 1;
}

static void *start(void *argument)
{
	work(30000000);
	return argument;
}

int main(void)
{
	pthread_t thread;
	int status = 0;
	pthread_create(&thread, NULL, start, NULL);
	pthread_join(thread, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		work(10000000);
		_exit(3);
	}
	waitpid(pid, &status, 0);
	printf("uid %d, effective %d, sum %lu, child %d\n", (int)getuid(), (int)geteuid(), sum,
		WEXITSTATUS(status));
	return 0;
}
