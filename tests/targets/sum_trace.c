/*
 * Reads a trace with the library and prints counts and sums of every column, for comparison with
 * readers of other makes: sum_trace FILE. Sums are modulo 2^64; of strings, of their lengths.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema.h"

#include "tracefmt/tracefmt.h"

#define MAX_COLUMNS 16

struct totals {
	uint64_t rows;
	uint64_t columns[MAX_COLUMNS];
};

static uint64_t value_of(const struct tfmt_column *column, const uint8_t *row)
{
	const uint8_t *field = row + column->offset;
	uint64_t value = 0;
	int32_t number;

	memcpy(&value, field, column->size);
	if (column->is_signed && column->size == sizeof(number)) {
		memcpy(&number, field, sizeof(number));
		value = (uint64_t)(int64_t)number;
	}
	return value;
}

static void add(struct totals *totals, const struct tfmt_batch *batch)
{
	const struct tfmt_schema *schema = tfmt_schema__of(batch->kind);
	const uint8_t *row = batch->rows;

	totals->rows += batch->count;
	for (size_t i = 0; i < batch->count; i++, row += schema->row_bytes) {
		if (batch->kind == TFMT_STRING)
			totals->columns[0] += batch->strings[i].length;
		for (size_t j = 0; j < schema->column_count; j++)
			totals->columns[j] += value_of(&schema->columns[j], row);
	}
}

static void print(enum tfmt_kind kind, const struct totals *totals)
{
	const struct tfmt_schema *schema = tfmt_schema__of(kind);

	printf("%s rows %" PRIu64 "\n", schema->name, totals->rows);
	if (kind == TFMT_STRING)
		printf("string text %" PRIu64 "\n", totals->columns[0]);
	for (size_t j = 0; j < schema->column_count; j++)
		printf("%s %s %" PRIu64 "\n", schema->name, schema->columns[j].name,
			totals->columns[j]);
}

int main(int argc, char **argv)
{
	static struct totals totals[TFMT_KIND_COUNT];
	const struct tfmt_batch *batch;
	struct tfmt_reader *reader;
	struct tfmt_error err;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int status;

	if (fd < 0 || tfmt_reader_open_fd(fd, &reader, &err) < 0) {
		fprintf(stderr, "usage: sum_trace FILE: %s\n", fd < 0 ? "no file" : err.message);
		return 1;
	}
	while ((status = tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, &err)) > 0)
		if (!batch->is_repeat)
			add(&totals[batch->kind], batch);
	if (status < 0 || tfmt_damage_any(tfmt_reader_damage(reader)))
		return 3;
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		if (totals[kind].rows > 0)
			print(kind, &totals[kind]);
	tfmt_reader_free(reader);
	close(fd);
	return 0;
}
