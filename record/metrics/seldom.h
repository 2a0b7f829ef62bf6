/*
 * What is dear to read of a process, in a thread of its own: the kernel may walk gigabytes of page
 * tables, or wait for a lock of the process, while the recorder has rings to empty.
 */
#ifndef RECORD_METRICS_SELDOM_H
#define RECORD_METRICS_SELDOM_H

#include <stdbool.h>

#include "procfs.h"

/* Processes that are read in one go. */
#define REC_SELDOM_MAX 16

/* Errors are 0 or a negative errno, as of procfs.h. */
struct rec_seldom_reading {
	pid_t pid;	  /* asked for */
	uint32_t process; /* its id in the trace */
	bool has_memory;  /* to be read too: shares and peak */
	uint64_t time_ns; /* when it was read */
	struct rec_proc_shares shares;
	int shares_error;
	uint64_t peak_bytes;
	int peak_error;
	uint64_t sockets;
	int sockets_error;
	uint64_t voluntary_switches, involuntary_switches;
	int switches_error;
};

struct rec_seldom;

/* `with_switches`: count context switches too, where nothing else does. NULL: no memory. */
struct rec_seldom *rec_seldom_new(bool with_switches);
void rec_seldom_free(struct rec_seldom *seldom);

/* Begin to read these, at most REC_SELDOM_MAX, copied. Only after rec_seldom_take() gave all. */
void rec_seldom_ask(
	struct rec_seldom *seldom, const struct rec_seldom_reading *readings, size_t count);

/* False while it reads; else what was read, once. Copied to `readings[REC_SELDOM_MAX]`. */
bool rec_seldom_take(
	struct rec_seldom *seldom, struct rec_seldom_reading *readings, size_t *ret_count);

/* CPU time of all that was taken so far. */
uint64_t rec_seldom_cpu_ns(const struct rec_seldom *seldom);

#endif
