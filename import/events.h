/*
 * Begins and ends of calls or tasks, in any order: sorted by time, they become spans, and samples
 * of the time that each stack of open ones stood.
 *
 * Events wait in an unlinked temporary file. Memory: that of threads and depth; and 16 bytes for
 * each event while they are sorted, if they are not.
 */
#ifndef IMPORT_EVENTS_H
#define IMPORT_EVENTS_H

#include <stdio.h>

#include "build.h"

enum imp_event_type {
	IMP_COMPLETE, /* first of those of one time, the longest first */
	IMP_BEGIN,
	IMP_END,
	IMP_SAMPLE, /* `stack` stood for the `duration_ns` before */
};

struct imp_event {
	uint64_t time_ns;
	uint64_t duration_ns; /* of what is complete */
	uint64_t order;	      /* set by imp_events_add() */
	uint64_t first_arg;
	uint32_t thread;
	uint32_t frame; /* what stands on the stack; of a sample: its stack */
	uint32_t name;	/* string: of a scope; 0: a call of `frame` */
	uint16_t arg_count;
	uint8_t type;  /* enum imp_event_type */
	uint8_t flags; /* of a sample */
};

struct imp_events {
	FILE *events;
	FILE *args; /* struct tfmt_arg, without their spans */
	uint64_t count;
	uint64_t arg_count;
	uint64_t unmatched; /* ends of nothing: left out */
	uint64_t clipped;   /* that outlasted what they are in: ended with it */
};

/* Returns: 0; TFMT_E_IO. */
int imp_events_open(struct imp_events *events, struct imp_build *build);
void imp_events_close(struct imp_events *events);

/* Returns: 0; TFMT_E_IO. Arguments come before their event. */
int imp_events_add(struct imp_events *events, struct imp_event *event);
int imp_events_add_arg(struct imp_events *events, const struct tfmt_arg *arg);

/* Write all of them to the trace. Returns: 0; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_LIMIT. */
int imp_events_play(struct imp_events *events, struct imp_build *build);

#endif
