/* Writes a trace of one sample whose stack is 5,000 functions deep: deep_trace FILE [DEPTH]. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define DEPTH 5000

static int write_all(struct tfmt_writer *w, int depth, struct tfmt_error *err)
{
	struct tfmt_frame frame = {.language = TFMT_LANG_PYTHON};
	struct tfmt_stack stack = {0};
	struct tfmt_sample sample = {.time_ns = 2000000, .weight_ns = 1000000};
	uint32_t process = 0;
	char name[32];
	int status;

	status = tfmt_writer_add_process(w, &(struct tfmt_process){.pid = 1}, &process);
	if (!status)
		status = tfmt_writer_add_thread(
			w, &(struct tfmt_thread){.process = process, .tid = 1}, &sample.thread);
	for (int i = 0; !status && i < depth; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		status = tfmt_writer_intern(w, name, strlen(name), &frame.function);
		if (!status)
			status = tfmt_writer_add_frame(w, &frame, &stack.frame);
		if (!status)
			status = tfmt_writer_add_stack(w, &stack, &sample.stack);
		stack.parent = sample.stack;
	}
	if (!status)
		status = tfmt_writer_sample(w, &sample);
	return status ? status : tfmt_writer_finish(w, err);
}

int main(int argc, char **argv)
{
	const struct tfmt_header header = {.time_ns = 1000000,
		.recorder = "deep_trace",
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = "",
		.rate_hz = 1000};
	struct tfmt_error err = {0};
	struct tfmt_writer *w = NULL;
	int fd, status;

	if (argc < 2 || argc > 3) {
		fputs("usage: deep_trace FILE [DEPTH]\n", stderr);
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	status = tfmt_writer_new(&header, NULL, tfmt_sink_fd(&fd), &w, &err);
	if (!status)
		status = write_all(w, argc > 2 ? atoi(argv[2]) : DEPTH, &err);
	tfmt_writer_free(w);
	if (close(fd) && !status)
		status = TFMT_E_IO;
	if (status)
		fprintf(stderr, "deep_trace: %s\n",
			*err.message ? err.message : tfmt_strerror(status));
	return status != 0;
}
