/* What every text begins with. */
#ifndef REND_TEXT_HEAD_H
#define REND_TEXT_HEAD_H

#include <stdio.h>

#include "model.h"

/* A line with the traced command, and one with the filter when there is one. */
void rend_put_text_head(const struct rend_model *model, int columns, FILE *stream);

/* The second only. */
void rend_put_filter(const struct rend_model *model, int columns, FILE *stream);

#endif
