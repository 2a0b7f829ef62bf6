/*
 * A source: one kind of data that trec records. docs/HOWTO_ADD_SOURCE.md shows how to add one.
 *
 * The session gives each source zeroed state and calls it in this order: probe, prepare, then any
 * number of process and perf callbacks and drains, stop, finish, release. release is called
 * always, also when an earlier step failed. A source writes only through the sink.
 */
#ifndef RECORD_SOURCE_H
#define RECORD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"
#include "options.h"
#include "perf/perf.h"
#include "samplers.h"
#include "sink.h"
#include "tree/tree.h"

/* What a source may use. Lives as long as the session. */
struct rec_context {
	const struct rec_options *options;
	const struct msg *msg;
	struct rec_sink *sink;
	struct rec_tree *tree;
	struct rec_samplers *samplers;
	size_t slot; /* of this source in processes and threads */
};

struct rec_source {
	const char *name;
	const char *summary;
	size_t state_size;
	/*
	 * Can it run here, as asked? No side effects. Returns false with the reason in words;
	 * an empty reason: it is not wanted.
	 */
	bool (*probe)(const struct rec_context *context, char *reason, size_t reason_bytes);
	/* Before the program starts. Returns 0 or a negative enum tfmt_err. */
	int (*prepare)(void *state, const struct rec_context *context);
	/* As of struct rec_tree_listener. NULL: not interested. */
	void (*process_started)(void *state, struct rec_process *process);
	void (*process_executed)(void *state, struct rec_process *process);
	void (*process_ended)(void *state, struct rec_process *process);
	void (*process_settled)(void *state, struct rec_process *process);
	void (*thread_ended)(void *state, struct rec_thread *thread, uint64_t time_ns);
	/* A perf record, after the tree has taken it in. */
	void (*perf_record)(void *state, const struct rec_perf_record *record);
	/* A sample seen before its turn, as soon as it is there, while rec_perf_set_eager(). */
	void (*sample_ahead)(void *state, const struct rec_perf_record *record);
	/* Called about every `period_ns` and at the end; takes what is ready, never blocks. */
	void (*drain)(void *state, uint64_t now_ns);
	uint64_t (*period_ns)(void *state);
	/* The recording ends: write what is left. Costs and losses too. */
	void (*finish)(void *state, uint64_t now_ns);
	void (*release)(void *state);
};

/* All sources, in the order of sources.def. */
extern const struct rec_source *const rec_sources[];
extern const size_t rec_source_count;

#define X(id) extern const struct rec_source rec_source_##id;
#include "sources.def"
#undef X

#endif
