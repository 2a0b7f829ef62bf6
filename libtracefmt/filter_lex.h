/* The words of a filter expression. */
#ifndef TFMT_FILTER_LEX_H
#define TFMT_FILTER_LEX_H

#include "filter_numbers.h"

#include "tracefmt/error.h"

enum tfmt_filter_word {
	WORD_END,
	WORD_AND,
	WORD_OR,
	WORD_NOT,
	WORD_OPEN,
	WORD_CLOSE,
	WORD_OPERATOR, /* == != < > <= >= ~ !~ */
	WORD_TEXT,     /* in quotes */
	WORD_NUMBER,
	WORD_NAME,
	WORD_OTHER, /* one byte that begins nothing */
};

struct tfmt_filter_token {
	enum tfmt_filter_word word;
	size_t offset, length; /* in the expression, bytes */
	const char *text;      /* of a text between its quotes, of others all; not NUL-ended */
	size_t text_length;    /* bytes */
	const char *argument;  /* of a name: what follows "arg." */
	size_t argument_length;
	struct tfmt_filter_number number;
};

/*
 * The word at or after `offset`.
 * Returns: 0; TFMT_E_ARG for a text without end, or a number that is none, in words in `err`.
 */
int tfmt_filter__next_word(const char *expression, size_t offset,
	struct tfmt_filter_token *ret_token, struct tfmt_error *err);

#endif
