/* What makes functions of two traces the same. Private to the library. */
#ifndef TFMT_DIFF_MATCH_H
#define TFMT_DIFF_MATCH_H

#include "tracefmt/diff.h"

/* A piece of text that is not ended by a NUL. */
struct tfmt_name_piece {
	const char *text;
	size_t length;
};

/* A function as it is compared. */
struct tfmt_match {
	struct tfmt_name_piece name, place, build_id;
	uint32_t line;
	uint8_t language;
	bool is_wait;
	bool is_address; /* has no name */
	uint32_t hash;
};

/* Names of TFMT_BEFORE become those that their aliases have in TFMT_AFTER. */
struct tfmt_match_rules {
	const struct tfmt_alias *aliases;
	size_t alias_count;
	enum tfmt_calltree_key key;
};

struct tfmt_match tfmt_match__of(const struct tfmt_match_rules *rules, enum tfmt_side side,
	const struct tfmt_trace *trace, const struct tfmt_location *location);

bool tfmt_match__is_equal(const struct tfmt_match *a, const struct tfmt_match *b);

#endif
