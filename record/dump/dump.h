/* trec --dump: the stacks of all threads of running processes, as text, now. No trace. */
#ifndef RECORD_DUMP_DUMP_H
#define RECORD_DUMP_DUMP_H

#include "msg.h"
#include "options.h"

/* Print on stdout; returns the status to exit with (enum exit_status). Errors have been said. */
int rec_dump_run(const struct rec_options *options, const struct msg *msg);

#endif
