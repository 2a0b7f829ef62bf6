/*
 * Waiting for a file that is still being written, or for a pipe: until somebody interrupts, or the
 * file is replaced, cut, or left by its recorder.
 */
#ifndef COMMON_WAITING_H
#define COMMON_WAITING_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "msg.h"

enum waiting_end {
	WAITING_GOES_ON,
	WAITING_CLOSED,	     /* a pipe whose writer has gone; a file whose recorder has */
	WAITING_INTERRUPTED, /* SIGINT, SIGTERM or SIGHUP: what is whole is what was wanted */
	WAITING_CUT,	     /* the file is shorter than it was */
	WAITING_REPLACED,    /* another file has its name, or none */
};

struct waiting {
	bool is_file;	  /* no pipe */
	const char *path; /* borrowed; NULL: of a file that has no name here */
	int fd;		  /* borrowed */
	int signal_fd;
	sigset_t old_mask;
	off_t size_bytes; /* when last looked at */
	dev_t device;
	ino_t inode;
	bool had_writer;   /* its recorder has locked it */
	bool is_last_look; /* it ended; what is there may still be read */
	enum waiting_end end;
};

/*
 * Begin to follow `fd`, opened as `path`, or under no name. Signals that end a program are kept for
 * waiting_wait() from now on. Returns: 0, or the exit status; the reason has been said.
 */
int waiting_begin(struct waiting *waiting, int fd, const char *path, const struct msg *msg);
void waiting_release(struct waiting *waiting);

/*
 * Wait a fifth of a second, or until a pipe has more. False when it has ended: waiting->end says
 * how. Once ended it stays so.
 */
bool waiting_wait(struct waiting *waiting);

/* Say how it ended, when that was not what the user asked for. */
void waiting_report(const struct waiting *waiting, const char *name, const struct msg *msg);

#endif
