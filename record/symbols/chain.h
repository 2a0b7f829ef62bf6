/*
 * The answer for one address while it is put together: rows, and the texts they point to.
 */
#ifndef RECORD_CHAIN_H
#define RECORD_CHAIN_H

#include <stddef.h>

#include "symbols/intervals.h"
#include "symbols/symbols.h"

/* The most rows of one answer: functions inlined deeper are left out. */
#define REC_CHAIN_MAX 64
/* Room for the longest name, with "@plt", and the longest path in every row. */
#define REC_CHAIN_TEXT_BYTES (REC_CHAIN_MAX * (4096 + 4 + 4096))

struct rec_chain {
	struct rec_symbol_row rows[REC_CHAIN_MAX]; /* innermost first */
	size_t count;
	struct rec_interval range; /* where the answer holds */
	char text[REC_CHAIN_TEXT_BYTES];
	size_t text_used;
};

/* Shrink the range to its overlap with `other`. */
static inline void rec_chain_narrow(struct rec_chain *chain, struct rec_interval other)
{
	if (other.low > chain->range.low)
		chain->range.low = other.low;
	if (other.high < chain->range.high)
		chain->range.high = other.high;
}

/* The demangled name with a suffix ("@plt" or ""), in the chain's memory. */
const char *rec_chain_name(struct rec_chain *chain, const char *symbol, const char *suffix);

/* A copy of `text` (shorter than REC_NAME_BYTES_MAX) in the chain's memory. */
const char *rec_chain_text(struct rec_chain *chain, const char *text);

/*
 * The path of `name` in `folder` in `root` (NULL or "" when unknown; an absolute part replaces
 * those before it), without "//", "/./" and "/x/..", in the chain's memory. NULL without a name.
 */
const char *rec_chain_path(
	struct rec_chain *chain, const char *root, const char *folder, const char *name);

#endif
