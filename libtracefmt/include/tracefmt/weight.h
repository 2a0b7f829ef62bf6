/*
 * What samples weigh, and what stands on top of the stack of one that waited: the same rules for
 * every picture, table and format.
 */
#ifndef TRACEFMT_WEIGHT_H
#define TRACEFMT_WEIGHT_H

#include "tracefmt/record.h"

enum tfmt_weight {
	TFMT_WEIGHT_SAMPLES, /* the number of samples on a CPU */
	TFMT_WEIGHT_CPU,     /* ns on a CPU */
	TFMT_WEIGHT_OFFCPU,  /* ns not on a CPU: blocked, preempted, waiting for a lock */
	TFMT_WEIGHT_WALL,    /* ns of both */
	TFMT_WEIGHT_COUNT,
};

/* "samples", "cpu", "offcpu", "wall": as options have it. NULL when out of range. */
const char *tfmt_weight_name(enum tfmt_weight weight);

/* "samples on CPU", "CPU time", "time off CPU", "wall time": for headings. */
const char *tfmt_weight_title(enum tfmt_weight weight);

/*
 * What the sample adds to its stack; 0: it has no part. Time that no sample saw has a weight in ns,
 * but is no sample.
 */
uint64_t tfmt_weight_of(enum tfmt_weight weight, const struct tfmt_sample *sample);

/*
 * The frame on top of the stack of a sample that was not on a CPU: "[waiting: futex]",
 * "[waiting: page fault]", "[waiting]" when the system call is not known, "[waiting: GIL]",
 * "[preempted]". NULL for a running one. Static.
 */
const char *tfmt_wait_name(const struct tfmt_sample *sample);

/* The frame that stands for the stack of a sample that has none. */
#define TFMT_NO_STACK_NAME "[stack not known]"

#endif
