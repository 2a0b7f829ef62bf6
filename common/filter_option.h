/* --filter: the same language and the same words about it in every tool. */
#ifndef COMMON_FILTER_OPTION_H
#define COMMON_FILTER_OPTION_H

#include "msg.h"
#include "tracefmt/filter.h"

/* The name, argument and help of its row in a table of options. */
#define FILTER_OPTION	"filter"
#define FILTER_ARGUMENT "EXPR"
#define FILTER_HELP                                                              \
	"only records of which EXPR is true: func == 'db_%' and dur > 5ms (see " \
	"tracefmt-filter(7))"

/*
 * Understand `expression`; NULL gives no filter. Returns 0, or the exit status after saying what is
 * wrong, where, and what is possible.
 */
int filter_parse(const char *expression, const struct msg *msg, struct tfmt_filter **ret_filter);

/*
 * Look the names of a filter, which may be NULL, up in a trace (tfmt_filter_bind()), after hiding
 * the frames of an interpreter when asked to; names that are not there are said. Returns 0, or the
 * exit status after saying why.
 */
int filter_bind(struct tfmt_filter *filter, struct tfmt_reader *reader, bool hides_interpreter,
	const struct msg *msg);

#endif
