#include "cpython/threads.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/error.h"

/* Where glibc keeps the kernel's number in struct pthread (2.34 to 2.43, x86-64). */
#define GLIBC_TID_OFFSET 720
/* How far other C libraries are searched for it, and how many numbers are tried. */
#define PTHREAD_BYTES 2048
#define MAX_TRIED     64
/* No thread state is larger, as far as it is read. */
#define THREAD_BYTES 1024

static uint64_t word(const uint8_t *bytes, uint32_t offset)
{
	uint64_t value;
	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static bool is_thread_of(pid_t pid, pid_t tid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	return tid > 0 && access(path, F_OK) == 0;
}

/* Until 3.10 only the pthread_t is known; the C library keeps the number behind it. */
static pid_t tid_of_pthread(struct py_memory *memory, uint64_t pthread)
{
	int32_t words[PTHREAD_BYTES / 4];
	int32_t tid;
	if (py_read(memory, pthread + GLIBC_TID_OFFSET, &tid, sizeof(tid)) &&
		is_thread_of(memory->pid, tid))
		return tid;
	if (!py_read(memory, pthread, words, sizeof(words)))
		return 0;
	for (size_t i = 0, tried = 0; i < PTHREAD_BYTES / 4 && tried < MAX_TRIED; i++) {
		if (words[i] < 2 || words[i] >= 1 << 22)
			continue;
		if (is_thread_of(memory->pid, words[i]))
			return words[i];
		tried++;
	}
	return 0;
}

struct scan {
	struct py_memory *memory;
	const struct py_layout *layout;
	struct py_thread_state *states;
	size_t count, room;
};

static int add_state(struct scan *scan, const struct py_thread_state *state)
{
	if (scan->count == PY_MAX_THREADS)
		return TFMT_E_LIMIT;
	if (scan->count == scan->room) {
		size_t room = scan->room ? scan->room * 2 : 16;
		struct py_thread_state *states = realloc(scan->states, room * sizeof(*states));
		if (!states)
			return TFMT_E_NOMEM;
		scan->states = states;
		scan->room = room;
	}
	scan->states[scan->count++] = *state;
	return 0;
}

/* Whether its newest frame is one of a program; from 3.15 on one in the state itself ends all. */
static bool has_frames(struct scan *scan, uint64_t address, const uint8_t *bytes)
{
	const struct py_layout *layout = scan->layout;
	uint64_t frame = 0;
	if (layout->thread_frame)
		frame = word(bytes, layout->thread_frame);
	else if (!py_read_pointer(scan->memory,
			 word(bytes, layout->thread_cframe) + layout->cframe_current, &frame))
		return false;
	return frame != 0 && frame - address >= THREAD_BYTES;
}

static int scan_interpreter(struct scan *scan, uint64_t interpreter)
{
	const struct py_layout *layout = scan->layout;
	uint8_t bytes[THREAD_BYTES];
	uint64_t address, mark = 0;
	if (!py_read_pointer(scan->memory, interpreter + layout->interpreter_threads, &address))
		return TFMT_E_CORRUPT;
	for (size_t steps = 1; address; steps++) {
		/* A list in a circle comes by the mark again. */
		if (address == mark)
			return TFMT_E_CORRUPT;
		if ((steps & (steps - 1)) == 0)
			mark = address;
		if (!py_read(scan->memory, address, bytes, layout->thread_bytes) ||
			word(bytes, layout->thread_interpreter) != interpreter)
			return TFMT_E_CORRUPT;
		struct py_thread_state state = {
			.address = address,
			.interpreter = interpreter,
			.pthread = word(bytes, layout->thread_id),
		};
		state.has_frames = has_frames(scan, address, bytes);
		state.tid = layout->thread_native_id ? (pid_t)word(bytes, layout->thread_native_id)
						     : tid_of_pthread(scan->memory, state.pthread);
		int code = add_state(scan, &state);
		if (code != 0)
			return code;
		address = word(bytes, layout->thread_next);
	}
	return 0;
}

long py_scan_threads(struct py_memory *memory, const struct py_runtime *runtime,
	struct py_thread_state **ret_states)
{
	struct scan scan = {.memory = memory, .layout = &runtime->layout};
	uint64_t interpreter;
	int code = 0;
	if (!py_read_pointer(memory, runtime->address + runtime->layout.runtime_interpreters_head,
		    &interpreter))
		return TFMT_E_IO;
	for (size_t i = 0; interpreter && code == 0 && i < PY_MAX_INTERPRETERS; i++) {
		code = scan_interpreter(&scan, interpreter);
		if (!py_read_pointer(
			    memory, interpreter + runtime->layout.interpreter_next, &interpreter))
			break;
	}
	/* What was found before the list broke off is right. */
	if (scan.count == 0 && code != 0) {
		free(scan.states);
		return code;
	}
	*ret_states = scan.states;
	return (long)scan.count;
}
