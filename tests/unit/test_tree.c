/* The process tree: what it is told, and what stands in the trace afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/procfs.h"
#include "record/tree/tree.h"
#include "tracefmt/tracefmt.h"

#define EXITED(code) ((code) << 8)
#define S	     1000000000ull

struct fixture {
	FILE *file;
	struct rec_sink *sink;
	struct rec_tree *tree;
	struct tfmt_reader *reader;
	int started, executed, settled, threads_ended;
};

/* Numbers that no process of this machine has: /proc says nothing about them. */
enum { ROOT = 4200001, CHILD = 4200002, WORKER = 4200003, ME = 4200000 };

static void count_start(void *context, struct rec_process *process)
{
	((struct fixture *)context)->started++;
}

static void count_exec(void *context, struct rec_process *process)
{
	((struct fixture *)context)->executed++;
}

static void count_settle(void *context, struct rec_process *process)
{
	((struct fixture *)context)->settled++;
}

static void count_thread_end(void *context, struct rec_thread *thread, uint64_t time_ns)
{
	((struct fixture *)context)->threads_ended++;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tfmt_header header = {.time_ns = S,
		.recorder = "test",
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = ""};
	struct tfmt_error err;
	f->file = tmpfile();
	assert_int_equal(rec_sink_new(fileno(f->file), &header, 1 << 20, &f->sink, &err), 0);
	f->tree = rec_tree_new(f->sink);
	struct rec_tree_listener listener = {.context = f,
		.process_started = count_start,
		.process_executed = count_exec,
		.process_settled = count_settle,
		.thread_ended = count_thread_end};
	rec_tree_listen(f->tree, &listener);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	tfmt_reader_free(f->reader);
	rec_tree_free(f->tree);
	rec_sink_free(f->sink);
	fclose(f->file);
	free(f);
	return 0;
}

/* End the trace and read it back. */
static const struct tfmt_trace *read_back(struct fixture *f)
{
	struct tfmt_error err;
	rec_tree_finish(f->tree, 100 * S);
	assert_int_equal(rec_sink_finish(f->sink), 0);
	lseek(fileno(f->file), 0, SEEK_SET);
	assert_int_equal(tfmt_reader_open_fd(fileno(f->file), &f->reader, &err), 0);
	assert_int_equal(tfmt_reader_scan(f->reader, &err), 0);
	assert_false(tfmt_damage_any(tfmt_reader_damage(f->reader)));
	return tfmt_reader_trace(f->reader);
}

static void a_process_lives_and_dies(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_exec(f->tree, 3 * S, ROOT, "prog");
	rec_tree_mapped(f->tree, ROOT, "/opt/prog");
	rec_tree_exit(f->tree, 5 * S, ROOT, ROOT);
	rec_tree_status(f->tree, 5 * S, ROOT, EXITED(3), false);
	assert_null(rec_tree_process(f->tree, ROOT));
	const struct tfmt_trace *trace = read_back(f);
	const struct tfmt_process_info *process = tfmt_trace_process(trace, 1);
	assert_int_equal(process->pid, ROOT);
	assert_int_equal(process->ppid, ME);
	assert_int_equal(process->start_ns, 2 * S);
	assert_int_equal(process->end_ns, 5 * S);
	assert_int_equal(process->status_type, TFMT_STATUS_EXITED);
	assert_int_equal(process->status, 3);
	assert_string_equal(tfmt_trace_text(trace, process->name), "prog");
	assert_string_equal(tfmt_trace_text(trace, process->exe), "/opt/prog");
	assert_int_equal(f->started, 1);
	assert_int_equal(f->executed, 1);
	assert_int_equal(f->settled, 1);
	assert_int_equal(f->threads_ended, 1);
}

static void a_status_may_come_first(void **state)
{
	struct fixture *f = *state;
	rec_tree_status(
		f->tree, 4 * S, CHILD, 9, false); /* killed by SIGKILL, before its fork is told */
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ROOT, CHILD, CHILD);
	rec_tree_exit(f->tree, 4 * S, CHILD, CHILD);
	rec_tree_settle(f->tree, 6 * S);
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_process(trace, 2)->status_type, TFMT_STATUS_SIGNALED);
	assert_int_equal(tfmt_trace_process(trace, 2)->status, 9);
	assert_int_equal(tfmt_trace_process(trace, 2)->parent, 1);
	assert_int_equal(tfmt_trace_process(trace, 1)->status_type, TFMT_STATUS_ALIVE);
	assert_int_equal(tfmt_trace_process(trace, 1)->end_ns, 0);
}

static void without_a_status_it_is_unknown(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_exit(f->tree, 4 * S, ROOT, ROOT);
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_process(trace, 1)->status_type, TFMT_STATUS_UNKNOWN);
}

static void a_process_ends_with_its_last_thread(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ME, ROOT, WORKER);
	rec_tree_name(f->tree, 3 * S, WORKER, "worker");
	rec_tree_exit(f->tree, 4 * S, ROOT, ROOT);
	assert_non_null(rec_tree_process(f->tree, ROOT));
	rec_tree_exit(f->tree, 7 * S, ROOT, WORKER);
	assert_null(rec_tree_process(f->tree, ROOT));
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_process(trace, 1)->end_ns, 7 * S);
	assert_int_equal(tfmt_trace_process(trace, 1)->thread_count, 2);
	assert_string_equal(tfmt_trace_text(trace, tfmt_trace_thread(trace, 2)->name), "worker");
}

static void a_pid_is_used_again(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ROOT, CHILD, CHILD);
	rec_tree_exit(f->tree, 4 * S, CHILD, CHILD);
	rec_tree_status(f->tree, 4 * S, CHILD, EXITED(1), false);
	rec_tree_fork(f->tree, 5 * S, ROOT, CHILD, CHILD);
	rec_tree_exit(f->tree, 6 * S, CHILD, CHILD);
	rec_tree_status(f->tree, 6 * S, CHILD, EXITED(2), false);
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_process(trace, 2)->status, 1);
	assert_int_equal(tfmt_trace_process(trace, 3)->status, 2);
}

static void a_lost_end_does_not_merge_two_processes(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ROOT, CHILD, CHILD);
	rec_tree_fork(f->tree, 5 * S, ROOT, CHILD, CHILD);
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_count(trace, TFMT_PROCESS), 3);
	assert_int_equal(tfmt_trace_process(trace, 2)->end_ns, 5 * S);
}

static void cpu_of_ended_threads_adds_up(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ME, ROOT, WORKER);
	struct rec_process *process = rec_tree_process(f->tree, ROOT);
	rec_tree_switch(f->tree, 3 * S, ROOT, false);  /* ran from its start on: 1 s */
	rec_tree_switch(f->tree, 4 * S, WORKER, true); /* waited for a CPU until now */
	rec_tree_switch(f->tree, 5 * S, ROOT, true);
	rec_tree_exit(f->tree, 9 * S, ROOT, WORKER); /* still running: 5 s */
	assert_int_equal(process->switch_cpu_ns, 6 * S);
	assert_int_equal(rec_tree_cpu_ns(process, 10 * S), 11 * S);
	rec_tree_clock(f->tree, ROOT, 14 * S);	    /* beside it, not on top of it */
	rec_tree_exit(f->tree, 12 * S, ROOT, ROOT); /* 7 s more */
	assert_int_equal(process->switch_cpu_ns, 13 * S);
	assert_int_equal(process->clock_cpu_ns, 14 * S);
}

static void an_exec_leaves_one_thread(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ME, ROOT, WORKER);
	rec_tree_exit(f->tree, 4 * S, ROOT, ROOT);   /* the main thread goes ... */
	rec_tree_exec(f->tree, 4 * S, ROOT, "prog"); /* ... because the other calls exec */
	assert_null(rec_tree_thread(f->tree, WORKER));
	assert_non_null(rec_tree_thread(f->tree, ROOT));
	rec_tree_exit(f->tree, 9 * S, ROOT, ROOT);
	rec_tree_status(f->tree, 9 * S, ROOT, EXITED(4), false);
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_process(trace, 1)->end_ns, 9 * S);
	assert_int_equal(tfmt_trace_process(trace, 1)->status, 4);
}

static void the_status_of_a_main_thread_gone_early_is_not_the_process_s(void **state)
{
	struct fixture *f = *state;
	rec_tree_fork(f->tree, 2 * S, ME, ROOT, ROOT);
	rec_tree_fork(f->tree, 3 * S, ME, ROOT, WORKER);
	rec_tree_exit(f->tree, 4 * S, ROOT, ROOT);
	rec_tree_status(f->tree, 4 * S, ROOT, EXITED(0), false);
	rec_tree_exit(f->tree, 8 * S, ROOT, WORKER);
	rec_tree_fork(f->tree, 2 * S, ME, CHILD, CHILD);
	rec_tree_fork(f->tree, 3 * S, ME, CHILD, CHILD + 100);
	rec_tree_exit(f->tree, 4 * S, CHILD, CHILD);
	rec_tree_exit(f->tree, 8 * S, CHILD, CHILD + 100);
	rec_tree_status(f->tree, 8 * S, CHILD, EXITED(15), true);
	const struct tfmt_trace *trace = read_back(f);
	assert_int_equal(tfmt_trace_process(trace, 1)->status_type, TFMT_STATUS_UNKNOWN);
	assert_int_equal(tfmt_trace_process(trace, 2)->status, 15);
}

static void our_own_stat_is_read(void **state)
{
	struct rec_proc_stat stat;
	uint64_t cpu_ns;
	int fd = rec_proc_open(getpid(), "stat");
	assert_int_equal(rec_proc_read_stat(fd, &stat), 0);
	close(fd);
	assert_int_equal(stat.ppid, getppid());
	assert_int_equal(stat.state, 'R');
	assert_true(stat.rss_bytes > 100000);
	assert_true(stat.threads >= 1);
	assert_int_equal(rec_proc_cpu_ns(getpid(), &cpu_ns), 0);
	assert_true(cpu_ns > 0);
	assert_int_equal(rec_proc_cpu_ns(ROOT, &cpu_ns), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_process_lives_and_dies),
		TEST(a_status_may_come_first),
		TEST(without_a_status_it_is_unknown),
		TEST(a_process_ends_with_its_last_thread),
		TEST(a_pid_is_used_again),
		TEST(a_lost_end_does_not_merge_two_processes),
		TEST(cpu_of_ended_threads_adds_up),
		TEST(an_exec_leaves_one_thread),
		TEST(the_status_of_a_main_thread_gone_early_is_not_the_process_s),
		cmocka_unit_test(our_own_stat_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
