/*
 * Python stacks from memory that is no Python's: random words, pointers in circles, memory that
 * ends anywhere. Nothing that is found there may crash the recorder or hold it up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/cpython/names.h"
#include "record/cpython/stack.h"
#include "record/cpython/threads.h"

/* ---- hostile memory ---- */

enum manner {
	RANDOM,	   /* any words */
	POINTERS,  /* words that point to other words of it */
	CIRCLES,   /* every word points to itself, or a little further */
	PLAUSIBLE, /* code objects of the right type all over */
	MANNERS
};

#define BASE	     0x7f0000000000ull
#define CODE_TYPE    (BASE + 0x1000)
#define THREAD	     (BASE + 0x2000)
#define MEMORY_LIMIT (1ull << 22)

struct hostile {
	struct py_memory memory;
	enum manner manner;
	uint64_t seed;
	uint64_t reads_left; /* then nothing can be read any more */
	const struct py_layout *layout;
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

#define FRAMES (MEMORY_LIMIT / 2) /* from there on, in plausible memory; objects before */

static uint64_t block(uint64_t start, uint64_t random)
{
	return BASE + start + random % FRAMES / 256 * 256;
}

/* Objects are all code, text and bytes at once; frames run them, in chains that end anywhere. */
static uint64_t plausible_word(const struct hostile *hostile, uint64_t address, uint64_t random)
{
	const struct py_layout *layout = hostile->layout;
	uint64_t field = address % 256;
	if (address >= BASE + FRAMES) {
		uint64_t code = block(0, mix(address / 256));
		if (field == layout->frame_code)
			return code;
		if (field == layout->frame_previous)
			return random % 8 ? block(FRAMES, random / 8) : 0;
		if (field == layout->frame_instruction)
			return layout->instruction == PY_INSTRUCTION_POINTER
				       ? code + layout->code_instructions + random % 16
				       : random % 16;
		return random % 4 ? 0 : random;
	}
	if (address - THREAD < 1024)
		return block(address == THREAD + layout->thread_interpreter ? 0 : FRAMES, random);
	if (field == layout->object_type)
		return CODE_TYPE;
	if (field == layout->text_length)
		return 8 + random % 8;
	if (field == layout->text_state)
		return 0x64;
	return block(random % 8 ? 0 : FRAMES, random / 8);
}

static uint64_t word_at(const struct hostile *hostile, uint64_t address)
{
	uint64_t random = mix(hostile->seed ^ address);
	if (hostile->manner == PLAUSIBLE)
		return plausible_word(hostile, address, random);
	/* It changes while it is read. */
	random = mix(random ^ hostile->memory.read_count / 64 << 48);
	uint64_t pointer = BASE + random % MEMORY_LIMIT / 16 * 16;
	switch (hostile->manner) {
	case POINTERS:
		return random % 8 ? pointer : random % 4096;
	case CIRCLES:
		return address + random % 4 * 16;
	default:
		return random;
	}
}

static size_t read_hostile(struct py_memory *memory, const struct py_range *ranges, size_t count)
{
	struct hostile *hostile = (struct hostile *)memory;
	memory->read_count++;
	for (size_t i = 0; i < count; i++) {
		uint8_t *bytes = ranges[i].bytes;
		if (ranges[i].address - BASE >= MEMORY_LIMIT || hostile->reads_left == 0)
			return i;
		hostile->reads_left--;
		for (size_t at = 0; at < ranges[i].size; at += 8) {
			uint64_t word = word_at(hostile, ranges[i].address + at);
			size_t rest = ranges[i].size - at;
			memcpy(bytes + at, &word, rest < 8 ? rest : 8);
		}
	}
	return count;
}

/* Returns: how many frames were believed. */
static size_t look(struct hostile *hostile, const struct py_runtime *runtime)
{
	struct py_thread_state *states = NULL;
	struct py_stack stack;
	char name[64];
	size_t believed = 0;
	struct py_codes *codes = py_codes_new(&hostile->memory, runtime);
	struct py_reader *reader = py_reader_new(&hostile->memory, runtime, codes);
	assert_non_null(reader);
	struct py_thread thread = {.address = THREAD};
	for (uint64_t i = 0; i < 20; i++) {
		/* The only check of a thread state is that it names its interpreter. */
		uint64_t at = thread.address + runtime->layout.thread_interpreter;
		thread.interpreter = word_at(hostile, at);
		enum py_result result =
			py_read_stack(reader, &thread, 1000000000 * (i + 1), &stack);
		assert_true(stack.count <= PY_MAX_FRAMES || result != PY_OK);
		hostile->seed += result != PY_OK;
		believed += result == PY_OK ? stack.count : 0;
	}
	long count = py_scan_threads(&hostile->memory, runtime, &states);
	assert_true(count <= PY_MAX_THREADS);
	if (count >= 0)
		free(states);
	py_read_thread_name(&hostile->memory, &runtime->layout, BASE, 4711, name, sizeof(name));
	py_reader_free(reader);
	py_codes_free(codes);
	return believed;
}

/* The offsets of a 3.14 build, as it states them. */
static void state_offsets(struct py_layout *ret_layout)
{
	static const uint64_t numbers[] = {0, 0x030e02f0, 0, 0, 0, 808,
		/* interpreter */ 0, 7280, 7272, 7344, 7352, 7600 - 264, 7688, 7696, 0, 24, 0, 8,
		16, 8, 3000, 3008,
		/* thread */ 0, 0, 8, 16, 72, 152, 160, 232, 32,
		/* frame */ 88, 8, 0, 56, 80, 74, 64, 72,
		/* code */ 0, 112, 120, 128, 136, 68, 0, 0, 0, 208, 0,
		/* object, type, tuple, list, set */ 0, 8, 0, 24, 88, 168, 0, 16, 32, 0, 24, 16, 0,
		0, 0, 0,
		/* dict, float, long, bytes, text, gc */ 0, 32, 40, 0, 16, 0, 16, 24, 0, 16, 32, 0,
		32, 16, 40, 0, 264};
	uint8_t bytes[PY_DEBUG_OFFSETS_BYTES] = {0};
	uint32_t version;
	memcpy(bytes, numbers, sizeof(numbers));
	memcpy(bytes, "xdebugpy", 8);
	assert_int_equal(py_layout_from_debug_offsets(bytes, ret_layout, &version), 0);
	assert_int_equal(version, 0x030e02f0);
	/* A newer one is read as the newest known; what it states must make sense all the same. */
	bytes[10] = 40;
	struct py_layout newer;
	int code = py_layout_from_debug_offsets(bytes, &newer, &version);
	assert_true(code != 0 || newer.minor == 40);
}

static void hostile_memory(void **unused)
{
	size_t believed[MANNERS] = {0};
	for (unsigned minor = 8; minor <= 14; minor++) {
		struct py_runtime runtime = {.address = BASE + 0x8000, .code_type = CODE_TYPE};
		if (minor == 13)
			continue;
		if (minor == 14)
			state_offsets(&runtime.layout);
		else
			runtime.layout = *py_layout_of(minor);
		for (uint64_t seed = 0; seed < 12; seed++) {
			for (enum manner manner = RANDOM; manner < MANNERS; manner++) {
				struct hostile hostile = {
					.memory = {.read = read_hostile, .pid = getpid(), .fd = -1},
					.manner = manner,
					.seed = seed,
					.reads_left = seed % 3 ? 1000000 : seed * 7,
					.layout = &runtime.layout,
				};
				believed[manner] += look(&hostile, &runtime);
			}
		}
	}
	assert_int_equal(believed[RANDOM], 0);
	assert_int_equal(believed[CIRCLES], 0);
	assert_true(believed[PLAUSIBLE] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
