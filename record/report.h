/* trec --report: a recording whose picture as text is shown as soon as the program has ended. */
#ifndef RECORD_REPORT_H
#define RECORD_REPORT_H

#include "msg.h"
#include "options.h"

/*
 * Record into `options->output`, or into a file that is removed again, and print the view
 * `options->report` of it on stderr. The trace is kept, and named, when it cannot be shown.
 * Returns: the status to exit with, that of rec_session_run(). Errors have been said.
 */
int rec_report_run(const struct rec_options *options, const struct msg *msg);

#endif
