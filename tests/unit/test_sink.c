/* The way to the output: held back, slow, full, gone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/sink.h"
#include "tracefmt/tracefmt.h"

#define QUEUE_BYTES (1u << 20)

static struct rec_sink *new_sink(int fd)
{
	struct tfmt_header header = {.time_ns = 1,
		.recorder = "test",
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = ""};
	struct tfmt_error err;
	struct rec_sink *sink = NULL;
	assert_int_equal(rec_sink_new(fd, &header, QUEUE_BYTES, &sink, &err), 0);
	return sink;
}

/* Texts that do not compress, a chunk's worth at a time. */
static void add_chunk(struct rec_sink *sink, uint64_t *seed)
{
	for (int i = 0; i < 40; i++) {
		uint64_t text[200];
		uint32_t id;
		for (size_t k = 0; k < sizeof(text) / sizeof(*text); k++) {
			*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			text[k] = *seed ^ *seed >> 29;
		}
		tfmt_writer_intern(rec_sink_writer(sink), (const char *)text, sizeof(text), &id);
	}
	rec_sink_flush(sink);
}

/* Damage is left to the caller. */
static struct tfmt_reader *read_back(int fd)
{
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(tfmt_reader_open_fd(fd, &reader, &err), 0);
	tfmt_reader_scan(reader, &err);
	return reader;
}

static void nothing_is_written_before_the_start(void **state)
{
	FILE *file = tmpfile();
	struct rec_sink *sink = new_sink(fileno(file));
	uint64_t seed = 1;
	struct stat st;
	add_chunk(sink, &seed);
	usleep(20000);
	fstat(fileno(file), &st);
	assert_int_equal(st.st_size, 0);
	rec_sink_free(sink); /* dropped, not written */
	fstat(fileno(file), &st);
	assert_int_equal(st.st_size, 0);

	sink = new_sink(fileno(file));
	add_chunk(sink, &seed);
	assert_int_equal(rec_sink_finish(sink), 0);
	fstat(fileno(file), &st);
	assert_int_equal(st.st_size, rec_sink_bytes(sink));
	rec_sink_free(sink);
	struct tfmt_reader *reader = read_back(fileno(file));
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
	tfmt_reader_free(reader);
	fclose(file);
}

static void a_pipe_that_nobody_reads_bounds_the_queue_and_holds_nobody_up(void **state)
{
	int fds[2];
	uint64_t seed = 1;
	assert_int_equal(pipe(fds), 0);
	struct rec_sink *sink = new_sink(fds[1]);
	rec_sink_start(sink);
	assert_true(rec_sink_has_room(sink));
	for (int i = 0; i < 200; i++) /* 12.8 MB */
		add_chunk(sink, &seed);
	assert_false(rec_sink_has_room(sink));
	rec_sink_end(sink);
	struct pollfd done = {rec_sink_fd(sink), POLLIN, 0};
	assert_int_equal(poll(&done, 1, 0), 0);
	assert_int_equal(rec_sink_error(sink), 0);
	rec_sink_free(sink); /* must return */
	close(fds[0]);
	close(fds[1]);
}

/* What did not fit is missing, and the reader says so. */
static void chunks_beyond_all_bounds_are_left_out(void **state)
{
	int fds[2];
	uint64_t seed = 1;
	assert_int_equal(pipe(fds), 0);
	FILE *file = tmpfile();
	struct rec_sink *sink = new_sink(fds[1]);
	rec_sink_start(sink);
	for (int i = 0; i < 200; i++)
		add_chunk(sink, &seed);
	if (fork() == 0) {
		char buffer[65536];
		ssize_t n;
		close(fds[1]);
		while ((n = read(fds[0], buffer, sizeof(buffer))) > 0)
			if (write(fileno(file), buffer, (size_t)n) != n)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(rec_sink_finish(sink), 0);
	assert_true(rec_sink_bytes(sink) < 5 * QUEUE_BYTES);
	rec_sink_free(sink);
	close(fds[1]);
	close(fds[0]);
	wait(NULL);
	struct tfmt_reader *reader = read_back(fileno(file));
	const struct tfmt_damage *damage = tfmt_reader_damage(reader);
	assert_true(damage->lost_chunks > 100);
	assert_true(damage->has_end);
	tfmt_reader_free(reader);
	fclose(file);
}

static void a_reader_that_leaves_is_an_error(void **state)
{
	int fds[2];
	uint64_t seed = 1;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	struct rec_sink *sink = new_sink(fds[1]);
	rec_sink_start(sink);
	add_chunk(sink, &seed);
	assert_int_equal(rec_sink_finish(sink), EPIPE);
	rec_sink_free(sink);
	close(fds[1]);
}

/* A limit on the file's size stands for the full disk: a write is cut short, the next one fails. */
static void a_torn_chunk_is_cut_off(void **state)
{
	FILE *file = tmpfile();
	uint64_t seed = 1;
	struct stat st;
	struct rlimit old, limit;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){100000, old.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	struct rec_sink *sink = new_sink(fileno(file));
	rec_sink_start(sink);
	add_chunk(sink, &seed);
	add_chunk(sink, &seed);
	assert_int_equal(rec_sink_finish(sink), EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	fstat(fileno(file), &st);
	assert_int_equal(st.st_size, rec_sink_bytes(sink));
	assert_true(st.st_size > 60000);
	rec_sink_free(sink);
	struct tfmt_reader *reader = read_back(fileno(file));
	const struct tfmt_damage *damage = tfmt_reader_damage(reader);
	assert_false(damage->has_end);
	assert_int_equal(damage->skipped_bytes, 0);
	assert_int_equal(damage->bad_chunks, 0);
	tfmt_reader_free(reader);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_written_before_the_start),
		cmocka_unit_test(a_pipe_that_nobody_reads_bounds_the_queue_and_holds_nobody_up),
		cmocka_unit_test(chunks_beyond_all_bounds_are_left_out),
		cmocka_unit_test(a_reader_that_leaves_is_an_error),
		cmocka_unit_test(a_torn_chunk_is_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
