/*
 * Where the tools read and write: the newest trace by default, output whole or not at all.
 */
#ifndef COMMON_FILES_H
#define COMMON_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "msg.h"
#include "tracefmt/reader.h"

/*
 * Makes a trace of a foreign recording `fd`, which is at its start or a pipe; `format` NULL: by its
 * content. `*ret_fd` is then what to read instead of `fd`, the caller's; -1: `fd` itself.
 * Returns: 0, or the exit status to end with: it has been said why.
 */
typedef int input_import_fn(
	int fd, const char *name, const char *format, const struct msg *msg, int *ret_fd);

/*
 * Open the trace `path`, or what `import` makes of it; NULL: stdin when it is a pipe or a file,
 * else the newest *.cbor.zst of the current folder, named on stderr. "-" is stdin. Errors are said
 * through `msg`. Returns: 0, or the exit status to end with.
 */
struct input {
	int fd;
	const char *name; /* for messages: the path, or "standard input" */
	char *owned_name;
	int import_fd; /* what is read instead of `fd`, or -1 */
	struct tfmt_reader *reader;
};
int input_open(struct input *input, const char *path, input_import_fn *import, const char *format,
	const struct msg *msg);
void input_close(struct input *input);

/*
 * Warn when another trace follows in the same input. Last of all: what was borrowed from the reader
 * is gone afterwards.
 */
void input_report_more(const struct input *input, const struct msg *msg);

/* Warn about what the trace lacks. Returns EXIT_OK, or EXIT_DAMAGED when something is missing. */
int input_report_damage(const struct input *input, const struct msg *msg);

/*
 * An output that appears by rename when it is complete. `path` NULL or "-" is stdout; binary data
 * to a terminal is refused unless "-" was said. Returns 0, or the exit status.
 */
struct output {
	FILE *stream;
	char *path;	 /* NULL for stdout */
	char *temporary; /* NULL for stdout and for files that are no regular ones */
};
int output_open(struct output *output, const char *path, bool is_binary, const struct msg *msg);
/* Flush, rename. Returns 0, or the exit status: a full disk or a closed pipe is said. */
int output_commit(struct output *output, const struct msg *msg);
/* Remove what was written. Harmless after commit. */
void output_abort(struct output *output);

#endif
