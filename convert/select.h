/*
 * What is converted: a window of time, processes, threads, what a filter wants. Decided per
 * record, by conv_select_takes().
 *
 * Time: a sample is in when it ended in (from, to], any other record when its time is in
 * [from, to]. Tables and lives are always in: names and ends are needed by what is kept.
 * Processes and threads: records of others are out, as are counters of the whole machine; what
 * belongs to the recording as a whole (clocks, costs, losses without a process) stays.
 */
#ifndef CONV_SELECT_H
#define CONV_SELECT_H

#include "files.h"
#include "filter_option.h"
#include "format.h"
#include "opts.h"

/* As the options say it. Borrowed until conv_select_release(). */
struct conv_select_options {
	uint64_t from_ns;	 /* since the start of the trace */
	uint64_t to_ns;		 /* UINT64_MAX: to the end */
	struct opt_list pids;	 /* numbers, several joined by commas */
	struct opt_list threads; /* TIDs or names */
	const char *filter;	 /* an expression; NULL: none */
};

/* Numbers of spans that are in: ranges, ascending. */
struct conv_span_range {
	uint64_t first, last;
};

struct conv_select {
	const struct conv_select_options *options;
	const struct tfmt_trace *trace;
	uint32_t *pids;
	size_t pid_count;
	uint64_t from_ns; /* CLOCK_MONOTONIC */
	uint64_t to_ns;
	struct tfmt_filter *filter; /* NULL: none */
	/* By id, after conv_select_resolve(); NULL when all are in. */
	bool *takes_process;
	bool *takes_thread;
	struct conv_span_range *spans;
	size_t span_count;
	size_t span_capacity;
};

/* Check what was asked. Returns 0, or the exit status; the reason has been said. */
int conv_select_init(struct conv_select *select, const struct conv_select_options *options,
	const struct msg *msg);
void conv_select_release(struct conv_select *select);

/*
 * Look names and numbers up in a scanned trace; warns of those that are not there.
 * Returns: 0; TFMT_E_NOMEM.
 */
int conv_select_resolve(struct conv_select *select, const struct tfmt_header *header,
	const struct tfmt_trace *trace, const struct msg *msg);

/*
 * The same and the filter, after hiding the frames of an interpreter when asked to.
 * Returns: 0, or the exit status after saying why.
 */
int conv_select_bind(struct conv_select *select, const struct input *input, bool hides_interpreter,
	const struct msg *msg);

/* True when nothing is left out. */
bool conv_select_is_all(const struct conv_select *select);

bool conv_select_process(const struct conv_select *select, uint32_t process);
bool conv_select_thread(const struct conv_select *select, uint32_t thread);
bool conv_select_takes(const struct conv_select *select, const struct conv_record *record);

/*
 * Arguments follow their span, which may come later in the file: remember that span `number` is
 * in. Numbers ascend. Returns: 0; TFMT_E_NOMEM.
 */
int conv_select_add_span(struct conv_select *select, uint64_t number);

#endif
