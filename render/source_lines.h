/*
 * What each line of the program's own source files weighs, from a tree of stacks merged by line.
 * A line's total counts each stack once, however often the line is in it.
 */
#ifndef REND_SOURCE_LINES_H
#define REND_SOURCE_LINES_H

#include "model.h"

struct rend_weighed {
	uint64_t total, self;
	uint32_t open; /* how often it is in the stack, while stacks are walked */
};

struct rend_source_line {
	struct rend_weighed weight;
	uint32_t line;
	uint32_t function; /* of struct rend_source_lines; the heaviest on this line */
	bool is_shared;	   /* by other functions: of a macro, of a template */
};

struct rend_source_function {
	struct rend_weighed weight;
	const struct tfmt_location *location;
};

struct rend_source_file {
	struct rend_weighed weight;
	const char *path;
	size_t first, count; /* lines, ascending */
};

struct rend_source_lines {
	struct rend_source_file *files; /* most self weight first, or total */
	size_t file_count;
	struct rend_source_line *lines;
	size_t line_count;
	struct rend_source_function *functions;
	size_t function_count;
	struct tfmt_location *locations; /* by function of the tree */
	char **texts;			 /* of some of these, else NULL */
	size_t text_count;
	uint64_t whole;	     /* weight of everything */
	uint64_t other_self; /* self of lines that are not own */
	uint64_t none_self;  /* self of code whose line is not known */
};

/* Returns: 0; TFMT_E_NOMEM. */
int rend_source_lines_init(
	struct rend_source_lines *lines, const struct rend_model *model, bool sorts_by_total);
void rend_source_lines_release(struct rend_source_lines *lines);

#endif
