/*
 * Writes a trace with a beat, always the same: heat_trace FILE. A minute of three threads:
 *
 *	pulse	on a CPU for the first 200 ms of every 400 ms in `beat`, else asleep
 *	crunch	on a CPU from second 20 to second 30, but for 100 ms in the middle of each second
 *	light	1 ms of every 10 ms in `tick`, ever more often towards the end
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define START_NS  UINT64_C(1000000000000)
#define MS	  UINT64_C(1000000)
#define LENGTH	  60000 /* ms */
#define NANOSLEEP 36	/* the system call's number and 1 */

struct thread {
	const char *name, *function;
	bool (*is_busy)(unsigned ms);
	uint32_t id, stack;
	unsigned since; /* ms when it went to sleep or was last seen on a CPU */
	bool was_busy;
};

static void must(int status)
{
	if (status != 0) {
		fprintf(stderr, "heat_trace: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

static bool is_pulse(unsigned ms)
{
	return ms % 400 < 200;
}

static bool is_crunch(unsigned ms)
{
	return ms >= 20000 && ms < 30000 && (ms % 1000 < 450 || ms % 1000 >= 550);
}

static bool is_light(unsigned ms)
{
	return ms % 10 < 1 + ms / 10000;
}

static uint32_t text(struct tfmt_writer *writer, const char *data)
{
	uint32_t id;
	must(tfmt_writer_intern(writer, data, strlen(data), &id));
	return id;
}

static void add_process(struct tfmt_writer *writer)
{
	uint32_t process;
	must(tfmt_writer_add_process(writer,
		&(struct tfmt_process){.start_ns = START_NS, .pid = 100, .ppid = 1}, &process));
	must(tfmt_writer_life(writer,
		&(struct tfmt_life){.time_ns = START_NS, .process = 1, .event = TFMT_LIFE_START}));
	must(tfmt_writer_life(writer, &(struct tfmt_life){.time_ns = START_NS,
					      .process = process,
					      .event = TFMT_LIFE_EXEC,
					      .name = text(writer, "heart"),
					      .exe = text(writer, "/srv/heart")}));
}

static void add_thread(struct tfmt_writer *writer, struct thread *thread, uint32_t tid)
{
	uint32_t frame;
	must(tfmt_writer_add_thread(writer,
		&(struct tfmt_thread){.start_ns = START_NS, .process = 1, .tid = tid},
		&thread->id));
	must(tfmt_writer_life(writer, &(struct tfmt_life){.time_ns = START_NS,
					      .process = 1,
					      .thread = thread->id,
					      .event = TFMT_LIFE_NAME,
					      .name = text(writer, thread->name)}));
	must(tfmt_writer_add_frame(writer,
		&(struct tfmt_frame){.function = text(writer, thread->function),
			.file = text(writer, "/srv/heart.js"),
			.language = TFMT_LANG_JIT,
			.line = tid},
		&frame));
	must(tfmt_writer_add_stack(writer, &(struct tfmt_stack){.frame = frame}, &thread->stack));
}

/* A sample for each ms on a CPU, and one for each sleep, at its end. */
static void step(struct tfmt_writer *writer, struct thread *thread, unsigned ms)
{
	bool is_busy = ms < LENGTH && thread->is_busy(ms);
	struct tfmt_sample sample = {
		.time_ns = START_NS + ms * MS, .thread = thread->id, .stack = thread->stack};
	if (thread->was_busy) {
		sample.weight_ns = MS;
		must(tfmt_writer_sample(writer, &sample));
	} else if ((is_busy || ms == LENGTH) && ms > thread->since) {
		sample.weight_ns = (ms - thread->since) * MS;
		sample.state = TFMT_STATE_BLOCKED;
		sample.syscall = NANOSLEEP;
		must(tfmt_writer_sample(writer, &sample));
	}
	if (is_busy || thread->was_busy)
		thread->since = ms;
	thread->was_busy = is_busy;
}

int main(int argc, char **argv)
{
	static const char *const command[] = {"./heart"};
	struct thread threads[] = {{"pulse", "beat", is_pulse}, {"crunch", "crunch", is_crunch},
		{"light", "tick", is_light}};
	struct tfmt_header header = {.time_ns = START_NS,
		.utc_ns = INT64_C(1767225600000000000),
		.recorder = "trec 0.1.0",
		.host = "host",
		.boot_id = "",
		.os = "Linux 6.1.0",
		.machine = "x86_64",
		.cwd = "/srv",
		.argv = command,
		.argc = 1,
		.cpu_count = 4,
		.rate_hz = 1000};
	struct tfmt_writer *writer;
	int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
	if (fd < 0) {
		fprintf(stderr, "usage: heat_trace FILE\n");
		return 2;
	}
	must(tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &writer, NULL));
	add_process(writer);
	for (uint32_t i = 0; i < 3; i++)
		add_thread(writer, &threads[i], 100 + i);
	for (unsigned ms = 0; ms <= LENGTH; ms++) {
		for (size_t i = 0; i < 3; i++)
			step(writer, &threads[i], ms);
	}
	must(tfmt_writer_finish(writer, NULL));
	tfmt_writer_free(writer);
	return close(fd) != 0;
}
