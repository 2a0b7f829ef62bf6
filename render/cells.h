/* Text in columns of a terminal. */
#ifndef REND_CELLS_H
#define REND_CELLS_H

#include <stdio.h>

#include "model.h"

/* Write `text` in exactly `columns` columns: cut in its middle with "…", or padded on its right. */
void rend_put_cell(FILE *stream, const char *text, int columns);
/* The same at the end of a line: not padded. */
void rend_put_last(FILE *stream, const char *text, int columns);
/* As a cell, but cut at its start: the end of a path says most. */
void rend_put_cell_tail(FILE *stream, const char *text, int columns);
/* The same at the end of a line: not padded. */
void rend_put_last_tail(FILE *stream, const char *text, int columns);
/* As a cell, padded on its left. */
void rend_put_cell_right(FILE *stream, const char *text, int columns);

/*
 * A line of source text at the end of a line: indented as it is, tabs as wide as those of an
 * editor, what would move the cursor shown as U+FFFD, cut at its end with "…".
 */
void rend_put_source(FILE *stream, const char *text, int columns);

/* A bar of `share` (0 to 1) of `columns` columns, in eighths. */
void rend_put_bar(FILE *stream, double share, int columns);

/*
 * A series over the whole shown range as `columns` eighth blocks, `max` being a full one. Columns
 * without a value are spaces; the smallest value that is not 0 still shows.
 */
void rend_put_sparkline(
	FILE *stream, const struct rend_series *series, size_t bin_count, double max, int columns);

/* The highest column that such a sparkline has. */
double rend_sparkline_max(const struct rend_series *series, size_t bin_count, int columns);

#endif
