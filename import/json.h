/*
 * JSON of any size: read in a stream, of which only the wanted values are kept, one at a time.
 *
 * A path names values: "traceEvents[]" each element of that array of the outermost object,
 * "profiles[].name", "" the outermost value (or each of several that follow one another).
 */
#ifndef IMPORT_JSON_H
#define IMPORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"
#include "tracefmt/error.h"

#define IMP_JSON_DEPTH 64

enum imp_type {
	IMP_NULL,
	IMP_FALSE,
	IMP_TRUE,
	IMP_NUMBER, /* text as it stands */
	IMP_STRING,
	IMP_OBJECT,
	IMP_ARRAY,
};

/* A value. Its texts end in a NUL; strings may hold others. */
struct imp_value {
	enum imp_type type;
	size_t key, key_length; /* in the item's text; of members of an object */
	size_t text, text_length;
	size_t child, next; /* indexes of values, 0: none */
};

/* A wanted value with all it holds. Lives until the callback returns. */
struct imp_item {
	const struct imp_value *values; /* the first is the wanted one */
	const char *text;
	uint64_t outer; /* of "a[].b": the index in `a`, from 0 */
};

/* The member, or NULL; `value` may be NULL or no object. */
const struct imp_value *imp_member(
	const struct imp_item *item, const struct imp_value *value, const char *key);
const struct imp_value *imp_child(const struct imp_item *item, const struct imp_value *value);
const struct imp_value *imp_next(const struct imp_item *item, const struct imp_value *value);

/*
 * The number times 10^digits, rounded towards 0; numbers in strings count. Returns: false when it
 * is none, or too large.
 */
bool imp_number(const struct imp_item *item, const struct imp_value *value, int digits,
	int64_t *ret_number);
/* The same of integers, up to 2^64 - 1. */
bool imp_unsigned(const struct imp_item *item, const struct imp_value *value, uint64_t *ret_number);
/* Whether it is this string. */
bool imp_is(const struct imp_item *item, const struct imp_value *value, const char *text);

/*
 * `path` is the index in `paths`. Returns: 0; a negative enum tfmt_err, which ends the reading; of
 * TFMT_E_FORMAT with words in `err`, which get the place before them.
 */
typedef int imp_item_fn(void *context, size_t path, const struct imp_item *item);

struct imp_json_options {
	const char *const *paths; /* NULL at the end */
	bool many;		  /* several outermost values */
	bool may_be_cut;	  /* the ends of arrays and objects may be missing */
	imp_item_fn *on_item;
	void *context;
};

/* Returns: 0; what on_item returned; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_FORMAT. */
int imp_json_read(
	struct imp_source *source, const struct imp_json_options *options, struct tfmt_error *err);

#endif
