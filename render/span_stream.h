/*
 * The records of spans with their arguments, one after the other in the order of time, with what
 * was lost between them: however long the trace, in bounded memory.
 *
 * Arguments follow their span in the file, maybe some chunks later, and threads are written one
 * after the other: the stream reads ahead as far as a first pass has shown to be necessary.
 */
#ifndef REND_SPAN_STREAM_H
#define REND_SPAN_STREAM_H

#include "model.h"

/* Arguments of one span; more are counted. */
#define REND_MAX_SPAN_ARGS 64

enum rend_span_event_type {
	REND_SPAN_RECORD,
	REND_SPAN_LOST,	       /* by the recorder, as it says */
	REND_SPAN_DAMAGE,      /* by the file */
	REND_SPAN_MESSAGE,     /* an instant: a line of a log, a marker */
	REND_SPAN_HIDDEN_ARGS, /* arguments that there was no memory for */
	REND_SPAN_HIDDEN_GAPS, /* losses and messages beyond those that are shown */
};

struct rend_span_event {
	enum rend_span_event_type type;
	struct tfmt_span span; /* its time for all types */
	uint64_t number;
	const struct tfmt_arg *args; /* until the next event */
	size_t arg_count;
	size_t hidden_args; /* of it, beyond REND_MAX_SPAN_ARGS */
	uint64_t lost_count;
	uint32_t process, reason; /* of what was lost; 0: not known */
	uint32_t message_name, message;
};

/*
 * Gives `each` the records of the shown threads, of any time (see spans.h), until it returns other
 * than 0. Returns: 0, or what `each` or the reader gave, TFMT_E_NOMEM.
 */
int rend_span_stream(struct rend_model *model,
	int (*each)(void *context, const struct rend_span_event *event), void *context,
	struct tfmt_error *err);

#endif
