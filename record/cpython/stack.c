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
/* Older chunks of a deep recursion, in all. */
#define MAX_CHUNKS	    64
#define MAX_OLD_CHUNK_BYTES (2u << 20)
/* Frames read one by one in one reading. */
#define MAX_SINGLE_FRAMES 4096

/* A chunk of frames, or a part of it. */
struct chunk {
	uint64_t address;
	size_t size;
	uint8_t *bytes;
};

struct py_reader {
	struct py_memory *memory;
	const struct py_runtime *runtime;
	const struct py_layout *layout;
	struct py_codes *codes;
	uint64_t retries;
	struct py_frame *frames;	 /* PY_MAX_FRAMES */
	struct chunk chunks[MAX_CHUNKS]; /* newest first */
	size_t chunk_count;
	bool has_all_chunks;
	uint8_t *newest; /* CHUNK_BYTES */
	uint8_t *older;	 /* MAX_OLD_CHUNK_BYTES; NULL until a stack needs it */
	size_t older_bytes;
	uint8_t thread_state[THREAD_BYTES];
	uint8_t cframe[CFRAME_BYTES];
	uint8_t gil[GIL_BYTES];
	int32_t is_collecting;
	uint64_t gil_address; /* of the lock's fields; 0: not known yet */
	uint64_t gil_interpreter;
	uint8_t predicted[PY_MAX_PREDICTED][FRAME_BYTES];
	size_t predicted_count; /* of them that could be read */
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
	free(reader->older);
	free(reader);
}

uint64_t py_reader_retries(const struct py_reader *reader)
{
	return reader->retries;
}

bool py_reader_is_gil(const struct py_reader *reader, uint64_t address)
{
	/* The holder is the second field; conditions and mutexes follow, 48 and 40 bytes each. */
	return reader->gil_address != 0 && address - (reader->gil_address - 8) < GIL_LOCK_BYTES;
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

/* Everything that is known to be needed, at one go. Returns: false when the thread state is gone.
 */
static bool read_ahead(struct py_reader *reader, struct py_thread *thread)
{
	const struct py_layout *layout = reader->layout;
	struct py_range ranges[PY_MAX_PREDICTED + 8];
	size_t count = 0, predicted_from;
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
	size_t needed = count;
	if (thread->cframe)
		ranges[count++] = (struct py_range){thread->cframe, reader->cframe, CFRAME_BYTES};
	if (thread->chunk)
		ranges[count++] = (struct py_range){thread->chunk, reader->newest, CHUNK_BYTES};
	predicted_from = count;
	for (size_t i = 0; i < thread->predicted_count; i++)
		ranges[count++] = (struct py_range){
			thread->predicted[i], reader->predicted[i], layout->frame_bytes};
	size_t done = reader->memory->read(reader->memory, ranges, count);
	reader->predicted_count = done > predicted_from ? done - predicted_from : 0;
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
	if (chunk != thread->chunk && !py_read(reader->memory, chunk, reader->newest, CHUNK_BYTES))
		return false;
	thread->chunk = chunk;
	reader->chunks[reader->chunk_count++] = (struct chunk){chunk, CHUNK_BYTES, reader->newest};
	return true;
}

/* The rest of the newest chunk and the ones below it: only a deep recursion has them. */
static void read_older_chunks(struct py_reader *reader)
{
	const struct py_layout *layout = reader->layout;
	reader->has_all_chunks = true;
	if (reader->chunk_count == 0)
		return;
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
	if (++reader->single_count > MAX_SINGLE_FRAMES ||
		!py_read(reader->memory, address, reader->single, reader->layout->frame_bytes))
		return NULL;
	return reader->single;
}

/* ---- the chain of frames ---- */

/* Where the anchors of evaluation loops come from. */
struct climb {
	uint64_t frame;	 /* address of the next one */
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
	if (!layout->thread_cframe)
		return true;
	climb->cframe = word(reader->thread_state, layout->thread_cframe);
	if (climb->cframe != thread->cframe &&
		!py_read(reader->memory, climb->cframe, reader->cframe, CFRAME_BYTES))
		return false;
	thread->cframe = climb->cframe;
	if (!layout->thread_frame)
		climb->frame = word(reader->cframe, layout->cframe_current);
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
	*added = (struct py_frame){.code = code, .address = address};
	uint64_t instruction = word(frame, layout->frame_instruction);
	if (!py_code_offset(layout, code, instruction, &added->offset))
		return false;
	stack->count += !code->is_shim;
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

static enum py_result read_once(
	struct py_reader *reader, struct py_thread *thread, uint64_t now_ns, struct py_stack *stack)
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
	/* Marks are frames too: twice the frames bound the steps. */
	for (size_t steps = 0; climb.frame && steps < 2 * PY_MAX_FRAMES; steps++) {
		if (stack->count == PY_MAX_FRAMES) {
			stack->is_cut = true;
			break;
		}
		if (!climb_one(reader, thread, &climb, stack, now_ns))
			return PY_TORN;
	}
	return climb.frame && !stack->is_cut ? PY_TORN : PY_OK;
}

/* What lies outside of chunks now will most likely do so the next time: the root side first. */
static void predict(struct py_reader *reader, struct py_thread *thread)
{
	thread->predicted_count = reader->outside_count;
	for (size_t i = 0; i < reader->outside_count; i++)
		thread->predicted[i] = reader->outside[reader->outside_count - 1 - i];
}

/* A chain cut short ends at another frame than the thread's first; so does a new thread. */
static bool has_known_root(const struct py_thread *thread, const struct py_stack *stack)
{
	return stack->count == 0 || stack->is_cut ||
	       stack->frames[stack->count - 1].code->address == thread->root_code;
}

enum py_result py_read_stack(struct py_reader *reader, struct py_thread *thread, uint64_t now_ns,
	struct py_stack *ret_stack)
{
	enum py_result result = read_once(reader, thread, now_ns, ret_stack);
	uint64_t first_root = 0;
	if (result == PY_OK && !has_known_root(thread, ret_stack)) {
		first_root = ret_stack->frames[ret_stack->count - 1].code->address;
		result = PY_TORN;
	}
	for (int retry = 0; result == PY_TORN && retry < 3; retry++) {
		reader->retries++;
		thread->chunk = thread->cframe = 0;
		thread->predicted_count = 0;
		result = read_once(reader, thread, now_ns, ret_stack);
		if (result != PY_OK || has_known_root(thread, ret_stack))
			continue;
		/* The same other root twice: it is one. */
		uint64_t root = ret_stack->frames[ret_stack->count - 1].code->address;
		if (root != first_root)
			result = PY_TORN;
		first_root = root;
	}
	if (result != PY_OK)
		return result;
	predict(reader, thread);
	if (ret_stack->count > 0 && !ret_stack->is_cut)
		thread->root_code = ret_stack->frames[ret_stack->count - 1].code->address;
	return PY_OK;
}
