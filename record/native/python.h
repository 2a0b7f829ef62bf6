/*
 * The Python stacks that belong to native samples: read as soon as a sample is known to be there,
 * kept until it is taken in its turn, and then joined with its native stack.
 */
#ifndef RECORD_NATIVE_PYTHON_H
#define RECORD_NATIVE_PYTHON_H

#include "cpython/merge.h"
#include "cpython/process.h"
#include "msg.h"
#include "native/stack_ids.h"
#include "sink.h"

struct rec_python;
/* What is kept with a thread; NULL at first. */
struct rec_python_thread;

/* Returns: NULL without memory. All is borrowed. */
struct rec_python *rec_python_new(
	struct rec_sink *sink, struct rec_modules *modules, const struct msg *msg);
void rec_python_free(struct rec_python *python);
void rec_python_thread_free(struct rec_python_thread *thread);

/*
 * Whether a program of any name holds an interpreter: 1 or 0, -1 when nothing is mapped yet. Cost:
 * next to nothing for one met before.
 */
int rec_python_is_in_program(struct rec_python *python, struct rec_space *space);

/*
 * Whether the stacks of a process can be read by now. Looks for the interpreter, and says once why
 * one cannot be read.
 */
bool rec_python_is_ready(struct rec_python *python, struct py_process *process,
	struct rec_space *space, uint64_t now_ns);

/* The process ends, or executes another program. */
void rec_python_leave(struct rec_python *python, const struct py_process *process);
/* Whether there is a process whose stacks can be read. */
bool rec_python_is_running(const struct rec_python *python);

/* Read the stack of `tid` now, for its sample of `time_ns`. `*thread` is made when it is NULL. */
void rec_python_look(struct rec_python *python, struct py_process *process, pid_t tid,
	struct rec_python_thread **thread, uint64_t time_ns, uint64_t now_ns);

/* Before rec_python_look() at a thread that waits: its state is looked for if it is not known. */
void rec_python_find_waiting(struct rec_python *python, struct py_process *process, pid_t tid,
	struct rec_python_thread **thread, uint64_t now_ns);

/*
 * As rec_python_look(), for a sample of a thread that was stopped for it: `bytes` are those of
 * rec_python_read_stopped(). Nothing, when they are none.
 */
void rec_python_take_stopped(struct rec_python *python, struct py_process *process,
	struct rec_python_thread **thread, uint64_t time_ns, const void *bytes, size_t size_bytes);

/* On the thread that has stopped `tid`: as of rec_frozen_read(), `opaque` is the rec_python. */
size_t rec_python_read_stopped(
	void *opaque, pid_t pid, pid_t tid, void *ret_bytes, size_t size_bytes);

/*
 * The name that the program has given a thread after it was read, when it is new. Lives as
 * long as the thread. Returns: NULL when there is nothing new.
 */
const char *rec_python_new_name(struct rec_python *python, struct py_process *process, pid_t tid,
	struct rec_python_thread *thread, uint64_t now_ns);

/* Whether an address is part of the lock that Python code must hold. */
bool rec_python_is_gil(
	struct rec_python *python, const struct py_process *process, uint64_t address);

/* Whether that has been read for the sample of `time_ns`. `thread` may be NULL. */
bool rec_python_has(const struct rec_python_thread *thread, uint64_t time_ns);

/*
 * Join what was read for the sample of `time_ns` with its native stack. `user`: as of py_merge().
 * Returns: false when nothing was read, or no Python code ran; else `ret_stack`, which lives until
 * the next call, and in `ret_flags` maybe TFMT_SAMPLE_UNMERGED.
 */
bool rec_python_join(struct rec_python *python, struct rec_python_thread *thread, uint64_t time_ns,
	const struct rec_stack *native, const struct rec_user_state *user,
	struct rec_joined_stack *ret_stack, uint8_t *ret_flags);

/*
 * The same without a native stack: `ret_stack` has the Python frames alone, maybe none.
 * Returns: false when nothing could be read.
 */
bool rec_python_take(struct rec_python *python, struct rec_python_thread *thread, uint64_t time_ns,
	struct rec_joined_stack *ret_stack);

/* Write how many stacks could not be read, since the last time. */
void rec_python_write_losses(struct rec_python *python, uint64_t now_ns);
/* Say in one line how it went, when there was any Python code. */
void rec_python_say(const struct rec_python *python);

#endif
