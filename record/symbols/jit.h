/*
 * Names for the JIT code of all processes, from their jitdumps (symbols/jitdump.h) and perf maps
 * (symbols/perfmap.h).
 *
 * Threads: one object, one thread.
 */
#ifndef RECORD_JIT_H
#define RECORD_JIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbols/symbols.h"

struct rec_jit;

/* A process with code of its own making. Known best while it lives. */
struct rec_jit_process {
	pid_t pid;
	pid_t inner_pid; /* as the process itself knows it */
	uid_t owner;
	int root;    /* its root folder, opened as a place; -1: not known */
	int jitdump; /* -1: none */
};

/* Look at a process now. What it opens is the caller's to close. */
void rec_jit_look(pid_t pid, struct rec_jit_process *ret_process);

struct rec_jit_sink {
	void *arg;
	/* As in struct rec_symbols_sink. */
	void (*rows)(void *arg, uint32_t mapping, uint64_t address, uint64_t length,
		const struct rec_symbol_row *rows, size_t count);
	/*
	 * Some of the memory of `mapping` holds other code by now: what is sampled from now on
	 * should be another mapping.
	 */
	void (*outdated)(void *arg, uint32_t mapping);
};

/* Returns NULL when there is no memory. `sink` is copied. */
struct rec_jit *rec_jit_new(const struct rec_jit_sink *sink);
void rec_jit_free(struct rec_jit *jit);

/*
 * Name `count` addresses of mapping `mapping`, whose code `process` made; descriptors are
 * duplicated as needed. Ranges of a mapping never overlap, and are told once in the life of the
 * object. What has no name yet is asked for again later.
 */
void rec_jit_resolve(struct rec_jit *jit, const struct rec_jit_process *process, uint32_t mapping,
	const uint64_t *addresses, size_t count);

/* Ask for the last time: some maps are written when their process ends. */
void rec_jit_finish(struct rec_jit *jit);

#endif
