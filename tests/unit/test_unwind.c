/*
 * Stacks against programs that know theirs: captured inside this process, and sampled from
 * children by perf as trec does it.
 */
#include <errno.h>
#include <execinfo.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tracefmt/error.h"
#include "unwind/unwind.h"

#define STACK_BYTES 16384u

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

LEVEL static long level_2(long a)
{
	char text[64];

	memset(text, (int)a, sizeof(text));
	return level_1(a + text[a & 31]) + text[a & 63];
}

LEVEL static long level_3(long a)
{
	_Alignas(64) long values[8] = {a, sink};

	sink += (long)((uintptr_t)&values & 63);
	return level_2(values[a & 1]) + values[a & 7];
}

LEVEL static long level_4(long a)
{
	char *text = __builtin_alloca((size_t)(a & 63) + 16);

	memset(text, 1, 16);
	return level_3(a) + text[a & 15];
}

static long (*volatile pointer)(long) = level_4;

LEVEL static long level_5(long a)
{
	return pointer(a) * a;
}

LEVEL static long deep(long depth)
{
	char text[96];

	memset(text, (int)depth, sizeof(text));
	return (depth == 0 ? level_5(1) : deep(depth - 1)) + text[depth & 63];
}

/* The level that holds an address: 1 to 5, 6 for deep, 0 for none. */
static int level_of(uint64_t address)
{
	static long (*const levels[])(long) = {level_1, level_2, level_3, level_4, level_5, deep};
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

/* ---- captured in this process ---- */

struct capture {
	uint64_t regs[REC_PERF_REGS_COUNT]; /* in perf's order */
	uint8_t stack[STACK_BYTES];
	void *return_addresses[64];
	int depth;
};

static struct capture captured;

/* The registers as they are here, and the stack above. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static void capture(void)
{
	uint64_t *regs = captured.regs;
	uint64_t scratch;

	__asm__ volatile("movq %%rax, 0(%1)\n\tmovq %%rbx, 8(%1)\n\tmovq %%rcx, 16(%1)\n\t"
			 "movq %%rdx, 24(%1)\n\tmovq %%rsi, 32(%1)\n\tmovq %%rdi, 40(%1)\n\t"
			 "movq %%rbp, 48(%1)\n\tmovq %%rsp, 56(%1)\n\tmovq %%r8, 72(%1)\n\t"
			 "movq %%r9, 80(%1)\n\tmovq %%r10, 88(%1)\n\tmovq %%r11, 96(%1)\n\t"
			 "movq %%r12, 104(%1)\n\tmovq %%r13, 112(%1)\n\tmovq %%r14, 120(%1)\n\t"
			 "movq %%r15, 128(%1)\n\tleaq 0(%%rip), %0\n\tmovq %0, 64(%1)"
			 : "=&r"(scratch)
			 : "r"(regs)
			 : "memory");
	const volatile uint8_t *from = (const volatile uint8_t *)(uintptr_t)regs[7];

	for (size_t i = 0; i < STACK_BYTES; i++)
		captured.stack[i] = from[i];
	captured.depth = backtrace(captured.return_addresses, 64);
}

struct fixture {
	struct rec_modules *modules;
	struct rec_unwinder *unwinder;
	struct rec_space *space; /* of this process */
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	fixture->modules = rec_modules_new(100);
	fixture->unwinder = rec_unwinder_new(fixture->modules);
	fixture->space = rec_space_new(fixture->modules);
	return rec_space_read_maps(fixture->space, getpid());
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	rec_space_free(fixture->space);
	rec_unwinder_free(fixture->unwinder);
	rec_modules_free(fixture->modules);
	free(fixture);
	return 0;
}

static struct rec_user_state captured_state(void)
{
	return (struct rec_user_state){
		.regs = captured.regs, .stack = captured.stack, .stack_size = STACK_BYTES};
}

/* Whether the frame is the one of return address `index` of backtrace(). */
static bool is_at(struct rec_space *space, const struct rec_stack_frame *frame, int index)
{
	uint64_t vaddr, address = (uint64_t)(uintptr_t)captured.return_addresses[index] - 1;

	return rec_space_find(space, address, &vaddr) == frame->module && vaddr == frame->vaddr;
}

/* The same return addresses that libgcc's unwinder finds, up to the root. */
static void test_equals_backtrace(void **state)
{
	struct fixture *fixture = *state;
	char room[STACK_BYTES]; /* so that the copy ends inside the stack */
	struct rec_stack stack;
	int own = 1;

	memset(room, 1, sizeof(room));
	at_the_leaf = capture;
	level_5(room[5]);
	struct rec_user_state user = captured_state();

	rec_unwind(fixture->unwinder, fixture->space, &user, &stack);
	assert_true(stack.count >= 7);
	/* backtrace() may start with frames of its own. */
	while (own < captured.depth && !is_at(fixture->space, &stack.frames[1], own))
		own++;
	assert_in_range(own, 1, 3);
	for (int i = 1; i < (int)stack.count && own < captured.depth; i++, own++)
		assert_true(is_at(fixture->space, &stack.frames[i], own));
	/* With the process at hand the part beyond the copy is found too. */
	user.pid = getpid();
	rec_unwind(fixture->unwinder, fixture->space, &user, &stack);
	assert_int_equal(stack.end, REC_END_ROOT);
	assert_true(stack.flags & REC_STACK_WHOLE);
	assert_false(stack.flags & REC_STACK_RECOVERED);
	assert_true((int)stack.count + 3 >= captured.depth);
}

static void test_user_slots(void **state)
{
	struct fixture *fixture = *state;
	struct rec_user_state user = captured_state();
	struct rec_stack stack;

	rec_unwind(fixture->unwinder, fixture->space, &user, &stack);
	assert_int_equal(*stack.frames[2].user, 0);
	*stack.frames[2].user = 42;
	struct rec_module *module = stack.frames[2].module;
	uint64_t vaddr = stack.frames[2].vaddr;

	rec_unwind(fixture->unwinder, fixture->space, &user, &stack);
	assert_int_equal(*stack.frames[2].user, 42);
	assert_int_equal(*stack.frames[3].user, 0);
	assert_int_equal(*rec_unwind_user(fixture->unwinder, module, vaddr), 42);
}

/* Registers and stacks that no program ever had: it ends, and within bounds. */
static void test_nonsense(void **state)
{
	struct fixture *fixture = *state;
	uint64_t words[STACK_BYTES / 8], regs[REC_PERF_REGS_COUNT];
	uint32_t seed = 3;
	struct rec_stack stack;

	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < STACK_BYTES / 8; i++) {
			seed = seed * 1664525 + 1013904223;
			/* Code of ours, the stack itself, and anything. */
			words[i] = (uint64_t)(uintptr_t)captured.return_addresses[seed >> 28 & 7];
			if (seed >> 8 & 1)
				words[i] += seed >> 12 & 0xfff;
			else if (seed >> 9 & 1)
				words[i] = 0x10000 + (seed >> 12 & 0x3ff8);
			else if (seed >> 10 & 1)
				words[i] = (uint64_t)seed << 32 | seed;
		}
		for (int i = 0; i < REC_PERF_REGS_COUNT; i++)
			regs[i] = words[i * 7];
		regs[7] = round % 5 ? 0x10000 : words[1];
		struct rec_user_state user = {.regs = regs,
			.stack = (const uint8_t *)words,
			.stack_size = round % 3 ? sizeof(words) : seed % sizeof(words)};

		rec_unwind(fixture->unwinder, fixture->space, &user, &stack);
		assert_in_range(stack.count, 1, REC_STACK_MAX_FRAMES);
		for (size_t i = 0; i < stack.count; i++)
			assert_non_null(stack.frames[i].module);
	}
	struct rec_space *empty = rec_space_new(fixture->modules);
	struct rec_user_state user = {.regs = regs};

	rec_unwind(fixture->unwinder, empty, &user, &stack);
	assert_int_equal(stack.count, 1);
	assert_int_equal(stack.frames[0].module->type, REC_MODULE_UNKNOWN);
	rec_space_free(empty);
}

/* ---- sampled from a child ---- */

/* Until the child is killed. */
static void burn(void)
{
	for (;;)
		sink++;
}

static void handle(int number)
{
	at_the_leaf = burn;
	level_5(number);
}

static void interrupt(void)
{
	raise(SIGUSR1);
}

static void child_plain(void)
{
	at_the_leaf = burn;
	level_5(1);
}

static void child_deep(void)
{
	at_the_leaf = burn;
	deep(400);
}

static void child_signal(void)
{
	static uint8_t own_stack[1 << 16];
	stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof(own_stack)};
	struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	at_the_leaf = interrupt;
	level_5(1);
}

struct child {
	pid_t pid;
	pid_t tid;
	int go;
};

static void run_child(void (*body)(void), int ready, int go)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	char byte;

	if (write(ready, &tid, sizeof(tid)) == sizeof(tid) && read(go, &byte, 1) == 1)
		body();
}

struct thread_argument {
	void (*body)(void);
	int ready, go;
};

static void *run_thread(void *argument)
{
	const struct thread_argument *thread = argument;

	run_child(thread->body, thread->ready, thread->go);
	return NULL;
}

/* A child that runs `body`, in its main thread or another, as soon as it is told to. */
static struct child start_child(void (*body)(void), bool in_thread)
{
	struct child child = {0};
	int ready[2], go[2];

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (child.pid == 0) {
		struct thread_argument argument = {body, ready[1], go[0]};
		pthread_t thread;

		if (!in_thread)
			run_child(body, ready[1], go[0]);
		else if (pthread_create(&thread, NULL, run_thread, &argument) == 0)
			pthread_join(thread, NULL);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &child.tid, sizeof(child.tid)), sizeof(child.tid));
	child.go = go[1];
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	return child;
}

static void end_child(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	close(child->go);
}

#define RING_BYTES (1u << 20)

struct ring {
	int fd;
	struct perf_event_mmap_page *page; /* then RING_BYTES of data */
};

/* Returns: whether perf may be used. */
static bool open_ring(struct ring *ring, pid_t tid)
{
	struct perf_event_attr attr = {.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.freq = 1,
		.sample_freq = 999,
		.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = REC_PERF_REGS_MASK,
		.sample_stack_user = STACK_BYTES,
		.exclude_kernel = 1,
		.wakeup_events = 1};

	ring->fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (ring->fd < 0)
		return false;
	ring->page = mmap(NULL, 4096 + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
	assert_ptr_not_equal(ring->page, MAP_FAILED);
	return true;
}

static void close_ring(struct ring *ring)
{
	munmap(ring->page, 4096 + RING_BYTES);
	close(ring->fd);
}

/* The next sample, NULL: none came for a second. Lives until: the next call. */
static const uint64_t *next_sample(struct ring *ring)
{
	static uint64_t record[8192];
	const uint8_t *data = (const uint8_t *)ring->page + 4096;
	struct pollfd wait = {.fd = ring->fd, .events = POLLIN};

	for (;;) {
		uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
		uint64_t tail = ring->page->data_tail;
		struct perf_event_header header;

		if (tail == head) {
			if (poll(&wait, 1, 1000) != 1 || wait.revents != POLLIN)
				return NULL;
			continue;
		}
		memcpy(&header, data + tail % RING_BYTES, sizeof(header));
		for (size_t i = 0; i < header.size; i += 8)
			memcpy((uint8_t *)record + i, data + (tail + i) % RING_BYTES, 8);
		__atomic_store_n(&ring->page->data_tail, tail + header.size, __ATOMIC_RELEASE);
		if (header.type == PERF_RECORD_SAMPLE)
			return record + 1;
	}
}

/* Unwind one sample: abi, registers, size, bytes, size that is valid. */
static void unwind_sample(const struct fixture *fixture, struct rec_space *space,
	const struct child *child, const uint64_t *sample, struct rec_stack *stack)
{
	const uint64_t *size = sample + 1 + REC_PERF_REGS_COUNT;
	struct rec_user_state user = {.pid = child->pid,
		.tid = child->tid,
		.regs = sample + 1,
		.stack = (const uint8_t *)(size + 1),
		.stack_size = *size ? size[1 + *size / 8] : 0};

	assert_int_equal(sample[0], PERF_SAMPLE_REGS_ABI_64);
	rec_unwind(fixture->unwinder, space, &user, stack);
}

/* The levels of a stack, leaf first, as digits; runs of 6 are one digit. */
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

		if (level != 0 && !(level == 6 && end > text && end[-1] == '6') && end < text + 60)
			*end++ = (char)('0' + level);
	}
	*end = '\0';
}

/* Sample a child and expect the levels of `expected`, whole, in all but a few samples. */
static void check_child(
	const struct fixture *fixture, void (*body)(void), bool in_thread, const char *expected)
{
	struct child child = start_child(body, in_thread);
	struct rec_space *space = rec_space_new(fixture->modules);
	struct ring ring = {.fd = -1};
	int total = 0, right = 0;
	char text[64] = "", last_wrong[80] = "";
	const uint64_t *sample;

	if (!open_ring(&ring, child.tid)) {
		print_message("SKIPPED: perf_event_open: %s\n", strerror(errno));
		end_child(&child);
		rec_space_free(space);
		skip();
	}
	assert_int_equal(rec_space_read_maps(space, child.pid), 0);
	assert_int_equal(write(child.go, "x", 1), 1);
	while (total < 200 && (sample = next_sample(&ring))) {
		struct rec_stack stack;

		unwind_sample(fixture, space, &child, sample, &stack);
		name_levels(space, &stack, text);
		total++;
		if (stack.end == REC_END_ROOT && strcmp(text, expected) == 0)
			right++;
		else
			snprintf(last_wrong, sizeof(last_wrong), "%d %s", stack.end, text);
	}
	close_ring(&ring);
	end_child(&child);
	rec_space_free(space);
	if (total < 100 || right * 1000 < total * 985)
		fail_msg("%d of %d right; wrong: %s", right, total, last_wrong);
}

static void test_child_plain(void **state)
{
	check_child(*state, child_plain, false, "12345");
}

static void test_child_thread(void **state)
{
	check_child(*state, child_plain, true, "12345");
}

static void test_child_deep(void **state)
{
	check_child(*state, child_deep, false, "123456");
}

static void test_child_signal(void **state)
{
	check_child(*state, child_signal, false, "1234512345");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_equals_backtrace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_user_slots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_child_plain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_child_thread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_child_deep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_child_signal, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
