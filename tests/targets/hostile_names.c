/*
 * A program whose names are made to break out of whatever shows them: its threads, its processes,
 * its arguments. hostile_names [ARGUMENT...]: tests/cli/hostile-names.sh renames its functions.
 */
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* At most 15 bytes each. */
static const char *const names[] = {
	"</text><x>&\"'",
	"a;b;c 12",
	"two\nlines\r1",
	"\x1b]0;own\x07\x1b[31m",
	"\xff\xc3\x28\xed\xa0\x80\xc0\xaf",
	"\xc2\x9b"
	"31m\xe2\x80\xae\x7f",
	"]]>-->{[\\",
	"   ",
	"",
};

static unsigned long work(int ms)
{
	struct timespec t;
	unsigned long sum = 0;
	do {
		for (int i = 0; i < 100000; i++)
			__asm__ volatile("" : "+r"(sum));
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	} while (t.tv_sec * 1000 + t.tv_nsec / 1000000 < ms);
	return sum;
}

/* Renamed: see above. Each must stay a frame of its own. */
#define HOSTILE(name)                                         \
	__attribute__((noinline)) unsigned long name(int ms); \
	unsigned long name(int ms)                            \
	{                                                     \
		unsigned long sum = work(ms);                 \
		__asm__ volatile("" : "+r"(sum));             \
		return sum + 1;                               \
	}
HOSTILE(hostile_markup)
HOSTILE(hostile_separators)
HOSTILE(hostile_escape)
HOSTILE(hostile_encoding)

static void *run_thread(void *name)
{
	prctl(PR_SET_NAME, name);
	work(15);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t id;
	hostile_markup(40);
	hostile_separators(80);
	hostile_escape(120);
	hostile_encoding(160);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (pthread_create(&id, NULL, run_thread, (void *)names[i]) == 0)
			pthread_join(id, NULL);
		if (fork() == 0) {
			prctl(PR_SET_NAME, names[i]);
			work(15);
			_exit(0);
		}
		wait(NULL);
	}
	/* Once more, under what the arguments say. */
	if (argc > 2) {
		execv(argv[1], argv + 2);
		return 1;
	}
	return 0;
}
