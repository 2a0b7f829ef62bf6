/*
 * One process that runs Python, or may come to: the interpreter is looked for when a file of its
 * name is mapped, again and again until it has started, and then its threads' stacks can be read.
 */
#ifndef RECORD_CPYTHON_PROCESS_H
#define RECORD_CPYTHON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cpython/stack.h"
#include "unwind/unwind.h"

struct py_process;

/* Returns: NULL without memory. Nothing is read yet. */
struct py_process *py_process_new(pid_t pid);
void py_process_free(struct py_process *process);
pid_t py_process_pid(const struct py_process *process);

/* What became of the search for an interpreter. */
enum py_state {
	PY_NOT_FOUND, /* none, or none that has started */
	PY_FOUND,
	PY_REFUSED, /* one that cannot be read: `py_process_reason()` */
};

/*
 * Look for the interpreter, unless it is too soon after the last time.
 * Cost: nothing mostly; some ms when one is there.
 */
enum py_state py_process_find(struct py_process *process, struct rec_modules *modules,
	struct rec_space *space, uint64_t now_ns);
/* What the last search said. */
enum py_state py_process_state(const struct py_process *process);
const char *py_process_reason(const struct py_process *process);
/* The errno of the system when it did not let us read, the last time; 0: it did, or has not been
 * asked.
 */
int py_process_refusal(const struct py_process *process);
/*
 * After PY_FOUND: look for asyncio, unless it is too soon after the last time.
 * Returns: true once, when it is there and does not tell its tasks.
 */
bool py_process_find_tasks(struct py_process *process, struct rec_modules *modules,
	struct rec_space *space, uint64_t now_ns);

/* After PY_FOUND. */
const struct py_runtime *py_process_runtime(const struct py_process *process);

/* Calls to read its memory so far. */
uint64_t py_process_reads(const struct py_process *process);

/* What is kept with a thread. All zero at first; of no more use after an exec. */
struct py_known_thread {
	struct py_thread thread; /* address 0: not known to the interpreter */
	struct py_thread inner;	 /* in a sub-interpreter that it was in when last looked for */
	unsigned scan;		 /* number of the list that this is of */
	uint64_t tried_ns;	 /* when it was looked for in vain */
	unsigned find_count;	 /* of py_process_find_waiting() */
	uint64_t pthread;
	unsigned name_tries; /* of py_process_thread_name() */
	uint64_t next_name_ns;
};

/*
 * Read the stack of thread `tid`, as the recorder's pid namespace numbers it. No frames: the
 * thread runs no Python code, or none that the interpreter knows of. What it runs in a
 * sub-interpreter is further in than what has called that.
 * Returns: as py_read_stack(). `ret_stack->frames` lives until the next call.
 */
enum py_result py_process_read(struct py_process *process, pid_t tid, struct py_known_thread *known,
	uint64_t now_ns, struct py_stack *ret_stack);

/*
 * List the threads anew if `tid` is not known, which began a moment ago or is not Python's. For
 * those that wait, whose stack is read once for all of the wait; a few times for each.
 */
void py_process_find_waiting(
	struct py_process *process, pid_t tid, struct py_known_thread *known, uint64_t now_ns);

/* As of py_codes_find(). */
struct py_code *py_process_code(
	const struct py_process *process, uint64_t address, uint64_t since_ns);

/*
 * The name that the program has given a thread that has been read, when it is new. Asks the
 * program's memory some times when the thread is young, and rarely later. Not of the main thread,
 * which has the name of the process.
 */
bool py_process_thread_name(struct py_process *process, pid_t tid, struct py_known_thread *known,
	uint64_t now_ns, char *ret_name, size_t size_bytes);

/* Whether an address is part of the lock that Python code must hold: waiting there is for it. */
bool py_process_is_gil(const struct py_process *process, uint64_t address);

#endif
