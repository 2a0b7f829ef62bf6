/* Drives a trace through the selection into a format. */
#ifndef CONV_PUMP_H
#define CONV_PUMP_H

#include "format.h"
#include "select.h"

/* Loss of one sort that the recorder reported. */
struct conv_loss {
	uint32_t what; /* strings, as in struct tfmt_lost */
	uint32_t reason;
	uint64_t count;
};

#define CONV_MAX_LOSSES 16

/* What was met on the way. */
struct conv_totals {
	uint64_t carried;			  /* data records the format took */
	uint64_t dropped[TFMT_KIND_COUNT];	  /* data records it cannot hold */
	struct conv_loss losses[CONV_MAX_LOSSES]; /* further sorts are added to the last */
	size_t loss_count;
};

/*
 * Convert what `select` takes from a freshly scanned reader. `context` is filled in but for out,
 * msg, weight. `*totals` starts zeroed.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO: of the sink when that has an error, else of the reader or
 * a temporary file, with words in `err`.
 */
int conv_pump(const struct conv_format *format, struct tfmt_reader *reader,
	struct conv_select *select, struct conv_context *context, struct conv_totals *totals,
	struct tfmt_error *err);

/* Say what the trace lacks, what the format could not hold, and when nothing was to convert. */
void conv_report_totals(const struct conv_format *format, const struct conv_context *context,
	const struct conv_totals *totals);

#endif
