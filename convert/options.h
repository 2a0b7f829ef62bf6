/* The command line of tconv. */
#ifndef CONV_OPTIONS_H
#define CONV_OPTIONS_H

#include "opts.h"
#include "select.h"

#define CONV_MAX_FORMATS 32

struct conv_options {
	bool wants_format[CONV_MAX_FORMATS]; /* by index into conv_formats */
	const char *output;
	const char *from_format;
	bool sums;
	const char *table;
	const char *diff;
	uint64_t split_ns;
	uint64_t level;
	bool list_formats;
	bool follows;
	bool checks;
	bool shows_structure;
	struct conv_select_options select;
	const char *weight;
	bool shows_native;
	bool is_quiet;
	int verbosity;
};

/* A row per format, and the others: of tconv's options. `rows` has room for CONV_MAX_ROWS. */
#define CONV_MAX_ROWS (CONV_MAX_FORMATS + 40)
size_t conv_options_rows(struct opt_row rows[CONV_MAX_ROWS]);

#endif
