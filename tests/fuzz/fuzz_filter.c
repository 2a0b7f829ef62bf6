/*
 * Fuzzes the filter language: an expression up to the first NUL, and behind it a text that names
 * and values of a small trace are made of. What is understood must give the same answer twice, an
 * error must point into the expression.
 *
 * With libFuzzer: make VARIANT=fuzz build/fuzz/fuzz/fuzz_filter
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/fuzz_main.h"
#include "tracefmt/tracefmt.h"

#define MAX_TRACE_BYTES (1u << 20)

struct memory {
	uint8_t data[MAX_TRACE_BYTES];
	size_t length;
};

static void check(int condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "fuzz_filter: %s\n", what);
		abort();
	}
}

static int append(void *context, const void *data, size_t size_bytes)
{
	struct memory *memory = context;

	check(memory->length + size_bytes <= MAX_TRACE_BYTES, "the trace is too long");
	memcpy(memory->data + memory->length, data, size_bytes);
	memory->length += size_bytes;
	return 0;
}

static uint32_t text(struct tfmt_writer *writer, const char *data, size_t length)
{
	uint32_t id = 0;

	check(tfmt_writer_intern(writer, data, length, &id) == 0, "a text is refused");
	return id;
}

static void add_records(struct tfmt_writer *writer, uint32_t hostile, uint32_t thread)
{
	struct tfmt_frame frame = {
		.function = hostile, .file = hostile, .line = 3, .language = TFMT_LANG_PYTHON};
	struct tfmt_stack stack = {0};
	struct tfmt_sample sample = {.weight_ns = 5, .thread = thread, .syscall = 1, .state = 2};
	struct tfmt_span span = {.thread = thread};
	struct tfmt_arg arg = {.name = text(writer, "n", 1), .type = hostile, .value = hostile};

	check(!tfmt_writer_add_frame(writer, &frame, &stack.frame) &&
			!tfmt_writer_add_stack(writer, &stack, &sample.stack) &&
			!tfmt_writer_sample(writer, &sample),
		"a sample is refused");
	for (int i = 0; i < 5; i++) {
		span.time_ns = (uint64_t)i;
		span.phase = i % 3 == 2 ? TFMT_SPAN_END : TFMT_SPAN_BEGIN;
		span.frame = i % 2 ? stack.frame : 0;
		span.name = i % 2 ? 0 : hostile;
		check(!tfmt_writer_span(writer, &span, &arg.span) && !tfmt_writer_arg(writer, &arg),
			"a span is refused");
	}
	check(!tfmt_writer_instant(writer,
		      &(struct tfmt_instant){.thread = thread, .name = hostile, .text = hostile}) &&
			!tfmt_writer_lost(
				writer, &(struct tfmt_lost){.what = hostile, .reason = hostile}),
		"an instant is refused");
}

static void make_trace(struct memory *memory, const char *data, size_t length)
{
	const struct tfmt_header header = {.utc_ns = 1,
		.recorder = "",
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = ""};
	struct tfmt_writer *writer;
	struct tfmt_life life = {.event = TFMT_LIFE_EXEC};
	struct tfmt_error err;

	memory->length = 0;
	check(!tfmt_writer_new(&header, NULL, (struct tfmt_sink){append, memory}, &writer, &err),
		"no writer");
	life.name = life.exe = text(writer, data, length);
	check(!tfmt_writer_add_process(writer, &(struct tfmt_process){.pid = 3}, &life.process) &&
			!tfmt_writer_add_thread(writer,
				&(struct tfmt_thread){.process = life.process, .tid = 4},
				&life.thread) &&
			!tfmt_writer_life(writer, &life),
		"a process is refused");
	add_records(writer, life.name, life.thread);
	check(!tfmt_writer_finish(writer, &err), "the trace has no end");
	tfmt_writer_free(writer);
}

static size_t row_bytes(enum tfmt_kind kind)
{
	switch (kind) {
	case TFMT_LIFE:
		return sizeof(struct tfmt_life);
	case TFMT_SAMPLE:
		return sizeof(struct tfmt_sample);
	case TFMT_SPAN:
		return sizeof(struct tfmt_span);
	case TFMT_ARG:
		return sizeof(struct tfmt_arg);
	case TFMT_INSTANT:
		return sizeof(struct tfmt_instant);
	default:
		return sizeof(struct tfmt_lost);
	}
}

static unsigned count_taken(struct tfmt_filter *filter, struct tfmt_reader *reader)
{
	const uint32_t kinds = TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SAMPLE) |
			       TFMT_KIND_BIT(TFMT_SPAN) | TFMT_KIND_BIT(TFMT_ARG) |
			       TFMT_KIND_BIT(TFMT_INSTANT) | TFMT_KIND_BIT(TFMT_LOST);
	const struct tfmt_batch *batch;
	struct tfmt_error err;
	unsigned taken = 0;

	while (tfmt_reader_next(reader, kinds, &batch, &err) > 0)
		for (size_t i = 0; i < batch->count; i++)
			taken += tfmt_filter_takes(filter, batch->kind,
				(const char *)batch->rows + i * row_bytes(batch->kind),
				batch->first_id + i);
	return taken + tfmt_filter_takes_process(filter, 1) + tfmt_filter_takes_thread(filter, 1);
}

static void try_filter(struct tfmt_filter *filter, const struct memory *memory, size_t length)
{
	const struct tfmt_filter_warning *warnings;
	struct tfmt_reader *reader;
	struct tfmt_error err;
	unsigned taken[2] = {0};
	size_t count;

	check(!tfmt_reader_open_memory(memory->data, memory->length, &reader, &err) &&
			!tfmt_reader_scan(reader, &err),
		"the trace cannot be read");
	for (int i = 0; i < 2; i++) {
		int status = tfmt_filter_bind(filter, reader, &err);

		check(status == 0 || (status == TFMT_E_ARG && err.offset <= length),
			"an error of binding has no place");
		if (status)
			break;
		warnings = tfmt_filter_warnings(filter, &count);
		for (size_t j = 0; j < count; j++)
			check(warnings[j].offset < length && *warnings[j].text, "a bad warning");
		taken[i] = count_taken(filter, reader);
		check(!tfmt_reader_scan(reader, &err), "the trace cannot be read again");
	}
	check(taken[0] == taken[1], "two answers differ");
	tfmt_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct memory memory;
	struct tfmt_filter *filter = NULL;
	struct tfmt_error err = {0};
	size_t length = strnlen((const char *)data, size);
	char *expression = strndup((const char *)data, size);
	int status;

	check(expression != NULL, "no memory");
	status = tfmt_filter_new(expression, &filter, &err);
	check(status == 0 || (status == TFMT_E_ARG && err.offset <= length && *err.message),
		"an error has no place");
	if (status == 0) {
		size_t rest = length < size ? size - length - 1 : 0;

		make_trace(&memory, (const char *)data + size - rest, rest < 8192 ? rest : 8192);
		try_filter(filter, &memory, length);
	}
	tfmt_filter_free(filter);
	free(expression);
	return 0;
}
