/*
 * How processes ended that are not our children: a pidfd that was opened while a process lived
 * tells it also after the parent has reaped it (Linux 6.15); before that a zombie's stat does.
 *
 * It listens to the tree and is asked by it.
 */
#ifndef RECORD_TREE_PIDFDS_H
#define RECORD_TREE_PIDFDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "tree/tree.h"

struct rec_pidfds;

/*
 * `watches`: nobody else tells that processes end; see rec_pidfds_drain().
 * Returns NULL when there is no memory.
 */
struct rec_pidfds *rec_pidfds_new(struct rec_tree *tree, bool watches);
void rec_pidfds_free(struct rec_pidfds *pidfds);

/*
 * A process that the tree will be told of, and may be gone by then. It takes the place of an older
 * one with the same number.
 */
void rec_pidfds_add(struct rec_pidfds *pidfds, pid_t pid);

/* A descriptor that is readable when there is something to drain; -1 when nothing is watched. */
int rec_pidfds_fd(const struct rec_pidfds *pidfds);
/* Tell the tree of those that have ended; never blocks. */
void rec_pidfds_drain(struct rec_pidfds *pidfds);

#endif
