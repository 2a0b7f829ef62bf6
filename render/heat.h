/*
 * How much happened when, cell by cell. Time runs in columns; a column is cut into rows, so that
 * what repeats within a column shows as a band. Or there is a line of columns for each thread.
 */
#ifndef REND_HEAT_H
#define REND_HEAT_H

#include "model.h"

/* Names that are followed in a cell: the one with the most weight is found if it stands out. */
#define REND_HEAT_NAMES 3

struct rend_heat_top {
	uint32_t names[REND_HEAT_NAMES];
	uint64_t weights[REND_HEAT_NAMES];
};

struct rend_heat {
	const struct rend_model *model;
	uint64_t begin_ns; /* of column 0: second 0 and a number of columns; may be before the range
			    */
	uint64_t end_ns;   /* of the range; the last column may go on */
	uint64_t column_ns;
	uint32_t columns;
	uint32_t rows;	   /* of a column; 1 when lines are threads */
	uint32_t lines;	   /* 1, or threads; the last stands for `rest_count` others, if any */
	uint32_t *threads; /* of the lines */
	uint32_t rest_count;
	uint32_t block_rows;   /* rows that share a struct rend_heat_top */
	uint32_t blocks;       /* of a column */
	uint64_t *amounts;     /* of cells: ns or samples; by line, column, row */
	uint64_t *column_sums; /* of all lines */
	uint64_t *row_sums;    /* of all columns, by row; of lines when those are threads */
	uint64_t max_column, max_row;
	uint64_t whole;		    /* all amounts */
	uint64_t unplaced;	    /* what is known to have been, but not when */
	double max;		    /* the most of a cell, as rend_heat_value() */
	struct rend_heat_top *tops; /* by line, column, block */
	uint32_t *frame_names;
};

struct rend_heat_size {
	uint32_t max_columns; /* room for so many */
	uint32_t min_columns; /* wanted, when times are long enough */
	uint32_t rows;
	uint32_t max_lines;  /* threads; 0: all of them together, in rows */
	uint32_t max_blocks; /* cells whose top function is known, about */
};

/* The columns of time alone. Returns: the end of the range, which the last column may go beyond. */
uint64_t rend_heat_columns(const struct rend_model *model, const struct rend_heat_size *size,
	uint64_t *ret_begin_ns, uint64_t *ret_column_ns, uint32_t *ret_columns);

/*
 * One pass over the samples. `size` is what there is room for; the model's options come first.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO.
 */
int rend_heat_new(
	struct rend_model *model, const struct rend_heat_size *size, struct rend_heat **ret_heat);
void rend_heat_free(struct rend_heat *heat);

/* When a cell, or a block of them, begins or ends: row `rows` is the end of the column. */
uint64_t rend_heat_time_ns(const struct rend_heat *heat, uint32_t column, uint32_t row);

/* Whether a cell lies within the shown range, at least in part. */
bool rend_heat_is_within(const struct rend_heat *heat, uint32_t column, uint32_t row);

uint64_t rend_heat_amount(
	const struct rend_heat *heat, uint32_t line, uint32_t column, uint32_t row);

/* An amount in so long a time: cores or threads that were busy on average; else samples. */
double rend_heat_value(const struct rend_heat *heat, uint64_t amount, uint64_t length_ns);

/* The round number at or above a value that a scale ends with. */
double rend_heat_ceiling(double value);

/* The function that most of a block was spent in, "" when there is none. */
const char *rend_heat_top_name(const struct rend_heat *heat, const struct rend_heat_top *top);

/* Seconds as --from takes them, to the nanosecond: "12.34s". */
#define REND_HEAT_TIME_BYTES 40
void rend_heat_exact_time(const struct rend_model *model, uint64_t time_ns, char *text);

/* "4 cores", "0.5 cores", "30 samples". */
void rend_heat_value_text(const struct rend_heat *heat, double value, char *text, size_t size);

/* Into how many parts a column is cut that begin at round times. */
uint32_t rend_heat_offset_parts(uint64_t column_ns);

/*
 * What is known of the rows [row, row_end) of a column, in lines: how much, mostly of what, and the
 * options that show just that. Returns: false when there is nothing.
 */
#define REND_HEAT_TITLE_BYTES 512
bool rend_heat_title(const struct rend_heat *heat, uint32_t line, uint32_t column, uint32_t row,
	uint32_t row_end, char *text);

/* "worker (4711)" of a line, or "12 other threads". */
void rend_heat_line_name(const struct rend_heat *heat, uint32_t line, char *text, size_t size);

/* What is drawn: "CPU time, 50 rows of 20 ms in a column of 1 s". */
void rend_heat_heading(const struct rend_heat *heat, char *text, size_t size);

/* How much is in no cell: "12 % of the CPU time, in short pieces, is not placed". "" for none. */
void rend_heat_unplaced(const struct rend_heat *heat, char *text, size_t size);

#endif
