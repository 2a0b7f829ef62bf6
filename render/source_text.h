/*
 * Lines of source files, where the files are still to be had. Paths come from the trace: only
 * regular files are read, so many and so large that memory stays bounded.
 */
#ifndef REND_SOURCE_TEXT_H
#define REND_SOURCE_TEXT_H

#include "model.h"

struct rend_sources;

enum rend_source_state {
	REND_SOURCE_FOUND,
	REND_SOURCE_CHANGED, /* found, but changed since the recording began */
	REND_SOURCE_MISSING,
	REND_SOURCE_TOO_LARGE,
	REND_SOURCE_NO_TEXT, /* a binary, or no regular file */
};

/* A source file; has lines when it was found, changed or not. */
struct rend_source {
	const char *path; /* of the trace */
	char *place;	  /* where it was found, NULL: nowhere */
	enum rend_source_state state;
	char *text; /* its lines end in NULs */
	uint32_t *line_offsets;
	size_t line_count;
};

/* Returns: NULL without memory. `model` outlives it. */
struct rend_sources *rend_sources_new(const struct rend_model *model);
void rend_sources_free(struct rend_sources *sources);

/* The file of this path, which the trace owns. Never NULL; lives until free. */
const struct rend_source *rend_sources_file(struct rend_sources *sources, const char *path);

/* A line, from 1 on, as it stands there; "" when there is none. */
const char *rend_source_line(const struct rend_source *source, uint32_t line);

/*
 * The line of a location, without its indent; "" when it is not to be had as it was recorded. Lives
 * until free. Without `sources` no file is looked at, here and below.
 */
const char *rend_sources_line(struct rend_sources *sources, const struct tfmt_location *location);

/* Files whose lines were not given as they have changed since the recording began. */
size_t rend_sources_changed_count(const struct rend_sources *sources);

#endif
