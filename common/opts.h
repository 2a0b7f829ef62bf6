/*
 * Command lines from tables: one row per option gives parsing, --help and the man page.
 */
#ifndef COMMON_OPTS_H
#define COMMON_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

enum opt_type {
	OPT_FLAG,     /* bool: becomes true */
	OPT_COUNT,    /* int: grows by one each time */
	OPT_TEXT,     /* const char *: borrowed from argv */
	OPT_OPTIONAL, /* the same, as --name=TEXT only; "" for --name */
	OPT_LIST,     /* struct opt_list: every occurrence */
	OPT_NUMBER,   /* uint64_t: 999, 9999 */
	OPT_DECIMAL,  /* double: 1.5 */
	OPT_DURATION, /* uint64_t ns: 1.5s, 100ms, 2m; a bare number is seconds */
	OPT_SIZE,     /* uint64_t bytes: 64K, 1MiB; a bare number is bytes */
	OPT_CHOICE,   /* int: `value` is stored; several rows share one target */
};

struct opt_list {
	const char **items; /* grown by the parser, freed by opts_release() */
	size_t count;
};

struct opt_row {
	const char *name; /* long name without dashes; NULL only for a heading row */
	char letter;	  /* short name, 0: none */
	enum opt_type type;
	const char *argument; /* what --help calls the value, NULL for flags */
	const char *help;     /* one sentence, lower case, no full stop; or the heading */
	size_t offset;	      /* of the target in the options struct */
	int value;	      /* OPT_CHOICE: what to store */
	uint64_t min, max;    /* numbers, durations, sizes: inclusive; max 0: no bound */
	const char *values; /* OPT_TEXT: what can be said, for completion: "light dark"; or NULL */
};

struct opts_spec {
	const char *tool;     /* "tconv" */
	const char *synopsis; /* lines after "usage: ", each an own usage */
	const char *summary;  /* what the tool does: one or two sentences */
	const char *examples; /* printed under "examples:", each line indented already */
	const struct opt_row *rows;
	size_t row_count;
	bool stop_at_operand; /* options end at the first operand (trec) */
};

enum opts_result {
	OPTS_OK,
	OPTS_HELP,    /* -h or --help was given and printed on stdout */
	OPTS_VERSION, /* --version was given; the tool prints it */
	OPTS_USAGE,   /* one helpful line was printed; exit with the tool's usage status */
};

/*
 * Parse argv into the struct at `target`. Operands are moved to the front of argv[1..]; their
 * number is in `*ret_operands`. -h, --help, --version and -- are known without rows, and so is
 * --describe=WHAT of opts_print.h. An unknown option is answered with the nearest known one.
 */
enum opts_result opts_parse(const struct opts_spec *spec, const struct msg *msg, int argc,
	char **argv, void *target, int *ret_operands);

/* Free the lists of `target`. */
void opts_release(const struct opts_spec *spec, void *target);

/* The name nearest to `word` by edit distance, NULL when none is near. For "did you mean". */
const char *opts_nearest(const char *word, const char *const *names, size_t count);

#endif
