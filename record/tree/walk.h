/*
 * The process tree as /proc shows it: what is left where perf and the proc connector are refused.
 * Processes that live shorter than the time between two walks are not seen.
 */
#ifndef RECORD_TREE_WALK_H
#define RECORD_TREE_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "tree/tree.h"

/*
 * Tell the tree of new children, changed names and ends since the last walk; `only_hidden`: of the
 * processes that the kernel does not tell of.
 */
void rec_walk(struct rec_tree *tree, uint64_t now_ns, bool only_hidden);

#endif
