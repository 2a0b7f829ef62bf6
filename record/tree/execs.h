/*
 * What an exec made of a process: program, arguments and folder. They stand in /proc only while
 * the process lives, so they are read as soon as an exec is heard of, before its turn comes.
 */
#ifndef RECORD_TREE_EXECS_H
#define RECORD_TREE_EXECS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sink.h"

/* One exec on its way into a life record; texts are string ids, 0 while not known. */
struct rec_exec {
	struct rec_exec *next; /* private */
	uint64_t time_ns;
	pid_t pid;
	uint32_t name, exe, argv, cwd;
	bool is_gone; /* the process has left /proc: no more will be known */
};

struct rec_execs;

/* Returns NULL when there is no memory. */
struct rec_execs *rec_execs_new(struct rec_sink *sink);
void rec_execs_free(struct rec_execs *execs);

/* An exec that perf will tell again in its turn: keep its arguments. */
void rec_execs_read_ahead(struct rec_execs *execs, uint64_t time_ns, pid_t pid);
/* Once more for those that had no arguments yet: they come a moment after the exec is told. */
void rec_execs_read_again(struct rec_execs *execs);
/*
 * The exec of that process and time: the one read ahead, or as /proc shows it now.
 * Returns NULL when there is no memory; the caller frees it with free().
 */
struct rec_exec *rec_execs_take(struct rec_execs *execs, uint64_t time_ns, pid_t pid);
/* Read what is not known yet; `program` false: but for the executable, which perf tells. */
void rec_execs_read(struct rec_execs *execs, struct rec_exec *exec, bool program);
/* Forget those of before `time_ns`, whose turn never came. */
void rec_execs_forget(struct rec_execs *execs, uint64_t time_ns);

#endif
