/* What the command line of tconv asks for, once it is clear that it can be had. */
#ifndef CONV_CHOOSE_H
#define CONV_CHOOSE_H

#include "format.h"
#include "options.h"

/* The format asked for, by option or by the output's extension. NULL: it has been said why. */
const struct conv_format *conv_choose_format(
	const struct conv_options *options, const struct msg *msg);

/*
 * Fill in of `context` what was asked for: weight, files, table. Returns 0, or EXIT_USAGE after
 * saying what is possible.
 */
int conv_choose(const struct conv_options *options, const struct conv_format *format,
	struct conv_context *context);

/* Whether `path` says that it is a folder, by a slash at its end. */
bool conv_is_folder(const char *path);

#endif
