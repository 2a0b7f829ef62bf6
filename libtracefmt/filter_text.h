/* Texts to compare with: with `%` for anything, or a regular expression. */
#ifndef TFMT_FILTER_TEXT_H
#define TFMT_FILTER_TEXT_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "tracefmt/error.h"

struct tfmt_filter_text {
	char *pattern; /* what is between the quotes; of a wildcard text NUL stands for `%` */
	size_t length;
	bool is_regex;
	bool is_compiled; /* `regex` is */
	regex_t regex;
	size_t searched_bytes; /* since it was compiled */
};

/*
 * Take what is between quotes in an expression. `offset` is where it is, for errors.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_ARG for a bad or too costly regular expression.
 */
int tfmt_filter_text__init(struct tfmt_filter_text *text, const char *quoted, size_t length,
	bool is_regex, size_t offset, struct tfmt_error *err);
void tfmt_filter_text__release(struct tfmt_filter_text *text);

/* Equal to the whole of `data`, NUL-terminated, or found in it. */
bool tfmt_filter_text__matches(struct tfmt_filter_text *text, const char *data, size_t length);

/* The same of a path, or of its end from one of its components on. */
bool tfmt_filter_text__matches_path(struct tfmt_filter_text *text, const char *path, size_t length);

/* The same of a function, or of its name without the parameters that C++ puts behind it. */
bool tfmt_filter_text__matches_function(
	struct tfmt_filter_text *text, const char *function, size_t length);

/* The pattern without its wildcards, cut at `size_bytes`. Returns `buffer`. */
char *tfmt_filter_text__plain(const struct tfmt_filter_text *text, char *buffer, size_t size_bytes);

#endif
