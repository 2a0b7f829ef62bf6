/* The reader on whole, cut, damaged, joined and foreign input. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <zstd.h>

#include "tests/lib/memory_trace.h"

#define CUTS 500

static const struct tfmt_writer_options small = {.chunk_bytes = 1024};

/* What came out of a trace of test_write(). */
struct seen {
	size_t samples;
	size_t lost;   /* samples whose stack has a lost part */
	size_t tables; /* rows, without repeated ones */
};

/* Whether a stack is as it was written, down to its root. */
static bool stack_is_original(const struct tfmt_trace *trace, uint32_t id)
{
	while (id != 0) {
		const struct tfmt_stack *stack = tfmt_trace_stack(trace, id);
		const struct tfmt_frame *frame = tfmt_trace_frame(trace, stack->frame);
		struct tfmt_location location;

		tfmt_trace_locations(trace, stack->frame, &location, 1);
		if (stack->frame != id || frame->address != TEST_ADDRESS(id) ||
			strcmp(location.module, "/usr/bin/prog") != 0) {
			/* Then it must say so. */
			assert_true(strcmp(location.function, "[lost]") == 0 ||
				    strcmp(location.module, "[lost]") == 0);
			return false;
		}
		if (stack->parent != TEST_PARENT(id)) {
			fail_msg("stack %u has parent %u", id, stack->parent);
			return false;
		}
		id = stack->parent;
	}
	return true;
}

/* Every sample is one that was written, in order. */
static struct seen read_all(struct tfmt_reader *reader)
{
	const struct tfmt_trace *trace = tfmt_reader_trace(reader);
	const struct tfmt_batch *batch;
	struct seen seen = {0};
	uint32_t next = 0;
	int status;

	while ((status = tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL)) > 0) {
		if (batch->kind != TFMT_SAMPLE) {
			seen.tables += batch->is_repeat ? 0 : batch->count;
			continue;
		}
		for (size_t i = 0; i < batch->count; i++) {
			const struct tfmt_sample *sample = &batch->samples[i];

			while (next < TEST_SAMPLES && TEST_SAMPLE_NS(next) != sample->time_ns)
				next++;
			assert_true(next < TEST_SAMPLES);
			assert_int_equal(sample->weight_ns, 1000000);
			assert_int_equal(sample->syscall, next % 50 ? 0 : 1 + next % 300);
			if (!stack_is_original(trace, sample->stack))
				seen.lost++;
			else
				assert_int_equal(sample->stack, TEST_STACK(next));
			seen.samples++;
			next++;
		}
	}
	assert_int_equal(status, 0);
	return seen;
}

static struct tfmt_reader *open_memory(const void *data, size_t size)
{
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err = {0};

	if (tfmt_reader_open_memory(data, size, &reader, &err) != 0)
		fail_msg("%s", err.message);
	return reader;
}

static void a_whole_trace_comes_back(void **state)
{
	struct memory memory = {0};
	struct tfmt_reader *reader;
	const struct tfmt_header *header;
	struct tfmt_header expected = test_header();
	struct seen seen;

	test_write(&memory, &small);
	reader = open_memory(memory.data, memory.size);
	header = tfmt_reader_header(reader);
	assert_int_equal(header->time_ns, expected.time_ns);
	assert_int_equal(header->utc_ns, expected.utc_ns);
	assert_memory_equal(header->trace_id, expected.trace_id, 16);
	assert_string_equal(header->recorder, expected.recorder);
	assert_string_equal(header->cwd, expected.cwd);
	assert_int_equal(header->argc, 2);
	assert_string_equal(header->argv[1], "an argument");
	assert_int_equal(header->rate_hz, 999);
	for (int pass = 0; pass < 3; pass++) {
		seen = read_all(reader);
		assert_int_equal(seen.samples, TEST_SAMPLES);
		assert_int_equal(seen.lost, 0);
		assert_int_equal(seen.tables, 2 * TEST_STACKS + 1 + 1 + 1 + TEST_THREADS);
		assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
		assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	}
	assert_int_equal(tfmt_trace_count(tfmt_reader_trace(reader), TFMT_STACK), TEST_STACKS);
	tfmt_reader_free(reader);
	memory_release(&memory);
}

/* How many samples each chunk of a trace holds. */
static size_t *samples_by_chunk(const struct memory *memory)
{
	struct tfmt_reader *reader = open_memory(memory->data, memory->size);
	size_t *samples = calloc(memory->chunk_count, sizeof(*samples));
	const struct tfmt_batch *batch;

	assert_non_null(samples);
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SAMPLE), &batch, NULL) > 0)
		samples[batch->sequence] = batch->count;
	tfmt_reader_free(reader);
	return samples;
}

static void a_cut_trace_gives_its_whole_chunks(void **state)
{
	struct memory memory = {0};
	size_t header_end, whole = 0, expected = 0;
	size_t *samples;

	test_write(&memory, &small);
	samples = samples_by_chunk(&memory);
	header_end = memory.starts[1];
	for (size_t i = 0; i < CUTS; i++) {
		size_t size = header_end + (memory.size - header_end) * i / CUTS;
		uint8_t *copy = malloc(size);
		struct tfmt_reader *reader;
		struct seen seen;

		while (memory.starts[whole + 1] <= size)
			expected += samples[whole++];
		assert_non_null(copy);
		memcpy(copy, memory.data, size);
		reader = open_memory(copy, size);
		assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
		seen = read_all(reader);
		assert_int_equal(seen.samples, expected);
		assert_int_equal(seen.lost, 0);
		assert_false(tfmt_reader_damage(reader)->has_end);
		assert_true(tfmt_damage_any(tfmt_reader_damage(reader)));
		assert_int_equal(tfmt_reader_damage(reader)->lost_chunks, 0);
		tfmt_reader_free(reader);
		free(copy);
	}
	free(samples);
	memory_release(&memory);
}

/* One flipped bit in each chunk: that chunk is lost, alone, and what referred to it says so. */
static void a_flipped_bit_costs_one_chunk(void **state)
{
	struct memory memory = {0};
	size_t harmless = 0;
	size_t *samples;

	test_write(&memory, &small);
	samples = samples_by_chunk(&memory);
	for (size_t i = 0; i < memory.chunk_count; i++) {
		size_t begin = memory.starts[i], size = memory.starts[i + 1] - begin;
		size_t at = begin + size * (i % 97) / 97;
		const struct tfmt_damage *damage;
		struct tfmt_reader *reader;
		struct seen seen;

		memory.data[at] ^= (uint8_t)(1u << i % 8);
		reader = open_memory(memory.data, memory.size);
		assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
		seen = read_all(reader);
		damage = tfmt_reader_damage(reader);
		memory.data[at] ^= (uint8_t)(1u << i % 8);
		if (!tfmt_damage_any(damage)) {
			/* A bit that zstd does not use. */
			assert_int_equal(seen.samples, TEST_SAMPLES);
			assert_int_equal(seen.lost, 0);
			harmless++;
			tfmt_reader_free(reader);
			continue;
		}
		assert_int_equal(seen.samples, TEST_SAMPLES - samples[i]);
		assert_int_equal(damage->skipped_bytes, size);
		assert_int_equal(damage->first_offset, begin);
		assert_int_equal(damage->has_begin, i != 0);
		assert_int_equal(damage->has_end, i + 1 != memory.chunk_count);
		if (i != 0 && i + 1 != memory.chunk_count)
			assert_int_equal(damage->lost_chunks, 1);
		if (seen.lost > 0)
			assert_true(damage->lost_ids > 0);
		tfmt_reader_free(reader);
	}
	assert_true(harmless < memory.chunk_count / 10);
	free(samples);
	memory_release(&memory);
}

/* Cut at the front: a checkpoint brings back the header and all tables. */
static void a_trace_without_its_front_is_read(void **state)
{
	struct memory memory = {0};
	size_t cut;
	struct tfmt_reader *reader;
	struct seen seen;

	test_write(
		&memory, &(struct tfmt_writer_options){.chunk_bytes = 4096, .checkpoint_bytes = 1});
	cut = memory.size / 3;
	reader = open_memory(memory.data + cut, memory.size - cut);
	assert_string_equal(tfmt_reader_header(reader)->recorder, "test 1");
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	seen = read_all(reader);
	assert_true(seen.samples > TEST_SAMPLES / 3 && seen.samples < TEST_SAMPLES);
	assert_int_equal(seen.lost, 0);
	assert_false(tfmt_reader_damage(reader)->has_begin);
	assert_true(tfmt_reader_damage(reader)->has_end);
	tfmt_reader_free(reader);
	/* Repeated tables must not count twice in a whole one. */
	reader = open_memory(memory.data, memory.size);
	assert_int_equal(read_all(reader).tables, 2 * TEST_STACKS + 3 + TEST_THREADS);
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
	tfmt_reader_free(reader);
	memory_release(&memory);
}

static void joined_traces_are_read_one_by_one(void **state)
{
	struct memory memory = {0};
	struct tfmt_reader *reader;

	for (int i = 0; i < 3; i++)
		test_write(&memory, NULL);
	reader = open_memory(memory.data, memory.size);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
		assert_int_equal(read_all(reader).samples, TEST_SAMPLES);
		assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
		assert_int_equal(tfmt_reader_next_trace(reader, NULL), i < 2);
	}
	tfmt_reader_free(reader);
	memory_release(&memory);
}

static void skippable_frames_mean_nothing(void **state)
{
	static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3};
	struct memory memory = {0};
	struct tfmt_reader *reader;
	uint8_t *copy;
	size_t cut;

	test_write(&memory, NULL);
	cut = memory.starts[3];
	copy = malloc(memory.size + 2 * sizeof(skippable));
	assert_non_null(copy);
	memcpy(copy, memory.data, cut);
	memcpy(copy + cut, skippable, sizeof(skippable));
	memcpy(copy + cut + sizeof(skippable), memory.data + cut, memory.size - cut);
	memcpy(copy + memory.size + sizeof(skippable), skippable, sizeof(skippable));
	reader = open_memory(copy, memory.size + 2 * sizeof(skippable));
	assert_int_equal(read_all(reader).samples, TEST_SAMPLES);
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
	tfmt_reader_free(reader);
	free(copy);
	memory_release(&memory);
}

static void expect_refusal(const void *data, size_t size, const char *words)
{
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err = {0};

	assert_int_equal(tfmt_reader_open_memory(data, size, &reader, &err), TFMT_E_FORMAT);
	assert_null(reader);
	assert_int_equal(err.code, TFMT_E_FORMAT);
	if (!strstr(err.message, words))
		fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static void foreign_input_is_refused(void **state)
{
	uint8_t packed[200];
	size_t size = ZSTD_compress(packed, sizeof(packed), "hello, world", 12, 1);

	expect_refusal("", 0, "empty");
	expect_refusal("\x7f"
		       "ELF and so on",
		14, "not a trace");
	expect_refusal("\xd9\xd9\xf7\xa1", 4, "unpacked");
	expect_refusal(packed, size, "zstd");
	expect_refusal("\x28\xb5\x2f\xfd", 4, "zstd");
}

static void memory_insert(struct memory *memory, size_t at, const void *data, size_t size)
{
	memory->data = realloc(memory->data, memory->size + size);
	assert_non_null(memory->data);
	memmove(memory->data + at + size, memory->data + at, memory->size - at);
	memcpy(memory->data + at, data, size);
	memory->size += size;
}

/* A pipe that a thread fills while it is read. */
struct feeder {
	int fd;
	const struct memory *memory;
};

static void *feed(void *context)
{
	const struct feeder *feeder = context;
	size_t done = 0;

	while (done < feeder->memory->size) {
		ssize_t written =
			write(feeder->fd, feeder->memory->data + done, feeder->memory->size - done);

		if (written <= 0)
			break;
		done += (size_t)written;
	}
	close(feeder->fd);
	return NULL;
}

static void read_pipe(const struct memory *memory, bool with_scan)
{
	int ends[2];
	struct feeder feeder = {.memory = memory};
	struct tfmt_reader *reader;
	pthread_t thread;

	assert_int_equal(pipe(ends), 0);
	feeder.fd = ends[1];
	assert_int_equal(pthread_create(&thread, NULL, feed, &feeder), 0);
	assert_int_equal(tfmt_reader_open_fd(ends[0], &reader, NULL), 0);
	if (with_scan)
		assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	assert_int_equal(read_all(reader).samples, TEST_SAMPLES);
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
	/* Once passed, a pipe is gone, unless it was kept from the start. */
	assert_int_equal(tfmt_reader_scan(reader, NULL), with_scan ? 0 : TFMT_E_UNSUPPORTED);
	tfmt_reader_free(reader);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(ends[0]);
}

static void pipes_and_files_are_read(void **state)
{
	static uint8_t skippable[4u << 20] = {0x50, 0x2a, 0x4d, 0x18};
	const uint32_t skipped = sizeof(skippable) - 8;
	struct memory memory = {0};
	struct tfmt_reader *reader;
	FILE *file = tmpfile();

	test_write(&memory, &(struct tfmt_writer_options){.chunk_bytes = 4096, .level = -5});
	/* Longer than any window. */
	memcpy(skippable + 4, &skipped, sizeof(skipped));
	memory_insert(&memory, memory.starts[2], skippable, sizeof(skippable));
	read_pipe(&memory, false);
	read_pipe(&memory, true);
	assert_non_null(file);
	/* From the place where the file stands. */
	assert_int_equal(fwrite("prefix", 1, 6, file), 6);
	assert_int_equal(fwrite(memory.data, 1, memory.size, file), memory.size);
	fflush(file);
	assert_int_equal(lseek(fileno(file), 6, SEEK_SET), 6);
	assert_int_equal(tfmt_reader_open_fd(fileno(file), &reader, NULL), 0);
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	assert_int_equal(read_all(reader).samples, TEST_SAMPLES);
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
	tfmt_reader_free(reader);
	fclose(file);
	memory_release(&memory);
}

static void an_unreadable_source_is_an_error(void **state)
{
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err = {0};
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	assert_int_equal(tfmt_reader_open_fd(fd, &reader, &err), TFMT_E_IO);
	assert_int_not_equal(err.saved_errno, 0);
	assert_null(reader);
	close(fd);
}

static void damage_is_described(void **state)
{
	struct tfmt_damage damage = {.has_begin = true, .has_end = true};
	char text[200], tiny[8];

	tfmt_damage_describe(&damage, text, sizeof(text));
	assert_string_equal(text, "nothing is missing");
	damage.has_end = false;
	damage.lost_chunks = 1;
	damage.skipped_bytes = 12;
	damage.first_offset = 99;
	tfmt_damage_describe(&damage, text, sizeof(text));
	assert_string_equal(
		text, "cut before its end, 1 chunk lost, 12 bytes skipped, first at byte 99");
	tfmt_damage_describe(&damage, tiny, sizeof(tiny));
	assert_string_equal(tiny, "cut bef");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_trace_comes_back),
		cmocka_unit_test(a_cut_trace_gives_its_whole_chunks),
		cmocka_unit_test(a_flipped_bit_costs_one_chunk),
		cmocka_unit_test(a_trace_without_its_front_is_read),
		cmocka_unit_test(joined_traces_are_read_one_by_one),
		cmocka_unit_test(skippable_frames_mean_nothing),
		cmocka_unit_test(foreign_input_is_refused),
		cmocka_unit_test(pipes_and_files_are_read),
		cmocka_unit_test(an_unreadable_source_is_an_error),
		cmocka_unit_test(damage_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
