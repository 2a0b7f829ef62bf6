/* What the files of the tree share: tree.c grows it, tree_ends.c buries its dead. */
#ifndef RECORD_TREE_PRIVATE_H
#define RECORD_TREE_PRIVATE_H

#include "tree/execs.h"
#include "tree/tree.h"

#define REC_TREE_BUCKETS 4096

/* A status that was told before the end of its process. */
struct rec_pending_status {
	struct rec_pending_status *next;
	uint64_t time_ns;
	pid_t pid;
	int wait_status;
	bool is_sure;
};

struct rec_tree {
	struct rec_sink *sink;
	struct tfmt_writer *writer;
	struct rec_tree_listener listeners[REC_TREE_LISTENERS];
	size_t listener_count;
	struct rec_process *processes[REC_TREE_BUCKETS]; /* alive ones by pid */
	struct rec_thread *threads[REC_TREE_BUCKETS];	 /* alive ones by tid */
	struct rec_process *all;			 /* not settled */
	struct rec_process *finished;			 /* alive at the end: threads name them */
	struct rec_execs *execs;
	struct rec_pending_status *statuses;
	bool (*ask_status)(void *context, pid_t pid, int *ret_wait_status); /* or NULL */
	void *ask_context;
	uint64_t unknown_statuses;
	uint64_t seen_ns;
};

void rec_tree_write_life(struct rec_tree *tree, const struct tfmt_life *life);
/* Write the exec that waits for what /proc says, when all is known or nothing more will come. */
void rec_tree_try_exec(struct rec_tree *tree, struct rec_process *process, uint64_t now_ns);
void rec_tree_flush_exec(struct rec_tree *tree, struct rec_process *process);
void rec_tree_tell_end(struct rec_tree *tree, struct rec_process *process);
/* Drop the execs and statuses of before `time_ns`: their processes never came. */
void rec_tree_forget(struct rec_tree *tree, uint64_t time_ns);

#endif
