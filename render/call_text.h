/*
 * A line of text put together from parts that may be long and hostile: clean, cut at a number of
 * columns, with a count of the bytes that are hidden.
 */
#ifndef REND_CALL_TEXT_H
#define REND_CALL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tracefmt/trace.h"

#define REND_CALL_TEXT_BYTES 8192

struct rend_call_text {
	char text[REND_CALL_TEXT_BYTES];
	size_t length;	   /* bytes */
	int columns;	   /* of them */
	int max_columns;   /* that fit */
	size_t cut_at;	   /* where it ends when the mark of a cut must fit too */
	int cut_columns;   /* up to there */
	size_t rest_bytes; /* after cut_at, those that did not fit included */
	bool is_full;
};

void rend_call_text_init(struct rend_call_text *line, int max_columns);

/* Append text as it is; control characters become escapes such as \n and \x1b. */
void rend_call_text_add(struct rend_call_text *line, const char *text);
void rend_call_text_add_string(struct rend_call_text *line, const struct tfmt_string *string);

/* "name: type = value"; values that are cut in the trace end in "…", those of strings are quoted.
 */
void rend_call_text_add_arg(
	struct rend_call_text *line, const struct tfmt_trace *trace, const struct tfmt_arg *arg);
/* The value alone, or of an exception "type: value". */
void rend_call_text_add_value(
	struct rend_call_text *line, const struct tfmt_trace *trace, const struct tfmt_arg *arg);

/* Ends the line: when it did not fit, with "… +12 bytes". */
void rend_call_text_end(struct rend_call_text *line);

#endif
