/*
 * How much has been read, on stderr when that is a terminal: after half a second, and gone again at
 * the end.
 */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"
#include "tracefmt/reader.h"

/* All zero: nothing is shown. */
struct progress {
	const char *tool;
	uint64_t began_ns;
	uint64_t shown_ns; /* when last, 0: not yet */
	bool is_on;
};

/* Every function takes NULL for a progress that nobody wants. */

/* Something is going to be read, which may take long. Nothing is shown when msg is quiet. */
void progress_begin(struct progress *progress, const struct msg *msg);

/* So much of `size_bytes` (0: unknown) has been read. Cheap: to be called for each block. */
void progress_at(struct progress *progress, uint64_t offset_bytes, uint64_t size_bytes);

/*
 * Show what `reader` reads from now on. `progress` must live, and stay where it is, as long as the
 * reader.
 */
void progress_watch(struct progress *progress, struct tfmt_reader *reader);

/* Clear the line, and show no more: before data is written to the terminal, and at the end. */
void progress_end(struct progress *progress);

#endif
