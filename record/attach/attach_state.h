/* What the files of attaching share: attach.c finds and opens, adopt.c tells, suspects.c checks. */
#ifndef RECORD_ATTACH_STATE_H
#define RECORD_ATTACH_STATE_H

#include "attach/attach.h"
#include "procfs.h"

struct rec_attach_named {
	pid_t pid;
	char name[16];
	uint64_t age_ns; /* when it was named */
};

/* A thread of the first look. */
struct rec_attach_thread {
	pid_t pid, tid;
	int error; /* 0: watched */
};

/*
 * A thread of a later look that should have been watched from its start on, as one of a watched
 * thread. Its records will show that; if it runs without any, it must be watched itself.
 */
struct rec_suspect {
	pid_t pid, tid;
	uint64_t run_ns, turns; /* by its schedstat when it was found */
	uint64_t moved_ns;	/* when those were seen to have changed; 0: not yet */
};

struct rec_attach {
	const struct msg *msg;
	struct rec_perf *perf;
	struct rec_tree *tree;
	struct rec_sink *sink;
	struct rec_attach_listener listener;
	struct rec_attach_named *named;
	pid_t *roots; /* the same, numbers only */
	size_t named_count;
	struct rec_attach_thread *threads; /* by tid */
	size_t thread_count;
	pid_t *forks; /* threads whose start a ring has told already */
	size_t fork_count, fork_capacity;
	struct rec_suspect *suspects;
	size_t suspect_count, suspect_capacity;
	uint64_t adopted_ns; /* forks before this may be of threads that were found */
	uint64_t next_check_ns, next_end_check_ns;
	bool is_verified;
};

/* `name`: "stat" of the process or "task/TID/stat". Returns: whether it could be read. */
bool rec_attach_read_stat(pid_t pid, const char *name, struct rec_proc_stat *stat);

/* A thread of the first look, or NULL. */
const struct rec_attach_thread *rec_attach_find_thread(const struct rec_attach *attach, pid_t tid);

bool rec_attach_is_refusal(int error);

/* Tell of everybody who is there and whom the tree does not know, until all are watched. */
void rec_attach_adopt_all(struct rec_attach *attach, uint64_t time_ns);

void rec_suspects_add(struct rec_attach *attach, pid_t pid, pid_t tid);

#endif
