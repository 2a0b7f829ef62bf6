/* A function as a line of text: its name, where it is, what stands there, and whose it is. */
#ifndef REND_CODE_LINE_H
#define REND_CODE_LINE_H

#include <stdio.h>

#include "source_text.h"
#include "view.h"

/* Marks own code at the right edge. */
#define REND_OWN_MARK "<===="

struct rend_code_line {
	const char *numbers; /* what is left of it, of rend_format_numbers() */
	const char *guide;   /* before the name: lines of a tree */
	const char *name;
	const char *place;  /* "app.py:12", may be "" */
	const char *source; /* the text of that line, may be "" */
	bool is_own;
};

/*
 * The numbers of a line as text: a share of `whole`, what that is, and another share, each "" when
 * it has no say. REND_NUMBERS_COLUMNS wide; REND_NUMBERS_BYTES are enough.
 */
#define REND_NUMBERS_COLUMNS 29
#define REND_NUMBERS_BYTES   128
void rend_format_numbers(const char *share, const char *amount, const char *other, char *text);
/* A share as rend_format_numbers() takes it: "" for nothing. */
char *rend_format_share(char *text, uint64_t part, uint64_t whole);
/* An amount in a column whose unit is known. */
char *rend_format_amount(const struct rend_model *model, char *text, uint64_t amount);

/* Columns of a guide, in which, unlike in names, every space counts. */
int rend_guide_columns(const char *guide);

/* Whether lines are so wide that there is room for source text. */
bool rend_code_line_has_source(const struct rend_text_frame *frame);

/* Fill in name, place, source and owner of a location. `place` has `size` bytes of room. */
void rend_code_line_set(struct rend_code_line *line, const struct rend_model *model,
	struct rend_sources *sources, const struct tfmt_location *location, char *place,
	size_t size);

/* Write it as wide as the frame, without blanks at its end; own code bold where there is colour. */
void rend_put_code_line(
	const struct rend_text_frame *frame, const struct rend_code_line *line, FILE *stream);

#endif
