/*
 * Fuzzes the reader and all that is built on it. Input that begins with a zstd frame is read as it
 * is. Other input is a list of unpacked chunks, each a 16-bit little-endian length and so many
 * bytes, which are packed first: so mutations get past the checksums. A seek table follows, so that
 * the last chunk is found as an index.
 *
 * With libFuzzer: make VARIANT=fuzz build/fuzz/fuzz/fuzz_reader
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "tests/lib/fuzz_main.h"
#include "tracefmt/tracefmt.h"

#define MAX_IDS		 20000u
#define MAX_INLINED	 8
#define COMMAND_SIZE	 64
#define SEEK_TABLE_BYTES 25

static void check(int condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "fuzz_reader: %s\n", what);
		abort();
	}
}

/* Read a text to its end, so that a wrong length is noticed. */
static void touch(const char *text)
{
	check(text != NULL && strlen(text) != (size_t)-1, "a text is NULL");
}

static uint32_t last_id(const struct tfmt_trace *trace, enum tfmt_kind kind)
{
	uint32_t count = tfmt_trace_count(trace, kind);

	return count < MAX_IDS ? count : MAX_IDS;
}

static void look_up_texts(const struct tfmt_trace *trace)
{
	for (uint32_t id = 0; id <= last_id(trace, TFMT_STRING) + 1; id++) {
		const struct tfmt_string *string = tfmt_trace_string(trace, id);

		check(string->data[string->length] == '\0', "a string does not end in NUL");
		touch(tfmt_trace_text(trace, id));
	}
	for (uint32_t id = 0; id <= last_id(trace, TFMT_MAPPING) + 1; id++)
		touch(tfmt_base_name(tfmt_trace_text(trace, tfmt_trace_mapping(trace, id)->path)));
	for (uint32_t id = 0; id <= last_id(trace, TFMT_METRIC) + 1; id++)
		touch(tfmt_trace_text(trace, tfmt_trace_metric(trace, id)->unit));
}

static void look_up_code(const struct tfmt_trace *trace)
{
	for (uint32_t id = 0; id <= last_id(trace, TFMT_FRAME) + 1; id++) {
		struct tfmt_location locations[MAX_INLINED];
		size_t count = tfmt_trace_locations(trace, id, locations, MAX_INLINED);

		check(count >= 1, "a frame has no location");
		for (size_t i = 0; i < count && i < MAX_INLINED; i++) {
			touch(locations[i].function);
			touch(locations[i].module);
			touch(locations[i].file);
		}
	}
	for (uint32_t id = 1; id <= last_id(trace, TFMT_STACK) + 1; id++)
		check(tfmt_trace_stack(trace, id)->parent < id ||
				id > tfmt_trace_count(trace, TFMT_STACK) ||
				tfmt_trace_stack(trace, id)->parent ==
					tfmt_trace_count(trace, TFMT_STACK),
			"a stack is its own ancestor");
}

static void look_up_processes(const struct tfmt_trace *trace)
{
	char command[COMMAND_SIZE];

	for (uint32_t id = 0; id <= last_id(trace, TFMT_PROCESS) + 1; id++) {
		const struct tfmt_process_info *info = tfmt_trace_process(trace, id);
		size_t length = tfmt_trace_command(trace, id, command, sizeof(command));

		check(strlen(command) <= length, "a command is longer than it says");
		touch(tfmt_trace_text(trace, info->name));
		for (size_t i = 0; i < info->image_count; i++)
			touch(tfmt_trace_text(trace, info->images[i].exe));
	}
	for (uint32_t id = 0; id <= last_id(trace, TFMT_THREAD) + 1; id++)
		touch(tfmt_trace_text(trace, tfmt_trace_thread(trace, id)->name));
}

static void read_records(struct tfmt_reader *reader)
{
	const struct tfmt_trace *trace = tfmt_reader_trace(reader);
	const struct tfmt_batch *batch;
	struct tfmt_calltree *tree = NULL;
	size_t count;
	int status;

	check(tfmt_calltree_new(trace, &tree) == 0, "no tree");
	while ((status = tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL)) > 0) {
		check(batch->count > 0, "an empty batch");
		if (batch->kind != TFMT_SAMPLE)
			continue;
		for (size_t i = 0; i < batch->count; i++) {
			const struct tfmt_sample *sample = &batch->samples[i];

			check(sample->stack <= tfmt_trace_count(trace, TFMT_STACK),
				"a stack beyond the table");
			check(sample->thread <= tfmt_trace_count(trace, TFMT_THREAD),
				"a thread beyond the table");
			check(sample->state <= TFMT_STATE_GIL, "an unknown state");
			check(tfmt_calltree_add(tree, sample->stack, sample->weight_ns, 1) == 0,
				"not added");
		}
	}
	check(status == 0, "reading failed");
	check(tfmt_calltree_build(tree) == 0, "not built");
	tfmt_calltree_nodes(tree, &count);
	check(count >= 1, "no root");
	tfmt_calltree_free(tree);
}

/* A window of time: what is left out may be any chunk of samples, but no table. */
static void read_between(struct tfmt_reader *reader)
{
	const struct tfmt_batch *batch;

	check(tfmt_reader_scan(reader, NULL) == 0, "no second scan");
	check(tfmt_reader_between(reader, TFMT_ALL_KINDS, 1000, 1u << 20) == 0, "no window");
	while (tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL) > 0)
		for (size_t i = 0; batch->kind == TFMT_SAMPLE && i < batch->count; i++)
			check(batch->samples[i].stack <=
					tfmt_trace_count(tfmt_reader_trace(reader), TFMT_STACK),
				"a stack beyond the table");
}

static void on_finding(void *context, const struct tfmt_finding *finding)
{
	size_t *count = context;

	touch(finding->text);
	++*count;
}

static void check_trace(const uint8_t *data, size_t size)
{
	struct tfmt_check_totals totals = {0};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	size_t count = 0;

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "no file");
	check(lseek(fd, 0, SEEK_SET) == 0, "no start");
	if (tfmt_check_fd(fd, on_finding, &count, &totals, NULL) == 0)
		check(totals.findings == count && totals.bytes <= size, "wrong totals");
	close(fd);
}

static void read_trace(const uint8_t *data, size_t size)
{
	struct tfmt_reader *reader;
	char line[80];

	if (tfmt_reader_open_memory(data, size, &reader, NULL) < 0)
		return;
	do {
		check(tfmt_reader_scan(reader, NULL) == 0, "scan failed");
		look_up_texts(tfmt_reader_trace(reader));
		look_up_code(tfmt_reader_trace(reader));
		look_up_processes(tfmt_reader_trace(reader));
		read_records(reader);
		read_between(reader);
		tfmt_damage_describe(tfmt_reader_damage(reader), line, sizeof(line));
	} while (tfmt_reader_next_trace(reader, NULL) > 0);
	tfmt_reader_free(reader);
	/* And once without a scan, as a streaming tool does. */
	if (tfmt_reader_open_memory(data, size, &reader, NULL) == 0) {
		const struct tfmt_batch *batch;

		while (tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL) > 0)
			check(batch->count > 0, "an empty batch");
		look_up_code(tfmt_reader_trace(reader));
		tfmt_reader_free(reader);
	}
	check_trace(data, size);
}

static void put_u32(uint8_t *out, size_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

/* A seek table with the packed size of the last frame only. Returns its bytes. */
static size_t put_seek_table(uint8_t *out, size_t last)
{
	put_u32(out, 0x184d2a5e);
	put_u32(out + 4, 17);
	put_u32(out + 8, last);
	put_u32(out + 12, 0);
	put_u32(out + 16, 1);
	out[20] = 0;
	put_u32(out + 21, 0x8f92eab1);
	return SEEK_TABLE_BYTES;
}

/* Pack a list of chunks; returns the bytes written to `out`, which has room. */
static size_t pack(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t length = 0, last = 0;

	check(context != NULL, "no context");
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	while (size > 2) {
		size_t chunk = (size_t)(data[0] | data[1] << 8);
		size_t packed;

		data += 2;
		size -= 2;
		chunk = chunk < size ? chunk : size;
		packed = ZSTD_compress2(context, out + length, room - length, data, chunk);
		if (ZSTD_isError(packed))
			break;
		length += packed;
		last = packed;
		data += chunk;
		size -= chunk;
	}
	ZSTD_freeCCtx(context);
	if (room - length >= SEEK_TABLE_BYTES)
		length += put_seek_table(out + length, last);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
	size_t room = ZSTD_compressBound(size) + size * 8 + 64;
	uint8_t *packed;

	if (size >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0) {
		read_trace(data, size);
		return 0;
	}
	packed = malloc(room);
	check(packed != NULL, "no memory");
	read_trace(packed, pack(data, size, packed, room));
	free(packed);
	return 0;
}
