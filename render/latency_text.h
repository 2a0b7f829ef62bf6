/* Durations over time in words, and as text: a character a cell. */
#ifndef REND_LATENCY_TEXT_H
#define REND_LATENCY_TEXT_H

#include <stdio.h>

#include "latency.h"
#include "view.h"

/* "p50 1.2 ms, p99 8.4 ms, longest 12 ms, 2 did not end". */
void rend_latency_facts(const struct rend_latency *latency, char *text, size_t size);

/* Of a cell: how many took how long, and the range of time to type. */
#define REND_LATENCY_TITLE_BYTES 512
void rend_latency_title(const struct rend_latency *latency, const struct rend_latency_rows *rows,
	uint32_t column, uint32_t row, char *text);

/* What is said when there is nothing of the name. */
void rend_latency_missing(const struct rend_latency *latency, char *text, size_t size);

int rend_latency_write_text(
	struct rend_model *model, const struct rend_text_frame *frame, FILE *stream);

#endif
