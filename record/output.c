#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_regular(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Two recorders would write over each other. File systems without locks are trusted. */
static int lock(struct rec_output *output, const struct msg *msg)
{
	if (!is_regular(output->fd))
		return 0;
	output->is_locked = flock(output->fd, LOCK_EX | LOCK_NB) == 0;
	if (output->is_locked || errno != EWOULDBLOCK)
		return 0;
	msg_error(msg, "%s is being written by another recorder: choose another place with -o FILE",
		output->path ? output->path : "standard output");
	return -1;
}

static int open_file(struct rec_output *output, const struct msg *msg)
{
	struct stat st;
	bool is_new = stat(output->path, &st) != 0;
	output->fd = open(output->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (output->fd < 0) {
		msg_error(msg, "cannot write %s: %s: choose another place with -o FILE",
			output->path, strerror(errno));
		return -1;
	}
	if (lock(output, msg) != 0)
		return -1;
	output->is_new = is_new;
	return 0;
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

static int open_stdout(struct rec_output *output, const struct msg *msg)
{
	output->redirects_child = true;
	output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (output->fd >= 0)
		return lock(output, msg);
	msg_error(msg, "cannot use stdout: %s: use -o FILE", strerror(errno));
	return -1;
}

/*
 * A stream that is closed would be the number of the next thing that we open, and get our messages.
 * The program finds it closed all the same.
 */
static void fill_closed_streams(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int rec_output_open(struct rec_output *output, const char *path, const struct msg *msg)
{
	*output = (struct rec_output){.fd = -1};
	bool is_stdout = path && strcmp(path, "-") == 0;
	struct stat out, err;
	bool has_out = fstat(STDOUT_FILENO, &out) == 0;
	bool has_err = fstat(STDERR_FILENO, &err) == 0;
	fill_closed_streams();
	if (path && !is_stdout) {
		output->path = strdup(path);
		return output->path ? open_file(output, msg) : -1;
	}
	bool is_terminal = isatty(STDOUT_FILENO);
	bool shared = has_out && has_err && same_file(&out, &err);
	output->is_own_name =
		!is_stdout && (!has_out || is_terminal || (shared && !S_ISREG(out.st_mode)));
	if (output->is_own_name)
		return 0;
	if (!has_out) {
		msg_error(msg, "stdout is closed: use -o FILE");
		return -1;
	}
	if (is_terminal) {
		msg_error(msg, "a trace is binary and stdout is a terminal: use -o FILE");
		return -1;
	}
	if (shared && S_ISREG(out.st_mode)) {
		msg_error(msg, "stdout and stderr are the same file: the trace and the program's "
			       "output would mix; use -o FILE for the trace");
		return -1;
	}
	return open_stdout(output, msg);
}

int rec_output_begin(struct rec_output *output)
{
	/* What the shell opened as stdout is as the shell wants it. */
	return output->path && is_regular(output->fd) ? ftruncate(output->fd, 0) : 0;
}

/* A link leads to the file that was made: it is not ours to remove. */
static void remove_file(const char *path)
{
	char *real = realpath(path, NULL);
	if (real)
		unlink(real);
	free(real);
}

void rec_output_close(struct rec_output *output, bool discard)
{
	if (discard && output->is_new && is_regular(output->fd))
		remove_file(output->path);
	/* Who gave us a descriptor may keep it, and the lock with it. */
	if (output->is_locked)
		flock(output->fd, LOCK_UN);
	if (output->fd >= 0)
		close(output->fd);
	free(output->path);
	*output = (struct rec_output){.fd = -1};
}
