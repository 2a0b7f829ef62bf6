/*
 * The process tree: who is alive, under which id, and what became of the dead.
 *
 * It is told of forks, names and ends by whatever can see them (perf, the proc connector, a walk
 * over /proc), writes the process and thread tables and the life records, and tells listeners.
 * An end is written only when its status has had time to arrive by another way.
 */
#ifndef RECORD_TREE_H
#define RECORD_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sink.h"

/* How many listeners can keep data of their own with a process or thread. */
#define REC_TREE_SLOTS 4
/* How many can listen. */
#define REC_TREE_LISTENERS (REC_TREE_SLOTS + 1)

struct rec_exec;

struct rec_thread;

struct rec_process {
	uint32_t id; /* in the trace */
	pid_t pid;
	struct rec_process *parent; /* only while process_started() is told of it */
	uint64_t start_ns;
	uint64_t end_ns; /* when the last thread ended; 0: alive */
	unsigned live_threads;
	uint32_t name;		/* string id of the current short name */
	uint32_t exe;		/* string id of the executable, 0 before the first exec */
	uint64_t switch_cpu_ns; /* CPU up to the last switches of its threads; 0: not known */
	uint64_t clock_cpu_ns;	/* CPU by its clock, read at its end; 0: not known */
	uint64_t base_cpu_ns;	/* what its clock said when it began */
	uint8_t status_type;	/* enum tfmt_status_type */
	int status;
	void *slots[REC_TREE_SLOTS];

	/* It was there before us: what it has mapped stands in /proc. */
	bool was_running;
	/* The kernel does not tell of it any more: a setuid program, or one we may not read. */
	bool is_hidden;

	/* Private to tree.c and tree_ends.c. */
	bool has_sure_status;	   /* told by waitpid(2), not by its leader's end */
	uint64_t leader_end_ns;	   /* when its main thread left before others; 0: it did not */
	uint64_t exec_ns;	   /* of its last exec */
	unsigned running_threads;  /* on a CPU now */
	uint64_t running_since_ns; /* sum of the times since when they are */
	struct rec_process *hash_next, *list_next;
	struct rec_exec *exec; /* not yet written */
};

struct rec_thread {
	uint32_t id;
	pid_t tid;
	struct rec_process *process;
	uint64_t start_ns;
	void *slots[REC_TREE_SLOTS];

	/* Private to tree.c and tree_ends.c. */
	struct rec_thread *hash_next;
	uint64_t switch_ns; /* time of the last switch; 0: none seen */
	bool is_running;    /* since then */
};

/* Told after the tree has changed. Every member may be NULL. */
struct rec_tree_listener {
	void *context;
	void (*process_started)(void *context, struct rec_process *process);
	void (*process_executed)(void *context, struct rec_process *process);
	/* It has ended, or is just ending: what /proc holds of it may be gone in a moment. */
	void (*process_ended)(void *context, struct rec_process *process);
	/* Nothing more comes of it; free what you kept in its slot. */
	void (*process_settled)(void *context, struct rec_process *process);
	void (*thread_ended)(void *context, struct rec_thread *thread, uint64_t time_ns);
};

struct rec_tree;

/* Returns NULL when there is no memory. */
struct rec_tree *rec_tree_new(struct rec_sink *sink);
void rec_tree_free(struct rec_tree *tree);
/* `listener` is copied; at most REC_TREE_LISTENERS, told in that order. */
void rec_tree_listen(struct rec_tree *tree, const struct rec_tree_listener *listener);

/* The live process or thread of that number, or NULL. */
struct rec_process *rec_tree_process(struct rec_tree *tree, pid_t pid);
struct rec_thread *rec_tree_thread(struct rec_tree *tree, pid_t tid);
/* All processes that have not settled, for loops: NULL at the end. */
struct rec_process *rec_tree_first(struct rec_tree *tree);
struct rec_process *rec_tree_next(struct rec_process *process);
/* Call `visit` for every live thread. */
void rec_tree_each_thread(struct rec_tree *tree,
	void (*visit)(void *context, struct rec_thread *thread, uint64_t time_ns), void *context,
	uint64_t time_ns);
/* True when the last exec of the process was of the file `exe`. */
bool rec_tree_is_image(struct rec_tree *tree, const struct rec_process *process, const char *exe);

/* What happened. `ppid`: of the parent process; unknown pids are taken as new processes. */
void rec_tree_fork(struct rec_tree *tree, uint64_t time_ns, pid_t ppid, pid_t pid, pid_t tid);
/*
 * A process that ran before anybody looked, with its program as an exec at `time_ns`; its threads
 * follow one by one, at least one. Returns NULL when there is no memory.
 */
struct rec_process *rec_tree_adopt(
	struct rec_tree *tree, uint64_t time_ns, pid_t ppid, pid_t pid, const char *name);
void rec_tree_adopt_thread(struct rec_tree *tree, uint64_t time_ns, struct rec_process *process,
	pid_t tid, const char *name);
void rec_tree_name(struct rec_tree *tree, uint64_t time_ns, pid_t tid, const char *name);
void rec_tree_exec(struct rec_tree *tree, uint64_t time_ns, pid_t pid, const char *name);
/* The first executable file mapped after an exec: the program, where /proc came too late. */
void rec_tree_mapped(struct rec_tree *tree, pid_t pid, const char *path);
/* The end of a thread, or with `tid` 0 of all that the process has left. */
void rec_tree_exit(struct rec_tree *tree, uint64_t time_ns, pid_t pid, pid_t tid);
/* An exec seen before its turn: read its arguments while they are there. */
void rec_tree_read_ahead(struct rec_tree *tree, uint64_t time_ns, pid_t pid);
/* The same once more for those that had none yet. */
void rec_tree_read_again(struct rec_tree *tree);

/*
 * How `pid` ended, as of waitpid(2). May come before or after its rec_tree_exit(). Not `is_sure`
 * when it is the exit code of the main thread, which may have left long before the others.
 */
void rec_tree_status(
	struct rec_tree *tree, uint64_t now_ns, pid_t pid, int wait_status, bool is_sure);
/*
 * Who is asked how an ended process ended when nobody has told it for sure: `ask` returns true with
 * a status as of waitpid(2). Asked again until the end is written.
 */
void rec_tree_ask_statuses(struct rec_tree *tree,
	bool (*ask)(void *context, pid_t pid, int *ret_wait_status), void *context);
/* A thread was given a CPU, or lost it. */
void rec_tree_switch(struct rec_tree *tree, uint64_t time_ns, pid_t tid, bool runs);
/* CPU time of a process at `time_ns`, up to which all switches have been told. */
uint64_t rec_tree_cpu_ns(const struct rec_process *process, uint64_t time_ns);
/* Everything up to `time_ns` has been told, and until when it was: for readings at that time. */
void rec_tree_set_seen(struct rec_tree *tree, uint64_t time_ns);
uint64_t rec_tree_seen_ns(const struct rec_tree *tree);
/*
 * The kernel says that `pid` has ended, `time_ns`, because it stops telling of it: true when the
 * process was just executed and is still there. It is marked hidden then, and a loss written.
 */
bool rec_tree_hides(struct rec_tree *tree, uint64_t time_ns, pid_t pid);
/* `pid` has ended and may be reaped at any moment: listeners read what is left of it. */
void rec_tree_ends(struct rec_tree *tree, pid_t pid);
/* CPU time that its clock says, read at its end. */
void rec_tree_clock(struct rec_tree *tree, pid_t pid, uint64_t cpu_ns);

/* Write the ends that are complete, or old enough that nothing more will come. */
void rec_tree_settle(struct rec_tree *tree, uint64_t now_ns);
/* The recording ends: write what is left; who lives is marked alive. May be called again. */
void rec_tree_finish(struct rec_tree *tree, uint64_t now_ns);

#endif
