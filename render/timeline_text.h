/* Threads over time in columns of a terminal: how much each ran, and what it waited for. */
#ifndef REND_TIMELINE_TEXT_H
#define REND_TIMELINE_TEXT_H

#include <stdio.h>

#include "model.h"

/*
 * A row for each of the busiest threads of `model`, which has samples, `columns` wide.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 * Cost: a pass over the samples.
 */
int rend_timeline_text(struct rend_model *model, int columns, FILE *stream);

#endif
