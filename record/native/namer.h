/*
 * Names for sampled addresses, found by a thread of its own while the recording goes on, so that
 * a recording that is killed has names too.
 *
 * All functions are for the recorder's main thread.
 */
#ifndef RECORD_NATIVE_NAMER_H
#define RECORD_NATIVE_NAMER_H

#include <stdbool.h>
#include <stdint.h>

#include "sink.h"
#include "unwind/unwind.h"

struct rec_namer;

/* Returns NULL when there is no memory or no thread. */
struct rec_namer *rec_namer_new(struct rec_sink *sink, struct rec_modules *modules);
/* Unfinished work is dropped. */
void rec_namer_free(struct rec_namer *namer);

/*
 * Ask debuginfod servers for debug files that are not here. Call it before any work is handed over.
 * Returns: false, with the reason in `*ret_reason` (a constant), when nobody can be asked.
 */
bool rec_namer_ask_debuginfod(struct rec_namer *namer, const char **ret_reason);

/* Note an address of a module, or of the kernel (`module` NULL), that is mapping `mapping`. */
void rec_namer_want(
	struct rec_namer *namer, struct rec_module *module, uint32_t mapping, uint64_t address);

/* Hand what was noted to the thread, and write the names that it has found. */
void rec_namer_work(struct rec_namer *namer);
/*
 * Wait for all names and write them. `is_short` when there are so few samples that the lines of
 * separate debug files are not worth their price, nor are kernel functions: the kernel takes 50 ms
 * to print the list of all.
 */
void rec_namer_finish(struct rec_namer *namer, bool is_short);

#endif
