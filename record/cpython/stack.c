#include "cpython/stack.h"

#include <stdlib.h>
#include <string.h>

#define THREAD_BYTES 1024
#define FRAME_BYTES  256
/* What is read of the newest chunk: all of it, unless it is one made for a single large frame. */
#define CHUNK_BYTES  16384
#define CFRAME_BYTES 24
#define GIL_BYTES    32
/* The whole lock, with the conditions that threads wait at. */
#define GIL_LOCK_BYTES 208
/* Locks that are remembered; from 3.12 on each interpreter may have its own. */
#define MAX_GILS   16
#define PAGE_BYTES 4096
/* Of the newest frames, for the second time. */
#define WINDOW_BYTES	  2048
#define WINDOW_BELOW	  1536
#define MAX_OUTSIDE_AFTER 8
#define MAX_FRAMES_AFTER  32
/* Of them, in versions whose frames are all over the memory. */
#define MUST_BE_KNOWN	 4
#define MAX_RANGES_AFTER (4 + MAX_OUTSIDE_AFTER)
/* Older chunks of a deep recursion, in all. */
#define MAX_CHUNKS	    64
#define MAX_OLD_CHUNK_BYTES (2u << 20)
/* A thread that calls all the time is caught in one place sooner or later. */
#define MAX_RETRIES 8
/* Samples on end after which another outermost frame is believed. */
#define SURE_SAMPLES 8
/* Frames read one by one in one reading. */
#define MAX_SINGLE_FRAMES 4096

/* A chunk of frames, or a part of it. */
struct chunk {
	uint64_t address;
	size_t size;
	uint8_t *bytes;
};

/* What was read for the second time, to see whether the thread has gone on meanwhile. */
struct after {
	bool is_read;
	uint64_t frame, cframe; /* where the newest of them lie */
	uint64_t window_start;	/* part of the newest chunk; 0: none */
	uint8_t window[WINDOW_BYTES];
	uint8_t outside[MAX_OUTSIDE_AFTER][FRAME_BYTES];
	size_t first_outside; /* which of the predicted ones the first of them is */
};

struct py_reader {
	struct py_memory *memory;
	const struct py_runtime *runtime;
	const struct py_layout *layout;
	struct py_codes *codes;
	struct py_frame *frames;	 /* PY_MAX_FRAMES */
	struct chunk chunks[MAX_CHUNKS]; /* newest first */
	size_t chunk_count;
	bool has_all_chunks;
	uint8_t *newest; /* room for CHUNK_BYTES */
	size_t newest_bytes;
	/* A stack that was whole, but not of one moment: to be compared with a later one. */
	struct py_frame *earlier;
	size_t earlier_count;
	uint8_t *older; /* MAX_OLD_CHUNK_BYTES; NULL until a stack needs it */
	size_t older_bytes;
	uint8_t thread_state[THREAD_BYTES];
	uint8_t cframe[CFRAME_BYTES];
	uint8_t gil[GIL_BYTES];
	uint32_t running_task_at; /* in the thread state; 0: nowhere */
	uint64_t running_task;
	int32_t is_collecting;
	uint64_t gil_address; /* of the lock's fields; 0: not known yet */
	uint64_t gil_interpreter;
	uint64_t gils[MAX_GILS]; /* all that were met */
	size_t next_gil;
	uint8_t predicted[PY_MAX_PREDICTED][FRAME_BYTES];
	size_t predicted_count; /* of them that could be read */
	struct after after;
	uint8_t single[FRAME_BYTES];
	size_t single_count;
	uint64_t outside[PY_MAX_PREDICTED]; /* frames met outside of chunks, leaf first */
	size_t outside_count;
};

struct py_reader *py_reader_new(
	struct py_memory *memory, const struct py_runtime *runtime, struct py_codes *codes)
{
	struct py_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->memory = memory;
	reader->runtime = runtime;
	reader->layout = &runtime->layout;
	reader->codes = codes;
	reader->frames = malloc(PY_MAX_FRAMES * sizeof(*reader->frames));
	reader->newest = malloc(CHUNK_BYTES);
	if (reader->frames && reader->newest)
		return reader;
	py_reader_free(reader);
	return NULL;
}

void py_reader_free(struct py_reader *reader)
{
	if (!reader)
		return;
	free(reader->frames);
	free(reader->newest);
	free(reader->earlier);
	free(reader->older);
	free(reader);
}

void py_reader_set_running_task(struct py_reader *reader, uint32_t offset)
{
	reader->running_task_at = offset;
}

bool py_reader_is_gil(const struct py_reader *reader, uint64_t address)
{
	/* The holder is the second field; conditions and mutexes follow, 48 and 40 bytes each. */
	for (size_t i = 0; i < MAX_GILS; i++)
		if (reader->gils[i] != 0 && address - (reader->gils[i] - 8) < GIL_LOCK_BYTES)
			return true;
	return false;
}

static uint64_t word(const uint8_t *bytes, uint32_t offset)
{
	uint64_t value;
	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

/* ---- reading ---- */

/* Where the lock's holder and state lie, next to each other. */
static void find_gil(struct py_reader *reader, const struct py_thread *thread)
{
	const struct py_layout *layout = reader->layout;
	uint64_t gil;
	if (reader->gil_interpreter == thread->interpreter)
		return;
	reader->gil_interpreter = thread->interpreter;
	reader->gil_address = 0;
	if (layout->interpreter_gil == 0)
		reader->gil_address = reader->runtime->address + layout->runtime_gil_holder;
	else if (py_read_pointer(
			 reader->memory, thread->interpreter + layout->interpreter_gil, &gil))
		reader->gil_address = gil + layout->gil_holder;
	for (size_t i = 0; i < MAX_GILS; i++)
		if (reader->gils[i] == reader->gil_address)
			return;
	reader->gils[reader->next_gil] = reader->gil_address;
	reader->next_gil = (reader->next_gil + 1) % MAX_GILS;
}

static void read_gil(
	struct py_reader *reader, const struct py_thread *thread, struct py_stack *stack)
{
	const struct py_layout *layout = reader->layout;
	uint32_t locked_at = layout->interpreter_gil
				     ? layout->gil_locked - layout->gil_holder
				     : layout->runtime_gil_locked - layout->runtime_gil_holder;
	int32_t is_locked = 0;
	if (reader->gil_address == 0 || locked_at > GIL_BYTES - sizeof(is_locked))
		return;
	memcpy(&is_locked, reader->gil + locked_at, sizeof(is_locked));
	/* The holder stays noted after it has let go. */
	stack->holds_gil = word(reader->gil, 0) == thread->address && is_locked == 1;
	stack->in_gc = reader->is_collecting != 0;
}

/* So much of the newest chunk is read at first: what was in use the last time, and some more. */
static size_t newest_bytes_of(const struct py_thread *thread)
{
	uint64_t used = thread->newest - thread->chunk + WINDOW_BYTES;
	size_t pages = (size_t)(used / PAGE_BYTES + 1) * PAGE_BYTES;
	return used < CHUNK_BYTES - PAGE_BYTES ? pages : CHUNK_BYTES;
}

/* Where the newest frames of the chunk are looked for the second time: about where they were. */
static uint64_t window_of(const struct py_thread *thread)
{
	uint64_t last = thread->chunk + CHUNK_BYTES - WINDOW_BYTES;
	uint64_t offset = thread->newest - thread->chunk;
	if (thread->chunk == 0 || offset >= CHUNK_BYTES)
		return thread->chunk;
	uint64_t start = offset > WINDOW_BELOW ? thread->newest - WINDOW_BELOW : thread->chunk;
	return start < last ? start : last;
}

/*
 * What is read once more after all the rest: the pointers to the newest frame and the frames
 * next to it. Returns: how many ranges, MAX_RANGES_AFTER at most.
 */
static size_t ranges_after(
	struct py_reader *reader, const struct py_thread *thread, struct py_range *ranges)
{
	const struct py_layout *layout = reader->layout;
	struct after *after = &reader->after;
	size_t count = 0;
	if (layout->thread_frame)
		ranges[count++] = (struct py_range){
			thread->address + layout->thread_frame, &after->frame, sizeof(uint64_t)};
	if (layout->thread_cframe)
		ranges[count++] = (struct py_range){
			thread->address + layout->thread_cframe, &after->cframe, sizeof(uint64_t)};
	if (!layout->thread_frame && thread->cframe)
		ranges[count++] = (struct py_range){
			thread->cframe + layout->cframe_current, &after->frame, sizeof(uint64_t)};
	after->window_start = window_of(thread);
	if (after->window_start)
		ranges[count++] =
			(struct py_range){after->window_start, after->window, WINDOW_BYTES};
	after->first_outside = thread->predicted_count > MAX_OUTSIDE_AFTER
				       ? thread->predicted_count - MAX_OUTSIDE_AFTER
				       : 0;
	for (size_t i = after->first_outside; i < thread->predicted_count; i++)
		ranges[count++] = (struct py_range){thread->predicted[i],
			after->outside[i - after->first_outside], layout->frame_bytes};
	return count;
}

/* Everything that is known to be needed, at one go. Returns: false when the thread state is gone.
 */
static bool read_ahead(struct py_reader *reader, struct py_thread *thread)
{
	const struct py_layout *layout = reader->layout;
	struct py_range ranges[PY_MAX_PREDICTED + 9 + MAX_RANGES_AFTER];
	size_t count = 0, predicted_from;
	reader->newest_bytes = newest_bytes_of(thread);
	uint64_t collecting_at = layout->runtime_gc_collecting
					 ? reader->runtime->address + layout->runtime_gc_collecting
					 : thread->interpreter + layout->interpreter_gc_collecting;
	find_gil(reader, thread);
	ranges[count++] =
		(struct py_range){thread->address, reader->thread_state, layout->thread_bytes};
	ranges[count++] = (struct py_range){
		collecting_at, &reader->is_collecting, sizeof(reader->is_collecting)};
	if (reader->gil_address)
		ranges[count++] = (struct py_range){reader->gil_address, reader->gil, GIL_BYTES};
	reader->running_task = 0;
	if (reader->running_task_at)
		ranges[count++] = (struct py_range){thread->address + reader->running_task_at,
			&reader->running_task, sizeof(reader->running_task)};
	size_t needed = count;
	if (thread->cframe)
		ranges[count++] = (struct py_range){thread->cframe, reader->cframe, CFRAME_BYTES};
	if (thread->chunk)
		ranges[count++] =
			(struct py_range){thread->chunk, reader->newest, reader->newest_bytes};
	predicted_from = count;
	for (size_t i = 0; i < thread->predicted_count; i++)
		ranges[count++] = (struct py_range){
			thread->predicted[i], reader->predicted[i], layout->frame_bytes};
	size_t after_from = count;
	count += ranges_after(reader, thread, &ranges[count]);
	size_t done = reader->memory->read(reader->memory, ranges, count);
	reader->after.is_read = done == count;
	size_t predicted_end = done < after_from ? done : after_from;
	reader->predicted_count =
		predicted_end > predicted_from ? predicted_end - predicted_from : 0;
	/* What was only guessed may be gone; it is read again where it is now. */
	if (done < predicted_from) {
		thread->cframe = thread->chunk = 0;
		thread->predicted_count = 0;
	}
	return done >= needed;
}

/* The newest chunk, when it is another one than the last time. */
static bool read_newest_chunk(struct py_reader *reader, struct py_thread *thread)
{
	uint64_t chunk = reader->layout->thread_chunk
				 ? word(reader->thread_state, reader->layout->thread_chunk)
				 : 0;
	reader->chunk_count = 0;
	reader->has_all_chunks = false;
	reader->older_bytes = 0;
	if (chunk == 0)
		return true;
	if (chunk != thread->chunk) {
		reader->after.is_read = false;
		reader->newest_bytes = CHUNK_BYTES;
		if (!py_read(reader->memory, chunk, reader->newest, CHUNK_BYTES))
			return false;
	}
	thread->chunk = chunk;
	reader->chunks[reader->chunk_count++] =
		(struct chunk){chunk, reader->newest_bytes, reader->newest};
	return true;
}

/* A thread may have gone deeper into its newest chunk than was foreseen. */
static void read_rest_of_newest(struct py_reader *reader)
{
	struct chunk *newest = &reader->chunks[0];
	size_t had = reader->newest_bytes;
	reader->after.is_read = false;
	if (!py_read(reader->memory, newest->address + had, newest->bytes + had, CHUNK_BYTES - had))
		return;
	newest->size = reader->newest_bytes = CHUNK_BYTES;
}

/* The rest of the newest chunk and the ones below it: only a deep recursion has them. */
static void read_older_chunks(struct py_reader *reader)
{
	const struct py_layout *layout = reader->layout;
	reader->has_all_chunks = true;
	if (reader->chunk_count == 0)
		return;
	reader->after.is_read = false;
	if (!reader->older)
		reader->older = malloc(MAX_OLD_CHUNK_BYTES);
	uint64_t address = word(reader->newest, layout->chunk_previous);
	if (word(reader->newest, layout->chunk_size) > CHUNK_BYTES) {
		address = reader->chunks[0].address;
		reader->chunk_count = 0;
	}
	while (reader->older && address && reader->chunk_count < MAX_CHUNKS) {
		uint8_t head[64], *bytes = reader->older + reader->older_bytes;
		if (!py_read(reader->memory, address, head, layout->chunk_data))
			return;
		uint64_t size = word(head, layout->chunk_size);
		if (size > MAX_OLD_CHUNK_BYTES - reader->older_bytes ||
			!py_read(reader->memory, address, bytes, size))
			return;
		reader->chunks[reader->chunk_count++] = (struct chunk){address, size, bytes};
		reader->older_bytes += size;
		address = word(bytes, layout->chunk_previous);
	}
}

static const uint8_t *find_in_chunks(const struct py_reader *reader, uint64_t address)
{
	for (size_t i = 0; i < reader->chunk_count; i++) {
		const struct chunk *chunk = &reader->chunks[i];
		uint64_t offset = address - chunk->address;
		if (offset < chunk->size && chunk->size - offset >= reader->layout->frame_bytes)
			return chunk->bytes + offset;
	}
	return NULL;
}

static const uint8_t *find_predicted(
	const struct py_reader *reader, const struct py_thread *thread, uint64_t address)
{
	for (size_t i = 0; i < reader->predicted_count; i++)
		if (thread->predicted[i] == address)
			return reader->predicted[i];
	return NULL;
}

/* The bytes of the frame at `address`, NULL when they cannot be had. */
static const uint8_t *frame_at(
	struct py_reader *reader, const struct py_thread *thread, uint64_t address)
{
	const uint8_t *frame = find_in_chunks(reader, address);
	if (!frame && reader->chunk_count > 0 && reader->newest_bytes < CHUNK_BYTES &&
		address - reader->chunks[0].address < CHUNK_BYTES) {
		read_rest_of_newest(reader);
		frame = find_in_chunks(reader, address);
	}
	if (frame)
		return frame;
	if (reader->outside_count < PY_MAX_PREDICTED)
		reader->outside[reader->outside_count++] = address;
	frame = find_predicted(reader, thread, address);
	if (frame)
		return frame;
	if (!reader->has_all_chunks) {
		read_older_chunks(reader);
		frame = find_in_chunks(reader, address);
		if (frame) {
			reader->outside_count--;
			return frame;
		}
	}
	reader->after.is_read = false;
	if (++reader->single_count > MAX_SINGLE_FRAMES ||
		!py_read(reader->memory, address, reader->single, reader->layout->frame_bytes))
		return NULL;
	return reader->single;
}

/* ---- the chain of frames ---- */

/* Where the anchors of evaluation loops come from. */
struct climb {
	uint64_t first;	 /* address of the newest frame */
	uint64_t frame;	 /* of the next one */
	uint64_t cframe; /* of the evaluation loop it belongs to; 0: none, or not by C frames */
	size_t group;	 /* first frame of the evaluation loop in work */
};

/* The leaf of the chain, and its C frame where there is one. */
static bool begin(struct py_reader *reader, struct py_thread *thread, struct climb *climb)
{
	const struct py_layout *layout = reader->layout;
	*climb = (struct climb){0};
	if (layout->thread_frame)
		climb->frame = word(reader->thread_state, layout->thread_frame);
	climb->first = thread->newest = climb->frame;
	if (!layout->thread_cframe)
		return true;
	climb->cframe = word(reader->thread_state, layout->thread_cframe);
	if (climb->cframe != thread->cframe &&
		!py_read(reader->memory, climb->cframe, reader->cframe, CFRAME_BYTES))
		return false;
	reader->after.is_read &= thread->cframe == climb->cframe;
	thread->cframe = climb->cframe;
	if (!layout->thread_frame)
		climb->frame = word(reader->cframe, layout->cframe_current);
	climb->first = thread->newest = climb->frame;
	return true;
}

/* The bytes of a frame as they were in the end; NULL: not read again. */
static const uint8_t *frame_after(
	const struct py_reader *reader, const struct py_thread *thread, uint64_t address)
{
	const struct after *after = &reader->after;
	uint64_t offset = address - after->window_start;
	if (after->window_start && offset < WINDOW_BYTES &&
		WINDOW_BYTES - offset >= reader->layout->frame_bytes)
		return after->window + offset;
	for (size_t i = after->first_outside; i < thread->predicted_count; i++)
		if (thread->predicted[i] == address)
			return after->outside[i - after->first_outside];
	return NULL;
}

/* Whether a frame still runs the same code for the same caller, and, unless it is the newest, the
 * same call. */
static bool is_same(const struct py_layout *layout, const struct py_frame *frame, bool is_newest,
	const uint8_t *after)
{
	int64_t offset;
	if ((word(after, layout->frame_code) & ~layout->frame_code_tags) != frame->code->address ||
		word(after, layout->frame_previous) != frame->previous)
		return false;
	return is_newest || (py_code_offset(layout, frame->code,
				     word(after, layout->frame_instruction), &offset) &&
				    offset == frame->offset);
}

/* Whether the thread has stayed in the frame where the chain began, until all was read. */
static bool has_stayed(struct py_reader *reader, const struct py_thread *thread,
	const struct climb *climb, const struct py_stack *stack)
{
	struct py_range ranges[MAX_RANGES_AFTER];
	if (!reader->after.is_read) {
		size_t count = ranges_after(reader, thread, ranges);
		if (reader->memory->read(reader->memory, ranges, count) < count)
			return false;
	}
	if (reader->after.frame != climb->first ||
		(reader->layout->thread_cframe && reader->after.cframe != thread->cframe))
		return false;
	for (size_t i = 0; i < stack->count && i < MAX_FRAMES_AFTER; i++) {
		const uint8_t *after = frame_after(reader, thread, stack->frames[i].address);
		bool must_be_known = i < MUST_BE_KNOWN && reader->chunk_count == 0;
		if (after ? !is_same(reader->layout, &stack->frames[i], i == 0, after)
			  : must_be_known)
			return false;
	}
	return true;
}

/* Give the evaluation loop that ends with the last frame its anchor. */
static void end_group(struct climb *climb, struct py_stack *stack, uint64_t anchor)
{
	if (stack->count > climb->group)
		stack->frames[stack->count - 1].anchor = anchor;
	climb->group = stack->count;
}

static void next_cframe(struct py_reader *reader, struct py_thread *thread, struct climb *climb)
{
	uint64_t previous = 0;
	uint32_t at = reader->layout->cframe_previous;
	if (climb->cframe == thread->cframe)
		previous = word(reader->cframe, at);
	else if (climb->cframe && !py_read_pointer(reader->memory, climb->cframe + at, &previous))
		previous = 0;
	climb->cframe = previous;
}

static bool is_mark(const struct py_layout *layout, const uint8_t *frame)
{
	return layout->minor >= 12 && (frame[layout->frame_owner] == PY_OWNER_INTERPRETER ||
					      frame[layout->frame_owner] == PY_OWNER_C_STACK);
}

/* Add one frame. Returns: false when it is none. */
static bool add_frame(struct py_reader *reader, struct py_stack *stack, const uint8_t *frame,
	uint64_t address, uint64_t now_ns)
{
	const struct py_layout *layout = reader->layout;
	uint64_t code_at = word(frame, layout->frame_code) & ~layout->frame_code_tags;
	struct py_code *code = py_codes_get(reader->codes, code_at, now_ns);
	struct py_frame *added = &stack->frames[stack->count];
	if (!code)
		return false;
	*added = (struct py_frame){
		.code = code,
		.address = address,
		.previous = word(frame, layout->frame_previous),
	};
	uint64_t instruction = word(frame, layout->frame_instruction);
	if (!py_code_offset(layout, code, instruction, &added->offset))
		return false;
	stack->count += !code->is_shim;
	stack->is_root_sure = layout->frame_owner && frame[layout->frame_owner] == PY_OWNER_THREAD;
	return true;
}

/* One step down the chain. Returns: false when the stack is torn. */
static bool climb_one(struct py_reader *reader, struct py_thread *thread, struct climb *climb,
	struct py_stack *stack, uint64_t now_ns)
{
	const struct py_layout *layout = reader->layout;
	const uint8_t *frame = frame_at(reader, thread, climb->frame);
	if (!frame)
		return false;
	uint64_t previous = word(frame, layout->frame_previous);
	bool is_entry =
		layout->frame_is_entry ? frame[layout->frame_is_entry] : layout->minor == 10;
	if (is_mark(layout, frame)) {
		end_group(climb, stack, climb->frame);
	} else {
		if (!add_frame(reader, stack, frame, climb->frame, now_ns))
			return false;
		if (is_entry && climb->cframe) {
			end_group(climb, stack, climb->cframe);
			next_cframe(reader, thread, climb);
		}
	}
	bool goes_on = previous != climb->frame;
	climb->frame = previous;
	return goes_on;
}

/*
 * One attempt. PY_OK with `*ret_has_stayed` false: a chain from leaf to root, but the thread went
 * on while it was read, and its parts may be of different moments.
 */
static enum py_result read_once(struct py_reader *reader, struct py_thread *thread, uint64_t now_ns,
	struct py_stack *stack, bool *ret_has_stayed)
{
	struct climb climb;
	*stack = (struct py_stack){.frames = reader->frames};
	if (!read_ahead(reader, thread))
		return PY_GONE;
	reader->single_count = reader->outside_count = 0;
	if (word(reader->thread_state, reader->layout->thread_interpreter) != thread->interpreter)
		return PY_GONE;
	if (!read_newest_chunk(reader, thread) || !begin(reader, thread, &climb))
		return PY_TORN;
	read_gil(reader, thread, stack);
	stack->running_task = reader->running_task;
	/* Marks are frames too: twice the frames bound the steps. */
	for (size_t steps = 0; climb.frame && steps < 2 * PY_MAX_FRAMES; steps++) {
		if (stack->count == PY_MAX_FRAMES) {
			stack->is_cut = true;
			break;
		}
		if (!climb_one(reader, thread, &climb, stack, now_ns))
			return PY_TORN;
	}
	if (climb.frame && !stack->is_cut)
		return PY_TORN;
	*ret_has_stayed = has_stayed(reader, thread, &climb, stack);
	return PY_OK;
}

/* What lies outside of chunks now will most likely do so the next time: the root side first. */
static void predict(struct py_reader *reader, struct py_thread *thread)
{
	thread->predicted_count = reader->outside_count;
	for (size_t i = 0; i < reader->outside_count; i++)
		thread->predicted[i] = reader->outside[reader->outside_count - 1 - i];
}

/*
 * A chain cut short ends at another frame than the thread's first; so does the one of a thread that
 * has gone on to something else. The latter's end is the same again: at once where such a frame
 * never loses its caller, else in some samples on end. `*last_root`: of the attempt before.
 */
static bool has_root(struct py_thread *thread, const struct py_stack *stack, uint64_t *last_root)
{
	if (stack->count == 0 || stack->is_cut)
		return true;
	const struct py_code *code = stack->frames[stack->count - 1].code;
	uint64_t before = *last_root;
	*last_root = code->address;
	if (code->address == thread->root_code)
		return true;
	bool is_sure = thread->root_code == 0 || stack->is_root_sure || code->is_module;
	if (!(is_sure && code->address == before) &&
		!(code->address == thread->other_root && thread->other_root_count >= SURE_SAMPLES))
		return false;
	thread->root_code = code->address;
	return true;
}

static void keep_earlier(struct py_reader *reader, const struct py_stack *stack)
{
	size_t bytes = stack->count * sizeof(*stack->frames);
	struct py_frame *earlier = realloc(reader->earlier, bytes ? bytes : 1);
	reader->earlier_count = 0;
	if (!earlier)
		return;
	memcpy(earlier, stack->frames, bytes);
	reader->earlier = earlier;
	reader->earlier_count = stack->count;
}

/*
 * Keep what a stack has in common with the one before it, from the root on: the calls that were in
 * progress all the time. Returns: false when there are none.
 */
static bool keep_common(const struct py_reader *reader, struct py_stack *stack)
{
	size_t most = stack->count < reader->earlier_count ? stack->count : reader->earlier_count;
	const struct py_frame *frames = stack->frames + stack->count;
	const struct py_frame *earlier = reader->earlier + reader->earlier_count;
	size_t common = 0;
	bool is_same_call = true;
	while (common < most && is_same_call) {
		const struct py_frame *now = frames - common - 1, *then = earlier - common - 1;
		if (now->address != then->address || now->code != then->code)
			break;
		is_same_call = now->offset == then->offset;
		common++;
	}
	stack->frames += stack->count - common;
	stack->count = common;
	stack->is_common = true;
	return common > 0;
}

enum py_result py_read_stack(struct py_reader *reader, struct py_thread *thread, uint64_t now_ns,
	struct py_stack *ret_stack)
{
	uint64_t last_root = 0;
	reader->earlier_count = 0;
	for (int attempt = 0; attempt <= MAX_RETRIES; attempt++) {
		bool has_stayed = false;
		enum py_result result = read_once(reader, thread, now_ns, ret_stack, &has_stayed);
		if (result == PY_GONE)
			return PY_GONE;
		predict(reader, thread);
		if (result != PY_OK || !has_root(thread, ret_stack, &last_root))
			continue;
		if (!has_stayed && attempt == MAX_RETRIES && reader->earlier_count > 0)
			has_stayed = keep_common(reader, ret_stack);
		if (!has_stayed) {
			keep_earlier(reader, ret_stack);
			continue;
		}
		thread->other_root_count = 0;
		return PY_OK;
	}
	thread->other_root_count =
		last_root == thread->other_root ? thread->other_root_count + 1 : 1;
	thread->other_root = last_root;
	return PY_TORN;
}
