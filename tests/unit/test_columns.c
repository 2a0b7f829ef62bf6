/* Rows to columns and back, for every kind: exact for all values, narrow where values are small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "columns.h"

#include "tracefmt/error.h"

#define MAX_ROWS 700

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Values of many magnitudes: constant, small, full range, and the extremes. */
static uint64_t next_value(unsigned int style)
{
	switch (style) {
	case 0:
		return 5;
	case 1:
		return next_random() % 3;
	case 2:
		return next_random() % 70000;
	case 3:
		return next_random();
	case 4:
		return next_random() % 2 ? UINT64_MAX : 0;
	default:
		return next_random() % 2 ? INT64_MIN : INT64_MAX;
	}
}

static void fill(const struct tfmt_schema *schema, uint8_t *rows, size_t count, uint64_t first_id)
{
	memset(rows, 0, count * schema->row_bytes);
	for (size_t j = 0; j < schema->column_count; j++) {
		const struct tfmt_column *column = &schema->columns[j];
		unsigned int style = (unsigned int)(next_random() % 6);

		for (size_t i = 0; i < count; i++) {
			uint64_t value = next_value(style);

			if (column->limit)
				value %= column->limit;
			if (column->transform == TFMT_BACK)
				value %= first_id + i;
			memcpy(rows + i * schema->row_bytes + column->offset, &value, column->size);
		}
	}
}

static void pack(struct tfmt_columns *columns, struct tfmt_chunk *chunk, const void *rows,
	struct tfmt_bytes *out)
{
	out->length = 0;
	assert_int_equal(tfmt_columns__pack(columns, chunk, rows, out), 0);
}

static void every_kind_comes_back(void **state)
{
	struct tfmt_columns columns = {0};
	struct tfmt_bytes out = {0};
	uint8_t *rows = malloc(MAX_ROWS * 64), *back = malloc(MAX_ROWS * 64);

	for (int round = 0; round < 300; round++)
		for (enum tfmt_kind kind = TFMT_MAPPING; kind < TFMT_KIND_COUNT; kind++) {
			const struct tfmt_schema *schema = tfmt_schema__of(kind);
			struct tfmt_chunk chunk = {.kind = kind,
				.sequence = 7,
				.tick_ns = 1,
				.first_id = 1 + next_random() % 5000,
				.count = 1 + next_random() % MAX_ROWS};
			struct tfmt_chunk parsed;

			assert_true(schema->row_bytes <= 64);
			fill(schema, rows, chunk.count, chunk.first_id);
			pack(&columns, &chunk, rows, &out);
			assert_int_equal(tfmt_chunk__parse(out.data, out.length, &parsed), 0);
			assert_int_equal(parsed.kind, kind);
			assert_int_equal(parsed.sequence, 7);
			assert_int_equal(parsed.count, chunk.count);
			if (schema->is_numbered)
				assert_int_equal(parsed.first_id, chunk.first_id);
			assert_int_equal(tfmt_columns__unpack(&columns, &parsed, back), 0);
			assert_memory_equal(back, rows, chunk.count * schema->row_bytes);
		}
	free(rows);
	free(back);
	tfmt_bytes__release(&out);
	tfmt_columns__release(&columns);
}

static void times_are_rounded_to_the_tick(void **state)
{
	struct tfmt_sample rows[4] = {{.time_ns = 5400, .thread = 1},
		{.time_ns = 6600, .thread = 2}, {.time_ns = 6400, .thread = 1},
		{.time_ns = 7500, .thread = 2}};
	static const uint64_t expected[4] = {5000, 7000, 6000, 7000};
	struct tfmt_chunk chunk = {.kind = TFMT_SAMPLE, .tick_ns = 1000, .count = 4}, parsed;
	struct tfmt_sample back[4];
	struct tfmt_columns columns = {0};
	struct tfmt_bytes out = {0};

	pack(&columns, &chunk, rows, &out);
	assert_int_equal(tfmt_chunk__parse(out.data, out.length, &parsed), 0);
	assert_int_equal(parsed.begin_ns, 5000);
	assert_int_equal(parsed.end_ns, 7000);
	assert_int_equal(tfmt_columns__unpack(&columns, &parsed, back), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(back[i].time_ns, expected[i]);
	tfmt_bytes__release(&out);
	tfmt_columns__release(&columns);
}

/* A sampler of two threads: every column but the thread's costs nothing or one byte. */
static void regular_samples_are_narrow(void **state)
{
	enum { COUNT = 600 };
	struct tfmt_sample rows[COUNT];
	struct tfmt_chunk chunk = {.kind = TFMT_SAMPLE, .tick_ns = 1, .count = COUNT}, parsed;
	struct tfmt_columns columns = {0};
	struct tfmt_bytes out = {0};
	const struct tfmt_stored *time;

	memset(rows, 0, sizeof(rows));
	for (int i = 0; i < COUNT; i++) {
		rows[i].time_ns = 1000000000u + (uint64_t)i * 200 + (uint64_t)(i % 5);
		rows[i].thread = 1 + (uint32_t)i % 2;
		rows[i].weight_ns = 1000000;
		rows[i].stack = 9;
	}
	pack(&columns, &chunk, rows, &out);
	assert_int_equal(tfmt_chunk__parse(out.data, out.length, &parsed), 0);
	time = tfmt_chunk__column(&parsed, "time");
	assert_non_null(time);
	assert_int_equal(time->type, TFMT_STORED_ARRAY);
	assert_int_equal(time->width, 1);
	assert_int_equal(tfmt_chunk__column(&parsed, "weight")->type, TFMT_STORED_CONSTANT);
	assert_null(tfmt_chunk__column(&parsed, "state"));
	assert_true(out.length < 2 * COUNT + 120);
	tfmt_bytes__release(&out);
	tfmt_columns__release(&columns);
}

/* More keys in one chunk than the table of keys begins with. */
static void many_keys(void **state)
{
	enum { COUNT = 5000 };
	struct tfmt_counter *rows = calloc(COUNT, sizeof(*rows));
	struct tfmt_counter *back = calloc(COUNT, sizeof(*back));
	struct tfmt_chunk chunk = {.kind = TFMT_COUNTER, .tick_ns = 1, .count = COUNT}, parsed;
	struct tfmt_columns columns = {0};
	struct tfmt_bytes out = {0};

	for (uint32_t i = 0; i < COUNT; i++) {
		rows[i].time_ns = 1000 + i;
		rows[i].metric = i % 1777;
		rows[i].value = i % 13 ? (int64_t)i * 1000 : TFMT_VALUE_MISSING;
	}
	pack(&columns, &chunk, rows, &out);
	assert_int_equal(tfmt_chunk__parse(out.data, out.length, &parsed), 0);
	assert_int_equal(tfmt_columns__unpack(&columns, &parsed, back), 0);
	assert_memory_equal(back, rows, COUNT * sizeof(*rows));
	free(rows);
	free(back);
	tfmt_bytes__release(&out);
	tfmt_columns__release(&columns);
}

/* Deterministic CBOR: the keys of a schema are in order, so chunks come out in order. */
static void columns_are_sorted(void **state)
{
	for (enum tfmt_kind kind = TFMT_MAPPING; kind < TFMT_KIND_COUNT; kind++) {
		const struct tfmt_schema *schema = tfmt_schema__of(kind);

		assert_ptr_equal(tfmt_kind_name(kind), schema->name);
		assert_int_equal(tfmt_kind_from_name(schema->name, strlen(schema->name)), kind);
		for (size_t i = 1; i < schema->column_count; i++) {
			const char *before = schema->columns[i - 1].name;
			const char *name = schema->columns[i].name;

			assert_true(strlen(before) < strlen(name) ||
				    (strlen(before) == strlen(name) && strcmp(before, name) < 0));
		}
	}
	assert_null(tfmt_kind_name(TFMT_NONE));
	assert_null(tfmt_kind_name(TFMT_KIND_COUNT));
	assert_int_equal(tfmt_kind_from_name("samples", 7), TFMT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back),
		cmocka_unit_test(times_are_rounded_to_the_tick),
		cmocka_unit_test(regular_samples_are_narrow),
		cmocka_unit_test(many_keys),
		cmocka_unit_test(columns_are_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
