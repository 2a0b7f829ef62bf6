/*
 * How running threads are looked at: with perf where the kernel allows it, else by stopping them
 * for a moment, else not at all. What was refused is said in one line each, with the way out.
 */
#ifndef RECORD_SAMPLERS_H
#define RECORD_SAMPLERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "msg.h"
#include "native/ptrace.h"
#include "native/ticks.h"
#include "options.h"
#include "perf/perf.h"
#include "sink.h"
#include "tree/tree.h"

struct rec_samplers {
	struct rec_perf *perf;	   /* never NULL once opened */
	struct rec_ptrace *ptrace; /* NULL: not in use */
	struct rec_ticks *ticks;   /* the same */
	enum rec_sampler in_force; /* never REC_SAMPLER_ANY */
	uint64_t rate_hz;	   /* 0: none */
	bool is_python_alone;	   /* no native stacks: not wanted, or not to be had */
	char refused[512];	   /* the lines that were said */

	/* Private. */
	struct rec_tree *tree;
	bool tells_threads;
	void (*handle)(void *context, const struct rec_perf_record *record);
	void *handle_context;
};

/* Understand --sampler and --event. Returns 0, or -1 after an error was said. */
int rec_samplers_parse(struct rec_options *options, const struct msg *msg);

struct rec_samplers_target {
	pid_t pid;	   /* waiting for its exec; 0: they run already */
	pid_t running_pid; /* one of them */
	bool has_one_ring; /* as of struct rec_perf_options */
};

/*
 * Open the best way that is asked for and allowed, and say what was refused.
 * Returns 0; TFMT_E_NOMEM.
 */
int rec_samplers_open(struct rec_samplers *samplers, const struct rec_options *options,
	const struct rec_samplers_target *target, const struct msg *msg);
void rec_samplers_close(struct rec_samplers *samplers);

/* In words, for the header of the trace. */
void rec_samplers_name(const struct rec_samplers *samplers, char *text, size_t text_bytes);

/*
 * Look at the processes of `tree` from now on. After all other listeners of the tree. Unless nobody
 * else does, it is not told of threads that come and go: what is queued is older than what it
 * knows.
 */
void rec_samplers_follow(
	struct rec_samplers *samplers, struct rec_tree *tree, bool nobody_else_tells_threads);

/* Readable when rec_samplers_tick() is to be called, soon; -1: never. */
int rec_samplers_tick_fd(const struct rec_samplers *samplers);
void rec_samplers_tick(struct rec_samplers *samplers,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context);

/* What rec_perf_drain() does not have: the records of who stops threads. */
void rec_samplers_drain(struct rec_samplers *samplers,
	void (*handle)(void *context, const struct rec_perf_record *record), void *context);

/* No more samples. What there is can still be drained. */
void rec_samplers_stop(struct rec_samplers *samplers);

/* What it has cost, and whom it could not look at. After the last drain. */
void rec_samplers_finish(struct rec_samplers *samplers, struct rec_sink *sink, uint64_t now_ns);

#endif
