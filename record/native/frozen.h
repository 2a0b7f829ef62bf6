/*
 * Python stacks of threads that another thread of the recorder has stopped: read while they stand
 * still, so that they are of the same instant as the registers, and handed over as bytes.
 *
 * What is known of the processes is the main thread's, which holds the lock while it uses it. The
 * other one never waits for the lock, for somebody stands still meanwhile: it goes without.
 */
#ifndef RECORD_NATIVE_FROZEN_H
#define RECORD_NATIVE_FROZEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpython/process.h"

struct rec_frozen;

/* Returns NULL when there is no memory. */
struct rec_frozen *rec_frozen_new(void);
void rec_frozen_free(struct rec_frozen *frozen);

void rec_frozen_lock(struct rec_frozen *frozen);
void rec_frozen_unlock(struct rec_frozen *frozen);

/* With the lock: a process whose interpreter has been found, until it leaves. Borrowed. */
void rec_frozen_add(struct rec_frozen *frozen, struct py_process *process);
void rec_frozen_remove(struct rec_frozen *frozen, const struct py_process *process);

/*
 * On the other thread, while `tid` stands still. Returns: how many bytes were written; 0 when
 * nothing is known of it now. A stack for which there is no room is cut at the root side.
 */
size_t rec_frozen_read(
	struct rec_frozen *frozen, pid_t pid, pid_t tid, void *ret_bytes, size_t size_bytes);

/*
 * With the lock: the stack in these bytes, of this process. `ret_stack->frames` lives until the
 * next call. Returns: false when a code object is another one by now.
 */
bool rec_frozen_unpack(struct rec_frozen *frozen, struct py_process *process, const void *bytes,
	size_t size_bytes, struct py_stack *ret_stack);

#endif
