/*
 * Names and lines for JIT code, from the jit-PID.dump that runtimes write for perf (node
 * --perf-prof, perf's agent for Java, LLVM, Julia, wasmtime). A process shows that it writes one by
 * mapping it executable.
 *
 * Source: tools/perf/Documentation/jitdump-specification.txt of Linux.
 *
 * Threads: one object, one thread.
 */
#ifndef RECORD_JITDUMP_H
#define RECORD_JITDUMP_H

#include <stdint.h>

#include "symbols/code_map.h"
#include "symbols/intervals.h"

struct rec_jitdump;

/* Takes over `fd` when it succeeds. Returns NULL when it is no such file, or without memory. */
struct rec_jitdump *rec_jitdump_new(int fd);
void rec_jitdump_free(struct rec_jitdump *dump);

/* Read what the file has got since the last time. */
void rec_jitdump_refresh(struct rec_jitdump *dump);

const struct rec_code_map *rec_jitdump_codes(const struct rec_jitdump *dump);

/*
 * The line of `address`, which is in `piece`: its file goes to `path` (`path_bytes` of room).
 * `range` shrinks to where that is the answer. Returns 0 when it is not known.
 */
uint32_t rec_jitdump_line(const struct rec_jitdump *dump, const struct rec_code_piece *piece,
	uint64_t address, char *path, size_t path_bytes, struct rec_interval *range);

#endif
