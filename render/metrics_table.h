/* What each process used, as a table of text. */
#ifndef REND_METRICS_TABLE_H
#define REND_METRICS_TABLE_H

#include "view.h"

/* Memory shares, I/O, faults and switches of the busiest processes; nothing where none is known. */
int rend_metrics_table(
	const struct rend_model *model, const struct rend_text_frame *frame, FILE *stream);

#endif
