/*
 * Samples added up, for formats that have no times: those that are alike are one sum, with its
 * weight in every sense. Memory: a sum per distinct key.
 */
#ifndef CONV_SUMS_H
#define CONV_SUMS_H

#include "intern.h"
#include "tracefmt/trace.h"
#include "tracefmt/weight.h"

/* What is alike in samples that are added up. Formats leave at 0 what they do not tell apart. */
struct conv_sum_key {
	uint32_t stack;
	uint32_t thread;
	uint32_t process_name; /* string: what the process was called then */
	uint16_t syscall;
	uint16_t state; /* enum tfmt_state */
};

struct conv_sum {
	uint64_t count; /* records */
	uint64_t weights[TFMT_WEIGHT_COUNT];
};

struct conv_sums {
	struct conv_intern keys; /* of struct conv_sum_key */
	struct conv_sum *sums;	 /* number - 1 */
	uint32_t capacity;
	struct conv_sum total;
};

/* Returns: 0; TFMT_E_NOMEM. */
int conv_sums_init(struct conv_sums *sums);
void conv_sums_release(struct conv_sums *sums);

/* The key of a sample, without its thread. */
struct conv_sum_key conv_sum_key(const struct tfmt_trace *trace, const struct tfmt_sample *sample);

/* Returns: 0; TFMT_E_NOMEM. */
int conv_sums_add(
	struct conv_sums *sums, const struct conv_sum_key *key, const struct tfmt_sample *sample);

/* What stands on top of the stacks of a sum; NULL: nothing, they ran. */
const char *conv_sum_wait_name(const struct conv_sum_key *key);

#endif
