/* Stacks of Python code as the text formats of its samplers have them. */
#ifndef IMPORT_PYTHON_TEXT_H
#define IMPORT_PYTHON_TEXT_H

#include "build.h"

/*
 * A frame by its function, file and line. What a file is tells the language: sources of Python,
 * "<frozen importlib>" and the like are Python's, all others are native: a module when no line is
 * known. Returns as imp_frame().
 */
int imp_python_frame(struct imp_build *build, const char *function, size_t function_length,
	const char *file, size_t file_length, uint32_t line, uint32_t *ret_id);

/*
 * Split "function (file:line)" or "function (file)", as py-spy writes frames. False: it is only a
 * name.
 */
struct imp_python_text {
	const char *function, *file;
	size_t function_length, file_length;
	uint32_t line; /* 0: not there */
};
bool imp_python_split(const char *text, size_t length, struct imp_python_text *ret_text);

/* The process of a source that tells no names: a new one is called python. */
int imp_python_process(struct imp_build *build, uint32_t pid);

/* The number in all of the text: decimal, or hexadecimal where it begins with 0x. */
bool imp_text_number(const char *text, size_t length, uint64_t *ret_number);

/* What follows `start`, NULL when the text does not begin with it. */
const char *imp_text_after(const char *text, const char *start);

#endif
