/* Which processes get a row, in the order of the tree, and which are folded into one. */
#ifndef REND_PROC_ROWS_H
#define REND_PROC_ROWS_H

#include "model.h"
#include "text.h"

#define REND_MAX_PROCESS_ROWS 60

struct rend_proc_row {
	uint32_t process; /* 0: a folded row */
	size_t parent;	  /* index of the parent's row; SIZE_MAX: none */
	unsigned depth;
	/* Of a folded row: processes below the parent, and all below those. */
	uint32_t count;
	uint64_t cpu_ns;
	uint64_t peak_bytes;	   /* of the largest */
	uint64_t begin_ns, end_ns; /* from the first start to the last end */
	uint32_t name;		   /* string: of all of them, 0 when they differ */
	struct rend_series cpu;	   /* each one's CPU time spread over its life */
};

struct rend_proc_rows {
	struct rend_proc_row *rows;
	size_t count;
};

/*
 * Rows for all shown processes, at most `max_rows` (3 at least): the costliest with their
 * ancestors, the others folded into one row per parent. Returns: 0; TFMT_E_NOMEM.
 */
int rend_proc_rows_init(
	struct rend_proc_rows *rows, const struct rend_model *model, size_t max_rows);
void rend_proc_rows_release(struct rend_proc_rows *rows);

/*
 * What a row is called, at most `max_px` wide in `font` if that can be: the command without the
 * folders of the program, "gcc -O2 -c lexer.c -o lexer.o"; when that is too long the program and
 * what it works on, "cc1 … lexer.c".
 */
void rend_proc_row_name(const struct rend_model *model, const struct rend_proc_row *row,
	enum rend_font font, double max_px, char *text, size_t size);

#endif
