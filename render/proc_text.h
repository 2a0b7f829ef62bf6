/* The process tree as text: a Gantt chart of block characters. */
#ifndef REND_PROC_TEXT_H
#define REND_PROC_TEXT_H

#include "view.h"

/* The `text` of the view "procs". */
int rend_procs_text(struct rend_model *model, const struct rend_text_frame *frame, FILE *stream);

#endif
