/*
 * A program before a change and, with -DAFTER, after it: each function takes so many milliseconds
 * of CPU time, whatever the machine. `compute` then takes twice as long, `legacy` is gone, `fresh`
 * new.
 */
#include <time.h>

#define NOINLINE __attribute__((noinline, noclone))

static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Turns of its own between looks at the clock, so that its samples are its own. */
#define TAKES(name, ms, seed)                                       \
	static NOINLINE unsigned long name(void)                    \
	{                                                           \
		unsigned long x = seed;                             \
		for (double end = cpu_ms() + (ms); cpu_ms() < end;) \
			for (int i = 0; i < 200000; i++) {          \
				x ^= x << 13;                       \
				x ^= x >> 7;                        \
				x ^= x << 17;                       \
			}                                           \
		return x;                                           \
	}

TAKES(parse, 300, 1)
TAKES(report, 100, 3)
#ifdef AFTER
TAKES(compute, 400, 5)
TAKES(fresh, 120, 7)
#else
TAKES(compute, 200, 5)
TAKES(legacy, 150, 9)
#endif

int main(void)
{
	unsigned long sum = parse() + compute();
#ifdef AFTER
	sum += fresh();
#else
	sum += legacy();
#endif
	sum += report();
	return sum == 0;
}
