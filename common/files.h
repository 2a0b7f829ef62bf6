/*
 * Where the tools read and write: the newest trace by default, output whole or not at all.
 */
#ifndef COMMON_FILES_H
#define COMMON_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "msg.h"
#include "progress.h"
#include "tracefmt/reader.h"

/*
 * Makes a trace of a foreign recording `fd`, which is at its start or a pipe; `format` NULL: by its
 * content. `*ret_fd` is then what to read instead of `fd`, the caller's; -1: `fd` itself.
 * Returns: 0, or the exit status to end with: it has been said why.
 */
typedef int input_import_fn(int fd, const char *name, const char *format, struct progress *progress,
	const struct msg *msg, int *ret_fd);

/* One of several traces that are read together. */
struct input_part {
	char *name; /* for messages: the path, and which trace of it */
	int fd;	    /* the parts of one file share it */
	struct tfmt_reader *reader;
};

/*
 * Makes one trace of several in a file `*ret_fd`, the caller's; with `sums` laid over one another,
 * else as one timeline.
 * Returns: 0; EXIT_DAMAGED: something of a part is missing, the rest is there; or the exit status
 * to end with. All has been said.
 */
typedef int input_merge_fn(
	struct input_part *parts, size_t count, bool sums, const struct msg *msg, int *ret_fd);

/* How a tool reads. */
struct input_how {
	input_import_fn *import;
	input_merge_fn *merge;
	const char *format; /* of foreign inputs; NULL: by their content */
	bool sums;
	struct progress *progress; /* shows what is read, until progress_end(); NULL: none */
};

/*
 * Open the traces `paths`, or what how->import makes of them; several traces, also in one file,
 * become the one that how->merge makes. None: stdin when it is a pipe or a file, else the newest
 * *.cbor.zst of the current folder, named on stderr. "-" is stdin. The reader is scanned. Errors
 * are said through `msg`. Returns: 0, or the exit status to end with.
 */
struct input {
	const char *name; /* for messages: the path, "standard input", "A and 2 more" */
	char *owned_name;
	int fd; /* of the reader */
	struct tfmt_reader *reader;
	struct progress *progress; /* of how */
	bool is_stdin;
	bool is_merged;	 /* of several inputs */
	bool is_damaged; /* one of several inputs is: it has been said */
};
int input_open(struct input *input, char *const *paths, size_t path_count,
	const struct input_how *how, const struct msg *msg);
void input_close(struct input *input);

/*
 * Open `path`, or for NULL what input_open() takes then, without looking into it. The caller frees
 * `*ret_name`, for messages, and closes `*ret_fd`. Returns: 0, or the exit status.
 */
int input_open_raw(const char *path, const struct msg *msg, char **ret_name, int *ret_fd);

/* Warn about what the input lacks. Returns EXIT_OK, or EXIT_DAMAGED when something is missing. */
int input_report_damage(const struct input *input, const struct msg *msg);

/*
 * An output that appears by rename when it is complete. `path` NULL or "-" is stdout; binary data
 * to a terminal is refused unless "-" was said. Returns 0, or the exit status.
 */
struct output {
	FILE *stream;
	char *path;	  /* NULL for stdout */
	char *temporary;  /* NULL for stdout, files that are no regular ones, and nameless ones */
	bool is_nameless; /* no name leads to the file before it is complete */
};
int output_open(struct output *output, const char *path, bool is_binary, const struct msg *msg);
/* Flush, rename. Returns 0, or the exit status: a full disk or a closed pipe is said. */
int output_commit(struct output *output, const struct msg *msg);
/* Remove what was written. Harmless after commit. */
void output_abort(struct output *output);

#endif
