/* Where the text of a source file may be, which was compiled or ran elsewhere. */
#ifndef REND_SOURCE_FIND_H
#define REND_SOURCE_FIND_H

#include <stdbool.h>

#include "model.h"

#define REND_MAX_PATH_BYTES 4096

/* Goes through the places of one file; all zero but for the first two. */
struct rend_source_places {
	const struct rend_model *model;
	const char *path; /* of the trace */
	int step;
	size_t index;	    /* of the model's source_paths */
	const char *suffix; /* of the path, for the next place in a folder */
	char place[REND_MAX_PATH_BYTES];
};

/*
 * The next place, in `places->place`, the likeliest first: OLD=NEW of --source-path, the path
 * itself, relative to where the command ran, then each DIR of --source-path followed by as much of
 * the path's end as possible. Returns: false when there are no more.
 */
bool rend_source_places_next(struct rend_source_places *places);

#endif
