/*
 * What can be printed from a table of options: --help, the options of a man page, and completion
 * scripts for shells. All go to stdout.
 */
#ifndef COMMON_OPTS_PRINT_H
#define COMMON_OPTS_PRINT_H

#include "opts.h"

void opts_print_help(const struct opts_spec *spec);

/*
 * `what`: "mdoc", the list of options for a man page, or "bash", "zsh", "fish", the completion
 * script of that shell. Returns: false when it is none of them.
 */
bool opts_describe(const struct opts_spec *spec, const char *what);

#endif
