#include "import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build.h"
#include "opts.h"
#include "source.h"
#include "temporary.h"

#define HEAD_BYTES ((size_t)64 << 10)
#define COPY_BYTES ((size_t)256 << 10)

#define X(id) extern const struct imp_format imp_format_##id;
#include "inputs.def"
#undef X

static const struct imp_format *const formats[] = {
#define X(id) &imp_format_##id,
#include "inputs.def"
#undef X
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

/* Returns NULL after saying what there is. */
static const struct imp_format *format_by_name(const char *name, const struct msg *msg)
{
	const char *names[FORMAT_COUNT], *nearest;
	size_t i;

	for (i = 0; i < FORMAT_COUNT; i++) {
		names[i] = formats[i]->name;
		if (!strcmp(names[i], name))
			return formats[i];
	}
	nearest = opts_nearest(name, names, FORMAT_COUNT);
	msg_error(msg, "unknown --" IMP_FORMAT_OPTION " %s%s%s (" IMP_FORMAT_VALUES ")", name,
		nearest ? ": did you mean " : "", nearest ? nearest : "");
	return NULL;
}

/* Ours are zstd frames, or begin with a skippable one; a foreign file never. */
static bool is_trace(int fd)
{
	unsigned char head[4];

	return pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	       (!memcmp(head, "\x28\xb5\x2f\xfd", 4) ||
		       (head[0] >> 4 == 5 && !memcmp(head + 1, "\x2a\x4d\x18", 3)));
}

/* The format whose beginning this is; NULL for a trace, and for what nobody knows. */
static const struct imp_format *format_of(int fd)
{
	const struct imp_format *found = NULL;
	struct imp_source source;
	char *head = calloc(1, HEAD_BYTES + 1);
	int got;
	size_t i;

	if (!head || is_trace(fd) || imp_source_open(&source, fd, "", NULL))
		goto out;
	got = gzread(source.file, head, (unsigned int)HEAD_BYTES);
	for (i = 0; i < FORMAT_COUNT && got > 0 && !found; i++)
		if (formats[i]->matches(head, (size_t)got))
			found = formats[i];
	imp_source_close(&source);
out:
	free(head);
	lseek(fd, 0, SEEK_SET);
	return found;
}

/* What comes from a pipe can be read only once: put it where it can be looked at first. */
static int copy_to_temporary(
	int fd, const char *name, struct progress *progress, const struct msg *msg, int *ret_fd)
{
	char *block = malloc(COPY_BYTES);
	int copy = temporary_open_or_say(msg);
	struct tfmt_sink sink = tfmt_sink_fd(&copy);
	uint64_t copied_bytes = 0;
	ssize_t got = -1;

	while (block && copy >= 0 && ((got = read(fd, block, COPY_BYTES)) > 0 || errno == EINTR)) {
		if (got > 0 && sink.write(sink.context, block, (size_t)got) < 0) {
			msg_error(msg, "cannot keep %s in a temporary file: %s", name,
				strerror(errno));
			close(copy);
			free(block);
			return EXIT_FAILED;
		}
		if (got == 0)
			break;
		copied_bytes += got > 0 ? (uint64_t)got : 0;
		progress_at(progress, copied_bytes, 0);
	}
	free(block);
	if (got == 0 && copy >= 0 && lseek(copy, 0, SEEK_SET) == 0) {
		*ret_fd = copy;
		return EXIT_OK;
	}
	if (copy >= 0) {
		msg_error(msg, "cannot read %s: %s", name, strerror(errno));
		close(copy);
	}
	return EXIT_FAILED;
}

/* Make `fd`, a file of `format`, a trace. */
static int import(int fd, const char *name, const struct imp_format *format,
	struct progress *progress, const struct msg *msg, int *ret_fd)
{
	int copy = temporary_open_or_say(msg);
	struct imp_build build = {.msg = msg, .name = name, .sink = tfmt_sink_fd(&copy)};
	struct imp_source source;
	int status;

	if (copy < 0)
		return EXIT_FAILED;
	status = imp_source_open(&source, fd, name, progress);
	if (!status) {
		status = format->read(&source, &build);
		imp_source_close(&source);
	}
	imp_build_release(&build);
	if (status || lseek(copy, 0, SEEK_SET) < 0) {
		msg_error(msg, "%s, read as %s: %s", name, format->name,
			*build.error.message ? build.error.message : tfmt_strerror(status));
		close(copy);
		return EXIT_FAILED;
	}
	msg_info(msg, "%s: read as %s", name, format->name);
	*ret_fd = copy;
	return EXIT_OK;
}

int imp_open(int fd, const char *name, const char *format_name, struct progress *progress,
	const struct msg *msg, int *ret_fd)
{
	const struct imp_format *format = NULL;
	int copy = -1, status = EXIT_OK;

	*ret_fd = -1;
	if (format_name) {
		format = format_by_name(format_name, msg);
		if (!format)
			return EXIT_USAGE;
	}
	if (lseek(fd, 0, SEEK_CUR) != 0) {
		status = copy_to_temporary(fd, name, progress, msg, &copy);
		if (status)
			return status;
		fd = copy;
	}
	if (!format)
		format = format_of(fd);
	else if (is_trace(fd))
		format = NULL;
	if (!format) {
		*ret_fd = copy;
		return EXIT_OK;
	}
	status = import(fd, name, format, progress, msg, ret_fd);
	if (copy >= 0)
		close(copy);
	return status;
}
