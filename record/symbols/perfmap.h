/*
 * Names for JIT code, from the /tmp/perf-PID.map that runtimes write: node --perf-basic-prof,
 * python -X perf, java -XX:+DumpPerfMapAtExit or jcmd PID Compiler.perfmap, dotnet with
 * DOTNET_PerfMapEnabled=1. Only a regular file that belongs to the process's user (or root) is
 * believed.
 *
 * Threads: one object, one thread.
 */
#ifndef RECORD_PERFMAP_H
#define RECORD_PERFMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/code_map.h"

struct rec_perfmap;

/*
 * The map at "tmp/perf-PID.map" in the folder that is open as `root`, which is borrowed. `pid` is
 * the number that the process itself knows. Returns NULL when there is no memory.
 */
struct rec_perfmap *rec_perfmap_new(int root, pid_t pid, uid_t owner);
void rec_perfmap_free(struct rec_perfmap *map);

/* Read what the file has got since the last time; a file that was written anew is read anew. */
void rec_perfmap_refresh(struct rec_perfmap *map);

const struct rec_code_map *rec_perfmap_codes(const struct rec_perfmap *map);

#endif
