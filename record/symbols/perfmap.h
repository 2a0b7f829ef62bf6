/*
 * Names for JIT code, from the /tmp/perf-PID.map that runtimes write (node --perf-basic-prof,
 * python -X perf, java with perf-map-agent). Only a regular file that belongs to the process's
 * user (or root) is believed. It is read again when it has grown.
 *
 * Threads: one object, one thread.
 */
#ifndef RECORD_PERFMAP_H
#define RECORD_PERFMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rec_perfmap;

/* `folder` is "/tmp" but in tests; copied. Returns NULL when there is no memory. */
struct rec_perfmap *rec_perfmap_new(const char *folder, pid_t pid, uid_t owner);
void rec_perfmap_free(struct rec_perfmap *map);

/*
 * The entry that covers `address`; of several the one written last, as JITs reuse memory.
 * `*ret_name` lives until the next call. Returns false when there is none.
 */
bool rec_perfmap_find(struct rec_perfmap *map, uint64_t address, const char **ret_name,
	uint64_t *ret_start, uint64_t *ret_length);

#endif
