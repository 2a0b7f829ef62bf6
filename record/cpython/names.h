/*
 * The names that a program has given its threads: what threading.Thread says, of 3.8 to 3.13. From
 * 3.14 on the interpreter tells the kernel.
 */
#ifndef RECORD_CPYTHON_NAMES_H
#define RECORD_CPYTHON_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpython/memory.h"
#include "cpython/runtime.h"

/*
 * Read the name of a thread. `modules`: the dict sys.modules of its interpreter. `pthread`: its
 * pthread_t. Returns: false when it has none: not a thread of threading, or not registered yet.
 * Cost: some 100 us, for sys.modules is searched.
 */
bool py_read_thread_name(struct py_memory *memory, const struct py_layout *layout, uint64_t modules,
	uint64_t pthread, char *ret_name, size_t size_bytes);

#endif
