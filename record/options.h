/* What the user asked of trec. Filled in main.c, read-only afterwards. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "opts.h"

/* Which way to look at running threads. */
enum rec_sampler {
	REC_SAMPLER_ANY, /* the best that is allowed */
	REC_SAMPLER_PERF,
	REC_SAMPLER_PTRACE,
	REC_SAMPLER_TIMER, /* of Python alone */
	REC_SAMPLER_NONE,
};

struct rec_options {
	const char *output;	  /* -o; NULL: not given */
	const char *report;	  /* --report: a view, "" for the usual one; NULL: none */
	uint64_t rate_hz;	  /* samples per second of CPU time */
	uint64_t interval_ns;	  /* between readings of the metrics */
	uint64_t stack_bytes;	  /* of the user stack copied with a sample, multiple of 8 */
	uint64_t duration_ns;	  /* of the recording; 0: until the end */
	const char *sampler_name; /* --sampler */
	enum rec_sampler sampler; /* the same, understood */
	const char *event;	  /* --event: a hardware counter instead of CPU time; NULL: none */
	const char *offcpu_name;  /* --offcpu: long or all */
	bool without_offcpu;	  /* no stacks of waiting threads */
	bool wants_all_offcpu;	  /* a stack of every wait, however short */
	bool without_native;
	bool without_python;
	bool is_exact;	       /* threads are stopped for each sample, where perf would do */
	bool wants_debuginfod; /* ask debuginfod servers for symbols */
	struct opt_list pids;  /* -p, as given: numbers, each item may hold several with commas */
	bool dumps_stacks;     /* --dump: print the stacks of `pids`, record nothing */
	bool shows_native_frames; /* --native-frames: the interpreter's own, in --dump */
	bool waits_for_all;
	uint64_t ready_fd; /* told by a line that recording has begun; 0: nobody */
	bool is_quiet;
	int verbosity;
	char **command; /* argv of the program, NULL-terminated */
	int command_count;
};

/* Python stacks are wanted, and no native ones beside them. */
static inline bool rec_wants_python_alone(const struct rec_options *options)
{
	return options->without_native && !options->without_python;
}

#endif
