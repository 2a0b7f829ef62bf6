/* --weight: the same words in every tool that draws or adds stacks. */
#ifndef COMMON_WEIGHT_OPTION_H
#define COMMON_WEIGHT_OPTION_H

#include "msg.h"
#include "tracefmt/weight.h"

/* The name and help of its row in a table of options. */
#define WEIGHT_OPTION "weight"
#define WEIGHT_HELP   "what stacks weigh: samples, cpu, offcpu (waiting) or wall (both)"

/* Returns 0, or EXIT_USAGE after saying what is possible. */
int weight_parse(const char *text, const struct msg *msg, enum tfmt_weight *ret_weight);

#endif
