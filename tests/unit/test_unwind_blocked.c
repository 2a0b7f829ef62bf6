/*
 * Stacks of threads that stand still, from stack pointer and pc alone, against a chain of calls
 * that is known: children that wait in various ways, looked at while they do.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "unwind/unwind.h"

/* ---- a chain of calls that is known ---- */

/* All in one section, so that an address tells the function by order. */
#define LEVEL __attribute__((noinline, section("levels")))

extern const char __start_levels[], __stop_levels[];

static volatile long sink;
static void (*at_the_leaf)(void);

LEVEL static long level_1(long a)
{
	at_the_leaf();
	return sink + a;
}

/* Finds its frame by the frame pointer, which system call wrappers do not tell. */
LEVEL static long level_2(long a)
{
	char *text = __builtin_alloca((size_t)(a & 63) + 16);

	memset(text, 1, 16);
	return level_1(a) + text[a & 15];
}

LEVEL static long level_3(long a)
{
	char text[64];

	memset(text, (int)a, sizeof(text));
	return level_2(a + text[a & 31]) + text[a & 63];
}

/* Finds its frame by an expression. */
LEVEL static long level_4(long a)
{
	_Alignas(64) long values[8] = {a, sink};

	sink += (long)((uintptr_t)&values & 63);
	return level_3(values[a & 1]) + values[a & 7];
}

/* Leaves behind what looks like frames where the next calls have their locals. */
LEVEL static long level_5(long depth)
{
	char *text = __builtin_alloca((size_t)(depth & 63) + 16);

	memset(text, 1, 16);
	return (depth > 0 ? level_5(depth - 1) : sink) + text[depth & 15];
}

LEVEL static long level_6(long a)
{
	volatile char room[2048];
	long (*volatile next)(long) = level_4;

	room[a & 1023] = 1;
	return level_5(20) + next(a) + room[a & 1023];
}

/* The level that holds an address: 1 to 6, 0 for none. */
static int level_of(uint64_t address)
{
	static long (*const levels[])(long) = {
		level_1, level_2, level_3, level_4, level_5, level_6};
	int level = 0;
	uint64_t start = 0;

	if (address < (uint64_t)(uintptr_t)__start_levels ||
		address >= (uint64_t)(uintptr_t)__stop_levels)
		return 0;
	for (int i = 0; i < 6; i++) {
		uint64_t candidate = (uint64_t)(uintptr_t)levels[i];

		if (candidate <= address && candidate > start) {
			start = candidate;
			level = i + 1;
		}
	}
	return level;
}

/* ---- ways of waiting ---- */

static void wait_asleep(void)
{
	struct timespec hour = {3600, 0};

	nanosleep(&hour, NULL);
}

static void wait_in_poll(void)
{
	poll(NULL, 0, -1);
}

static void wait_for_bytes(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) == 0)
		sink += read(ends[0], &byte, 1);
}

static void wait_for_mutex(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&mutex);
}

static void handle(int number)
{
	at_the_leaf = wait_in_poll;
	level_6(number);
}

static void wait_in_handler(void)
{
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
}

/* ---- looked at ---- */

struct fixture {
	struct rec_modules *modules;
	struct rec_unwinder *unwinder;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	fixture->modules = rec_modules_new(100);
	fixture->unwinder = rec_unwinder_new(fixture->modules);
	return fixture->unwinder ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	rec_unwinder_free(fixture->unwinder);
	rec_modules_free(fixture->modules);
	free(fixture);
	return 0;
}

static void *run_thread(void *argument)
{
	int ready = *(const int *)argument;
	pid_t tid = (pid_t)syscall(SYS_gettid);

	if (write(ready, &tid, sizeof(tid)) == sizeof(tid))
		level_6(2);
	return NULL;
}

/* A child that waits. Returns: its pid, and the waiting thread's number. */
static pid_t start_child(void (*waits)(void), bool in_thread, pid_t *ret_tid)
{
	int ready[2];

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;

		at_the_leaf = waits;
		if (!in_thread)
			run_thread(&ready[1]);
		else if (pthread_create(&thread, NULL, run_thread, &ready[1]) == 0)
			pthread_join(thread, NULL);
		_exit(0);
	}
	assert_int_equal(read(ready[0], ret_tid, sizeof(*ret_tid)), sizeof(*ret_tid));
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* Where the thread stands, when it has stood there for a while. Returns: whether it does. */
static bool find_state(pid_t pid, pid_t tid, struct rec_blocked_state *ret_state)
{
	struct timespec while_ns = {0, 20000000};
	char path[64], line[256] = "", before[256] = "";
	unsigned long long sp, pc;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	for (int i = 0; i < 500; i++) {
		FILE *file = fopen(path, "r");

		if (!file || !fgets(line, sizeof(line), file))
			return false;
		fclose(file);
		if (line[0] != 'r' && strcmp(line, before) == 0)
			break;
		memcpy(before, line, sizeof(before));
		nanosleep(&while_ns, NULL);
	}
	*ret_state = (struct rec_blocked_state){.tid = tid};
	if (sscanf(line, "%*d %*x %*x %*x %*x %*x %*x %llx %llx", &sp, &pc) != 2)
		return false;
	ret_state->sp = sp;
	ret_state->pc = pc;
	return true;
}

/* The levels of a stack, leaf first, as digits. */
static void name_levels(struct rec_space *space, const struct rec_stack *stack, char *text)
{
	uint64_t vaddr_here;
	struct rec_module *self =
		rec_space_find(space, (uint64_t)(uintptr_t)__start_levels, &vaddr_here);
	uint64_t bias = vaddr_here - (uint64_t)(uintptr_t)__start_levels;
	char *end = text;

	for (size_t i = 0; i < stack->count; i++) {
		const struct rec_stack_frame *frame = &stack->frames[i];
		int level = frame->module == self ? level_of(frame->vaddr - bias) : 0;

		if (level != 0 && end < text + 60)
			*end++ = (char)('0' + level);
	}
	*end = '\0';
}

static void check(const struct fixture *fixture, void (*waits)(void), bool in_thread,
	const char *expected, unsigned extra_flags)
{
	struct rec_space *space = rec_space_new(fixture->modules);
	struct rec_blocked_state state;
	struct rec_stack stack;
	char text[64] = "";
	pid_t tid, pid = start_child(waits, in_thread, &tid);
	bool is_found = find_state(pid, tid, &state);

	if (is_found && rec_space_read_maps(space, pid) == 0) {
		rec_unwind_blocked(fixture->unwinder, space, &state, &stack);
		name_levels(space, &stack, text);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	rec_space_free(space);
	assert_true(is_found);
	assert_string_equal(text, expected);
	assert_int_equal(stack.end, REC_END_ROOT);
	assert_int_equal(stack.flags, REC_STACK_WHOLE | extra_flags);
}

static void test_asleep(void **state)
{
	check(*state, wait_asleep, false, "12346", REC_STACK_RECOVERED);
	check(*state, wait_asleep, true, "12346", REC_STACK_RECOVERED);
}

static void test_poll(void **state)
{
	check(*state, wait_in_poll, false, "12346", REC_STACK_RECOVERED);
	check(*state, wait_in_poll, true, "12346", REC_STACK_RECOVERED);
}

static void test_pipe(void **state)
{
	check(*state, wait_for_bytes, true, "12346", REC_STACK_RECOVERED);
}

static void test_mutex(void **state)
{
	check(*state, wait_for_mutex, true, "12346", REC_STACK_RECOVERED);
}

static void test_handler(void **state)
{
	check(*state, wait_in_handler, false, "1234612346", REC_STACK_RECOVERED);
}

/* A thread that is gone, memory that is not there: one frame, and no harm. */
static void test_nothing(void **state)
{
	const struct fixture *fixture = *state;
	struct rec_space *space = rec_space_new(fixture->modules);
	struct rec_blocked_state blocked = {.tid = 0x7ffffff0, .sp = 0x1000, .pc = 0x2000};
	struct rec_stack stack;

	rec_unwind_blocked(fixture->unwinder, space, &blocked, &stack);
	assert_int_equal(stack.count, 1);
	assert_false(stack.flags & REC_STACK_WHOLE);
	assert_int_equal(rec_space_read_maps(space, getpid()), 0);
	blocked.pc = (uint64_t)(uintptr_t)level_2 + 1;
	for (uint64_t sp = 0; sp < 16; sp++) {
		blocked.sp = sp % 2 ? UINT64_MAX - sp : sp;
		rec_unwind_blocked(fixture->unwinder, space, &blocked, &stack);
		assert_false(stack.flags & REC_STACK_WHOLE);
	}
	rec_space_free(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asleep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_poll, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pipe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mutex, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_handler, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
