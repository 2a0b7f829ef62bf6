/* The metrics of one process. */
#ifndef RECORD_METRICS_READINGS_H
#define RECORD_METRICS_READINGS_H

#include "metrics/seldom.h"
#include "metrics/series.h"
#include "tree/tree.h"

/* Files of /proc/PID that may be refused, each with its metrics. */
enum rec_refusable {
	REC_REFUSED_STAT,
	REC_REFUSED_IO,
	REC_REFUSED_FDS,
	REC_REFUSED_SHARES,
	REC_REFUSED_SOCKETS,
	REC_REFUSABLE_COUNT,
};

/* What /proc still said of it between its end and the moment when its parent took its status. */
struct rec_last_words {
	bool has_stat, has_io;
	struct rec_proc_stat stat;
};

struct rec_readings {
	struct rec_series_set set;
	int stat_fd, io_fd;			/* -1: not kept open */
	bool has_threads;			/* or had */
	struct rec_proc_io own_io, children_io; /* see readings.c */
	uint64_t read_ns;			/* when it was read last; 0: never */
	uint64_t beat_ns; /* when it was read although it may have been idle */
	uint64_t cpu_ns;  /* used when it was read last */
	uint64_t voluntary_switches, involuntary_switches;
	bool is_refused[REC_REFUSABLE_COUNT]; /* and that was said */
	struct rec_last_words last;
	/* Of the last seldom reading that was asked for; asked_ns 0: none. */
	uint64_t asked_ns, asked_cpu_ns, asked_rss_bytes, asked_fds;
	uint64_t passed_rss_bytes; /* when it was last considered */
};

/* What all processes of a recording share. */
struct rec_readings_context {
	struct rec_sink *sink;
	unsigned kept_fds, max_kept_fds; /* open now, and how many may be */
	bool has_io;			 /* this kernel has /proc/PID/io */
	bool sees_switches;		 /* they are told one by one */
};

struct rec_readings *rec_readings_new(uint32_t process);

/* Read it, with all times up to `time_ns` told to the tree. Cheap when it has not run since. */
void rec_readings_read(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process, uint64_t time_ns);

/* It has more than one thread now. */
void rec_readings_threads(struct rec_readings *readings, struct rec_readings_context *context);

/* A thread of it left its CPU. */
void rec_readings_switch(struct rec_readings *readings, bool is_voluntary);

/* What was read in the other thread. */
void rec_readings_put_seldom(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_seldom_reading *seldom);

/* It has ended, or is just ending: what can still be read? */
void rec_readings_last_words(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process);

/* A child of it has ended and is waited for. */
void rec_readings_child_ended(struct rec_readings *readings, const struct rec_readings *child);

/* It will not be heard of again. Frees `readings`. */
void rec_readings_end(struct rec_readings *readings, struct rec_readings_context *context,
	const struct rec_process *process);

#endif
