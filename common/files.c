#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The newest *.cbor.zst here, or NULL. Owns: the caller frees it. */
static char *newest_trace(void)
{
	glob_t found;
	if (glob("*.cbor.zst", 0, NULL, &found) != 0)
		return NULL;
	char *newest = NULL;
	struct timespec newest_time = {0, 0};
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct stat st;
		if (stat(found.gl_pathv[i], &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (newest && (st.st_mtim.tv_sec < newest_time.tv_sec ||
				      (st.st_mtim.tv_sec == newest_time.tv_sec &&
					      st.st_mtim.tv_nsec <= newest_time.tv_nsec)))
			continue;
		free(newest);
		newest = strdup(found.gl_pathv[i]);
		newest_time = st.st_mtim;
	}
	globfree(&found);
	return newest;
}

static bool stdin_has_data(void)
{
	struct stat st;
	return fstat(STDIN_FILENO, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int choose_input(struct input *input, const char *path, const struct msg *msg)
{
	if (path && strcmp(path, "-") != 0) {
		input->name = path;
	} else if (path || stdin_has_data()) {
		if (isatty(STDIN_FILENO)) {
			msg_error(msg, "standard input is a terminal: name a trace file");
			return EXIT_USAGE;
		}
		input->name = "standard input";
		input->fd = STDIN_FILENO;
		return 0;
	} else {
		input->owned_name = newest_trace();
		if (!input->owned_name) {
			msg_error(msg, "no trace named, and no *.cbor.zst here: "
				       "record one with `trec COMMAND`");
			return EXIT_USAGE;
		}
		input->name = input->owned_name;
		msg_warn(msg, "reading %s, the newest trace here", input->name);
	}
	input->fd = open(input->name, O_RDONLY | O_CLOEXEC);
	if (input->fd < 0) {
		msg_error(msg, "cannot open %s: %s", input->name, strerror(errno));
		return EXIT_FAILED;
	}
	return 0;
}

int input_open(struct input *input, const char *path, input_import_fn *import, const char *format,
	const struct msg *msg)
{
	*input = (struct input){.fd = -1, .import_fd = -1};
	int status = choose_input(input, path, msg);
	if (status == 0)
		status = import(input->fd, input->name, format, msg, &input->import_fd);
	if (status != 0) {
		input_close(input);
		return status;
	}
	int fd = input->import_fd >= 0 ? input->import_fd : input->fd;
	struct tfmt_error err;
	if (tfmt_reader_open_fd(fd, &input->reader, &err) != 0) {
		/* What has no bytes is no recording of others either. */
		struct stat st;
		bool is_foreign =
			err.code == TFMT_E_FORMAT && fstat(fd, &st) == 0 && st.st_size > 0;
		msg_error(msg, "%s: %s%s", input->name, err.message,
			is_foreign ? "; no other recording known by its content (--from-format)"
				   : "");
		input_close(input);
		return EXIT_FAILED;
	}
	return 0;
}

void input_close(struct input *input)
{
	tfmt_reader_free(input->reader);
	if (input->fd > STDIN_FILENO)
		close(input->fd);
	if (input->import_fd >= 0)
		close(input->import_fd);
	free(input->owned_name);
	*input = (struct input){.fd = -1, .import_fd = -1};
}

int input_report_damage(const struct input *input, const struct msg *msg)
{
	const struct tfmt_damage *damage = tfmt_reader_damage(input->reader);
	if (!tfmt_damage_any(damage))
		return EXIT_OK;
	char text[256];
	tfmt_damage_describe(damage, text, sizeof(text));
	msg_warn(msg, "%s: %s; what is whole has been used", input->name, text);
	return EXIT_DAMAGED;
}

void input_report_more(const struct input *input, const struct msg *msg)
{
	struct tfmt_error err;
	if (tfmt_reader_next_trace(input->reader, &err) == 1)
		msg_warn(msg, "%s: holds more than one trace: only the first has been used",
			input->name);
}

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
