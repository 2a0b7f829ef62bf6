/*
 * Names for the JIT code of all processes, from their perf maps (symbols/perfmap.h).
 *
 * Threads: one object, one thread.
 */
#ifndef RECORD_JIT_H
#define RECORD_JIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rec_jit;

/* Returns NULL when there is no memory. */
struct rec_jit *rec_jit_new(void);
void rec_jit_free(struct rec_jit *jit);

/*
 * Name `count` addresses of mapping `mapping`, whose code process `pid` made. Ranges of a mapping
 * never overlap, and are told once in the life of the object: memory that is used again keeps the
 * name that was told first. Texts live until the callback returns.
 */
void rec_jit_resolve(struct rec_jit *jit, pid_t pid, uint32_t mapping, const uint64_t *addresses,
	size_t count, void (*found)(void *arg, uint64_t address, uint64_t length, const char *name),
	void *arg);

#endif
