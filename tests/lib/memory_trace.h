/*
 * For tests of the library: a sink into memory, and a trace whose every
 * value follows from its index, so that a reader can tell right from wrong without a copy.
 */
#ifndef TESTS_MEMORY_TRACE_H
#define TESTS_MEMORY_TRACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracefmt/tracefmt.h"

#define MAX_TEST_CHUNKS 2000

/* All that a writer handed over, and where each chunk begins. */
struct memory {
	uint8_t *data;
	size_t size;
	size_t starts[MAX_TEST_CHUNKS + 1]; /* the last is the end */
	size_t chunk_count;
	int fail_with; /* what the sink returns instead of taking a chunk; 0: it works */
};

static inline int memory_write(void *context, const void *data, size_t size_bytes)
{
	struct memory *memory = context;

	if (memory->fail_with != 0)
		return memory->fail_with;
	assert_true(memory->chunk_count < MAX_TEST_CHUNKS);
	memory->data = realloc(memory->data, memory->size + size_bytes);
	assert_non_null(memory->data);
	memcpy(memory->data + memory->size, data, size_bytes);
	memory->starts[memory->chunk_count++] = memory->size;
	memory->size += size_bytes;
	memory->starts[memory->chunk_count] = memory->size;
	return 0;
}

static inline struct tfmt_sink memory_sink(struct memory *memory)
{
	return (struct tfmt_sink){.write = memory_write, .context = memory};
}

static inline void memory_release(struct memory *memory)
{
	free(memory->data);
	memset(memory, 0, sizeof(*memory));
}

static inline struct tfmt_header test_header(void)
{
	static const char *const argv[] = {"./prog", "an argument"};

	return (struct tfmt_header){.time_ns = 1000,
		.utc_ns = INT64_C(1700000000000000000),
		.trace_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		.recorder = "test 1",
		.host = "host",
		.boot_id = "boot",
		.os = "Linux 6.1",
		.machine = "x86_64",
		.cwd = "/tmp",
		.argv = argv,
		.argc = 2,
		.cpu_count = 2,
		.memory_bytes = 1 << 30,
		.rate_hz = 999,
		.interval_ns = 100000000};
}

static inline uint32_t test_text(struct tfmt_writer *writer, const char *text)
{
	uint32_t id = 0;

	assert_int_equal(tfmt_writer_intern(writer, text, strlen(text), &id), 0);
	return id;
}

/* Samples of the trace, their stacks and times by index. */
#define TEST_STACKS	  2000u
#define TEST_SAMPLES	  15000u
#define TEST_THREADS	  3u
#define TEST_SAMPLE_NS(i) (UINT64_C(5000000) + (uint64_t)(i)*333333 + (i) % 7)
#define TEST_STACK(i)	  (1 + ((i)*2654435761u >> 8) % TEST_STACKS)
/* Stack s is frame s under stack s / 2. */
#define TEST_PARENT(stack)  ((stack) / 2)
#define TEST_ADDRESS(frame) (0x1000 + (uint64_t)(frame)*16)

/* Write the trace: `chunk_bytes` small makes many chunks. */
static inline void test_write(struct memory *memory, const struct tfmt_writer_options *options)
{
	struct tfmt_header header = test_header();
	struct tfmt_mapping mapping = {.type = TFMT_MAPPING_FILE};
	struct tfmt_process process = {.start_ns = 2000, .pid = 100, .ppid = 1};
	struct tfmt_writer *writer;
	uint32_t id, mapping_id, threads[TEST_THREADS];

	assert_int_equal(tfmt_writer_new(&header, options, memory_sink(memory), &writer, NULL), 0);
	mapping.path = test_text(writer, "/usr/bin/prog");
	assert_int_equal(tfmt_writer_add_mapping(writer, &mapping, &mapping_id), 0);
	assert_int_equal(tfmt_writer_add_process(writer, &process, &id), 0);
	for (uint32_t i = 0; i < TEST_THREADS; i++) {
		struct tfmt_thread thread = {.process = id, .tid = 100 + i, .start_ns = 2000 + i};

		assert_int_equal(tfmt_writer_add_thread(writer, &thread, &threads[i]), 0);
	}
	for (uint32_t i = 1; i <= TEST_STACKS; i++) {
		struct tfmt_frame frame = {.mapping = mapping_id, .address = TEST_ADDRESS(i)};
		struct tfmt_stack stack = {.parent = TEST_PARENT(i)};

		assert_int_equal(tfmt_writer_add_frame(writer, &frame, &stack.frame), 0);
		assert_int_equal(stack.frame, i);
		assert_int_equal(tfmt_writer_add_stack(writer, &stack, &id), 0);
		assert_int_equal(id, i);
	}
	for (uint32_t i = 0; i < TEST_SAMPLES; i++) {
		struct tfmt_sample sample = {.time_ns = TEST_SAMPLE_NS(i),
			.weight_ns = 1000000,
			.thread = threads[i % TEST_THREADS],
			.stack = TEST_STACK(i),
			.state = i % 50 ? TFMT_STATE_RUNNING : TFMT_STATE_BLOCKED,
			.syscall = i % 50 ? 0 : 1 + i % 300};

		assert_int_equal(tfmt_writer_sample(writer, &sample), 0);
	}
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
}

#endif
