/* --follow: a trace is drawn again and again while it is being written. */
#ifndef REND_FOLLOW_H
#define REND_FOLLOW_H

#include <stdbool.h>
#include <stdio.h>

#include "msg.h"

/*
 * Draw the trace at `path`, which the user knows as `name`, as it is by now: text goes to `text`, a
 * picture where it belongs. `is_last`: it will not change any more. Returns the exit status.
 */
typedef int rend_draw_fn(
	void *context, const char *path, const char *name, FILE *text, bool is_last);

/*
 * Draw the trace `path` (NULL: as input_open() has it), or a pipe, about every second while it
 * grows, and once more at its end, or when it is interrupted. Text replaces the one before on a
 * terminal, as much of it as fits; elsewhere an empty line stands between.
 * Returns the exit status.
 */
int rend_follow(const char *path, rend_draw_fn *draw, void *context, const struct msg *msg);

#endif
