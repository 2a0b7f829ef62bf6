/* Reading /proc/PID: of a child whose figures are known, and of one that is gone. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/perf/calibrate.h"
#include "record/procfs.h"

#define BLOCK_BYTES (8u << 20)

/* A child that holds 8 MiB of its own and 3 sockets, and has written 1,000 bytes. */
static pid_t start_child(void)
{
	int ready[2];
	char byte = 0;
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char text[1000] = "";
		char *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (size_t i = 0; i < BLOCK_BYTES; i += 4096)
			block[i] = 1;
		for (int i = 0; i < 3; i++)
			socket(AF_UNIX, SOCK_STREAM, 0);
		int null = open("/dev/null", O_WRONLY);
		if (write(null, text, sizeof(text)) == sizeof(text))
			write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_child(void **opaque)
{
	uint64_t fds, sockets, fewer, peak_bytes, voluntary, involuntary;
	struct rec_proc_shares shares;
	struct rec_proc_stat stat;
	struct rec_proc_io io;
	pid_t pid = start_child();
	int fd = rec_proc_open(pid, "stat");
	assert_int_equal(rec_proc_read_stat(fd, &stat), 0);
	close(fd);
	assert_true(stat.minor_faults >= BLOCK_BYTES / 4096 / 512);
	assert_true(stat.rss_bytes >= BLOCK_BYTES / 2);

	fd = rec_proc_open(pid, "io");
	assert_int_equal(rec_proc_read_io(fd, &io), 0);
	close(fd);
	assert_true(io.write_bytes >= 1000 && io.write_bytes < 5000);

	assert_int_equal(rec_proc_count_fds(pid, &fds), 0);
	assert_int_equal(rec_proc_count_sockets(pid, 4096, &sockets), 0);
	assert_int_equal(rec_proc_count_sockets(getpid(), 4096, &fewer), 0);
	assert_int_equal(sockets, fewer + 3);
	assert_true(fds >= sockets + 1);
	assert_int_equal(rec_proc_count_sockets(pid, 2, &fewer), -EOVERFLOW);

	assert_int_equal(rec_proc_read_shares(pid, &shares), 0);
	assert_true(shares.uss_bytes >= BLOCK_BYTES && shares.pss_bytes >= shares.uss_bytes);
	assert_int_equal(rec_proc_read_peak(pid, &peak_bytes), 0);
	assert_true(peak_bytes >= BLOCK_BYTES);
	/* It has told us that it is ready, and is about to wait. */
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rec_proc_count_switches(pid, 10, &voluntary, &involuntary), 0);
		if (voluntary > 0)
			break;
		usleep(10000);
	}
	assert_true(voluntary >= 1);
	assert_int_equal(rec_proc_count_switches(pid, 0, &voluntary, &involuntary), -EOVERFLOW);
	kill(pid, SIGKILL);

	/* Dead and not yet waited for: its memory is gone, its totals are there. */
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(rec_proc_read_shares(pid, &shares), -ESRCH);
	fd = rec_proc_open(pid, "io");
	assert_int_equal(rec_proc_read_io(fd, &io), 0);
	assert_true(io.write_bytes >= 1000);
	waitpid(pid, NULL, 0);
	assert_int_equal(rec_proc_read_io(fd, &io), -ESRCH);
	close(fd);
	assert_true(rec_proc_read_shares(pid, &shares) < 0);
	assert_true(rec_proc_count_fds(pid, &fds) < 0);
	assert_true(rec_proc_count_sockets(pid, 10, &sockets) < 0);
	assert_true(rec_proc_read_peak(pid, &peak_bytes) < 0);
}

static void test_find(void **opaque)
{
	static const char text[] = "Pss_Anon: 5 kB\nPss:   17 kB\nSwapPss: 3 kB\nEmpty:";
	uint64_t value = 99;
	assert_true(rec_proc_find(text, "Pss:", &value));
	assert_int_equal(value, 17);
	assert_true(rec_proc_find(text, "SwapPss:", &value));
	assert_int_equal(value, 3);
	assert_true(rec_proc_find(text, "Empty:", &value));
	assert_int_equal(value, 0);
	assert_false(rec_proc_find(text, "Rss:", &value));
	assert_false(rec_proc_find("", "Rss:", &value));
}

static void test_subtract(void **opaque)
{
	struct rec_proc_io io = {.read_bytes = 10, .write_bytes = 5};
	const struct rec_proc_io less = {.read_bytes = 4, .write_bytes = 6, .disk_read_bytes = 1};
	rec_proc_io_subtract(&io, &less);
	assert_int_equal(io.read_bytes, 6);
	assert_int_equal(io.write_bytes, 0);
	assert_int_equal(io.disk_read_bytes, 0);
	rec_proc_io_add(&io, &less);
	assert_int_equal(io.read_bytes, 10);
	assert_int_equal(io.disk_read_bytes, 1);
}

/* What the kernel refuses is not measured, and does no harm. */
static void test_refused_calibration(void **opaque)
{
	struct perf_event_attr attr = {.type = 12345, .size = sizeof(attr), .context_switch = 1};
	struct rec_calibration calibration = {1, 1};
	rec_calibrate(&attr, false, &calibration);
	assert_int_equal(calibration.sample_ns, 0);
	assert_int_equal(calibration.switch_ns, 0);
}

static void test_calibration(void **opaque)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.freq = 1,
		.sample_freq = 999,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID,
		.context_switch = 1,
		.exclude_kernel = 1,
	};
	struct rec_calibration calibration;
	rec_calibrate(&attr, false, &calibration);
	if (calibration.sample_ns == 0) /* refused here, or no CPU for us in all the time */
		skip();
	assert_true(calibration.sample_ns >= 500 && calibration.sample_ns < 100000000);
}

/* As the kernel prints them. */
static void places_of_waits(void **state)
{
	struct rec_proc_syscall call;
	assert_true(rec_proc_parse_syscall(
		"202 0x7f01 0x189 0x0 0x0 0x0 0xffffffff 0x7ffc0010 0x7f0203\n", &call));
	assert_int_equal(call.number, 202);
	assert_int_equal(call.argument, 0x7f01);
	assert_int_equal(call.sp, 0x7ffc0010);
	assert_int_equal(call.pc, 0x7f0203);
	assert_true(rec_proc_parse_syscall("-1 0x7ffc0010 0x7f0203\n", &call));
	assert_int_equal(call.number, -1);
	assert_int_equal(call.sp, 0x7ffc0010);
	assert_int_equal(call.pc, 0x7f0203);
	assert_false(rec_proc_parse_syscall("running\n", &call));
	assert_false(rec_proc_parse_syscall("0 0x0 0x0\n", &call));
	assert_false(rec_proc_parse_syscall("", &call));
}

static void numbers_in_namespaces(void **state)
{
	assert_int_equal(rec_proc_inner_number(getpid(), getpid()), getpid());
	/* No such thread. */
	assert_int_equal(rec_proc_inner_number(getpid(), 1 << 23), 1 << 23);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_of_waits),
		cmocka_unit_test(numbers_in_namespaces),
		cmocka_unit_test(test_child),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_subtract),
		cmocka_unit_test(test_refused_calibration),
		cmocka_unit_test(test_calibration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
