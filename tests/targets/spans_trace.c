/*
 * Writes traces of calls and scopes: spans_trace SHAPE FILE
 *
 *	server  a web server of two processes: scopes of requests in three threads, calls below
 *		them with arguments, results and exceptions, a generator, a message, a loss, a call
 *		that began before the recording and scopes that never end; samples and memory
 *	many    100 000 calls of 40 functions, 12 deep, in four threads, arguments of every tenth
 *	million a million calls of one thread
 *	deep    one thread that recurs 3000 deep
 *	lanes   60 scopes of different names, most of them short, and nothing else
 *	hostile names that drive terminals and break markup, ends without beginnings and the
 *		reverse, records that go back in time
 *	one     a single call
 *	errors  calls of which every third is left by an exception
 *	killed  6000 threads, one after the other, each of which ends within a scope
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS UINT64_C(7000000000000)
#define MS	 UINT64_C(1000000)
#define US	 UINT64_C(1000)
#define PID	 5000

static void must(int status)
{
	if (status < 0) {
		fprintf(stderr, "spans_trace: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

static uint32_t text(struct tfmt_writer *w, const char *string)
{
	uint32_t id = 0;
	must(tfmt_writer_intern(w, string, strlen(string), &id));
	return id;
}

static uint32_t add_process(
	struct tfmt_writer *w, uint32_t pid, uint32_t parent, const char *argv, size_t argv_size)
{
	uint32_t id = 0, argv_id = 0;
	must(tfmt_writer_add_process(w,
		&(struct tfmt_process){.start_ns = START_NS,
			.pid = pid,
			.ppid = parent > 0 ? PID : 1,
			.parent = parent},
		&id));
	must(tfmt_writer_intern(w, argv, argv_size, &argv_id));
	must(tfmt_writer_life(w, &(struct tfmt_life){.time_ns = START_NS,
					 .process = id,
					 .name = text(w, "python3"),
					 .exe = text(w, "/usr/bin/python3"),
					 .argv = argv_id,
					 .cwd = text(w, "/srv/app"),
					 .event = TFMT_LIFE_EXEC}));
	return id;
}

static uint32_t add_thread(struct tfmt_writer *w, uint32_t process, uint32_t tid, const char *name)
{
	uint32_t id = 0;
	must(tfmt_writer_add_thread(w,
		&(struct tfmt_thread){.start_ns = START_NS, .process = process, .tid = tid}, &id));
	must(tfmt_writer_life(w, &(struct tfmt_life){.time_ns = START_NS,
					 .process = process,
					 .thread = id,
					 .name = text(w, name),
					 .event = TFMT_LIFE_NAME}));
	return id;
}

static void end_process(struct tfmt_writer *w, uint32_t process, uint64_t time_ns)
{
	must(tfmt_writer_life(w, &(struct tfmt_life){.time_ns = time_ns,
					 .process = process,
					 .status_type = TFMT_STATUS_EXITED,
					 .event = TFMT_LIFE_EXIT}));
}

static uint32_t function(
	struct tfmt_writer *w, const char *name, const char *file, uint32_t first_line)
{
	uint32_t id = 0;
	must(tfmt_writer_add_frame(w,
		&(struct tfmt_frame){.function = text(w, name),
			.file = text(w, file),
			.first_line = first_line,
			.line = first_line,
			.language = TFMT_LANG_PYTHON},
		&id));
	return id;
}

static uint64_t put(struct tfmt_writer *w, uint64_t time_ns, uint32_t thread, uint32_t frame,
	const char *scope, int flags, int phase)
{
	uint64_t number = 0;
	must(tfmt_writer_span(w,
		&(struct tfmt_span){.time_ns = START_NS + time_ns,
			.thread = thread,
			.frame = frame,
			.name = scope != NULL ? text(w, scope) : 0,
			.phase = (uint8_t)phase,
			.flags = (uint8_t)flags},
		&number));
	return number;
}

static uint64_t begin(struct tfmt_writer *w, uint64_t time_ns, uint32_t thread, uint32_t frame)
{
	return put(w, time_ns, thread, frame, NULL, TFMT_SPAN_CALL, TFMT_SPAN_BEGIN);
}

static uint64_t end(struct tfmt_writer *w, uint64_t time_ns, uint32_t thread, uint32_t frame)
{
	return put(w, time_ns, thread, frame, NULL, TFMT_SPAN_CALL, TFMT_SPAN_END);
}

static void open_scope(struct tfmt_writer *w, uint64_t time_ns, uint32_t thread, const char *name)
{
	put(w, time_ns, thread, 0, name, TFMT_SPAN_SCOPE, TFMT_SPAN_BEGIN);
}

static void close_scope(struct tfmt_writer *w, uint64_t time_ns, uint32_t thread, const char *name)
{
	put(w, time_ns, thread, 0, name, TFMT_SPAN_SCOPE, TFMT_SPAN_END);
}

static void arg(struct tfmt_writer *w, uint64_t span, const char *name, const char *type,
	const char *value, int flags)
{
	must(tfmt_writer_arg(w, &(struct tfmt_arg){.span = span,
					.name = text(w, name),
					.type = text(w, type),
					.value = text(w, value),
					.flags = (uint8_t)flags}));
}

static void fail(struct tfmt_writer *w, uint64_t time_ns, uint32_t thread, uint32_t frame,
	const char *type, const char *message)
{
	uint64_t span = put(w, time_ns, thread, frame, NULL, TFMT_SPAN_CALL | TFMT_SPAN_EXCEPTION,
		TFMT_SPAN_END);
	arg(w, span, "exception", type, message, 0);
}

/* The thread ran from `from_ns` on for `length_ns`: a sample each ms. */
static void run(struct tfmt_writer *w, uint32_t thread, uint32_t stack, uint64_t from_ns,
	uint64_t length_ns)
{
	for (uint64_t passed_ns = MS; passed_ns <= length_ns; passed_ns += MS)
		must(tfmt_writer_sample(w, &(struct tfmt_sample){
						   .time_ns = START_NS + from_ns + passed_ns,
						   .weight_ns = MS,
						   .thread = thread,
						   .stack = stack,
						   .state = TFMT_STATE_RUNNING,
					   }));
}

struct server {
	uint32_t threads[3];
	uint32_t handle, parse, query, render, rows, fetch;
	uint32_t stack;
};

/* One request of `length_ns`; the third of four fails. */
static void serve(struct tfmt_writer *w, const struct server *s, int number, uint64_t at_ns,
	uint64_t length_ns)
{
	const uint32_t thread = s->threads[number % 3];
	const uint64_t part_ns = length_ns / 20;
	char path[64];
	snprintf(path, sizeof(path), "/items/%d?page=2", number);
	open_scope(w, at_ns, thread, "request");
	uint64_t span = begin(w, at_ns + 10 * US, thread, s->handle);
	arg(w, span, "path", "str", path, 0);
	arg(w, span, "retries", "int", "3", 0);
	open_scope(w, at_ns + part_ns, thread, "parse");
	span = begin(w, at_ns + part_ns + 20 * US, thread, s->parse);
	arg(w, span, "text", "str",
		number % 5 == 0
			? "{\"id\": 17, \"name\": \"a long document that goes on and on, for "
			  "more than any line has room for, and then some more of it\"}"
			: "",
		number % 5 == 0 ? TFMT_ARG_CUT : 0);
	span = end(w, at_ns + 4 * part_ns - 20 * US, thread, s->parse);
	arg(w, span, "return value", "dict", "{'id': 17}", 0);
	close_scope(w, at_ns + 4 * part_ns, thread, "parse");
	open_scope(w, at_ns + 5 * part_ns, thread, "query");
	span = begin(w, at_ns + 5 * part_ns + 30 * US, thread, s->query);
	arg(w, span, "sql", "str", "select *\nfrom items\twhere id = ?", 0);
	if (number % 4 == 3) {
		fail(w, at_ns + 14 * part_ns, thread, s->query, "TimeoutError", "no answer in 2 s");
		close_scope(w, at_ns + 14 * part_ns + 10 * US, thread, "query");
		fail(w, at_ns + length_ns - 10 * US, thread, s->handle, "TimeoutError",
			"no answer in 2 s");
	} else {
		span = end(w, at_ns + 14 * part_ns, thread, s->query);
		arg(w, span, "return value", "int", "42", 0);
		close_scope(w, at_ns + 14 * part_ns + 10 * US, thread, "query");
		open_scope(w, at_ns + 15 * part_ns, thread, "render");
		/* A generator: one call and return for each resume. */
		for (uint64_t i = 0; i < 3; i++) {
			uint64_t row_ns = at_ns + (15 + i) * part_ns + 50 * US;
			begin(w, row_ns, thread, s->rows);
			span = end(w, row_ns + part_ns / 2, thread, s->rows);
			arg(w, span, "return value", i < 2 ? "tuple" : "NoneType",
				i < 2 ? "(1, 'x')" : "None", 0);
		}
		close_scope(w, at_ns + 19 * part_ns, thread, "render");
		span = end(w, at_ns + length_ns - 10 * US, thread, s->handle);
		arg(w, span, "return value", "Response", "<Response 200>", 0);
	}
	close_scope(w, at_ns + length_ns, thread, "request");
	run(w, thread, s->stack, at_ns + part_ns, 3 * part_ns);
	run(w, thread, s->stack, at_ns + 15 * part_ns, 4 * part_ns);
}

static void add_server(struct tfmt_writer *w)
{
	static const char argv[] = "python3\0server.py\0--workers\0002";
	struct server s;
	uint32_t main = add_process(w, PID, 0, argv, sizeof(argv));
	uint32_t worker = add_process(w, PID + 10, main, argv, sizeof(argv));
	uint32_t metric = 0;
	s.threads[0] = add_thread(w, main, PID, "python3");
	s.threads[1] = add_thread(w, main, PID + 1, "pool-1");
	s.threads[2] = add_thread(w, worker, PID + 10, "python3");
	s.handle = function(w, "App.handle", "/srv/app/server.py", 40);
	s.parse = function(w, "loads", "/usr/lib/python3.11/json/__init__.py", 299);
	s.query = function(w, "Db.query", "/srv/app/db.py", 12);
	s.render = function(w, "render", "/srv/app/views.py", 7);
	s.rows = function(w, "rows", "/srv/app/views.py", 31);
	s.fetch = function(w, "Db.connect", "/srv/app/db.py", 3);
	must(tfmt_writer_add_stack(w, &(struct tfmt_stack){.frame = s.handle}, &s.stack));
	must(tfmt_writer_add_metric(w,
		&(struct tfmt_metric){.name = text(w, "rss"),
			.unit = text(w, "bytes"),
			.help = text(w, "resident memory"),
			.process = main},
		&metric));
	/* It had begun before. */
	uint64_t span = end(w, 2 * MS, s.threads[0], s.fetch);
	arg(w, span, "return value", "Connection", "<Connection 0x7f>", 0);
	open_scope(w, 4 * MS, s.threads[0], "serve");
	for (int i = 0; i < 36; i++) {
		must(tfmt_writer_counter(w, &(struct tfmt_counter){START_NS + (uint64_t)i * 25 * MS,
						    (int64_t)(40 + i) << 20, metric}));
		serve(w, &s, i, (10 + (uint64_t)i * 25) * MS,
			(20 + (uint64_t)(i * 7 % 11) * 5) * MS);
		if (i == 10)
			must(tfmt_writer_lost(
				w, &(struct tfmt_lost){START_NS + 261 * MS, 1234, worker,
					   text(w, "span"), text(w, "ring full")}));
		if (i == 12)
			must(tfmt_writer_instant(
				w, &(struct tfmt_instant){START_NS + 312 * MS, s.threads[0],
					   text(w, "log"), text(w, "cache is cold\nreading it")}));
	}
	open_scope(w, 960 * MS, s.threads[1], "flush");
	end_process(w, worker, START_NS + 1000 * MS);
	end_process(w, main, START_NS + 1010 * MS);
}

static void add_many(struct tfmt_writer *w, size_t calls, uint32_t thread_count)
{
	uint32_t process = add_process(w, PID, 0, "calls", 6);
	uint32_t threads[4], functions[40], open[4][12], depth[4] = {0};
	uint64_t random = 1, now = 0;
	char name[64];
	size_t begun = 0, ended = 0;
	for (uint32_t i = 0; i < thread_count; i++) {
		snprintf(name, sizeof(name), "worker-%u", i);
		threads[i] = add_thread(w, process, PID + i, name);
	}
	for (uint32_t i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "function_%u", i);
		functions[i] = function(w, name, "/srv/app/calls.py", 10 * i + 1);
	}
	while (ended < calls) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint32_t t = (uint32_t)(random >> 40) % thread_count;
		bool is_call = depth[t] == 0 || (depth[t] < 12 && (random >> 50 & 1) != 0);
		now += 1 + (random >> 33) % 4000;
		if (is_call && begun < calls) {
			uint32_t f = functions[(random >> 56) % 10 + 10 * (depth[t] / 3)];
			uint64_t span = begin(w, now, threads[t], f);
			if (begun % 10 == 0)
				arg(w, span, "n", "int", "17", 0);
			open[t][depth[t]++] = f;
			begun++;
		} else if (depth[t] > 0) {
			uint64_t span = end(w, now, threads[t], open[t][--depth[t]]);
			if (ended % 10 == 0)
				arg(w, span, "return value", "int", "3", 0);
			ended++;
		}
	}
	end_process(w, process, START_NS + now);
}

static void add_deep(struct tfmt_writer *w)
{
	uint32_t process = add_process(w, PID, 0, "deep", 5);
	uint32_t thread = add_thread(w, process, PID, "deep");
	uint32_t f = function(w, "down", "/srv/app/deep.py", 1);
	for (uint64_t i = 0; i < 3000; i++)
		begin(w, i * MS, thread, f);
	for (uint64_t i = 3000; i < 6000; i++)
		end(w, i * MS, thread, f);
	end_process(w, process, START_NS + 6000 * MS);
}

static void add_lanes(struct tfmt_writer *w)
{
	uint32_t process = add_process(w, PID, 0, "./build all", 12);
	uint32_t thread = add_thread(w, process, PID, "build");
	char name[64];
	open_scope(w, 0, thread, "build");
	for (uint64_t i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "step %llu", (unsigned long long)i);
		open_scope(w, i * 10 * MS, thread, name);
		close_scope(w, i * 10 * MS + (i % 7 + 1) * MS, thread, name);
	}
	close_scope(w, 640 * MS, thread, "build");
	end_process(w, process, START_NS + 650 * MS);
}

static void add_hostile(struct tfmt_writer *w)
{
	static const char evil[] = "ev;il\"\\<b>& \033[31m\n\t\xff\xe2\x80\xae%s</script>";
	static const char long_name[] =
		"a_name_that_is_so_long_that_it_never_fits_anywhere_however_wide_the_page_may_be_and_"
		"then_it_goes_on_for_another_while_just_to_be_sure_of_it";
	uint32_t process = add_process(w, PID, 0, evil, sizeof(evil));
	uint32_t thread = add_thread(w, process, PID, evil);
	uint32_t other = add_thread(w, process, PID + 1, "");
	uint32_t f = function(w, evil, evil, UINT32_MAX);
	uint32_t g = function(w, long_name, long_name, 1);
	uint32_t h = function(w, "", "", 0);
	for (uint64_t i = 0; i < 5; i++)
		end(w, i * US, thread, f);
	uint64_t span = begin(w, 10 * US, thread, f);
	arg(w, span, evil, evil, evil, 0xff);
	for (int i = 0; i < 100; i++)
		arg(w, span, "x", "int", "1", 0);
	begin(w, 12 * US, thread, g);
	begin(w, 11 * US, thread, h); /* back in time */
	close_scope(w, 14 * US, thread, "never begun");
	end(w, 15 * US, thread, f); /* those within it have no end */
	open_scope(w, 16 * US, other, evil);
	open_scope(w, 17 * US, other, "");
	begin(w, UINT64_C(1) << 40, other, f);
	end(w, 5 * US, other, f);
	put(w, 30 * US, thread, 0, NULL, 0, TFMT_SPAN_BEGIN);
	put(w, 31 * US, thread, 0, NULL, 0xff, TFMT_SPAN_END);
	put(w, 32 * US, thread, 0, NULL, 0xff, TFMT_SPAN_END);
}

static void add_one(struct tfmt_writer *w)
{
	uint32_t process = add_process(w, PID, 0, "one", 4);
	uint32_t thread = add_thread(w, process, PID, "one");
	uint32_t f = function(w, "work", "/srv/app/one.py", 3);
	begin(w, MS, thread, f);
	end(w, 3 * MS, thread, f);
	end_process(w, process, START_NS + 4 * MS);
}

static void add_killed(struct tfmt_writer *w)
{
	uint32_t process = add_process(w, PID, 0, "killed", 7);
	for (uint32_t i = 0; i < 6000; i++) {
		uint32_t thread = add_thread(w, process, PID + i, "worker");
		open_scope(w, i * MS, thread, "work");
		must(tfmt_writer_life(
			w, &(struct tfmt_life){.time_ns = START_NS + i * MS + 900 * US,
				   .process = process,
				   .thread = thread,
				   .event = TFMT_LIFE_EXIT}));
	}
	end_process(w, process, START_NS + 6000 * MS);
}

static void add_errors(struct tfmt_writer *w)
{
	uint32_t process = add_process(w, PID, 0, "errors", 7);
	uint32_t thread = add_thread(w, process, PID, "errors");
	uint32_t outer = function(w, "main", "/srv/app/errors.py", 1);
	uint32_t inner = function(w, "attempt", "/srv/app/errors.py", 9);
	begin(w, 0, thread, outer);
	for (uint64_t i = 0; i < 30; i++) {
		begin(w, i * 10 * MS + MS, thread, inner);
		if (i % 3 == 2)
			fail(w, i * 10 * MS + 8 * MS, thread, inner, "OSError", "not there");
		else
			end(w, i * 10 * MS + 8 * MS, thread, inner);
	}
	fail(w, 300 * MS, thread, outer, "SystemExit", "3");
	end_process(w, process, START_NS + 305 * MS);
}

static bool add_shape(struct tfmt_writer *w, const char *shape)
{
	if (strcmp(shape, "server") == 0)
		add_server(w);
	else if (strcmp(shape, "many") == 0)
		add_many(w, 100000, 4);
	else if (strcmp(shape, "million") == 0)
		add_many(w, 1000000, 1);
	else if (strcmp(shape, "deep") == 0)
		add_deep(w);
	else if (strcmp(shape, "lanes") == 0)
		add_lanes(w);
	else if (strcmp(shape, "hostile") == 0)
		add_hostile(w);
	else if (strcmp(shape, "one") == 0)
		add_one(w);
	else if (strcmp(shape, "errors") == 0)
		add_errors(w);
	else if (strcmp(shape, "killed") == 0)
		add_killed(w);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct tfmt_header header = {
		.recorder = "spans_trace",
		.host = "example",
		.boot_id = "",
		.os = "Linux 6.12",
		.machine = "x86_64",
		.cwd = "/srv/app",
		.cpu_count = 4,
		.time_ns = START_NS,
		.utc_ns = INT64_C(1795262400000000000),
		.rate_hz = 0,
	};
	struct tfmt_writer *writer;
	if (argc != 3)
		return 2;
	int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return 1;
	must(tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &writer, NULL));
	bool is_known = add_shape(writer, argv[1]);
	must(tfmt_writer_finish(writer, NULL));
	tfmt_writer_free(writer);
	close(fd);
	return is_known ? 0 : 2;
}
