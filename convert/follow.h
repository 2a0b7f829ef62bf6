/* --follow: a trace is converted while it is being written. */
#ifndef CONV_FOLLOW_H
#define CONV_FOLLOW_H

#include "format.h"
#include "select.h"

/*
 * Whether a trace cannot be followed like this: so many inputs, to `output` (NULL: stdout), with a
 * selection. It has been said why.
 */
bool conv_follow_refuses(const struct conv_format *format, size_t input_count, const char *output,
	const struct conv_select_options *select, const struct msg *msg);

/*
 * Write the records of the trace `path` (NULL: as input_open() has it), or of a pipe, to stdout as
 * they come, until its end, an interrupt, or until the file is no longer what it was. The format
 * must be one that can: format->can_follow. Returns the exit status; an interrupt is no failure.
 */
int conv_follow(const struct conv_format *format, const char *path, struct conv_select *select,
	struct conv_context *context);

#endif
