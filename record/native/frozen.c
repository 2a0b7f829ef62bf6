#include "native/frozen.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cpython/tasks.h"
#include "procfs.h"

/* Threads of a process that are remembered; then the oldest is forgotten. */
#define MAX_THREADS 256

struct known {
	pid_t tid;
	struct py_known_thread thread;
};

struct readable {
	struct py_process *process;
	struct known *threads;
	size_t thread_count, next_thread;
};

struct rec_frozen {
	pthread_mutex_t mutex;
	struct readable *processes;
	size_t count, capacity;
	struct py_frame *frames; /* unpacked */
	size_t frame_capacity;
	char task[PY_TASK_NAME_BYTES];
};

/* What is handed over: a head, and its frames behind it. */
struct head {
	uint64_t frame_count;
	bool is_cut, is_common, holds_gil, in_gc;
	uint64_t task_root;
	char task[PY_TASK_NAME_BYTES]; /* empty: none */
};

struct packed {
	uint64_t code, since_ns; /* as of struct py_code: both tell whether it is still the same */
	int64_t offset;
	uint64_t address, anchor;
};

struct rec_frozen *rec_frozen_new(void)
{
	struct rec_frozen *frozen = calloc(1, sizeof(*frozen));
	if (frozen)
		pthread_mutex_init(&frozen->mutex, NULL);
	return frozen;
}

void rec_frozen_free(struct rec_frozen *frozen)
{
	if (!frozen)
		return;
	for (size_t i = 0; i < frozen->count; i++)
		free(frozen->processes[i].threads);
	free(frozen->processes);
	free(frozen->frames);
	pthread_mutex_destroy(&frozen->mutex);
	free(frozen);
}

void rec_frozen_lock(struct rec_frozen *frozen)
{
	pthread_mutex_lock(&frozen->mutex);
}

void rec_frozen_unlock(struct rec_frozen *frozen)
{
	pthread_mutex_unlock(&frozen->mutex);
}

void rec_frozen_add(struct rec_frozen *frozen, struct py_process *process)
{
	if (frozen->count == frozen->capacity) {
		size_t capacity = frozen->capacity ? 2 * frozen->capacity : 8;
		struct readable *processes =
			realloc(frozen->processes, capacity * sizeof(*processes));
		if (!processes)
			return;
		frozen->processes = processes;
		frozen->capacity = capacity;
	}
	frozen->processes[frozen->count++] = (struct readable){.process = process};
}

void rec_frozen_remove(struct rec_frozen *frozen, const struct py_process *process)
{
	for (size_t i = 0; i < frozen->count; i++) {
		if (frozen->processes[i].process != process)
			continue;
		free(frozen->processes[i].threads);
		frozen->processes[i] = frozen->processes[--frozen->count];
		return;
	}
}

/* ---- on the other thread ---- */

static struct readable *find_process(struct rec_frozen *frozen, pid_t pid)
{
	for (size_t i = 0; i < frozen->count; i++)
		if (py_process_pid(frozen->processes[i].process) == pid)
			return &frozen->processes[i];
	return NULL;
}

static struct py_known_thread *find_thread(struct readable *readable, pid_t tid)
{
	for (size_t i = 0; i < readable->thread_count; i++)
		if (readable->threads[i].tid == tid)
			return &readable->threads[i].thread;
	struct known *threads = readable->threads;
	if (readable->thread_count < MAX_THREADS)
		threads = realloc(threads, (readable->thread_count + 1) * sizeof(*threads));
	if (!threads)
		return NULL;
	readable->threads = threads;
	size_t at = readable->next_thread;
	readable->thread_count += at == readable->thread_count;
	readable->next_thread = (at + 1) % MAX_THREADS;
	threads[at] = (struct known){.tid = tid};
	return &threads[at].thread;
}

static size_t pack(const struct py_stack *stack, uint8_t *bytes, size_t size_bytes)
{
	size_t room = (size_bytes - sizeof(struct head)) / sizeof(struct packed);
	size_t count = stack->count < room ? stack->count : room;
	struct head head = {
		.frame_count = count,
		.is_cut = stack->is_cut || count < stack->count,
		.is_common = stack->is_common,
		.holds_gil = stack->holds_gil,
		.in_gc = stack->in_gc,
	};
	if (stack->task && stack->task_root < count) {
		head.task_root = stack->task_root;
		memcpy(head.task, stack->task, sizeof(head.task));
	}
	memcpy(bytes, &head, sizeof(head));
	for (size_t i = 0; i < count; i++) {
		const struct py_frame *frame = &stack->frames[i];
		struct packed packed = {frame->code->address, frame->code->since_ns, frame->offset,
			frame->address, frame->anchor};
		memcpy(bytes + sizeof(head) + i * sizeof(packed), &packed, sizeof(packed));
	}
	return sizeof(head) + count * sizeof(struct packed);
}

size_t rec_frozen_read(
	struct rec_frozen *frozen, pid_t pid, pid_t tid, void *ret_bytes, size_t size_bytes)
{
	struct py_stack stack;
	size_t written = 0;
	if (size_bytes < sizeof(struct head) || pthread_mutex_trylock(&frozen->mutex) != 0)
		return 0;
	struct readable *readable = find_process(frozen, pid);
	struct py_known_thread *known = readable ? find_thread(readable, tid) : NULL;
	if (known && py_process_read(readable->process, tid, known, rec_now_ns(), &stack) == PY_OK)
		written = pack(&stack, ret_bytes, size_bytes);
	pthread_mutex_unlock(&frozen->mutex);
	return written;
}

/* ---- on the main thread ---- */

static bool make_room(struct rec_frozen *frozen, size_t count)
{
	if (count <= frozen->frame_capacity)
		return true;
	struct py_frame *frames = realloc(frozen->frames, count * sizeof(struct py_frame));
	if (!frames)
		return false;
	frozen->frames = frames;
	frozen->frame_capacity = count;
	return true;
}

bool rec_frozen_unpack(struct rec_frozen *frozen, struct py_process *process, const void *bytes,
	size_t size_bytes, struct py_stack *ret_stack)
{
	struct head head;
	const uint8_t *at = (const uint8_t *)bytes + sizeof(head);
	if (size_bytes < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (head.frame_count > (size_bytes - sizeof(head)) / sizeof(struct packed) ||
		!make_room(frozen, head.frame_count))
		return false;
	for (size_t i = 0; i < head.frame_count; i++, at += sizeof(struct packed)) {
		struct packed packed;
		memcpy(&packed, at, sizeof(packed));
		struct py_code *code = py_process_code(process, packed.code, packed.since_ns);
		if (!code)
			return false;
		frozen->frames[i] = (struct py_frame){
			.code = code,
			.offset = packed.offset,
			.address = packed.address,
			.anchor = packed.anchor,
		};
	}
	memcpy(frozen->task, head.task, sizeof(frozen->task));
	*ret_stack = (struct py_stack){
		.frames = frozen->frames,
		.count = head.frame_count,
		.is_cut = head.is_cut,
		.is_common = head.is_common,
		.holds_gil = head.holds_gil,
		.in_gc = head.in_gc,
		.task = frozen->task[0] ? frozen->task : NULL,
		.task_root = head.task_root,
	};
	return true;
}
