/* What functions and scopes add up to, as a table: under the view spans, and as its text. */
#ifndef REND_SPANS_TABLE_H
#define REND_SPANS_TABLE_H

#include "span_table.h"
#include "view.h"

/* The heading and `rows` rows. */
double rend_spans_table_height_px(size_t rows);

/* The first `rows` rows. */
void rend_spans_table_draw(const struct rend_model *model, const struct rend_span_table *table,
	size_t rows, struct rend_scene *scene, struct rend_rect room);

/* How the bars of a function or scope are filled. */
enum rend_role rend_span_role(
	const struct rend_model *model, const struct rend_span_names *names, uint32_t what);

/* Name, place and all figures, as lines for hovering. */
void rend_span_title(const struct rend_span_table *table, const struct rend_span_row *row,
	char *text, size_t size);

/* Heads of the columns and `rows` rows as text; `title` above the names. */
void rend_spans_table_write_rows(const struct rend_model *model,
	const struct rend_span_table *table, const char *title, int columns, size_t rows,
	FILE *stream);

/* The whole text, `frame->table.max_rows` rows. */
void rend_spans_table_write(const struct rend_model *model, const struct rend_span_table *table,
	const struct rend_text_frame *frame, FILE *stream);

#endif
