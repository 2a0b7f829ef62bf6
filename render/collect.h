/* The passes over a trace's records that fill a model. Private to model.c. */
#ifndef REND_COLLECT_H
#define REND_COLLECT_H

#include "model.h"

/*
 * Totals of processes, threads and the machine, the series of all together and the call tree.
 * Processes and threads have their lives already. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
int rend_collect_totals(struct rend_model *model, struct tfmt_error *err);

/*
 * The part of a sample within the shown range: false when there is none, or its thread is not
 * shown. What ran is in when its end is; a wait is cut, for it may be longer than the range.
 */
bool rend_model_clip(
	const struct rend_model *model, const struct tfmt_sample *sample, struct tfmt_sample *ret);

#endif
