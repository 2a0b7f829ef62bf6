/* deep DEPTH SECONDS: works that long at the bottom of DEPTH calls of down(). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double end;

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

__attribute__((noinline, noclone)) static unsigned long work(unsigned long x)
{
	for (int i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

/* The asm keeps each call from becoming a jump. */
__attribute__((noinline, noclone)) static unsigned long down(long depth, unsigned long x)
{
	if (depth == 0) {
		while (cpu_now() < end)
			x += work(x);
		return x;
	}
	x = down(depth - 1, x + 1);
	__asm__ volatile("" : : : "memory");
	return x + 1;
}

int main(int argc, char **argv)
{
	end = cpu_now() + (argc > 2 ? atof(argv[2]) : 1);
	printf("%lu\n", down(argc > 1 ? atol(argv[1]) : 10, 7));
	return 0;
}
