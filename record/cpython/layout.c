#include "cpython/layout.h"

#include <string.h>

#include "tracefmt/error.h"

/* Of all versions with a GIL. */
#define COMMON_FIELDS                                                                              \
	.chunk_previous = 0, .chunk_size = 8, .chunk_top = 16, .chunk_data = 24, .object_type = 8, \
	.type_name = 24, .text_length = 16, .text_state = 32, .bytes_size = 16, .bytes_data = 32,  \
	.dict_keys = 32, .dict_values = 40

/* Texts lost their wide characters' pointer in 3.12. */
#define LONG_TEXT_FIELDS  .text_ascii = 48, .text_other = 72
#define SHORT_TEXT_FIELDS .text_ascii = 40, .text_other = 56

static const struct py_layout layouts[] = {
	{
		COMMON_FIELDS,
		LONG_TEXT_FIELDS,
		.minor = 8,
		.instruction = PY_INSTRUCTION_BYTES,
		.runtime_interpreters_head = 32,
		.runtime_gil_holder = 1160,
		.runtime_gil_locked = 1168,
		.runtime_gc_collecting = 544,
		.interpreter_next = 0,
		.interpreter_id = 16,
		.interpreter_threads = 8,
		.interpreter_modules = 56,
		.thread_bytes = 184,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 24,
		.thread_id = 176,
		.frame_bytes = 120,
		.frame_previous = 24,
		.frame_code = 32,
		.frame_instruction = 104,
		.code_bytes = 128,
		.code_filename = 104,
		.code_name = 112,
		.code_lines = 120,
		.code_first_line = 40,
	},
	{
		COMMON_FIELDS,
		LONG_TEXT_FIELDS,
		.minor = 9,
		.instruction = PY_INSTRUCTION_BYTES,
		.runtime_interpreters_head = 32,
		.runtime_gil_holder = 360,
		.runtime_gil_locked = 368,
		.interpreter_next = 0,
		.interpreter_id = 24,
		.interpreter_threads = 8,
		.interpreter_modules = 856,
		.interpreter_gc_collecting = 816,
		.thread_bytes = 184,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 24,
		.thread_id = 176,
		.frame_bytes = 120,
		.frame_previous = 24,
		.frame_code = 32,
		.frame_instruction = 104,
		.code_bytes = 128,
		.code_filename = 104,
		.code_name = 112,
		.code_lines = 120,
		.code_first_line = 40,
	},
	{
		COMMON_FIELDS,
		LONG_TEXT_FIELDS,
		.minor = 10,
		.instruction = PY_INSTRUCTION_UNITS,
		.runtime_interpreters_head = 32,
		.runtime_gil_holder = 360,
		.runtime_gil_locked = 368,
		.interpreter_next = 0,
		.interpreter_id = 24,
		.interpreter_threads = 8,
		.interpreter_modules = 856,
		.interpreter_gc_collecting = 816,
		.thread_bytes = 184,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_frame = 24,
		.thread_cframe = 48,
		.cframe_previous = 8,
		.thread_id = 176,
		.frame_bytes = 112,
		.frame_previous = 24,
		.frame_code = 32,
		.frame_instruction = 96,
		.code_bytes = 128,
		.code_filename = 104,
		.code_name = 112,
		.code_lines = 120,
		.code_first_line = 40,
	},
	{
		COMMON_FIELDS,
		LONG_TEXT_FIELDS,
		.minor = 11,
		.instruction = PY_INSTRUCTION_POINTER,
		.runtime_interpreters_head = 40,
		.runtime_gil_holder = 368,
		.runtime_gil_locked = 376,
		.interpreter_next = 0,
		.interpreter_id = 48,
		.interpreter_threads = 16,
		.interpreter_modules = 888,
		.interpreter_gc_collecting = 848,
		.thread_bytes = 304,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_cframe = 56,
		.cframe_current = 8,
		.cframe_previous = 16,
		.thread_id = 152,
		.thread_native_id = 160,
		.thread_chunk = 296,
		.frame_bytes = 80,
		.frame_previous = 48,
		.frame_code = 32,
		.frame_instruction = 56,
		.frame_owner = 69,
		.frame_is_entry = 68,
		.code_bytes = 184,
		.code_filename = 112,
		.code_name = 120,
		.code_qualname = 128,
		.code_lines = 136,
		.code_first_line = 72,
		.code_instructions = 184,
	},
	{
		COMMON_FIELDS,
		SHORT_TEXT_FIELDS,
		.minor = 12,
		.instruction = PY_INSTRUCTION_POINTER,
		.runtime_interpreters_head = 40,
		.interpreter_next = 0,
		.interpreter_id = 8,
		.interpreter_threads = 72,
		.interpreter_modules = 944,
		.interpreter_gc_collecting = 312,
		.interpreter_gil = 384,
		.gil_holder = 8,
		.gil_locked = 16,
		.thread_bytes = 240,
		.thread_next = 8,
		.thread_interpreter = 16,
		.thread_cframe = 56,
		.cframe_current = 0,
		.cframe_previous = 8,
		.thread_id = 136,
		.thread_native_id = 144,
		.thread_chunk = 232,
		.frame_bytes = 80,
		.frame_previous = 8,
		.frame_code = 0,
		.frame_instruction = 56,
		.frame_owner = 70,
		.code_bytes = 192,
		.code_filename = 112,
		.code_name = 120,
		.code_qualname = 128,
		.code_lines = 136,
		.code_first_line = 68,
		.code_instructions = 192,
	},
};

const struct py_layout *py_layout_of(unsigned minor)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].minor == minor)
			return &layouts[i];
	return NULL;
}

/* ---- _Py_DebugOffsets ---- */

/*
 * The groups of 64-bit numbers after cookie, version and flag, in the order of the structure, each
 * with the position of the numbers wanted. Groups differ in length between minor versions.
 */
struct position {
	uint8_t group_size[12]; /* numbers in: runtime, interpreter, thread, exception item, frame,
				   code, object, type, heap type, tuple, list, set */
	uint8_t dict_size, float_size, long_size, bytes_size, text_size; /* and after those */
	/* Of fields within their groups. */
	uint8_t gc, gil, gil_state, gil_locked, gil_holder, modules, generation; /* interpreter */
	uint8_t thread_id, native_id, chunk;					 /* thread */
};

#define NO_FIELD 255

static const struct position positions[] = {
	{
		/* 3.13 */
		.group_size = {3, 13, 9, 0, 6, 10, 2, 4, 0, 3, 3, 0},
		.dict_size = 3,
		.float_size = 2,
		.long_size = 3,
		.bytes_size = 3,
		.text_size = 4,
		.gc = 4,
		.modules = 5,
		.gil = 8,
		.gil_state = 9,
		.gil_locked = 11,
		.gil_holder = 12,
		.generation = NO_FIELD,
		.thread_id = 5,
		.native_id = 6,
		.chunk = 7,
	},
	{
		/* 3.14 */
		.group_size = {3, 16, 9, 0, 8, 11, 2, 4, 0, 3, 3, 4},
		.dict_size = 3,
		.float_size = 2,
		.long_size = 3,
		.bytes_size = 3,
		.text_size = 4,
		.gc = 5,
		.modules = 6,
		.gil = 9,
		.gil_state = 10,
		.gil_locked = 12,
		.gil_holder = 13,
		.generation = 14,
		.thread_id = 5,
		.native_id = 6,
		.chunk = 7,
	},
	{
		/* 3.15 */
		.group_size = {3, 16, 16, 1, 8, 11, 2, 6, 2, 3, 3, 4},
		.dict_size = 3,
		.float_size = 2,
		.long_size = 3,
		.bytes_size = 3,
		.text_size = 5,
		.gc = 5,
		.modules = 6,
		.gil = 9,
		.gil_state = 10,
		.gil_locked = 12,
		.gil_holder = 13,
		.generation = 14,
		.thread_id = 8,
		.native_id = 9,
		.chunk = 10,
	},
};

enum group {
	RUNTIME,
	INTERPRETER,
	THREAD,
	EXCEPTION,
	FRAME,
	CODE,
	OBJECT,
	TYPE,
	HEAP_TYPE,
	TUPLE,
	LIST,
	SET
};

#define HEAD_NUMBERS 3
#define MAX_OFFSET   (1u << 20)

struct numbers {
	uint64_t values[PY_DEBUG_OFFSETS_BYTES / 8];
	bool is_wrong; /* an offset beyond all sense was met */
};

static uint32_t take(struct numbers *numbers, size_t index)
{
	uint64_t value = index < PY_DEBUG_OFFSETS_BYTES / 8 ? numbers->values[index] : MAX_OFFSET;
	if (value >= MAX_OFFSET)
		numbers->is_wrong = true;
	return (uint32_t)value;
}

static size_t group_start(const struct position *position, int group)
{
	size_t start = HEAD_NUMBERS;
	for (int i = 0; i < group; i++)
		start += position->group_size[i];
	return start;
}

static uint32_t greater(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void fill_interpreter(
	struct py_layout *layout, struct numbers *numbers, const struct position *position)
{
	size_t at = group_start(position, INTERPRETER);
	uint32_t gil_state = take(numbers, at + position->gil_state);
	layout->interpreter_id = take(numbers, at + 1);
	layout->interpreter_next = take(numbers, at + 2);
	layout->interpreter_threads = take(numbers, at + 3);
	layout->interpreter_gc_collecting = take(numbers, at + position->gc);
	layout->interpreter_modules = take(numbers, at + position->modules);
	layout->interpreter_gil = take(numbers, at + position->gil);
	layout->gil_locked = take(numbers, at + position->gil_locked) - gil_state;
	layout->gil_holder = take(numbers, at + position->gil_holder) - gil_state;
	if (position->generation != NO_FIELD)
		layout->interpreter_code_generation = take(numbers, at + position->generation);
	if (layout->gil_locked >= 4096 || layout->gil_holder >= 4096)
		numbers->is_wrong = true;
}

static void fill_thread(
	struct py_layout *layout, struct numbers *numbers, const struct position *position)
{
	size_t at = group_start(position, THREAD);
	layout->thread_next = take(numbers, at + 2);
	layout->thread_interpreter = take(numbers, at + 3);
	layout->thread_frame = take(numbers, at + 4);
	layout->thread_id = take(numbers, at + position->thread_id);
	layout->thread_native_id = take(numbers, at + position->native_id);
	layout->thread_chunk = take(numbers, at + position->chunk);
	layout->thread_bytes = 8 + greater(greater(layout->thread_native_id, layout->thread_chunk),
					   greater(layout->thread_frame, layout->thread_id));
}

static void fill_frame_and_code(
	struct py_layout *layout, struct numbers *numbers, const struct position *position)
{
	size_t frame = group_start(position, FRAME), code = group_start(position, CODE);
	layout->frame_previous = take(numbers, frame + 1);
	layout->frame_code = take(numbers, frame + 2);
	layout->frame_instruction = take(numbers, frame + 3);
	layout->frame_bytes = take(numbers, frame + 4); /* the local variables begin there */
	layout->frame_owner = take(numbers, frame + 5);
	layout->code_filename = take(numbers, code + 1);
	layout->code_name = take(numbers, code + 2);
	layout->code_qualname = take(numbers, code + 3);
	layout->code_lines = take(numbers, code + 4);
	layout->code_first_line = take(numbers, code + 5);
	layout->code_instructions = take(numbers, code + 9);
	layout->code_bytes = layout->code_instructions;
}

static void fill_objects(
	struct py_layout *layout, struct numbers *numbers, const struct position *position)
{
	size_t dict = group_start(position, SET) + position->group_size[SET];
	size_t bytes = dict + position->dict_size + position->float_size + position->long_size;
	size_t text = bytes + position->bytes_size;
	size_t gc = text + position->text_size;
	layout->object_type = take(numbers, group_start(position, OBJECT) + 1);
	layout->type_name = take(numbers, group_start(position, TYPE) + 1);
	layout->dict_keys = take(numbers, dict + 1);
	layout->dict_values = take(numbers, dict + 2);
	layout->bytes_size = take(numbers, bytes + 1);
	layout->bytes_data = take(numbers, bytes + 2);
	layout->text_state = take(numbers, text + 1);
	layout->text_length = take(numbers, text + 2);
	layout->text_ascii = take(numbers, text + 3);
	layout->text_other = layout->text_ascii + 16; /* utf8_length and utf8 follow */
	layout->interpreter_gc_collecting += take(numbers, gc + 1);
}

/* What is read in one piece must be of a size that structures have. */
static bool makes_sense(const struct py_layout *layout)
{
	const struct py_layout *l = layout;
	return l->thread_bytes <= 1024 && l->frame_bytes >= 32 && l->frame_bytes <= 256 &&
	       l->frame_previous + 8 <= l->frame_bytes && l->frame_code + 8 <= l->frame_bytes &&
	       l->frame_instruction + 8 <= l->frame_bytes && l->frame_owner < l->frame_bytes &&
	       l->code_bytes >= 64 && l->code_bytes <= 512 &&
	       l->code_filename + 8 <= l->code_bytes && l->code_name + 8 <= l->code_bytes &&
	       l->code_qualname + 8 <= l->code_bytes && l->code_lines + 8 <= l->code_bytes &&
	       l->code_first_line + 4 <= l->code_bytes && l->object_type + 8 <= l->code_bytes &&
	       l->text_length + 8 <= l->text_ascii && l->text_state + 4 <= l->text_ascii &&
	       l->text_ascii <= 128 && l->bytes_size + 8 <= l->bytes_data && l->bytes_data <= 128;
}

int py_layout_from_debug_offsets(
	const uint8_t *bytes, struct py_layout *ret_layout, uint32_t *ret_version)
{
	struct numbers numbers = {0};
	if (memcmp(bytes, "xdebugpy", 8) != 0)
		return TFMT_E_FORMAT;
	memcpy(numbers.values, bytes, sizeof(numbers.values));
	uint64_t version = numbers.values[1];
	unsigned minor = version >> 16 & 0xff;
	if (version >> 24 != 3 || minor < 13)
		return TFMT_E_FORMAT;
	if (numbers.values[2] != 0)
		return TFMT_E_UNSUPPORTED;
	const struct position *position =
		&positions[(minor < PY_NEWEST_MINOR ? minor : PY_NEWEST_MINOR) - 13];
	struct py_layout layout = {
		.minor = minor,
		.instruction = PY_INSTRUCTION_POINTER,
		.frame_code_tags = minor >= 14 ? 3 : 0,
		/* Not stated, and the same in all versions. */
		.chunk_previous = 0,
		.chunk_size = 8,
		.chunk_top = 16,
		.chunk_data = 24,
	};
	layout.runtime_interpreters_head = take(&numbers, HEAD_NUMBERS + 2);
	fill_interpreter(&layout, &numbers, position);
	fill_thread(&layout, &numbers, position);
	fill_frame_and_code(&layout, &numbers, position);
	fill_objects(&layout, &numbers, position);
	if (numbers.is_wrong || !makes_sense(&layout))
		return TFMT_E_FORMAT;
	*ret_layout = layout;
	*ret_version = (uint32_t)version;
	return 0;
}
