/* Heat as text: a character a cell, denser is more. */
#ifndef REND_HEAT_TEXT_H
#define REND_HEAT_TEXT_H

#include <stdio.h>

#include "view.h"

int rend_heat_write_text(
	struct rend_model *model, const struct rend_text_frame *frame, FILE *stream);

#endif
