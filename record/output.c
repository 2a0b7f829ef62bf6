#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(struct rec_output *output, const struct msg *msg)
{
	struct stat st;
	output->is_new = stat(output->path, &st) != 0;
	output->fd = open(output->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (output->fd >= 0)
		return 0;
	msg_error(msg, "cannot write %s: %s: choose another place with -o FILE", output->path,
		strerror(errno));
	free(output->path);
	output->path = NULL;
	return -1;
}

int rec_output_name(
	struct rec_output *output, const char *command, pid_t pid, const struct msg *msg)
{
	if (!output->is_own_name)
		return 0;
	const char *slash = strrchr(command, '/');
	const char *base = slash ? slash + 1 : command;
	if (asprintf(&output->path, "%.200s-%d.cbor.zst", base, (int)pid) < 0) {
		output->path = NULL;
		msg_error(msg, "no memory for the name of the trace");
		return -1;
	}
	return open_file(output, msg);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int rec_output_open(struct rec_output *output, const char *path, const struct msg *msg)
{
	*output = (struct rec_output){.fd = -1};
	bool is_stdout = path && strcmp(path, "-") == 0;
	if (path && !is_stdout) {
		output->path = strdup(path);
		return output->path ? open_file(output, msg) : -1;
	}
	struct stat out, err;
	bool has_out = fstat(STDOUT_FILENO, &out) == 0;
	bool is_terminal = isatty(STDOUT_FILENO);
	bool shared = has_out && fstat(STDERR_FILENO, &err) == 0 && same_file(&out, &err);
	output->is_own_name =
		!is_stdout && (!has_out || is_terminal || (shared && !S_ISREG(out.st_mode)));
	if (output->is_own_name)
		return 0;
	if (is_terminal) {
		msg_error(msg, "a trace is binary and stdout is a terminal: use -o FILE");
		return -1;
	}
	if (shared && S_ISREG(out.st_mode)) {
		msg_error(msg, "stdout and stderr are the same file: the trace and the program's "
			       "output would mix; use -o FILE for the trace");
		return -1;
	}
	output->redirects_child = true;
	output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (output->fd >= 0)
		return 0;
	msg_error(msg, "cannot use stdout: %s: use -o FILE", strerror(errno));
	return -1;
}

void rec_output_close(struct rec_output *output, bool discard)
{
	struct stat st;
	if (output->fd >= 0 && discard && output->is_new && output->path &&
		fstat(output->fd, &st) == 0 && S_ISREG(st.st_mode))
		unlink(output->path);
	if (output->fd >= 0)
		close(output->fd);
	free(output->path);
	*output = (struct rec_output){.fd = -1};
}
