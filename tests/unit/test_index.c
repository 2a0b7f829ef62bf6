/* The index: what it lets a reader pass over, and what a reader may not miss. */
#include "tests/lib/memory_trace.h"

#include "index.h"

/* 20 chunks of 1,000 samples each at the least, with weights that do not pack. */
#define SAMPLES	     40000u
#define STEP_NS	     UINT64_C(100000)
#define WAIT_AT	     35000u /* a wait that began with the trace ends here */
#define COUNTERS     100u
#define SAMPLE_NS(i) (UINT64_C(10000000) + (i)*STEP_NS)

static uint64_t noise(uint64_t i)
{
	i = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	return (i ^ i >> 31) * UINT64_C(0xbf58476d1ce4e5b9) >> 45;
}

static void write_trace(struct memory *memory, bool has_index)
{
	const struct tfmt_writer_options options = {.chunk_bytes = 8192, .has_index = has_index};
	struct tfmt_header header = test_header();
	struct tfmt_metric metric = {.type = TFMT_METRIC_GAUGE};
	struct tfmt_writer *writer;
	uint32_t id;

	assert_int_equal(tfmt_writer_new(&header, &options, memory_sink(memory), &writer, NULL), 0);
	metric.name = test_text(writer, "rss");
	assert_int_equal(tfmt_writer_add_metric(writer, &metric, &id), 0);
	for (uint32_t i = 0; i < SAMPLES; i++) {
		struct tfmt_sample sample = {.time_ns = SAMPLE_NS(i), .weight_ns = noise(i)};
		struct tfmt_counter counter = {
			.time_ns = SAMPLE_NS(i), .metric = id, .value = (int64_t)i};

		if (i == WAIT_AT) {
			sample.state = TFMT_STATE_BLOCKED;
			sample.weight_ns = SAMPLE_NS(i) - 1000;
		}
		assert_int_equal(tfmt_writer_sample(writer, &sample), 0);
		if (i % (SAMPLES / COUNTERS) == 0)
			assert_int_equal(tfmt_writer_counter(writer, &counter), 0);
	}
	assert_int_equal(tfmt_writer_finish(writer, NULL), 0);
	tfmt_writer_free(writer);
}

static struct tfmt_reader *open_scanned(const struct memory *memory)
{
	struct tfmt_reader *reader;

	assert_int_equal(tfmt_reader_open_memory(memory->data, memory->size, &reader, NULL), 0);
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	return reader;
}

static bool has_index(const struct tfmt_reader *reader)
{
	uint64_t end_ns;

	return tfmt_reader_extent(reader, TFMT_ALL_KINDS, &end_ns);
}

struct found {
	size_t samples;	 /* given */
	size_t inside;	 /* with a time in the window */
	size_t counters; /* given */
	bool has_wait;
};

static struct found read_all(struct tfmt_reader *reader, uint64_t from_ns, uint64_t to_ns)
{
	const struct tfmt_batch *batch;
	struct found found = {0};
	int status;

	while ((status = tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL)) > 0) {
		if (batch->kind == TFMT_COUNTER)
			found.counters += batch->count;
		for (size_t i = 0; batch->kind == TFMT_SAMPLE && i < batch->count; i++) {
			const struct tfmt_sample *sample = &batch->samples[i];

			found.samples++;
			found.inside += sample->time_ns >= from_ns && sample->time_ns <= to_ns;
			found.has_wait |= sample->state == TFMT_STATE_BLOCKED;
		}
	}
	assert_int_equal(status, 0);
	return found;
}

static void a_window_leaves_out_the_rest_but_no_wait(void **state)
{
	const uint64_t from_ns = SAMPLE_NS(20000), to_ns = SAMPLE_NS(20999);
	struct memory memory = {0};
	struct tfmt_reader *reader;
	struct found found;

	write_trace(&memory, true);
	reader = open_scanned(&memory);
	assert_true(has_index(reader));
	found = read_all(reader, from_ns, to_ns);
	assert_int_equal(found.samples, SAMPLES);
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	assert_int_equal(
		tfmt_reader_between(reader, TFMT_KIND_BIT(TFMT_SAMPLE), from_ns, to_ns), 0);
	found = read_all(reader, from_ns, to_ns);
	assert_int_equal(found.inside, 1000);
	assert_true(found.samples < SAMPLES / 4);
	assert_true(found.has_wait);
	assert_int_equal(found.counters, COUNTERS);
	/* After the wait it is left out, and so is what came before. */
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	assert_int_equal(
		tfmt_reader_between(reader, TFMT_ALL_KINDS, SAMPLE_NS(39999), UINT64_MAX), 0);
	found = read_all(reader, SAMPLE_NS(39999), UINT64_MAX);
	assert_int_equal(found.inside, 1);
	assert_false(found.has_wait);
	assert_false(tfmt_damage_any(tfmt_reader_damage(reader)));
	tfmt_reader_free(reader);
	memory_release(&memory);
}

static void without_an_index_all_is_given(void **state)
{
	struct memory memory = {0};
	struct tfmt_reader *reader;

	write_trace(&memory, false);
	reader = open_scanned(&memory);
	assert_false(has_index(reader));
	assert_int_equal(tfmt_reader_between(reader, TFMT_ALL_KINDS, 1, 2), 0);
	assert_int_equal(read_all(reader, 0, 0).samples, SAMPLES);
	tfmt_reader_free(reader);
	memory_release(&memory);
}

static void the_extent_needs_no_data(void **state)
{
	struct memory memory = {0};
	struct tfmt_reader *reader;
	uint64_t end_ns = 7;

	write_trace(&memory, true);
	assert_int_equal(tfmt_reader_open_memory(memory.data, memory.size, &reader, NULL), 0);
	assert_false(tfmt_reader_extent(reader, TFMT_ALL_KINDS, &end_ns));
	assert_int_equal(end_ns, 7);
	assert_int_equal(tfmt_reader_between(reader, TFMT_ALL_KINDS, 0, 1), TFMT_E_ARG);
	assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
	assert_int_equal(tfmt_reader_between(reader, TFMT_ALL_KINDS, 2, 1), TFMT_E_ARG);
	assert_true(tfmt_reader_extent(reader, TFMT_KIND_BIT(TFMT_SAMPLE), &end_ns));
	assert_int_equal(end_ns, SAMPLE_NS(SAMPLES - 1));
	assert_true(tfmt_reader_extent(reader, TFMT_KIND_BIT(TFMT_SPAN), &end_ns));
	assert_int_equal(end_ns, 0);
	tfmt_reader_free(reader);
	memory_release(&memory);
}

/* The offset in the file of a chunk with a sample of that time. */
static uint64_t offset_of(struct tfmt_reader *reader, uint64_t time_ns)
{
	const struct tfmt_batch *batch;

	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SAMPLE), &batch, NULL) > 0)
		if (batch->begin_ns <= time_ns && batch->end_ns >= time_ns)
			return batch->offset + batch->packed_bytes / 2;
	fail_msg("no such chunk");
	return 0;
}

static void damage_counts_once_and_only_where_one_looks(void **state)
{
	struct memory memory = {0};
	struct tfmt_reader *reader;
	const struct tfmt_damage *damage;
	uint64_t at;

	write_trace(&memory, true);
	reader = open_scanned(&memory);
	at = offset_of(reader, SAMPLE_NS(30000));
	tfmt_reader_free(reader);
	memory.data[at] ^= 1;
	reader = open_scanned(&memory);
	damage = tfmt_reader_damage(reader);
	assert_true(has_index(reader));
	assert_int_equal(tfmt_reader_between(reader, TFMT_ALL_KINDS, 0, SAMPLE_NS(1000)), 0);
	read_all(reader, 0, 0);
	assert_false(tfmt_damage_any(damage));
	for (int pass = 0; pass < 3; pass++) {
		assert_int_equal(tfmt_reader_scan(reader, NULL), 0);
		assert_int_equal(tfmt_reader_between(reader, 0, 0, 1), 0);
		assert_true(read_all(reader, 0, 0).samples < SAMPLES);
		assert_int_equal(damage->bad_chunks, 1);
		assert_int_equal(damage->lost_chunks, 0);
		assert_int_equal(damage->skipped_bytes, 0);
	}
	tfmt_reader_free(reader);
	memory_release(&memory);
}

static void small_traces_get_none(void **state)
{
	const struct tfmt_writer_options options = {.has_index = true};
	struct memory memory = {0}, other = {0};

	test_write(&memory, &options);
	test_write(&other, NULL);
	assert_true(other.size < 65536);
	assert_int_equal(memory.size, other.size);
	assert_memory_equal(memory.data, other.data, other.size);
	memory_release(&memory);
	memory_release(&other);
}

static void waits_begin_before_their_times(void **state)
{
	const struct tfmt_sample samples[] = {
		{.time_ns = 5000, .weight_ns = 100},
		{.time_ns = 6000, .weight_ns = 3000},
	};
	const struct tfmt_sample early[] = {{.time_ns = 5000, .weight_ns = UINT64_MAX}};

	assert_int_equal(tfmt_index__first_begin(samples, 1, 5000, 0), 4900);
	assert_int_equal(tfmt_index__first_begin(samples, 2, 5000, 0), 3000);
	assert_int_equal(tfmt_index__first_begin(samples, 2, 5000, 1000), 2000);
	assert_int_equal(tfmt_index__first_begin(early, 1, 5000, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_leaves_out_the_rest_but_no_wait),
		cmocka_unit_test(without_an_index_all_is_given),
		cmocka_unit_test(the_extent_needs_no_data),
		cmocka_unit_test(damage_counts_once_and_only_where_one_looks),
		cmocka_unit_test(small_traces_get_none),
		cmocka_unit_test(waits_begin_before_their_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
