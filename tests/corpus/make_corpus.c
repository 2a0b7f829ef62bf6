/*
 * Writes the files of tests/corpus: make_corpus FOLDER. Each bad one is a header, one thing that
 * is wrong, a sample at MARKER_NS that must still be found, and an end.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "columns.h"
#include "frame_zstd.h"
#include "header_chunk.h"
#include "index.h"

#include "tracefmt/tracefmt.h"

#define MARKER_NS 424242

struct file {
	const char *folder;
	struct tfmt_packer *packer;
	struct tfmt_bytes chunk; /* unpacked */
	struct tfmt_bytes all;	 /* of the file */
	uint64_t sequence;
	uint64_t samples; /* put into the trace */
	uint8_t id;	  /* of the trace */
	struct tfmt_index index;
};

static void must(int status)
{
	if (status < 0) {
		fprintf(stderr, "make_corpus: %s\n", tfmt_strerror(status));
		exit(1);
	}
}

/* Pack file->chunk and append it; `row` is what an index says of it. */
static void emit_as(struct file *file, struct tfmt_index_row row)
{
	struct tfmt_bytes packed = {0};

	must(file->chunk.failed ? TFMT_E_NOMEM : 0);
	must(tfmt_packer__pack(file->packer, file->chunk.data, file->chunk.length, &packed));
	tfmt_bytes__append(&file->all, packed.data, packed.length);
	row.packed_bytes = (uint32_t)packed.length;
	row.unpacked_bytes = (uint32_t)file->chunk.length;
	must(tfmt_index__add(&file->index, &row));
	tfmt_bytes__release(&packed);
	file->chunk.length = 0;
	file->sequence++;
}

static void emit(struct file *file)
{
	emit_as(file, (struct tfmt_index_row){.kind = TFMT_INDEX_UNKNOWN});
}

static struct tfmt_header make_header(const struct file *file)
{
	struct tfmt_header header = tfmt_header__empty();

	header.time_ns = 1000;
	header.utc_ns = INT64_C(1700000000000000000);
	header.recorder = "make_corpus";
	header.trace_id[0] = file->id;
	return header;
}

static void put_header(struct file *file)
{
	struct tfmt_header header = make_header(file);

	file->samples = 0;
	must(tfmt_header__pack(&header, file->sequence, false, &file->chunk));
	emit_as(file, (struct tfmt_index_row){.kind = TFMT_INDEX_HEADER});
}

static void put_samples(struct file *file, uint64_t time_ns, uint32_t stack)
{
	struct tfmt_sample sample = {.time_ns = time_ns, .weight_ns = 1000, .stack = stack};
	struct tfmt_chunk chunk = {
		.kind = TFMT_SAMPLE, .sequence = file->sequence, .tick_ns = 1, .count = 1};
	struct tfmt_columns columns = {0};

	must(tfmt_columns__pack(&columns, &chunk, &sample, &file->chunk));
	tfmt_columns__release(&columns);
	file->samples++;
	emit_as(file, (struct tfmt_index_row){.kind = TFMT_SAMPLE,
			      .begin_ns = time_ns - sample.weight_ns,
			      .end_ns = time_ns});
}

static void put_end_counting(struct file *file, bool has_process)
{
	size_t counts = (file->samples > 0) + has_process;

	tfmt_cbor__put_map(&file->chunk, 4);
	tfmt_cbor__put_key(&file->chunk, "seq");
	tfmt_cbor__put_uint(&file->chunk, file->sequence);
	tfmt_cbor__put_key(&file->chunk, "kind");
	tfmt_cbor__put_key(&file->chunk, "end");
	tfmt_cbor__put_key(&file->chunk, "chunks");
	tfmt_cbor__put_uint(&file->chunk, file->sequence + 1);
	tfmt_cbor__put_key(&file->chunk, "counts");
	tfmt_cbor__put_map(&file->chunk, counts);
	if (file->samples > 0) {
		tfmt_cbor__put_key(&file->chunk, "sample");
		tfmt_cbor__put_uint(&file->chunk, file->samples);
	}
	if (has_process) {
		tfmt_cbor__put_key(&file->chunk, "process");
		tfmt_cbor__put_uint(&file->chunk, 1);
	}
	emit_as(file, (struct tfmt_index_row){.kind = TFMT_INDEX_END});
}

static void put_end(struct file *file)
{
	put_end_counting(file, false);
}

/* What stands behind the end: the index as it is in file->index by now, and a seek table. */
static void put_index(struct file *file)
{
	struct tfmt_header header = make_header(file);
	struct tfmt_columns columns = {0};
	struct tfmt_bytes packed = {0};
	size_t unpacked_bytes;

	must(tfmt_index__pack(&file->index, &header, file->sequence, &columns, &file->chunk));
	unpacked_bytes = file->chunk.length;
	must(tfmt_packer__pack(file->packer, file->chunk.data, unpacked_bytes, &packed));
	tfmt_bytes__append(&file->all, packed.data, packed.length);
	must(tfmt_seek_table__pack(&file->index, packed.length, unpacked_bytes, &packed));
	tfmt_bytes__append(&file->all, packed.data, packed.length);
	tfmt_columns__release(&columns);
	tfmt_bytes__release(&packed);
	file->chunk.length = 0;
}

/* The envelope up to the columns; the map of `columns` pairs is begun. */
static void begin_chunk(
	struct file *file, const char *kind, uint64_t count, uint64_t first_id, size_t columns)
{
	struct tfmt_bytes *out = &file->chunk;

	tfmt_cbor__put_map(out, first_id ? 5 : 4);
	tfmt_cbor__put_key(out, "seq");
	tfmt_cbor__put_uint(out, file->sequence);
	tfmt_cbor__put_key(out, "kind");
	tfmt_cbor__put_key(out, kind);
	tfmt_cbor__put_key(out, "count");
	tfmt_cbor__put_uint(out, count);
	if (first_id) {
		tfmt_cbor__put_key(out, "first_id");
		tfmt_cbor__put_uint(out, first_id);
	}
	tfmt_cbor__put_key(out, "columns");
	tfmt_cbor__put_map(out, columns);
}

/* A column of bytes: `first`, then `rest` in all other rows. */
static void put_u8_column(
	struct file *file, const char *name, size_t count, uint8_t first, uint8_t rest)
{
	uint8_t *room;

	tfmt_cbor__put_key(&file->chunk, name);
	tfmt_cbor__put_tag(&file->chunk, TFMT_TAG_U8);
	tfmt_cbor__put_bytes_head(&file->chunk, count);
	room = tfmt_bytes__reserve(&file->chunk, count);
	must(room ? 0 : TFMT_E_NOMEM);
	memset(room, rest, count);
	if (count > 0)
		room[0] = first;
	file->chunk.length += count;
}

static void put_constant_column(struct file *file, const char *name, uint64_t value)
{
	tfmt_cbor__put_key(&file->chunk, name);
	tfmt_cbor__put_uint(&file->chunk, value);
}

static void save(struct file *file, const char *name)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s.cbor.zst", file->folder, name);
	out = fopen(path, "wb");
	if (!out || fwrite(file->all.data, 1, file->all.length, out) != file->all.length ||
		fclose(out) != 0) {
		perror(path);
		exit(1);
	}
	file->all.length = 0;
	file->sequence = 0;
	file->index.count = 0;
}

/* What is wrong with a file: a chunk, or several, put between header and marker. */

static void chunk_bytes(struct file *file)
{
	size_t size = TFMT_MAX_CHUNK_BYTES + 1;
	uint8_t *room = tfmt_bytes__reserve(&file->chunk, size);

	must(room ? 0 : TFMT_E_NOMEM);
	memset(room, 0, size);
	file->chunk.length = size;
	emit(file);
}

static void nesting(struct file *file)
{
	begin_chunk(file, "sample", 1, 0, 1);
	tfmt_cbor__put_key(&file->chunk, "tomorrow");
	for (int i = 0; i < TFMT_MAX_NESTING; i++)
		tfmt_cbor__put_array(&file->chunk, 1);
	tfmt_cbor__put_uint(&file->chunk, 0);
	emit(file);
}

static void string_bytes(struct file *file)
{
	size_t size = TFMT_MAX_STRING_BYTES + 1;
	char *text = malloc(size);

	must(text ? 0 : TFMT_E_NOMEM);
	memset(text, 'x', size);
	begin_chunk(file, "string", 1, 1, 1);
	tfmt_cbor__put_key(&file->chunk, "text");
	tfmt_cbor__put_array(&file->chunk, 1);
	tfmt_cbor__put_text(&file->chunk, text, size);
	free(text);
	emit(file);
}

static void rows(struct file *file)
{
	begin_chunk(file, "sample", TFMT_MAX_ROWS + 1, 0, 1);
	put_u8_column(file, "time", TFMT_MAX_ROWS + 1, 0, 1);
	emit(file);
}

static void constant_rows(struct file *file)
{
	begin_chunk(file, "sample", TFMT_MAX_CONSTANT_ROWS + 1, 0, 1);
	put_constant_column(file, "weight", 1);
	emit(file);
}

static void ids(struct file *file)
{
	begin_chunk(file, "process", 2, TFMT_MAX_IDS - 1, 1);
	put_constant_column(file, "pid", 1);
	emit(file);
}

static void depth(struct file *file)
{
	begin_chunk(file, "stack", TFMT_MAX_DEPTH + 1, 1, 1);
	put_u8_column(file, "parent", TFMT_MAX_DEPTH + 1, 0, 1);
	emit(file);
}

static void columns(struct file *file)
{
	begin_chunk(file, "sample", 1, 0, TFMT_MAX_COLUMNS + 1);
	for (int i = 0; i <= TFMT_MAX_COLUMNS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%02d", i);
		put_constant_column(file, name, 1);
	}
	emit(file);
}

static void table_rows(struct file *file)
{
	uint64_t first_id = 1;

	while (first_id < 2 * TFMT_MAX_TABLE_ROWS) {
		begin_chunk(file, "process", TFMT_MAX_CONSTANT_ROWS, first_id, 1);
		put_constant_column(file, "pid", 1);
		emit(file);
		first_id += TFMT_MAX_CONSTANT_ROWS;
	}
}

static void array_length(struct file *file)
{
	begin_chunk(file, "sample", 5, 0, 1);
	put_u8_column(file, "time", 4, 0, 1);
	emit(file);
}

static void unknown_enum(struct file *file)
{
	begin_chunk(file, "sample", 3, 0, 1);
	put_u8_column(file, "state", 3, 0, TFMT_STATE_GIL + 1);
	emit(file);
}

static void stack_cycle(struct file *file)
{
	begin_chunk(file, "stack", 2, 1, 1);
	put_u8_column(file, "parent", 2, 0, 2);
	emit(file);
}

static void process_cycle(struct file *file)
{
	begin_chunk(file, "process", 2, 1, 1);
	put_u8_column(file, "parent", 2, 2, 1);
	emit(file);
}

static void undefined_id(struct file *file)
{
	put_samples(file, 5000, 12345);
}

static void indefinite(struct file *file)
{
	static const uint8_t data[] = {0xbf, 0x63, 's', 'e', 'q', 0x01, 0xff};

	tfmt_bytes__append(&file->chunk, data, sizeof(data));
	emit(file);
}

static void two_items(struct file *file)
{
	begin_chunk(file, "sample", 1, 0, 0);
	tfmt_cbor__put_uint(&file->chunk, 0);
	emit(file);
}

static void no_sequence(struct file *file)
{
	tfmt_cbor__put_map(&file->chunk, 1);
	tfmt_cbor__put_key(&file->chunk, "kind");
	tfmt_cbor__put_key(&file->chunk, "sample");
	emit(file);
}

static void no_first_id(struct file *file)
{
	begin_chunk(file, "process", 1, 0, 0);
	emit(file);
}

static void missing_chunk(struct file *file)
{
	file->sequence++;
}

static void flipped_bit(struct file *file)
{
	size_t before = file->all.length;

	put_samples(file, 5000, 0);
	file->all.data[before + (file->all.length - before) / 2] ^= 0x10;
}

static void no_checksum(struct file *file)
{
	/* A frame with content size 1 and one raw block holding a byte, without a checksum. */
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x01, 0x09, 0x00, 0x00, 0xa0};

	tfmt_bytes__append(&file->all, frame, sizeof(frame));
}

static void foreign_bytes(struct file *file)
{
	static const char text[] = "not a chunk \x28\xb5\x2f\xfd, even if it says so";

	tfmt_bytes__append(&file->all, text, sizeof(text));
}

static const struct {
	const char *name;
	void (*put)(struct file *file);
} wrongs[] = {
	{"bad-array-length", array_length},
	{"bad-bit-flipped", flipped_bit},
	{"bad-bytes-between", foreign_bytes},
	{"bad-chunk-missing", missing_chunk},
	{"bad-enum", unknown_enum},
	{"bad-id-undefined", undefined_id},
	{"bad-indefinite-length", indefinite},
	{"bad-limit-chunk-bytes", chunk_bytes},
	{"bad-limit-columns", columns},
	{"bad-limit-constant-rows", constant_rows},
	{"bad-limit-depth", depth},
	{"bad-limit-ids", ids},
	{"bad-limit-nesting", nesting},
	{"bad-limit-rows", rows},
	{"bad-limit-string-bytes", string_bytes},
	{"bad-limit-table-rows", table_rows},
	{"bad-no-checksum", no_checksum},
	{"bad-no-first-id", no_first_id},
	{"bad-no-sequence", no_sequence},
	{"bad-process-cycle", process_cycle},
	{"bad-stack-cycle", stack_cycle},
	{"bad-two-items", two_items},
};

static void make_wrongs(struct file *file)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		put_header(file);
		wrongs[i].put(file);
		put_samples(file, MARKER_NS, 0);
		put_end(file);
		save(file, wrongs[i].name);
	}
	put_header(file);
	put_samples(file, MARKER_NS, 0);
	save(file, "bad-cut");
	file->sequence = 1;
	put_samples(file, MARKER_NS, 0);
	put_end(file);
	save(file, "bad-no-header");
}

/* Files that hold no trace at all. */
static void make_foreign(struct file *file)
{
	save(file, "bad-foreign-empty");
	tfmt_bytes__append(&file->all, "just text\n", 10);
	save(file, "bad-foreign-text");
	tfmt_bytes__append(&file->chunk, "packed text", 11);
	emit(file);
	save(file, "bad-foreign-zstd");
	{
		struct tfmt_header header = make_header(file);

		must(tfmt_header__pack(&header, 0, false, &file->all));
		save(file, "bad-foreign-unpacked");
	}
}

/* A header that only newer readers may read. */
static void make_unsupported(struct file *file)
{
	struct tfmt_bytes *out = &file->chunk;

	for (int feature = 0; feature < 2; feature++) {
		tfmt_cbor__put_tag(out, TFMT_TAG_MAGIC);
		tfmt_cbor__put_map(out, 5);
		tfmt_cbor__put_key(out, "seq");
		tfmt_cbor__put_uint(out, 0);
		tfmt_cbor__put_key(out, "kind");
		tfmt_cbor__put_key(out, "header");
		tfmt_cbor__put_key(out, "tracefmt");
		tfmt_cbor__put_uint(out, feature ? 1 : 2);
		tfmt_cbor__put_key(out, "trace_id");
		tfmt_cbor__put_bytes(out, "0123456789abcdef", 16);
		tfmt_cbor__put_key(out, "must_understand");
		tfmt_cbor__put_array(out, (size_t)feature);
		if (feature)
			tfmt_cbor__put_key(out, "encrypted");
		emit(file);
		save(file, feature ? "unsupported-feature" : "unsupported-version");
	}
}

static void make_good(struct file *file)
{
	static const uint8_t skippable[] = {0x5e, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0xff, 0xff};

	put_header(file);
	put_end(file);
	save(file, "good-empty");

	put_header(file);
	tfmt_bytes__append(&file->all, skippable, sizeof(skippable));
	put_samples(file, MARKER_NS, 0);
	put_end(file);
	tfmt_bytes__append(&file->all, skippable, sizeof(skippable));
	save(file, "good-skippable");

	put_header(file);
	begin_chunk(file, "tomorrow", 3, 0, 1);
	put_constant_column(file, "anything", 7);
	emit(file);
	tfmt_cbor__put_map(&file->chunk, 5);
	tfmt_cbor__put_key(&file->chunk, "seq");
	tfmt_cbor__put_uint(&file->chunk, file->sequence);
	tfmt_cbor__put_key(&file->chunk, "kind");
	tfmt_cbor__put_key(&file->chunk, "sample");
	tfmt_cbor__put_key(&file->chunk, "time");
	tfmt_cbor__put_array(&file->chunk, 2);
	tfmt_cbor__put_uint(&file->chunk, MARKER_NS);
	tfmt_cbor__put_uint(&file->chunk, MARKER_NS);
	tfmt_cbor__put_key(&file->chunk, "count");
	tfmt_cbor__put_uint(&file->chunk, 1);
	tfmt_cbor__put_key(&file->chunk, "columns");
	tfmt_cbor__put_map(&file->chunk, 2);
	put_constant_column(file, "tomorrow", 7);
	tfmt_cbor__put_key(&file->chunk, "and more");
	tfmt_cbor__put_map(&file->chunk, 0);
	file->samples++;
	emit(file);
	put_end(file);
	save(file, "good-tomorrow");

	for (file->id = 1; file->id <= 2; file->id++) {
		file->sequence = 0;
		put_header(file);
		put_samples(file, MARKER_NS, 0);
		put_end(file);
	}
	save(file, "good-two-traces");
}

/*
 * The trace is good, its index is not, by one thing each: whatever a reader does with it, it must
 * find the same two samples.
 */

static void stale_index(struct file *file)
{
	/* As after a chunk was put in between: all offsets behind it are wrong. */
	file->index.rows[1].packed_bytes += 10;
}

static void lying_kind(struct file *file)
{
	file->index.rows[1].kind = TFMT_COUNTER;
}

static void hidden_table(struct file *file)
{
	file->index.rows[2].kind = TFMT_SAMPLE;
}

static void swapped_sizes(struct file *file)
{
	/* The sum is right, the offsets are not. */
	file->index.rows[1].packed_bytes -= 10;
	file->index.rows[2].packed_bytes += 10;
}

static void lying_time(struct file *file)
{
	file->index.rows[1].end_ns = 1;
	file->index.rows[1].begin_ns = 0;
}

static void overflowing_sizes(struct file *file)
{
	file->index.rows[1].packed_bytes = UINT32_MAX;
	file->index.rows[2].packed_bytes = UINT32_MAX;
}

static void no_end(struct file *file)
{
	file->index.count--;
	file->sequence--;
}

static void other_trace(struct file *file)
{
	file->id++;
}

static const struct {
	const char *name;
	void (*spoil)(struct file *file);
} indexes[] = {
	{"good-index", NULL},
	{"bad-index-hidden-table", hidden_table},
	{"bad-index-lie-kind", lying_kind},
	{"bad-index-no-end", no_end},
	{"bad-index-other-trace", other_trace},
	{"bad-index-overflow", overflowing_sizes},
	{"bad-index-sizes", swapped_sizes},
	{"bad-index-stale", stale_index},
	{"bad-index-lie-time", lying_time},
};

static void make_indexes(struct file *file)
{
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
		put_header(file);
		put_samples(file, MARKER_NS, 0);
		begin_chunk(file, "process", 1, 1, 1);
		put_constant_column(file, "pid", 1);
		emit_as(file, (struct tfmt_index_row){.kind = TFMT_PROCESS});
		put_samples(file, MARKER_NS + 1, 0);
		put_end_counting(file, true);
		if (indexes[i].spoil)
			indexes[i].spoil(file);
		put_index(file);
		file->id = 0;
		save(file, indexes[i].name);
	}
	/* A whole one behind a trace that was cut in its middle. */
	put_header(file);
	put_samples(file, MARKER_NS, 0);
	put_end(file);
	file->index.rows[0].packed_bytes += 1000;
	put_index(file);
	save(file, "bad-index-cut");
}

/* An index of more chunks than any reader lists: its columns take no room. */
static void make_long_index(struct file *file)
{
	struct tfmt_header header = make_header(file);
	struct tfmt_bytes *out = &file->chunk, packed = {0};
	size_t unpacked_bytes;

	put_header(file);
	put_samples(file, MARKER_NS, 0);
	put_end(file);
	tfmt_cbor__put_map(out, 6);
	tfmt_cbor__put_key(out, "seq");
	tfmt_cbor__put_uint(out, file->sequence);
	tfmt_cbor__put_key(out, "kind");
	tfmt_cbor__put_key(out, "index");
	tfmt_cbor__put_key(out, "count");
	tfmt_cbor__put_uint(out, TFMT_MAX_INDEX_ROWS + 1);
	tfmt_cbor__put_key(out, "kinds");
	tfmt_cbor__put_array(out, 1);
	tfmt_cbor__put_key(out, "header");
	tfmt_cbor__put_key(out, "columns");
	tfmt_cbor__put_map(out, 1);
	put_constant_column(file, "size", 1);
	tfmt_cbor__put_key(out, "trace_id");
	tfmt_cbor__put_bytes(out, header.trace_id, sizeof(header.trace_id));
	unpacked_bytes = out->length;
	must(tfmt_packer__pack(file->packer, out->data, unpacked_bytes, &packed));
	tfmt_bytes__append(&file->all, packed.data, packed.length);
	must(tfmt_seek_table__pack(&file->index, packed.length, unpacked_bytes, &packed));
	tfmt_bytes__append(&file->all, packed.data, packed.length);
	tfmt_bytes__release(&packed);
	out->length = 0;
	save(file, "bad-index-limit");
}

int main(int argc, char **argv)
{
	struct file file = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: make_corpus FOLDER\n");
		return 2;
	}
	file.folder = argv[1];
	must(tfmt_packer__new(19, &file.packer));
	make_wrongs(&file);
	make_foreign(&file);
	make_unsupported(&file);
	make_good(&file);
	make_indexes(&file);
	make_long_index(&file);
	tfmt_index__release(&file.index);
	tfmt_packer__free(file.packer);
	tfmt_bytes__release(&file.chunk);
	tfmt_bytes__release(&file.all);
	return 0;
}
