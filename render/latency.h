/*
 * How long something took, over time: the calls of a function, scopes of a name, or waits. Counted
 * in columns of time and in classes of duration, SUBCLASSES to each doubling.
 */
#ifndef REND_LATENCY_H
#define REND_LATENCY_H

#include "model.h"

#define REND_LATENCY_SUBCLASSES 16
#define REND_LATENCY_CLASSES	(64 * REND_LATENCY_SUBCLASSES)

enum rend_latency_type {
	REND_LATENCY_NONE, /* nothing of that name */
	REND_LATENCY_CALLS,
	REND_LATENCY_SCOPES,
	REND_LATENCY_WAITS, /* in a system call of the name, or under a function of it */
};

struct rend_latency {
	const struct rend_model *model;
	enum rend_latency_type type;
	uint64_t begin_ns, column_ns; /* of column 0: as in struct rend_heat */
	uint32_t columns;
	uint32_t *counts;	    /* by column, class */
	uint64_t total, open_count; /* that ended, and that never did */
	uint64_t min_ns, max_ns;
	uint64_t p50_ns, p99_ns; /* to the class: within 5 % */
};

struct rend_heat_size;

/*
 * Calls and scopes of this name; else those whose name ends in it, after a class or namespace; else
 * waits.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO.
 */
int rend_latency_new(struct rend_model *model, const char *name, const struct rend_heat_size *size,
	struct rend_latency **ret_latency);
void rend_latency_free(struct rend_latency *latency);

/* The class of a duration, and where it begins. */
uint32_t rend_latency_class(uint64_t duration_ns);
uint64_t rend_latency_class_ns(uint32_t class);

/* "1 204 calls of handle". */
void rend_latency_heading(const struct rend_latency *latency, char *text, size_t size);

/* Classes of duration as `rows` rows of `group` classes from `first` on, no more than max_rows. */
struct rend_latency_rows {
	uint32_t first, group, rows;
};
struct rend_latency_rows rend_latency_rows(const struct rend_latency *latency, uint32_t max_rows);

/* How many there are in a row of a column; both are counted from 0. */
uint64_t rend_latency_count(const struct rend_latency *latency,
	const struct rend_latency_rows *rows, uint32_t column, uint32_t row);
uint64_t rend_latency_max(const struct rend_latency *latency, const struct rend_latency_rows *rows);

#endif
