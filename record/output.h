/* Where the trace goes, and where the program's stdout goes because of it. */
#ifndef RECORD_OUTPUT_H
#define RECORD_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "msg.h"

struct rec_output {
	int fd;
	char *path;	      /* NULL: stdout */
	bool is_own_name;     /* the name was made up: say it at the end */
	bool is_new;	      /* made by us: removed when the command cannot be executed */
	bool is_locked;	      /* no other recorder may write it meanwhile */
	bool redirects_child; /* the trace is stdout: the program's stdout is stderr */
};

/*
 * Decide, and open what has a name: `path` is -o, or NULL. A file keeps what it holds. Before
 * signals are taken over: a FIFO may wait long for its reader.
 * Returns 0, or -1 after an error was said.
 */
int rec_output_open(struct rec_output *output, const char *path, const struct msg *msg);
/*
 * Open COMMAND-PID.cbor.zst when no name was given; otherwise nothing.
 * Returns 0, or -1 after an error was said.
 */
int rec_output_name(
	struct rec_output *output, const char *command, pid_t pid, const struct msg *msg);
/* The recording begins: a file that was there before is emptied. Returns 0, or -1 with errno. */
int rec_output_begin(struct rec_output *output);
/* Close; with `discard` also remove a file that we made. */
void rec_output_close(struct rec_output *output, bool discard);

#endif
