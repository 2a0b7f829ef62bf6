/*
 * Tasks of asyncio, from 3.14 on: which one a thread is in, and what it is called. The module
 * states where that lies in a section of its own, `.AsyncioDebug`.
 */
#ifndef RECORD_CPYTHON_TASKS_H
#define RECORD_CPYTHON_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/layout.h"
#include "cpython/memory.h"
#include "unwind/unwind.h"

/* Bytes of a task's name that are kept, with its NUL. */
#define PY_TASK_NAME_BYTES 64

/* Offsets; all 0 without the module. */
struct py_task_layout {
	uint32_t thread_running; /* in the thread state: the task that runs, or NULL */
	uint32_t name, coroutine;
};

struct py_task {
	uint64_t address;   /* 0: none */
	uint64_t name_at;   /* of the object that is its name: another one, when it is renamed */
	uint64_t coroutine; /* its outermost */
	char name[PY_TASK_NAME_BYTES];
};

/* What became of the search for the module. */
enum py_tasks_state {
	PY_TASKS_NOT_LOADED,
	PY_TASKS_FOUND,
	PY_TASKS_TOO_OLD, /* it is there, and tells nothing */
};

/*
 * Look through what the process has mapped; the interpreter may hold the module itself, which does
 * not change. Cost: some us; some 100 more when there is a file to be read.
 * Source: Py_AsyncioModuleDebugOffsets in Modules/_asynciomodule.c.
 */
enum py_tasks_state py_tasks_find(struct py_memory *memory, struct rec_modules *modules,
	struct rec_space *space, bool with_interpreter, struct py_task_layout *ret_layout);

/*
 * Bring `task`, of another one or of an earlier reading, up to date with the one at `address`.
 * Returns: false when it cannot be read; then it is none.
 */
bool py_task_read(struct py_memory *memory, const struct py_layout *layout,
	const struct py_task_layout *tasks, uint64_t address, struct py_task *task);

#endif
