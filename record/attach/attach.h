/*
 * Processes that run already: found with all their threads and descendants, watched, and told to
 * the tree. Nothing is changed in them and no signal is sent to them.
 *
 * Order: rec_attach_new(), rec_attach_scan(), perf opened with pid 0,
 * rec_attach_watch(), rec_attach_adopt(), then rec_attach_seen() and rec_attach_check() for as long
 * as the recording goes on.
 */
#ifndef RECORD_ATTACH_ATTACH_H
#define RECORD_ATTACH_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/family.h"
#include "msg.h"
#include "opts.h"
#include "perf/perf.h"
#include "tree/tree.h"

struct rec_attach;

/* What to tell of a thread found at work or waiting, as if it had just begun to. */
struct rec_attach_listener {
	void *context;
	void (*found)(void *context, uint64_t time_ns, pid_t pid, pid_t tid, bool runs);
};

/*
 * Understand the lists of PIDs and find the processes. Says what is wrong with each of them; those
 * that are right go on.
 * Returns: 0 and an object; EXIT_USAGE when something is no PID, or the PID of a process that
 * cannot be meant; EXIT_FAILED when no process is left.
 */
int rec_attach_new(
	const struct opt_list *pids, const struct msg *msg, struct rec_attach **ret_attach);
void rec_attach_free(struct rec_attach *attach);

/* The PIDs that were named and exist, in the order given; there is a first one. */
pid_t rec_attach_pid(const struct rec_attach *attach, size_t index);
const char *rec_attach_name(const struct rec_attach *attach, size_t index);

/* They and all their descendants, as of rec_family_find(). */
int rec_attach_family(const struct rec_attach *attach, struct rec_family *ret_family);

/* Say that `call` was refused for a process, what follows from it, and the way out. */
void rec_attach_say_refusal(
	const struct msg *msg, pid_t pid, const char *call, int error, const char *effect);

/* Find descendants and threads. Returns 0, or -1 after an error was said. */
int rec_attach_scan(struct rec_attach *attach);

/*
 * True when two rings for each CPU take more descriptors than there are: life and samples must
 * share one then.
 */
bool rec_attach_needs_one_ring(const struct rec_attach *attach);

/* Open the events. Says whose stacks are refused, why, and the way out. */
void rec_attach_watch(struct rec_attach *attach, struct rec_perf *perf);

/* Start the events, and tell the tree who is there. */
void rec_attach_adopt(struct rec_attach *attach, struct rec_tree *tree, struct rec_sink *sink,
	const struct rec_attach_listener *listener);

/*
 * A record has come. Returns false for one that must not be told to the tree: the fork of a
 * process or thread that was found by other means.
 */
bool rec_attach_seen(struct rec_attach *attach, const struct rec_perf_record *record);

/* After a round: make sure of threads that began while others were opened. Mostly free. */
void rec_attach_check(struct rec_attach *attach, uint64_t now_ns);

#endif
