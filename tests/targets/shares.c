/*
 * Three functions that take 50, 30 and 20 % of the CPU time by construction, below a chain whose
 * frames are known: main (or the thread's start) -> chain_5 .. chain_1 -> rounds ->
 *alpha|beta|gamma.
 *
 *	shares SECONDS [main|thread|signal]
 *
 * "signal" does the work in a handler that runs on its own stack. Prints the CPU time it took, ns.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

static double seconds;

static double cpu_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The same loop in each; what differs keeps the compiler from merging them. */
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

#ifdef LIBRARY
SPIN(alpha, 1)
SPIN(beta, 3)
SPIN(gamma_, 5)
#else
#ifdef WITH_LIBRARY
unsigned long alpha(unsigned long x, long turns);
unsigned long beta(unsigned long x, long turns);
unsigned long gamma_(unsigned long x, long turns);
#else
SPIN(alpha, 1)
SPIN(beta, 3)
SPIN(gamma_, 5)
#endif

NOINLINE unsigned long rounds(unsigned long x)
{
	double end = cpu_now() + seconds;
	while (cpu_now() < end) {
		x += alpha(x, 10000);
		x += beta(x, 6000);
		x += gamma_(x, 4000);
	}
	return x + 1;
}

/* Frames of different sizes; the asm keeps each call from becoming a jump. */
#define CHAIN(name, next, bytes)                                        \
	NOINLINE unsigned long name(unsigned long x)                    \
	{                                                               \
		char pad[bytes];                                        \
		memset(pad, (int)x, sizeof(pad));                       \
		__asm__ volatile("" : : "r"(pad) : "memory");           \
		unsigned long result = next(x + (unsigned char)pad[3]); \
		__asm__ volatile("" : : "r"(pad) : "memory");           \
		return result + (unsigned char)pad[1];                  \
	}
CHAIN(chain_1, rounds, 40)
CHAIN(chain_2, chain_1, 200)
CHAIN(chain_3, chain_2, 24)
CHAIN(chain_4, chain_3, 1000)
CHAIN(chain_5, chain_4, 72)

static volatile unsigned long result;

static void handler(int signal)
{
	(void)signal;
	result = chain_5(7);
}

static void *thread_start(void *arg)
{
	result = chain_5((unsigned long)arg);
	return NULL;
}

static void work_in_signal(void)
{
	static char stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

int main(int argc, char **argv)
{
	const char *where = argc > 2 ? argv[2] : "main";
	seconds = argc > 1 ? atof(argv[1]) : 1;
	if (strcmp(where, "thread") == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, thread_start, (void *)9);
		pthread_join(thread, NULL);
	} else if (strcmp(where, "signal") == 0) {
		work_in_signal();
	} else {
		result = chain_5(5);
	}
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	printf("cpu %lld\n", (long long)t.tv_sec * 1000000000 + t.tv_nsec);
	return 0;
}
#endif
