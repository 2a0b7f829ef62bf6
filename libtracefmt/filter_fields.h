/* What a filter can ask about: the names of fields, and what they are compared with. */
#ifndef TFMT_FILTER_FIELDS_H
#define TFMT_FILTER_FIELDS_H

#include <stddef.h>

enum tfmt_filter_field {
	FIELD_FUNC,
	FIELD_FILE,
	FIELD_MODULE,
	FIELD_LINE,
	FIELD_LEAF_FUNC,
	FIELD_LEAF_FILE,
	FIELD_LEAF_MODULE,
	FIELD_NAME,
	FIELD_KIND,
	FIELD_VALUE,
	FIELD_TYPE,
	FIELD_ARG,
	FIELD_ARG_NAMED, /* arg.NAME */
	FIELD_PID,
	FIELD_TID,
	FIELD_PROCESS,
	FIELD_THREAD,
	FIELD_TIME,
	FIELD_DUR,
	FIELD_STATE,
	FIELD_SYSCALL,
	FIELD_COUNT,
};

enum tfmt_filter_takes {
	TAKES_TEXT,
	TAKES_NUMBER,
	TAKES_DURATION,
	TAKES_TIME,   /* a duration, or a date in quotes */
	TAKES_EITHER, /* a text or a number */
};

/* What a field is about. */
enum tfmt_filter_scope {
	SCOPE_RECORD,
	SCOPE_FRAME,
	SCOPE_LEAF,
	SCOPE_ARGUMENT,
};

struct tfmt_filter_field_row {
	const char *name;
	enum tfmt_filter_takes takes;
	enum tfmt_filter_scope scope;
};

extern const struct tfmt_filter_field_row tfmt_filter__fields[FIELD_COUNT];

/* The field of that name, `arg.NAME` apart; FIELD_COUNT: none. */
enum tfmt_filter_field tfmt_filter__find_field(const char *name, size_t length);

/*
 * Names nearest to a word: those that begin with it, that contain it, that differ in few letters.
 * Keeps the best of those it is shown.
 */
#define TFMT_FILTER_NEAR 8

struct tfmt_filter_near {
	const char *word;
	size_t length;
	const char *names[TFMT_FILTER_NEAR]; /* borrowed, nearest first */
	unsigned distances[TFMT_FILTER_NEAR];
	size_t count;
};

void tfmt_filter__near_add(struct tfmt_filter_near *near, const char *name);

/*
 * Write "did you mean a, b?" of what is near, or else "there is a, b ..." of what was shown,
 * each cut at 40 bytes. Returns `text`.
 */
char *tfmt_filter__near_text(const struct tfmt_filter_near *near, char *text, size_t size_bytes);

/* All names, nearest to the word first, separated by ", ", as many as fit. Returns `text`. */
char *tfmt_filter__sorted(const char *word, size_t length, const char *const *names, size_t count,
	char *text, size_t size_bytes);

#endif
