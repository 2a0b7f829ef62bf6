/*
 * Debug information from the servers of DEBUGINFOD_URLS, for those who ask for it: nothing else
 * here uses the network. libdebuginfod is loaded when it is wanted, and trusted with nothing: a
 * fetch runs in a thread of its own, which is left behind when it takes too long.
 *
 * Threads: rec_debuginfod_hurry() from any, the rest from one.
 */
#ifndef RECORD_DEBUGINFOD_H
#define RECORD_DEBUGINFOD_H

#include <stddef.h>
#include <stdint.h>

struct rec_debuginfod;

/* Returns NULL, with the reason in `*ret_reason` (a constant), when nobody can be asked. */
struct rec_debuginfod *rec_debuginfod_new(const char **ret_reason);
void rec_debuginfod_free(struct rec_debuginfod *debuginfod);

/*
 * The debug file of that build id. Returns: a descriptor, or -1.
 * Cost: at most 2 s, and 10 s for all files together. Two servers or files that were too slow are
 * the last that are asked for.
 */
int rec_debuginfod_fetch(
	struct rec_debuginfod *debuginfod, const uint8_t *build_id, size_t build_id_bytes);

/* The program has ended: from now on at most 3 s are left for all files. */
void rec_debuginfod_hurry(struct rec_debuginfod *debuginfod);

#endif
