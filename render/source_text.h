/*
 * Lines of source files, where the files are still there and as old as the recording. Paths come
 * from the trace: only regular files are read, so many and so large that memory stays bounded.
 */
#ifndef REND_SOURCE_TEXT_H
#define REND_SOURCE_TEXT_H

#include "model.h"

struct rend_sources;

/* Returns: NULL without memory. `model` outlives it. */
struct rend_sources *rend_sources_new(const struct rend_model *model);
void rend_sources_free(struct rend_sources *sources);

/*
 * The line of a location, without its indent; "" when it is not to be had. Lives until free.
 * Without `sources` no file is looked at, here and below.
 */
const char *rend_sources_line(struct rend_sources *sources, const struct tfmt_location *location);

/* Files whose lines were not given as they have changed since the recording began. */
size_t rend_sources_changed_count(const struct rend_sources *sources);

#endif
