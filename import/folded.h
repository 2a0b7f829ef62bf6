/* Folded stacks, for those that have frames of their own kind in them. */
#ifndef IMPORT_FOLDED_H
#define IMPORT_FOLDED_H

#include "build.h"

struct imp_source;

/* Put the frame that a text means on top of the stack. Returns as imp_push(). */
typedef int imp_folded_push_fn(
	struct imp_build *build, const char *text, size_t length, uint32_t *stack, bool *is_cut);

/* Read all, as struct imp_format does. */
int imp_folded_read(struct imp_source *source, struct imp_build *build, const char *recorder,
	imp_folded_push_fn *push);

/* "STACK COUNT": the count, and the length of the stack. */
bool imp_folded_split(const char *line, size_t length, size_t *ret_stack, uint64_t *ret_count);

#endif
