/* A flame graph in columns of a terminal: a row a line, boxes as wide as their share. */
#ifndef REND_FLAME_TEXT_H
#define REND_FLAME_TEXT_H

#include <stdio.h>

#include "model.h"

/*
 * Write the merged stacks of `model`, which has some, `columns` wide. Boxes of less than a column
 * are merged. Returns: 0; TFMT_E_NOMEM.
 */
int rend_flame_text(const struct rend_model *model, int columns, FILE *stream);

#endif
