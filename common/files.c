#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
		if (asprintf(&output->temporary, "%s.XXXXXX", path) < 0) {
			output->temporary = NULL;
			goto failed;
		}
		fd = mkostemp(output->temporary, O_CLOEXEC);
		if (fd >= 0) {
			mode_t mask = umask(0);
			umask(mask);
			fchmod(fd, 0666 & ~mask);
		}
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

int output_commit(struct output *output, const struct msg *msg)
{
	const char *name = output->path ? output->path : "standard output";
	bool failed = ferror(output->stream) != 0;
	errno = failed ? EIO : 0;
	if (output->stream == stdout)
		failed |= fflush(stdout) != 0;
	else
		failed |= fclose(output->stream) != 0;
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
