/* The inside of a merge: what its steps share. */
#ifndef IMPORT_MERGE_STATE_H
#define IMPORT_MERGE_STATE_H

#include "build.h"
#include "files.h"
#include "merge_clock.h"
#include "rewrite.h"

/* Values of a metric of one part without a long gap between them. */
struct imp_stretch {
	uint64_t first_ns, last_ns;
	uint32_t metric;
	uint32_t part;
	uint32_t next; /* index + 1 of another one of this metric */
};

/* A metric of the merged trace. */
struct imp_series {
	uint32_t part; /* index + 1 of the last one that has it */
	bool is_shared;
	uint32_t stretches; /* index + 1 of the first */
};

/* One of the traces. */
struct imp_part {
	const char *name;
	struct tfmt_reader *reader;
	const struct tfmt_header *header;
	struct imp_rewrite rewrite;
	size_t boot;		/* index into imp_merge.clocks: parts of one boot share it */
	bool by_utc;		/* of another boot than the clock of the merged trace */
	int64_t shift_ns;	/* added at last */
	bool is_piece;		/* another part has the same trace id: a piece of one recording */
	uint32_t pid_base;	/* added to its numbers, which another boot has too */
	const char *host;	/* to be told apart by; NULL: the host of the merged trace */
	uint32_t present;	/* TFMT_KIND_BIT()s of its records */
	uint32_t *last_stretch; /* index + 1, by metric */
	bool *has_run;		/* by thread of the part */
};

/* A process or thread as one part knows it, in the merged clock. */
struct imp_task {
	uint64_t start_ns;    /* 0: unknown */
	uint64_t alive_ns;    /* it was there then */
	uint64_t end_ns;      /* 0: unknown, or it went on */
	uint64_t recorded_ns; /* its recording began */
	uint32_t id;	      /* in the merged trace */
	uint32_t part;
	uint32_t next; /* index + 1 of another one with the same number */
};

struct imp_tasks {
	struct imp_task *items;
	size_t count, capacity;
	struct imp_ids heads; /* index + 1 of the first, by number */
};

/* What is known of the life of a merged process or thread. */
struct imp_life {
	uint8_t exit_rank; /* the better its end is known, the higher */
	uint64_t exit_ns;
	uint32_t exit_part;  /* whose exit record counts */
	uint32_t start_part; /* index + 1 of who told the start */
	uint32_t image_part; /* index + 1 of who told the last image */
	uint32_t name, exe, argv, cwd;
};

/* By the ids of the merged trace. */
struct imp_lives {
	struct imp_life *items;
	size_t count, capacity;
};

struct imp_merge {
	struct imp_part *parts;
	size_t count;
	bool sums;
	const struct msg *msg;
	struct tfmt_writer *writer;
	struct tfmt_error error;
	struct imp_clock *clocks; /* of each boot */
	size_t clock_count;
	size_t main_clock; /* the boot whose clock the merged trace has */
	int64_t shift_ns;  /* of the parts on it */
	uint64_t begin_ns; /* second 0 of the merged trace */
	struct imp_tasks processes, threads;
	struct imp_lives process_lives, thread_lives;
	struct imp_stretch *stretches; /* in the clock and ids of their part, then in the merged */
	size_t stretch_count, stretch_capacity;
	struct imp_series *series; /* by id */
	size_t series_capacity;
	struct imp_ids metrics; /* ids by whose they are and their name */
	struct imp_ids symbols; /* part + 1 by range */
	uint32_t *last_runners; /* by thread: part + 1 of its last running sample */
	size_t runner_capacity;
	bool has_warned; /* of time that counts twice */
};

/* Make room for `count` items, new ones zeroed. Returns the items, NULL: no memory. */
void *imp_merge_grow(void *items, size_t *capacity, size_t count, size_t item_bytes);

/* All functions return 0 or a negative enum tfmt_err. */

/* Read all records once: which kinds there are, clocks, where metrics have values. */
int imp_merge_survey(struct imp_merge *merge);

/* Find the place of each part on one clock, and second 0. */
void imp_merge_place(struct imp_merge *merge);
/* A time of a part in the merged trace. */
uint64_t imp_merge_time(
	const struct imp_merge *merge, const struct imp_part *part, uint64_t time_ns);

/* Find which boots have numbers of processes in common: those are moved apart. */
int imp_merge_number(struct imp_merge *merge);

/* Write all tables; afterwards every id of a part has its new one. */
int imp_merge_tables(struct imp_merge *merge);

/* Intern "NAME@HOST" of a name of the part. */
int imp_merge_host_name(
	struct imp_merge *merge, const struct imp_part *part, uint32_t old, uint32_t *ret_name);

/* Write all records. */
int imp_merge_records(struct imp_merge *merge);

#endif
