/*
 * Two threads that hand a mutex to and fro: pingpong SWITCHES [WORK], with WORK rounds of an empty
 * loop each time. Prints the seconds it took.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed[2] = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER};
static int turn;
static long rounds, work;

static void *play(void *opaque)
{
	int own = opaque != NULL;
	pthread_mutex_lock(&lock);
	for (long i = 0; i < rounds; i++) {
		while (turn != own)
			pthread_cond_wait(&changed[own], &lock);
		for (volatile long spin = work; spin > 0; spin--)
			;
		turn = !own;
		pthread_cond_signal(&changed[!own]);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	struct timespec begin, end;
	pthread_t other;
	rounds = (argc > 1 ? atol(argv[1]) : 100000) / 2;
	work = argc > 2 ? atol(argv[2]) : 0;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pthread_create(&other, NULL, play, &other);
	play(NULL);
	pthread_join(other, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.6f\n",
		(double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
	return 0;
}
