/* The threads that an interpreter knows: which thread state belongs to which thread of the kernel.
 */
#ifndef RECORD_CPYTHON_THREADS_H
#define RECORD_CPYTHON_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpython/memory.h"
#include "cpython/runtime.h"

/* More are not believed. */
#define PY_MAX_THREADS	    16384
#define PY_MAX_INTERPRETERS 256

struct py_thread_state {
	uint64_t address; /* of its PyThreadState */
	uint64_t interpreter;
	uint64_t pthread; /* pthread_t; what threading.get_ident() returns */
	pid_t tid;	  /* in the process's own pid namespace; 0: not known */
	/* A thread has a state in each interpreter that it has come to: this one has Python frames.
	 */
	bool has_frames;
};

/*
 * All thread states of all interpreters, the newest interpreter first, the main one last.
 * Returns: how many were put into `*ret_states`, which the caller frees; a negative enum tfmt_err
 * when the lists cannot be followed. A list that changes while it is read may give a part of it.
 */
long py_scan_threads(struct py_memory *memory, const struct py_runtime *runtime,
	struct py_thread_state **ret_states);

#endif
