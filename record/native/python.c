#include "native/python.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "cpython/tasks.h"
#include "native/frozen.h"

/* Stacks that wait for their samples, per thread: those of one round of the session, or more. */
#define FIRST_PENDING 16
#define MAX_PENDING   1024
/* More tasks of asyncio are not told apart: a server may have one for each request. */
#define MAX_TASK_NAMES 1000

struct pending {
	uint64_t time_ns; /* of the sample; 0: free */
	struct py_snapshot snapshot;
	size_t room; /* of its places */
};

struct rec_python_thread {
	struct py_known_thread known;
	char name[64];
	struct pending *pending; /* a ring */
	size_t pending_count;	 /* a power of two; 0: none yet */
	size_t next;		 /* the oldest */
	struct py_instructions others[PY_MAX_OTHERS];
	size_t next_other; /* the oldest */
};

enum count { READ, COMMON, TORN, GONE, EMPTY, MERGED, APART, COUNTS };

enum program { PROGRAM_NOT_KNOWN, PROGRAM_OTHER, PROGRAM_PYTHON };

struct rec_python {
	struct rec_sink *sink;
	struct rec_modules *modules;
	const struct msg *msg;
	struct rec_frozen *frozen; /* whose lock is held while a process is used */
	size_t process_count;	   /* that can be read */
	uint64_t counts[COUNTS], written[COUNTS];
	uint64_t reads;	   /* calls for them all */
	uint64_t delay_ns; /* from sample to reading, sum of all READ */
	struct py_merged_frame *merged;
	size_t merged_room;
	uint32_t collector; /* frame id; 0: not met yet */
	size_t task_count;  /* names that stand in the trace, about */
	uint32_t last_task; /* the highest of their ids */
	bool said_old_tasks;
	uint8_t *programs; /* enum program by the module's index */
	size_t program_count;
	bool said_newer;
	char said_reason[128]; /* the last refusal: the same is not said again */
};

struct rec_python *rec_python_new(
	struct rec_sink *sink, struct rec_modules *modules, const struct msg *msg)
{
	struct rec_python *python = calloc(1, sizeof(*python));
	if (!python)
		return NULL;
	python->sink = sink;
	python->modules = modules;
	python->msg = msg;
	python->frozen = rec_frozen_new();
	if (python->frozen)
		return python;
	free(python);
	return NULL;
}

void rec_python_free(struct rec_python *python)
{
	if (!python)
		return;
	rec_frozen_free(python->frozen);
	free(python->merged);
	free(python->programs);
	free(python);
}

void rec_python_thread_free(struct rec_python_thread *thread)
{
	if (!thread)
		return;
	for (size_t i = 0; i < thread->pending_count; i++)
		free(thread->pending[i].snapshot.places);
	free(thread->pending);
	free(thread);
}

/* Once for each reason: workers of one server are many. */
static void say_refused(struct rec_python *python, const struct py_process *process)
{
	const char *reason = py_process_reason(process);
	int error = py_process_refusal(process);
	if (strcmp(reason, python->said_reason) == 0)
		return;
	snprintf(python->said_reason, sizeof(python->said_reason), "%s", reason);
	if (error != 0)
		rec_attach_say_refusal(python->msg, py_process_pid(process), "process_vm_readv",
			error, "no Python stacks, only native ones");
	else
		msg_warn(python->msg, "%s: only native stacks", reason);
}

/* A visitor of rec_space_each(): the program comes first. */
static bool take_first_file(void *opaque, struct rec_module *module, uint64_t bias)
{
	struct rec_module **first = opaque;
	if (module->type == REC_MODULE_FILE)
		*first = module;
	return !*first;
}

int rec_python_is_in_program(struct rec_python *python, struct rec_space *space)
{
	struct rec_module *module = NULL;
	rec_space_each(space, take_first_file, &module);
	if (!module)
		return -1;
	if (module->index >= python->program_count) {
		size_t count = 2 * (size_t)module->index + 64;
		uint8_t *programs = realloc(python->programs, count);
		if (!programs)
			return 0;
		memset(programs + python->program_count, 0, count - python->program_count);
		python->programs = programs;
		python->program_count = count;
	}
	uint8_t *program = &python->programs[module->index];
	if (*program == PROGRAM_NOT_KNOWN)
		*program =
			py_is_in_program(python->modules, space) ? PROGRAM_PYTHON : PROGRAM_OTHER;
	return *program == PROGRAM_PYTHON;
}

static void find_tasks(struct rec_python *python, struct py_process *process,
	struct rec_space *space, uint64_t now_ns)
{
	rec_frozen_lock(python->frozen);
	bool is_old = py_process_find_tasks(process, python->modules, space, now_ns);
	rec_frozen_unlock(python->frozen);
	if (is_old && !python->said_old_tasks)
		msg_info(python->msg,
			"Python 3.%u does not tell the names of asyncio's tasks: 3.14 and later do",
			py_process_runtime(process)->layout.minor);
	python->said_old_tasks |= is_old;
}

bool rec_python_is_ready(struct rec_python *python, struct py_process *process,
	struct rec_space *space, uint64_t now_ns)
{
	enum py_state before = py_process_state(process);
	if (before == PY_FOUND) {
		find_tasks(python, process, space, now_ns);
		return true;
	}
	rec_frozen_lock(python->frozen);
	enum py_state state = py_process_find(process, python->modules, space, now_ns);
	if (state == PY_FOUND)
		rec_frozen_add(python->frozen, process);
	rec_frozen_unlock(python->frozen);
	if (state == before)
		return false;
	if (state == PY_REFUSED)
		say_refused(python, process);
	if (state == PY_FOUND && py_process_runtime(process)->is_newer && !python->said_newer) {
		msg_warn(python->msg,
			"Python 3.%u is newer than this recorder knows: read as if it were 3.%d",
			py_process_runtime(process)->layout.minor, PY_NEWEST_MINOR);
		python->said_newer = true;
	}
	python->process_count += state == PY_FOUND;
	return state == PY_FOUND;
}

void rec_python_leave(struct rec_python *python, const struct py_process *process)
{
	python->process_count -= py_process_state(process) == PY_FOUND;
	rec_frozen_lock(python->frozen);
	rec_frozen_remove(python->frozen, process);
	rec_frozen_unlock(python->frozen);
}

bool rec_python_is_running(const struct rec_python *python)
{
	return python->process_count > 0;
}

/* ---- reading ---- */

/* The id of a Python frame in the trace, kept with its code object. */
static uint32_t frame_id(
	struct rec_python *python, const struct py_runtime *runtime, const struct py_frame *frame)
{
	/* Callers mostly stay where they are. */
	if (frame->code->last_user != 0 && frame->code->last_offset == frame->offset)
		return frame->code->last_user;
	uint32_t line = py_code_line(&runtime->layout, frame->code, frame->offset);
	uint32_t *id = py_code_user(frame->code, line);
	frame->code->last_offset = frame->offset;
	frame->code->last_user = id ? *id : 0;
	if (frame->code->last_user != 0)
		return frame->code->last_user;
	struct tfmt_frame row = {
		.function = rec_sink_text(python->sink, frame->code->function),
		.file = rec_sink_text(python->sink, frame->code->file),
		.line = line,
		.first_line = frame->code->first_line,
		.language = TFMT_LANG_PYTHON,
	};
	uint32_t new_id = 0;
	tfmt_writer_add_frame(rec_sink_writer(python->sink), &row, &new_id);
	if (id)
		*id = frame->code->last_user = new_id;
	return new_id;
}

/* A frame of its own, further in than the code that set the collector off. */
static uint32_t collector_id(struct rec_python *python)
{
	struct tfmt_frame row = {
		.function = rec_sink_text(python->sink, "[garbage collection]"),
		.language = TFMT_LANG_PYTHON,
	};
	if (python->collector == 0)
		tfmt_writer_add_frame(rec_sink_writer(python->sink), &row, &python->collector);
	return python->collector;
}

/* A frame of its own, further out than the outermost coroutine of the task. */
static uint32_t task_id(struct rec_python *python, const char *name)
{
	char text[PY_TASK_NAME_BYTES + 16];
	uint32_t id = 0;
	snprintf(text, sizeof(text), "[task: %s]",
		python->task_count < MAX_TASK_NAMES ? name : "others");
	struct tfmt_frame row = {
		.function = rec_sink_text(python->sink, text),
		.language = TFMT_LANG_PYTHON,
	};
	tfmt_writer_add_frame(rec_sink_writer(python->sink), &row, &id);
	if (id > python->last_task) {
		python->last_task = id;
		python->task_count++;
	}
	return id;
}

/* Put the task behind its outermost frame; it ends the evaluation loop instead of that. */
static void keep_task(
	struct rec_python *python, const struct py_stack *stack, struct py_snapshot *snapshot)
{
	size_t root = stack->task_root + (snapshot->count - stack->count);
	struct py_place *places = snapshot->places;
	memmove(&places[root + 2], &places[root + 1],
		(snapshot->count - root - 1) * sizeof(*places));
	places[root + 1] = (struct py_place){task_id(python, stack->task), places[root].anchor};
	places[root].anchor = 0;
	snapshot->count++;
}

static bool keep(struct rec_python *python, const struct py_runtime *runtime,
	const struct py_stack *stack, struct pending *pending)
{
	struct py_snapshot *snapshot = &pending->snapshot;
	/* Another thread that waits meanwhile collects nothing. */
	size_t collector = stack->in_gc && stack->holds_gil;
	size_t room = stack->count + collector + (stack->task != NULL);
	if (room > pending->room) {
		struct py_place *places = realloc(snapshot->places, room * sizeof(struct py_place));
		if (!places)
			return false;
		snapshot->places = places;
		pending->room = room;
	}
	if (collector)
		snapshot->places[0] = (struct py_place){.frame = collector_id(python)};
	for (size_t i = 0; i < stack->count; i++)
		snapshot->places[i + collector] = (struct py_place){
			frame_id(python, runtime, &stack->frames[i]), stack->frames[i].anchor};
	snapshot->count = stack->count + collector;
	if (stack->task)
		keep_task(python, stack, snapshot);
	snapshot->is_cut = stack->is_cut;
	snapshot->leaf = stack->frames[0].address;
	snapshot->instructions = stack->frames[0].code->instructions;
	snapshot->instructions_size = stack->frames[0].code->size;
	return true;
}

/* Remember what code ran in which place. */
static void note_leaf(struct rec_python_thread *thread, const struct py_snapshot *snapshot)
{
	struct py_instructions leaf = {
		snapshot->leaf, snapshot->instructions, snapshot->instructions_size};
	for (size_t i = 0; i < PY_MAX_OTHERS; i++)
		if (memcmp(&thread->others[i], &leaf, sizeof(leaf)) == 0)
			return;
	thread->others[thread->next_other] = leaf;
	thread->next_other = (thread->next_other + 1) % PY_MAX_OTHERS;
}

/* Where the next one is kept; the ring grows while the oldest one still waits. */
static struct pending *next_pending(struct rec_python_thread *thread)
{
	size_t count = thread->pending_count;
	bool is_full = count == 0 || thread->pending[thread->next].time_ns != 0;
	if (is_full && count < MAX_PENDING) {
		size_t grown = count ? 2 * count : FIRST_PENDING;
		struct pending *pending = calloc(grown, sizeof(*pending));
		if (!pending)
			return count ? &thread->pending[thread->next] : NULL;
		for (size_t i = 0; i < count; i++)
			pending[i] = thread->pending[(thread->next + i) % count];
		free(thread->pending);
		thread->pending = pending;
		thread->pending_count = grown;
		thread->next = count;
	}
	return &thread->pending[thread->next];
}

/* `time_ns`: of the sample that it belongs to. */
static void add_pending(struct rec_python *python, const struct py_runtime *runtime,
	struct rec_python_thread *thread, const struct py_stack *stack, uint64_t time_ns)
{
	struct pending *pending = next_pending(thread);
	if (!pending)
		return;
	if (stack->count == 0) {
		/* That there is no Python code is an answer too: not to be asked for again, later.
		 */
		pending->snapshot.count = 0;
		python->counts[EMPTY]++;
	} else if (keep(python, runtime, stack, pending)) {
		pending->snapshot.others = thread->others;
		note_leaf(thread, &pending->snapshot);
		python->counts[READ]++;
		python->counts[COMMON] += stack->is_common;
	} else {
		return;
	}
	pending->time_ns = time_ns;
	thread->next = (thread->next + 1) % thread->pending_count;
}

void rec_python_find_waiting(struct rec_python *python, struct py_process *process, pid_t tid,
	struct rec_python_thread **thread, uint64_t now_ns)
{
	if (!*thread)
		*thread = calloc(1, sizeof(**thread));
	if (!*thread)
		return;
	rec_frozen_lock(python->frozen);
	py_process_find_waiting(process, tid, &(*thread)->known, now_ns);
	rec_frozen_unlock(python->frozen);
}

void rec_python_look(struct rec_python *python, struct py_process *process, pid_t tid,
	struct rec_python_thread **thread, uint64_t time_ns, uint64_t now_ns)
{
	if (!*thread)
		*thread = calloc(1, sizeof(**thread));
	if (!*thread)
		return;
	struct py_stack stack;
	uint64_t reads = py_process_reads(process);
	rec_frozen_lock(python->frozen);
	enum py_result result = py_process_read(process, tid, &(*thread)->known, now_ns, &stack);
	python->reads += py_process_reads(process) - reads;
	switch (result) {
	case PY_OK:
		python->delay_ns += now_ns > time_ns && stack.count > 0 ? now_ns - time_ns : 0;
		add_pending(python, py_process_runtime(process), *thread, &stack, time_ns);
		break;
	case PY_TORN:
		python->counts[TORN]++;
		break;
	case PY_GONE:
		python->counts[GONE]++;
		break;
	}
	rec_frozen_unlock(python->frozen);
}

size_t rec_python_read_stopped(
	void *opaque, pid_t pid, pid_t tid, void *ret_bytes, size_t size_bytes)
{
	struct rec_python *python = opaque;
	return rec_frozen_read(python->frozen, pid, tid, ret_bytes, size_bytes);
}

void rec_python_take_stopped(struct rec_python *python, struct py_process *process,
	struct rec_python_thread **thread, uint64_t time_ns, const void *bytes, size_t size_bytes)
{
	struct py_stack stack;
	if (!*thread)
		*thread = calloc(1, sizeof(**thread));
	if (!*thread || size_bytes == 0)
		return;
	rec_frozen_lock(python->frozen);
	if (rec_frozen_unpack(python->frozen, process, bytes, size_bytes, &stack))
		add_pending(python, py_process_runtime(process), *thread, &stack, time_ns);
	else
		python->counts[TORN]++;
	rec_frozen_unlock(python->frozen);
}

bool rec_python_is_gil(
	struct rec_python *python, const struct py_process *process, uint64_t address)
{
	rec_frozen_lock(python->frozen);
	bool is_gil = py_process_is_gil(process, address);
	rec_frozen_unlock(python->frozen);
	return is_gil;
}

const char *rec_python_new_name(struct rec_python *python, struct py_process *process, pid_t tid,
	struct rec_python_thread *thread, uint64_t now_ns)
{
	char name[sizeof(thread->name)];
	if (!thread)
		return NULL;
	rec_frozen_lock(python->frozen);
	bool is_known =
		py_process_thread_name(process, tid, &thread->known, now_ns, name, sizeof(name));
	rec_frozen_unlock(python->frozen);
	if (!is_known || strcmp(name, thread->name) == 0)
		return NULL;
	memcpy(thread->name, name, sizeof(name));
	return thread->name;
}

/* ---- joining ---- */

static struct pending *find_pending(const struct rec_python_thread *thread, uint64_t time_ns)
{
	for (size_t i = 0; thread && i < thread->pending_count; i++)
		if (thread->pending[i].time_ns == time_ns)
			return &thread->pending[i];
	return NULL;
}

bool rec_python_has(const struct rec_python_thread *thread, uint64_t time_ns)
{
	return find_pending(thread, time_ns) != NULL;
}

static bool is_interpreter(const struct rec_module *module)
{
	return py_is_interpreter_name(module->path);
}

static bool make_room(struct rec_python *python, size_t count)
{
	if (count <= python->merged_room)
		return true;
	struct py_merged_frame *merged =
		realloc(python->merged, count * sizeof(struct py_merged_frame));
	if (!merged)
		return false;
	python->merged = merged;
	python->merged_room = count;
	return true;
}

bool rec_python_join(struct rec_python *python, struct rec_python_thread *thread, uint64_t time_ns,
	const struct rec_stack *native, const struct rec_user_state *user,
	struct rec_joined_stack *ret_stack, uint8_t *ret_flags)
{
	struct pending *pending = find_pending(thread, time_ns);
	size_t count = 0;
	if (!pending || !make_room(python, native->count + pending->snapshot.count + 1))
		return false;
	const struct py_snapshot *snapshot = &pending->snapshot;
	if (snapshot->count == 0) {
		pending->time_ns = 0;
		return false;
	}
	enum py_merge merge =
		py_merge(native, snapshot, user, is_interpreter, python->merged, &count);
	pending->time_ns = 0;
	python->counts[merge == PY_MERGED ? MERGED : APART]++;
	if (merge == PY_APART)
		*ret_flags |= TFMT_SAMPLE_UNMERGED;
	*ret_stack = (struct rec_joined_stack){
		.frames = python->merged,
		.count = count,
		.python = snapshot->places,
		.is_apart = merge == PY_APART,
	};
	return true;
}

bool rec_python_take(struct rec_python *python, struct rec_python_thread *thread, uint64_t time_ns,
	struct rec_joined_stack *ret_stack)
{
	struct pending *pending = find_pending(thread, time_ns);
	if (!pending || !make_room(python, pending->snapshot.count))
		return false;
	pending->time_ns = 0;
	for (size_t i = 0; i < pending->snapshot.count; i++)
		python->merged[i] = (struct py_merged_frame){PY_FRAME_PYTHON, (uint32_t)i};
	*ret_stack = (struct rec_joined_stack){
		.frames = python->merged,
		.count = pending->snapshot.count,
		.python = pending->snapshot.places,
	};
	return true;
}

/* ---- how it went ---- */

void rec_python_write_losses(struct rec_python *python, uint64_t now_ns)
{
	static const struct {
		enum count count;
		const char *reason;
	} losses[] = {
		{TORN, "changed while it was read"},
		{GONE, "thread ended before it was read"},
	};
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++) {
		enum count count = losses[i].count;
		uint64_t lost = python->counts[count] - python->written[count];
		rec_sink_lost(python->sink, now_ns, 0, "python stack", losses[i].reason, lost);
		python->written[count] = python->counts[count];
	}
}

void rec_python_say(const struct rec_python *python)
{
	const uint64_t *counts = python->counts;
	if (counts[READ] + counts[TORN] == 0)
		return;
	char joined[96] = "";
	if (counts[MERGED] + counts[APART] > 0)
		snprintf(joined, sizeof(joined),
			": %llu joined with the native one, %llu kept apart",
			(unsigned long long)counts[MERGED], (unsigned long long)counts[APART]);
	msg_info(python->msg,
		"%llu Python stacks, read %.0f us after their sample on average%s; %llu without "
		"their innermost frames, %llu not at all, for they changed while they were read; "
		"%.1f reads for each",
		(unsigned long long)counts[READ],
		(double)python->delay_ns / 1e3 / (double)(counts[READ] ? counts[READ] : 1), joined,
		(unsigned long long)counts[COMMON], (unsigned long long)counts[TORN],
		(double)python->reads / (double)(counts[READ] + counts[TORN]));
}
