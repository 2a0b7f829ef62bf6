/* The second trace of --diff: what is after, to be written beside what is before. */
#ifndef CONV_AFTER_H
#define CONV_AFTER_H

#include "files.h"
#include "format.h"
#include "select.h"
#include "tracefmt/diff.h"

struct conv_after {
	struct input input;
	struct conv_select select;
	const struct tfmt_header *header;
	struct tfmt_calltree *tree; /* NULL: not open */
};

/*
 * Read the stacks of `path` as `format` adds them up, with the weight and the selection of the
 * first trace. Returns: 0, or the exit status to end with: it has been said why.
 */
int conv_after_open(struct conv_after *after, const char *path, const struct input_how *how,
	bool shows_native, const struct conv_format *format,
	const struct conv_select_options *select, const struct conv_context *context);

/* Returns EXIT_OK, or EXIT_DAMAGED when something of it is missing: that is said. */
int conv_after_close(struct conv_after *after, const struct msg *msg);

/* Stacks of both as one tree. Returns: 0; TFMT_E_NOMEM. */
int conv_after_compare(const struct conv_context *context, const struct tfmt_calltree *before,
	struct tfmt_diff **ret_diff);

#endif
