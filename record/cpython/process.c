#include "cpython/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/names.h"
#include "cpython/tasks.h"
#include "cpython/threads.h"
#include "procfs.h"
#include "tracefmt/error.h"

/* An interpreter needs some time to start; one that never does is asked less and less often. */
#define FIRST_TRY_NS 2000000ull
#define LAST_TRY_NS  200000000ull
/* In the midst of an exec nobody may read its memory. */
#define REFUSALS 5
/* Threads are listed again for one that is not known, but not more often. */
#define SCAN_NS 5000000ull
/* The same for threads that may have gone to another interpreter, and how that is found out. */
#define INTERPRETERS_NS 20000000ull
/* A younger list has all threads that wait: who looks at waits lets them last for longer. */
#define FRESH_NS 1000000ull
/* Looks for a thread that waits and is not known. */
#define WAITING_FINDS 4
/* When the name of a thread is asked for, after the time before. */
#define NAME_NS	      10000000ull
#define LATER_NAME_NS 2000000000ull
#define NAME_TRIES    4
/* How often it is asked whether asyncio has been imported. */
#define TASKS_NS 20000000ull
/* Tasks remembered, a power of two. */
#define TASKS 64
/* A coroutine's frame is a part of it. */
#define COROUTINE_BYTES 128

struct py_process {
	struct py_memory memory;
	enum py_state state;
	uint64_t next_try_ns, try_period_ns;
	unsigned refusals;
	int refusal; /* errno of the last try */
	char reason[128];
	struct py_runtime runtime;
	struct py_codes *codes;
	struct py_reader *reader;
	bool has_own_numbers; /* it is in a pid namespace of its own */
	/* Its threads, as last listed. */
	struct py_thread_state *states;
	size_t state_count;
	unsigned scan; /* number of that list */
	uint64_t next_scan_ns;
	uint64_t next_look_ns; /* at how many interpreters there are */
	bool has_interpreters; /* more than one */
	/* Of asyncio. */
	struct py_task_layout tasks;
	enum py_tasks_state tasks_state;
	uint64_t next_tasks_ns;
	struct py_task task[TASKS]; /* by address: those met last */
	struct py_frame *both;	    /* frames of two interpreters */
	size_t both_room;
};

struct py_process *py_process_new(pid_t pid)
{
	struct py_process *process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	py_memory_init(&process->memory, pid);
	process->try_period_ns = FIRST_TRY_NS;
	return process;
}

void py_process_free(struct py_process *process)
{
	if (!process)
		return;
	py_reader_free(process->reader);
	py_codes_free(process->codes);
	py_memory_release(&process->memory);
	free(process->states);
	free(process->both);
	free(process);
}

pid_t py_process_pid(const struct py_process *process)
{
	return process->memory.pid;
}

enum py_state py_process_state(const struct py_process *process)
{
	return process->state;
}

const char *py_process_reason(const struct py_process *process)
{
	return process->reason;
}

int py_process_refusal(const struct py_process *process)
{
	return process->refusal;
}

const struct py_runtime *py_process_runtime(const struct py_process *process)
{
	return &process->runtime;
}

uint64_t py_process_reads(const struct py_process *process)
{
	return process->memory.read_count;
}

/* ---- the interpreter ---- */

static bool has_started(struct py_process *process)
{
	uint64_t interpreter = 0;
	return py_read_pointer(&process->memory,
		       process->runtime.address + process->runtime.layout.runtime_interpreters_head,
		       &interpreter) &&
	       interpreter != 0;
}

static enum py_state take_runtime(struct py_process *process)
{
	process->codes = py_codes_new(&process->memory, &process->runtime);
	if (process->codes)
		process->reader =
			py_reader_new(&process->memory, &process->runtime, process->codes);
	if (process->reader)
		return PY_FOUND;
	py_codes_free(process->codes);
	process->codes = NULL;
	return PY_NOT_FOUND;
}

enum py_state py_process_find(struct py_process *process, struct rec_modules *modules,
	struct rec_space *space, uint64_t now_ns)
{
	pid_t pid = process->memory.pid;
	if (process->state != PY_NOT_FOUND || now_ns < process->next_try_ns)
		return process->state;
	int code = py_runtime_find(&process->memory, modules, space, &process->runtime,
		process->reason, sizeof(process->reason));
	bool is_there = code == 0 && has_started(process);
	process->refusal = process->memory.refusal;
	/* Nothing that was read is true then. */
	if (process->memory.refusal != 0 && ++process->refusals < REFUSALS) {
		py_memory_release(&process->memory);
		process->memory.refusal = 0;
	} else if (process->memory.refusal != 0) {
		process->state = PY_REFUSED;
		snprintf(process->reason, sizeof(process->reason), "its memory cannot be read: %s",
			strerror(process->memory.refusal));
	} else if (code == TFMT_E_UNSUPPORTED) {
		process->state = PY_REFUSED;
	} else if (is_there) {
		process->has_own_numbers = rec_proc_inner_number(pid, pid) != pid;
		process->state = take_runtime(process);
	} else {
		/* A descriptor would be of the memory that it had before an exec. */
		py_memory_release(&process->memory);
	}
	process->next_try_ns = now_ns + process->try_period_ns;
	if (process->try_period_ns < LAST_TRY_NS)
		process->try_period_ns *= 2;
	return process->state;
}

bool py_process_is_gil(const struct py_process *process, uint64_t address)
{
	return process->state == PY_FOUND && py_reader_is_gil(process->reader, address);
}

/* ---- threads ---- */

static void list_threads(struct py_process *process, uint64_t now_ns)
{
	struct py_thread_state *states = NULL;
	long count = py_scan_threads(&process->memory, &process->runtime, &states);
	free(process->states);
	process->states = count > 0 ? states : NULL;
	process->state_count = count > 0 ? (size_t)count : 0;
	if (count == 0)
		free(states);
	process->next_scan_ns = now_ns + SCAN_NS;
	process->scan++;
}

/* Learn from the list which of the interpreters' threads `tid` is. */
static void find_thread(
	struct py_process *process, pid_t tid, struct py_known_thread *known, uint64_t now_ns)
{
	pid_t number =
		process->has_own_numbers ? rec_proc_inner_number(process->memory.pid, tid) : tid;
	const struct py_thread_state *outer = NULL, *inner = NULL;
	for (size_t i = 0; i < process->state_count; i++) {
		const struct py_thread_state *state = &process->states[i];
		if (state->tid != number)
			continue;
		/* Older interpreters have called newer ones. */
		if (outer && outer->has_frames && !inner)
			inner = outer;
		outer = state;
	}
	known->scan = process->scan;
	known->tried_ns = now_ns;
	if (inner && !outer->has_frames) {
		outer = inner;
		inner = NULL;
	}
	if (!outer || known->thread.address != outer->address) {
		known->thread = (struct py_thread){0};
		known->name_tries = 0;
		known->next_name_ns = 0;
	}
	if (!inner || known->inner.address != inner->address)
		known->inner = (struct py_thread){0};
	if (outer) {
		known->thread.address = outer->address;
		known->thread.interpreter = outer->interpreter;
		known->pthread = outer->pthread;
	}
	if (inner) {
		known->inner.address = inner->address;
		known->inner.interpreter = inner->interpreter;
	}
}

/* Where there are several interpreters, threads go from one to another. */
static void look_for_interpreters(struct py_process *process, uint64_t now_ns)
{
	const struct py_layout *layout = &process->runtime.layout;
	uint64_t head = 0, next = 0;
	if (now_ns < process->next_look_ns)
		return;
	process->next_look_ns = now_ns + INTERPRETERS_NS;
	process->has_interpreters =
		py_read_pointer(&process->memory,
			process->runtime.address + layout->runtime_interpreters_head, &head) &&
		head != 0 &&
		py_read_pointer(&process->memory, head + layout->interpreter_next, &next) &&
		next != 0;
	if (process->has_interpreters)
		list_threads(process, now_ns);
}

bool py_process_find_tasks(struct py_process *process, struct rec_modules *modules,
	struct rec_space *space, uint64_t now_ns)
{
	if (process->tasks_state != PY_TASKS_NOT_LOADED || now_ns < process->next_tasks_ns)
		return false;
	process->tasks_state = py_tasks_find(
		&process->memory, modules, space, process->next_tasks_ns == 0, &process->tasks);
	process->next_tasks_ns = now_ns + TASKS_NS;
	if (process->tasks_state == PY_TASKS_FOUND)
		py_reader_set_running_task(process->reader, process->tasks.thread_running);
	return process->tasks_state == PY_TASKS_TOO_OLD;
}

/* Name the task that runs, and find its outermost frame. */
static void take_task(struct py_process *process, struct py_stack *stack)
{
	uint64_t address = stack->running_task;
	struct py_task *task = &process->task[(address >> 6) % TASKS];
	if (address == 0 || !py_task_read(&process->memory, &process->runtime.layout,
				    &process->tasks, address, task))
		return;
	for (size_t i = 0; i < stack->count; i++)
		if (stack->frames[i].address - task->coroutine < COROUTINE_BYTES) {
			stack->task = task->name;
			stack->task_root = i;
		}
}

/* The frames of the sub-interpreter in front of those that called it. */
static enum py_result read_both(struct py_process *process, struct py_known_thread *known,
	uint64_t now_ns, struct py_stack *ret_stack)
{
	struct py_stack inner;
	enum py_result result = py_read_stack(process->reader, &known->inner, now_ns, &inner);
	if (result == PY_GONE)
		known->inner = (struct py_thread){0};
	if (result == PY_TORN)
		return result;
	size_t inner_count = result == PY_OK ? inner.count : 0;
	size_t room = inner_count + PY_MAX_FRAMES;
	if (room > process->both_room) {
		struct py_frame *both = realloc(process->both, room * sizeof(struct py_frame));
		if (!both)
			return PY_TORN;
		process->both = both;
		process->both_room = room;
	}
	if (inner_count > 0)
		memcpy(process->both, inner.frames, inner_count * sizeof(struct py_frame));
	bool holds_gil = inner_count > 0 && inner.holds_gil;
	result = py_read_stack(process->reader, &known->thread, now_ns, ret_stack);
	if (result != PY_OK || inner_count == 0)
		return result;
	memcpy(process->both + inner_count, ret_stack->frames,
		ret_stack->count * sizeof(struct py_frame));
	ret_stack->frames = process->both;
	ret_stack->count += inner_count;
	ret_stack->holds_gil |= holds_gil;
	ret_stack->is_common |= inner.is_common;
	return PY_OK;
}

enum py_result py_process_read(struct py_process *process, pid_t tid, struct py_known_thread *known,
	uint64_t now_ns, struct py_stack *ret_stack)
{
	*ret_stack = (struct py_stack){0};
	py_codes_trim(process->codes);
	look_for_interpreters(process, now_ns);
	for (int attempt = 0; attempt < 2; attempt++) {
		if (known->thread.address == 0) {
			if (known->tried_ns != 0 && now_ns < known->tried_ns + SCAN_NS)
				return PY_OK;
			if (known->scan == process->scan || now_ns >= process->next_scan_ns)
				list_threads(process, now_ns);
			find_thread(process, tid, known, now_ns);
			if (known->thread.address == 0)
				return PY_OK;
		} else if (process->has_interpreters && known->scan != process->scan) {
			find_thread(process, tid, known, now_ns);
		}
		enum py_result result =
			known->inner.address
				? read_both(process, known, now_ns, ret_stack)
				: py_read_stack(process->reader, &known->thread, now_ns, ret_stack);
		if (result == PY_OK)
			take_task(process, ret_stack);
		if (result != PY_GONE)
			return result;
		/* Its state is gone: the thread has ended, or has another one. */
		*known = (struct py_known_thread){.scan = process->scan};
	}
	return PY_GONE;
}

void py_process_find_waiting(
	struct py_process *process, pid_t tid, struct py_known_thread *known, uint64_t now_ns)
{
	if (process->state != PY_FOUND || known->thread.address != 0 ||
		known->find_count == WAITING_FINDS)
		return;
	known->find_count++;
	if (now_ns + SCAN_NS >= process->next_scan_ns + FRESH_NS)
		list_threads(process, now_ns);
	find_thread(process, tid, known, now_ns);
}

struct py_code *py_process_code(
	const struct py_process *process, uint64_t address, uint64_t since_ns)
{
	return py_codes_find(process->codes, address, since_ns);
}

/* ---- names ---- */

bool py_process_thread_name(struct py_process *process, pid_t tid, struct py_known_thread *known,
	uint64_t now_ns, char *ret_name, size_t size_bytes)
{
	const struct py_layout *layout = &process->runtime.layout;
	struct py_memory *memory = &process->memory;
	uint64_t at = known->thread.interpreter + layout->interpreter_modules, modules;
	/* From 3.14 on the kernel knows it. */
	if (known->thread.address == 0 || tid == memory->pid || layout->minor >= 14 ||
		now_ns < known->next_name_ns)
		return false;
	known->name_tries++;
	known->next_name_ns = now_ns + (known->name_tries < NAME_TRIES ? NAME_NS : LATER_NAME_NS);
	return py_read_pointer(memory, at, &modules) &&
	       py_read_thread_name(memory, layout, modules, known->pthread, ret_name, size_bytes);
}
