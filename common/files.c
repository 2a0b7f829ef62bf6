#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int open_stdout(struct output *output, bool is_binary, bool asked, const struct msg *msg)
{
	if (is_binary && !asked && isatty(STDOUT_FILENO)) {
		msg_error(msg, "this output is binary and stdout is a terminal: use -o FILE");
		return EXIT_USAGE;
	}
	output->stream = stdout;
	return 0;
}

/*
 * A file that has no name until it is complete, so that nothing is left behind when the tool is
 * ended. Returns its descriptor, or -1 where the file system has no such files.
 */
static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
	int fd = -1;
	/* They get their names through /proc. */
	if (folder && access("/proc/self/fd", X_OK) == 0)
		fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(folder);
	return fd;
}

/* A file with a temporary name; output->temporary is NULL when there is none. */
static int open_temporary(struct output *output)
{
	if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
		output->temporary = NULL;
		return -1;
	}
	int fd = mkostemp(output->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(output->temporary);
		output->temporary = NULL;
		return -1;
	}
	mode_t mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	return fd;
}

int output_open(struct output *output, const char *path, bool is_binary, const struct msg *msg)
{
	*output = (struct output){0};
	if (!path || strcmp(path, "-") == 0)
		return open_stdout(output, is_binary, path != NULL, msg);
	struct stat st;
	bool direct = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
	int fd = -1;
	output->path = strdup(path);
	if (!output->path)
		goto failed;
	if (direct) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
	} else {
		fd = open_nameless(path);
		output->is_nameless = fd >= 0;
		if (fd < 0)
			fd = open_temporary(output);
	}
	if (fd >= 0)
		output->stream = fdopen(fd, "w");
	if (output->stream)
		return 0;
failed:
	msg_error(msg, "cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	output_abort(output);
	return EXIT_FAILED;
}

/* A name beside that of the output, for rename() to replace what is there. */
static int name_temporarily(struct output *output)
{
	char proc[64];
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fileno(output->stream));
	if (asprintf(&output->temporary, "%s.%ld", output->path, (long)getpid()) < 0) {
		output->temporary = NULL;
		return -1;
	}
	if (linkat(AT_FDCWD, proc, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	free(output->temporary);
	output->temporary = NULL;
	return -1;
}

/* Why what was written before failed: nobody has kept it. */
static int likely_error(const struct output *output)
{
	struct statvfs st;
	bool is_full = fstatvfs(fileno(output->stream), &st) == 0 && st.f_bavail == 0;
	return is_full ? ENOSPC : EIO;
}

int output_commit(struct output *output, const struct msg *msg)
{
	const char *name = output->path ? output->path : "standard output";
	bool failed = ferror(output->stream) != 0;
	errno = failed ? likely_error(output) : 0;
	failed |= fflush(output->stream) != 0;
	if (!failed && output->is_nameless)
		failed = name_temporarily(output) != 0;
	if (output->stream != stdout) {
		int error = errno;
		failed |= fclose(output->stream) != 0;
		errno = error ? error : errno;
	}
	output->stream = NULL;
	if (!failed && output->temporary && rename(output->temporary, output->path) == 0) {
		free(output->temporary);
		output->temporary = NULL;
	} else if (output->temporary) {
		failed = true;
	}
	/* A reader that has seen enough, such as head, is no failure. */
	if (failed && errno != EPIPE)
		msg_error(msg, "cannot write %s: %s", name, strerror(errno));
	bool closed_pipe = errno == EPIPE;
	output_abort(output);
	return failed && !closed_pipe ? EXIT_FAILED : EXIT_OK;
}

void output_abort(struct output *output)
{
	if (output->stream && output->stream != stdout)
		fclose(output->stream);
	if (output->temporary)
		unlink(output->temporary);
	free(output->temporary);
	free(output->path);
	*output = (struct output){0};
}
