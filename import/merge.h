/*
 * Several traces as one: what input_open() takes as `merge` (common/files.h).
 *
 * The merged trace goes to an unlinked temporary file, so that all behind reads it as any other.
 * Memory: the tables of all parts, and a chunk of each.
 */
#ifndef IMPORT_MERGE_H
#define IMPORT_MERGE_H

#include "files.h"

int imp_merge(
	struct input_part *parts, size_t count, bool sums, const struct msg *msg, int *ret_fd);

#endif
