/* The writer: interning, refusals, the order of chunks, failing sinks, checkpoints. */
#include "tests/lib/memory_trace.h"

#include "chunk.h"
#include "frame_zstd.h"

static struct tfmt_writer *begin(struct memory *memory, const struct tfmt_writer_options *options)
{
	struct tfmt_header header = test_header();
	struct tfmt_writer *writer = NULL;

	assert_int_equal(tfmt_writer_new(&header, options, memory_sink(memory), &writer, NULL), 0);
	return writer;
}

static void equal_rows_get_equal_ids(void **state)
{
	struct memory memory = {0};
	struct tfmt_writer *writer = begin(&memory, NULL);
	struct tfmt_mapping mapping;
	struct tfmt_frame frame;
	uint32_t a, b, c, first;

	assert_int_equal(test_text(writer, ""), 0);
	a = test_text(writer, "main");
	b = test_text(writer, "mainly");
	assert_int_equal(a, 1);
	assert_int_equal(b, 2);
	assert_int_equal(test_text(writer, "main"), a);
	assert_int_equal(tfmt_writer_intern(writer, "ma\0n", 4, &c), 0);
	assert_int_equal(c, 3);
	/* Padding must not tell equal rows apart. */
	memset(&mapping, 0xff, sizeof(mapping));
	mapping.path = a;
	mapping.build_id = 0;
	mapping.type = TFMT_MAPPING_FILE;
	assert_int_equal(tfmt_writer_add_mapping(writer, &mapping, &first), 0);
	mapping = (struct tfmt_mapping){.path = a};
	assert_int_equal(tfmt_writer_add_mapping(writer, &mapping, &c), 0);
	assert_int_equal(c, first);
	frame = (struct tfmt_frame){.mapping = first, .address = 16};
	assert_int_equal(tfmt_writer_add_frame(writer, &frame, &first), 0);
	assert_int_equal(tfmt_writer_add_frame(writer, &frame, &c), 0);
	assert_int_equal(c, first);
	frame.line = 1;
	assert_int_equal(tfmt_writer_add_frame(writer, &frame, &c), 0);
	assert_int_equal(c, first + 1);
	for (uint32_t i = 0; i < 5000; i++) {
		struct tfmt_stack stack = {.parent = i, .frame = 1 + i % 2};

		assert_int_equal(tfmt_writer_add_stack(writer, &stack, &c), 0);
		assert_int_equal(c, i + 1);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		struct tfmt_stack stack = {.parent = i, .frame = 1 + i % 2};

		assert_int_equal(tfmt_writer_add_stack(writer, &stack, &c), 0);
		assert_int_equal(c, i + 1);
	}
	tfmt_writer_free(writer);
	memory_release(&memory);
}

static void undefined_ids_are_refused(void **state)
{
	struct memory memory = {0};
	struct tfmt_writer *writer = begin(&memory, NULL);
	uint32_t id = 77;
	uint64_t number = 77;

	assert_int_equal(tfmt_writer_add_mapping(writer, &(struct tfmt_mapping){.path = 1}, &id),
		TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_add_frame(writer, &(struct tfmt_frame){.mapping = 1}, &id), TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_add_stack(writer, &(struct tfmt_stack){.parent = 1}, &id), TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_add_stack(writer, &(struct tfmt_stack){.frame = 1}, &id), TFMT_E_ARG);
	assert_int_equal(tfmt_writer_add_process(writer, &(struct tfmt_process){.parent = 1}, &id),
		TFMT_E_ARG);
	assert_int_equal(tfmt_writer_add_thread(writer, &(struct tfmt_thread){.process = 1}, &id),
		TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_add_metric(writer, &(struct tfmt_metric){.name = 1}, &id), TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_sample(writer, &(struct tfmt_sample){.thread = 1}), TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_counter(writer, &(struct tfmt_counter){.metric = 1}), TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_span(writer, &(struct tfmt_span){.frame = 1}, &number), TFMT_E_ARG);
	/* Nor a value that no reader knows. */
	assert_int_equal(tfmt_writer_add_frame(
				 writer, &(struct tfmt_frame){.language = TFMT_LANG_JIT + 1}, &id),
		TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_sample(writer, &(struct tfmt_sample){.state = TFMT_STATE_GIL + 1}),
		TFMT_E_ARG);
	assert_int_equal(tfmt_writer_arg(writer, &(struct tfmt_arg){.span = 1}), TFMT_E_ARG);
	assert_int_equal(
		tfmt_writer_symbol(writer, &(struct tfmt_symbol){.function = 1}), TFMT_E_ARG);
	assert_int_equal(id, 77);
	assert_int_equal(number, 77);
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	/* Nothing but the header and the end was written. */
	assert_int_equal(memory.chunk_count, 2);
	tfmt_writer_free(writer);
	memory_release(&memory);
}

static void limits_are_kept(void **state)
{
	struct memory memory = {0};
	struct tfmt_writer *writer = begin(&memory, NULL);
	char *text = calloc(1, TFMT_MAX_STRING_BYTES + 1);
	uint32_t id = 0;

	assert_non_null(text);
	memset(text, 'x', TFMT_MAX_STRING_BYTES + 1);
	assert_int_equal(
		tfmt_writer_intern(writer, text, TFMT_MAX_STRING_BYTES + 1, &id), TFMT_E_LIMIT);
	assert_int_equal(tfmt_writer_intern(writer, text, TFMT_MAX_STRING_BYTES, &id), 0);
	assert_int_equal(id, 1);
	for (uint32_t i = 0; i < TFMT_MAX_DEPTH; i++)
		assert_int_equal(
			tfmt_writer_add_stack(writer, &(struct tfmt_stack){.parent = i}, &id), 0);
	assert_int_equal(tfmt_writer_add_stack(writer, &(struct tfmt_stack){.parent = id}, &id),
		TFMT_E_LIMIT);
	free(text);
	tfmt_writer_free(writer);
	memory_release(&memory);
}

static void options_out_of_range_are_refused(void **state)
{
	struct memory memory = {0};
	struct tfmt_header header = test_header();
	struct tfmt_writer *writer = NULL;
	struct tfmt_error err;
	struct tfmt_writer_options bad[] = {
		{.level = 100}, {.chunk_bytes = 1}, {.chunk_bytes = 1u << 30}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
			tfmt_writer_new(&header, &bad[i], memory_sink(&memory), &writer, &err),
			TFMT_E_ARG);
	assert_null(writer);
	assert_int_equal(memory.chunk_count, 0);
}

static void a_failed_sink_ends_all(void **state)
{
	struct memory memory = {0};
	struct tfmt_writer *writer = begin(&memory, NULL);
	struct tfmt_error err;
	uint32_t id;

	test_text(writer, "before");
	memory.fail_with = TFMT_E_IO;
	assert_int_equal(tfmt_writer_flush(writer, UINT64_MAX), TFMT_E_IO);
	memory.fail_with = 0;
	assert_int_equal(tfmt_writer_intern(writer, "after", 5, &id), TFMT_E_IO);
	assert_int_equal(tfmt_writer_sample(writer, &(struct tfmt_sample){0}), TFMT_E_IO);
	assert_int_equal(tfmt_writer_flush(writer, 0), TFMT_E_IO);
	assert_int_equal(tfmt_writer_finish(writer, &err), TFMT_E_IO);
	assert_int_equal(memory.chunk_count, 1);
	tfmt_writer_free(writer);
	memory_release(&memory);
}

/* Chunks are handed over by age, all that is open together, tables before data. */
static void old_records_are_handed_over(void **state)
{
	struct memory memory = {0};
	struct tfmt_writer *writer =
		begin(&memory, &(struct tfmt_writer_options){.flush_ns = 1000});
	struct tfmt_thread thread = {.tid = 1};
	struct tfmt_reader *reader;
	const struct tfmt_batch *batch;
	uint32_t id;

	assert_int_equal(tfmt_writer_add_thread(writer, &thread, &id), 0);
	assert_int_equal(
		tfmt_writer_sample(writer, &(struct tfmt_sample){.time_ns = 5000, .thread = id}),
		0);
	assert_int_equal(tfmt_writer_flush(writer, 1500), 0);
	assert_int_equal(memory.chunk_count, 1);
	assert_int_equal(tfmt_writer_flush(writer, 6000), 0);
	assert_int_equal(memory.chunk_count, 3);
	assert_int_equal(tfmt_writer_flush(writer, 60000), 0);
	assert_int_equal(memory.chunk_count, 3);
	assert_int_equal(tfmt_writer_bytes(writer, TFMT_NONE), memory.size);
	assert_int_equal(
		tfmt_writer_bytes(writer, TFMT_SAMPLE), memory.starts[3] - memory.starts[2]);
	tfmt_writer_free(writer);
	assert_int_equal(tfmt_reader_open_memory(memory.data, memory.size, &reader, NULL), 0);
	assert_int_equal(tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL), 1);
	assert_int_equal(batch->kind, TFMT_THREAD);
	assert_int_equal(tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL), 1);
	assert_int_equal(batch->kind, TFMT_SAMPLE);
	assert_int_equal(tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL), 0);
	assert_false(tfmt_reader_damage(reader)->has_end);
	tfmt_reader_free(reader);
	memory_release(&memory);
}

static void the_same_calls_give_the_same_bytes(void **state)
{
	struct memory first = {0}, second = {0};

	test_write(&first, NULL);
	test_write(&second, NULL);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.data, second.data, first.size);
	memory_release(&first);
	memory_release(&second);
}

/* Checkpoints come, and take at most a quarter of the file. */
static void checkpoints_are_bounded(void **state)
{
	struct memory plain = {0}, repeated = {0};

	test_write(&plain, &(struct tfmt_writer_options){.chunk_bytes = 4096});
	test_write(&repeated,
		&(struct tfmt_writer_options){.chunk_bytes = 4096, .checkpoint_bytes = 1});
	assert_true(repeated.chunk_count > plain.chunk_count + 3);
	assert_true(repeated.size < plain.size + plain.size / 3);
	memory_release(&plain);
	memory_release(&repeated);
}

/* Each chunk is one frame with size and checksum holding one item with the next number. */
static void each_frame_is_one_chunk(void **state)
{
	struct memory memory = {0};
	struct tfmt_unpacker *unpacker = tfmt_unpacker__new();
	struct tfmt_bytes unpacked = {0};

	assert_non_null(unpacker);
	test_write(&memory, &(struct tfmt_writer_options){.chunk_bytes = 8192});
	assert_true(memory.chunk_count > 20);
	for (size_t i = 0; i < memory.chunk_count; i++) {
		const uint8_t *data = memory.data + memory.starts[i];
		struct tfmt_chunk chunk;
		uint64_t size;
		size_t content;

		assert_int_equal(
			tfmt_frame__examine(data, memory.size - memory.starts[i], &size, &content),
			TFMT_FRAME_WHOLE);
		assert_int_equal(size, memory.starts[i + 1] - memory.starts[i]);
		assert_int_equal(
			tfmt_unpacker__unpack(unpacker, data, size, content, &unpacked), 0);
		assert_int_equal(tfmt_chunk__parse(unpacked.data, unpacked.length, &chunk), 0);
		assert_int_equal(chunk.sequence, i);
	}
	tfmt_unpacker__free(unpacker);
	tfmt_bytes__release(&unpacked);
	memory_release(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_rows_get_equal_ids),
		cmocka_unit_test(undefined_ids_are_refused),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(options_out_of_range_are_refused),
		cmocka_unit_test(a_failed_sink_ends_all),
		cmocka_unit_test(old_records_are_handed_over),
		cmocka_unit_test(the_same_calls_give_the_same_bytes),
		cmocka_unit_test(checkpoints_are_bounded),
		cmocka_unit_test(each_frame_is_one_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
