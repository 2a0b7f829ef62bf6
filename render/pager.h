/* Text for people at a terminal goes through their pager. */
#ifndef REND_PAGER_H
#define REND_PAGER_H

#include <stdio.h>
#include <sys/types.h>

struct rend_pager {
	FILE *stream; /* to write to; NULL: there is no pager */
	pid_t pid;
};

/*
 * Start the pager of the environment (TRENDER_PAGER, PAGER, or less) on the terminal that stdout
 * is. Without one, when it cannot be started, or when the terminal is none for pagers: `stream` is
 * NULL, which is no error.
 */
void rend_pager_open(struct rend_pager *pager);

/* All is written: wait until it has been read, or left. Harmless without a pager. */
void rend_pager_close(struct rend_pager *pager);

#endif
