/*
 * One recording, from the start of the program to the last byte of the trace. Owns the order in
 * which everything else is opened, fed, drained and closed.
 */
#ifndef RECORD_SESSION_H
#define RECORD_SESSION_H

#include "msg.h"
#include "options.h"

/* Statuses of trec's own failures; every other one is the program's. */
enum {
	REC_EXIT_FAILED = 125,
	REC_EXIT_NOT_EXECUTABLE = 126,
	REC_EXIT_NOT_FOUND = 127,
};

/* Record; returns the status to exit with. Errors have been said. */
int rec_session_run(const struct rec_options *options, const struct msg *msg);

#endif
