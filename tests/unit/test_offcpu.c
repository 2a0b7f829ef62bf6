/* Waits of a real thread, read while they last: what counts, what is assumed, what is lost. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "native/offcpu.h"
#include "tracefmt/record.h"

#define MS 1000000ull

struct fixture {
	struct rec_offcpu *offcpu;
	struct rec_process process;
	struct rec_thread thread;
	struct rec_offcpu_thread entry;
	uint32_t stack; /* that unwinding gives next */
	int unwound;
};

static uint64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void unwind(void *context, struct rec_thread *thread,
	const struct rec_blocked_state *blocked, struct rec_wait_view *view)
{
	struct fixture *fixture = context;
	assert_ptr_equal(thread, &fixture->thread);
	assert_int_equal(blocked->tid, thread->tid);
	assert_true(blocked->sp != 0 && blocked->pc != 0);
	view->stack = fixture->stack;
	fixture->unwound++;
}

/* A child in pause(2). */
static void start(struct fixture *fixture)
{
	struct timespec moment = {0, 50000000};
	memset(fixture, 0, sizeof(*fixture));
	fixture->process.pid = fork();
	assert_true(fixture->process.pid >= 0);
	if (fixture->process.pid == 0)
		for (;;)
			pause();
	fixture->thread.tid = fixture->process.pid;
	fixture->thread.process = &fixture->process;
	fixture->offcpu = rec_offcpu_new(unwind, fixture);
	assert_non_null(fixture->offcpu);
	fixture->stack = 7;
	/* Until it stands where it is to be found. */
	char path[64], line[16] = "";
	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)fixture->process.pid);
	for (int i = 0; i < 200 && strtol(line, NULL, 10) != SYS_pause; i++) {
		nanosleep(&moment, NULL);
		FILE *file = fopen(path, "r");
		if (file && !fgets(line, sizeof(line), file))
			line[0] = '\0';
		if (file)
			fclose(file);
	}
}

static void end_child(struct fixture *fixture)
{
	kill(fixture->process.pid, SIGKILL);
	waitpid(fixture->process.pid, NULL, 0);
}

static void stop(struct fixture *fixture)
{
	end_child(fixture);
	rec_offcpu_release(fixture->offcpu, &fixture->entry);
	rec_offcpu_free(fixture->offcpu);
}

static struct rec_wait_view end(struct fixture *fixture, uint64_t start_ns, uint64_t end_ns)
{
	struct rec_wait wait = {start_ns, end_ns, end_ns - start_ns, REC_WAIT_BLOCKED};
	struct rec_wait_view view = rec_offcpu_end(fixture->offcpu, &fixture->entry, &wait, false);
	rec_offcpu_cancel(&fixture->entry);
	return view;
}

/* One wait that began `age_ns` ago, looked at or not, and over now. */
static struct rec_wait_view wait_for(struct fixture *fixture, uint64_t age_ns, bool looks)
{
	uint64_t start_ns = now_ns() - age_ns;
	rec_offcpu_begin(fixture->offcpu, &fixture->entry, &fixture->thread, start_ns);
	if (looks)
		rec_offcpu_look(fixture->offcpu, now_ns());
	return end(fixture, start_ns, now_ns());
}

static void test_reading(void **state)
{
	struct fixture fixture;
	start(&fixture);
	struct rec_wait_view view = wait_for(&fixture, 30 * MS, true);
	assert_int_equal(view.stack, 7);
	assert_int_equal(view.syscall, SYS_pause + 1);
	assert_int_equal(view.flags, 0);
	/* Too young for a look. */
	view = wait_for(&fixture, MS / 2, true);
	assert_int_equal(view.stack, 0);
	assert_int_equal(fixture.unwound, 1);
	/* Over before the reading was: whose stack it is nobody knows. */
	uint64_t start_ns = now_ns() - 40 * MS;
	rec_offcpu_begin(fixture.offcpu, &fixture.entry, &fixture.thread, start_ns);
	rec_offcpu_look(fixture.offcpu, now_ns());
	view = end(&fixture, start_ns, start_ns + 35 * MS);
	assert_int_equal(fixture.unwound, 2);
	assert_int_equal(view.stack, 0);
	struct rec_offcpu_counts counts = rec_offcpu_counts(fixture.offcpu);
	assert_int_equal(counts.waits, 3);
	assert_int_equal(counts.read, 1);
	assert_int_equal(counts.lost, 1);
	stop(&fixture);
}

/* After four waits in one place the next of that length is taken for one, until it is not. */
static void test_habits(void **state)
{
	struct fixture fixture;
	start(&fixture);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_for(&fixture, 30 * MS, true).flags, 0);
	struct rec_wait_view view = wait_for(&fixture, 30 * MS, false);
	assert_int_equal(view.stack, 7);
	assert_int_equal(view.syscall, SYS_pause + 1);
	assert_int_equal(view.flags, TFMT_SAMPLE_ASSUMED);
	/* That says nothing of short ones. */
	assert_int_equal(wait_for(&fixture, 2 * MS, false).stack, 0);
	/* With time to spare these are read as well, and show that the place has changed. */
	fixture.stack = 8;
	view = wait_for(&fixture, 30 * MS, true);
	assert_int_equal(view.stack, 8);
	assert_int_equal(view.flags, 0);
	assert_int_equal(wait_for(&fixture, 30 * MS, false).stack, 0);
	stop(&fixture);
}

/* The thread is gone: a loss, and its file is not asked again for nothing. */
static void test_gone(void **state)
{
	struct fixture fixture;
	start(&fixture);
	wait_for(&fixture, 30 * MS, true);
	wait_for(&fixture, 30 * MS, true); /* keeps a descriptor */
	end_child(&fixture);
	assert_int_equal(wait_for(&fixture, 30 * MS, true).stack, 0);
	assert_int_equal(fixture.unwound, 2);
	assert_int_equal(rec_offcpu_counts(fixture.offcpu).lost, 1);
	stop(&fixture);
}

/* Thousands of waits: what readings cost is bounded, and each wait is read, assumed or lost. */
static void test_many(void **state)
{
	enum { THREADS = 3000 };
	static struct rec_offcpu_thread entries[THREADS];
	struct fixture fixture;
	start(&fixture);
	for (int round = 0; round < 10; round++) {
		uint64_t start_ns = now_ns() - 25 * MS;
		for (int i = 0; i < THREADS; i++)
			rec_offcpu_begin(fixture.offcpu, &entries[i], &fixture.thread,
				start_ns + (uint64_t)i);
		rec_offcpu_look(fixture.offcpu, now_ns());
		for (int i = 0; i < THREADS; i++) {
			struct rec_wait wait = {.start_ns = start_ns + (uint64_t)i,
				.end_ns = now_ns(),
				.kind = REC_WAIT_BLOCKED};
			rec_offcpu_end(fixture.offcpu, &entries[i], &wait, false);
			rec_offcpu_cancel(&entries[i]);
		}
	}
	struct rec_offcpu_counts counts = rec_offcpu_counts(fixture.offcpu);
	assert_int_equal(counts.waits, 10 * THREADS);
	assert_int_equal(counts.read + counts.assumed + counts.lost, counts.waits);
	assert_true(counts.read > 0);
	assert_true(counts.read < counts.waits);
	for (int i = 0; i < THREADS; i++)
		rec_offcpu_release(fixture.offcpu, &entries[i]);
	stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_habits),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
