/* The Python stack of a thread, read once and kept with names of its own. */
#ifndef RECORD_DUMP_PYTHON_H
#define RECORD_DUMP_PYTHON_H

#include <stdbool.h>
#include <sys/types.h>

#include "cpython/merge.h"
#include "cpython/process.h"
#include "symbols/symbols.h"

/* All zero at first. */
struct rec_dump_python {
	struct py_snapshot snapshot; /* each place names its row in `frame` */
	struct rec_symbol_row *rows; /* with texts of their own, as many as places */
	bool holds_gil, in_gc;
	bool has_marks; /* it can be joined with a native stack */
};

/*
 * Read the stack of `tid` now; what was read before is forgotten. `known` is kept with the thread.
 * Returns: false, and no rows, when it runs no Python code or cannot be read.
 */
bool rec_dump_python_read(struct rec_dump_python *python, struct py_process *process, pid_t tid,
	struct py_known_thread *known);
void rec_dump_python_release(struct rec_dump_python *python);

#endif
