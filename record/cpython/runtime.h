/* Finding CPython in a process: where its _PyRuntime lies, and which version it is. */
#ifndef RECORD_CPYTHON_RUNTIME_H
#define RECORD_CPYTHON_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpython/layout.h"
#include "cpython/memory.h"
#include "unwind/unwind.h"

struct py_runtime {
	uint64_t address;   /* of _PyRuntime */
	uint64_t code_type; /* of PyCode_Type; 0: the file does not tell */
	uint32_t
		version; /* PY_VERSION_HEX; patch level and below 0 where only the minor is known */
	struct py_layout layout;
	bool is_newer; /* than PY_NEWEST_MINOR: read as if it were that */
};

/* Whether a mapped file of this path may hold an interpreter, judged by its name alone. */
bool py_is_interpreter_name(const char *path);

/*
 * Whether a program of any name holds an interpreter, from 3.10 on: it has a section for it. Looks
 * at the first file of `space` only.
 */
bool py_is_in_program(struct rec_modules *modules, struct rec_space *space);

/*
 * Look through what the process has mapped. Files of other names than an interpreter's are not
 * opened, but for the program itself when there are none.
 * Returns: 0; TFMT_E_FORMAT when there is no interpreter, or none yet; TFMT_E_UNSUPPORTED for one
 * that cannot be read, `ret_reason` says why.
 * Cost: some ms, for the symbol table of the file.
 */
int py_runtime_find(struct py_memory *memory, struct rec_modules *modules, struct rec_space *space,
	struct py_runtime *ret_runtime, char *ret_reason, size_t reason_bytes);

#endif
