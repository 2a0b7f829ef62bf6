/* A server without requests: idle THREADS SECONDS; each thread wakes ten times a second, in turn.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void *wait_for_requests(void *opaque)
{
	struct timespec first = {.tv_nsec = (long)(size_t)opaque % 100 * 1000000};
	struct timespec period = {.tv_nsec = 100000000};
	nanosleep(&first, NULL);
	for (;;)
		nanosleep(&period, NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 200;
	for (int i = 0; i < threads; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, wait_for_requests, (void *)(size_t)i);
	}
	sleep(argc > 2 ? (unsigned)atoi(argv[2]) : 10);
	return 0;
}
