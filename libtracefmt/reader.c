#include "tracefmt/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "header_chunk.h"
#include "reader_index.h"
#include "reader_state.h"

#include "tracefmt/limits.h"

static const char *failure(int status)
{
	return status == TFMT_E_IO ? strerror(errno) : tfmt_strerror(status);
}

/* Words for a file that holds no chunk at all. */
static int refuse(struct tfmt_reader *reader, struct tfmt_error *err)
{
	static const uint8_t raw_magic[3] = {0xd9, 0xd9, 0xf7};
	const uint8_t *data;
	size_t available;
	int status = tfmt_input__at(&reader->input, 0, TFMT_FRAME_MAGIC_BYTES, &data, &available);

	if (status < 0)
		return tfmt_error_set(err, TFMT_E_FORMAT, 0, "no trace: no whole chunk in it");
	if (available == 0)
		return tfmt_error_set(err, TFMT_E_FORMAT, 0, "the file is empty");
	if (available >= sizeof(raw_magic) && memcmp(data, raw_magic, sizeof(raw_magic)) == 0)
		return tfmt_error_set(err, TFMT_E_FORMAT, 0,
			"a trace that was unpacked: give the .cbor.zst file itself");
	if (tfmt_frame__find(data, available) == data)
		return tfmt_error_set(
			err, TFMT_E_FORMAT, 0, "zstd data, but no whole chunk of a trace in it");
	return tfmt_error_set(err, TFMT_E_FORMAT, 0,
		"not a trace: expected zstd frames holding CBOR, as trec writes them");
}

/*
 * Find the header wherever it is: a file may be cut at its front, or damaged there. Mostly it is
 * the first chunk, and no more than that is read.
 */
static int find_header(struct tfmt_reader *reader, struct tfmt_error *err)
{
	bool ignored;
	int status = tfmt_reader__step(reader, &ignored, err);

	if (status > 0 && !reader->has_header) {
		status = tfmt_input__make_seekable(&reader->input, reader->trace_offset);
		if (status == 0)
			status = 1;
	}
	while (status > 0 && !reader->has_header)
		status = tfmt_reader__step(reader, &ignored, err);
	if (status == TFMT_E_VERSION)
		return status;
	if (status < 0)
		return tfmt_error_set(
			err, status, reader->offset, "cannot read: %s", failure(status));
	return reader->has_sequence ? 0 : refuse(reader, err);
}

/* Read the header of the trace at reader->trace_offset and go back there. */
static int begin_trace(struct tfmt_reader *reader, struct tfmt_error *err)
{
	int status;

	reader->trace = tfmt_trace__new();
	if (!reader->trace)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a trace");
	reader->header = tfmt_header__empty();
	tfmt_reader__rewind(reader);
	status = find_header(reader, err);
	if (status < 0)
		return status;
	reader->damage = (struct tfmt_damage){0};
	tfmt_reader__rewind(reader);
	return 0;
}

static void end_trace(struct tfmt_reader *reader)
{
	tfmt_trace__free(reader->trace);
	reader->trace = NULL;
	tfmt_arena__release(&reader->texts);
	reader->has_header = false;
	reader->is_scanned = false;
	reader->windowed_kinds = 0;
	reader->damage = (struct tfmt_damage){0};
	tfmt_reader__drop_index(reader);
}

/* Finish opening a reader whose input is set up. */
static int open_input(
	struct tfmt_reader *reader, struct tfmt_reader **ret_reader, struct tfmt_error *err)
{
	int status;

	reader->search_budget = TFMT_SEARCH_BUDGET_BYTES;
	reader->unpacker = tfmt_unpacker__new();
	if (reader->unpacker)
		status = begin_trace(reader, err);
	else
		status = tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a reader");
	if (status < 0) {
		tfmt_reader_free(reader);
		return status;
	}
	*ret_reader = reader;
	return 0;
}

int tfmt_reader_open_fd(int fd, struct tfmt_reader **ret_reader, struct tfmt_error *err)
{
	struct tfmt_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a reader");
	tfmt_input__init_fd(&reader->input, fd);
	return open_input(reader, ret_reader, err);
}

int tfmt_reader_follow_fd(int fd, tfmt_reader_wait_fn *wait, void *context,
	struct tfmt_reader **ret_reader, struct tfmt_error *err)
{
	struct tfmt_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a reader");
	tfmt_input__init_fd(&reader->input, fd);
	reader->input.wait = wait;
	reader->input.wait_context = context;
	return open_input(reader, ret_reader, err);
}

int tfmt_reader_open_memory(const void *data, size_t size_bytes, struct tfmt_reader **ret_reader,
	struct tfmt_error *err)
{
	struct tfmt_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a reader");
	tfmt_input__init_memory(&reader->input, data ? data : "", size_bytes);
	return open_input(reader, ret_reader, err);
}

void tfmt_reader_free(struct tfmt_reader *reader)
{
	if (!reader)
		return;
	end_trace(reader);
	tfmt_unpacker__free(reader->unpacker);
	tfmt_columns__release(&reader->columns);
	tfmt_bytes__release(&reader->unpacked);
	tfmt_input__release(&reader->input);
	free(reader->rows);
	free(reader);
}

static void fill_batch(struct tfmt_reader *reader)
{
	const struct tfmt_chunk *chunk = &reader->chunk;

	reader->batch = (struct tfmt_batch){.kind = chunk->kind,
		.sequence = chunk->sequence,
		.begin_ns = chunk->begin_ns,
		.end_ns = chunk->end_ns,
		.first_id = chunk->first_id,
		.count = chunk->count,
		.offset = reader->chunk_offset,
		.packed_bytes = reader->chunk_bytes,
		.is_repeat = chunk->is_repeat,
		.rows = reader->rows};
}

int tfmt_reader_next(struct tfmt_reader *reader, uint32_t kinds,
	const struct tfmt_batch **ret_batch, struct tfmt_error *err)
{
	for (;;) {
		bool is_wanted, is_applied, is_good;
		int status = 0;

		if (!reader->has_next_trace)
			status = tfmt_reader__next_chunk(reader, kinds, err);

		if (status < 0 && status != TFMT_E_VERSION)
			return tfmt_error_set(
				err, status, reader->offset, "cannot read: %s", failure(status));
		if (status <= 0)
			return status;
		is_wanted = kinds & TFMT_KIND_BIT(reader->chunk.kind);
		is_applied = tfmt_schema__of(reader->chunk.kind)->is_table && !reader->is_scanned;
		if (!is_wanted && !is_applied)
			continue;
		status = tfmt_reader__decode(reader, &is_good);
		if (status < 0)
			return tfmt_error_set(err, status, reader->chunk_offset, "cannot read: %s",
				failure(status));
		if (!is_good || !is_wanted || reader->chunk.count == 0)
			continue;
		fill_batch(reader);
		*ret_batch = &reader->batch;
		return 1;
	}
}

/* Read all tables, from the start of the trace. Returns as tfmt_reader_scan(). */
static int read_tables(struct tfmt_reader *reader, struct tfmt_error *err)
{
	const struct tfmt_batch *ignored;

	tfmt_reader__rewind(reader);
	reader->damage = (struct tfmt_damage){0};
	return tfmt_reader_next(reader, 0, &ignored, err);
}

/* The same by way of the index, if there is one, or in full when that does not fit the trace. */
static int read_tables_by_index(struct tfmt_reader *reader, struct tfmt_error *err)
{
	int status = tfmt_reader__load_index(reader);

	if (status < 0)
		return tfmt_error_set(
			err, status, reader->offset, "cannot read: %s", failure(status));
	status = read_tables(reader, err);
	if (status < 0 || reader->index.count == 0 ||
		(!tfmt_damage_any(&reader->damage) && tfmt_reader__has_all_tables(reader)))
		return status;
	tfmt_reader__drop_index(reader);
	if (tfmt_trace__clear(reader->trace) < 0)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a trace");
	return read_tables(reader, err);
}

int tfmt_reader_scan(struct tfmt_reader *reader, struct tfmt_error *err)
{
	int status;

	if (reader->input.wait)
		return tfmt_error_set(err, TFMT_E_UNSUPPORTED, 0,
			"a trace that is still being written is read once only");
	if (!reader->is_scanned) {
		status = tfmt_input__make_seekable(&reader->input, reader->trace_offset);
		if (status < 0)
			return tfmt_error_set(err, status, reader->offset,
				"cannot read the pipe twice: %s", failure(status));
		status = read_tables_by_index(reader, err);
		if (status < 0)
			return status;
		reader->has_lost_rows = tfmt_reader__has_gaps(reader);
		reader->is_scanned = true;
		reader->is_followed = reader->has_next_trace;
		reader->next_trace_offset = reader->offset;
		tfmt_trace__close(reader->trace, reader->has_lost_rows);
	}
	tfmt_reader__rewind(reader);
	return 0;
}

void tfmt_reader_watch(struct tfmt_reader *reader, tfmt_reader_watch_fn *watch, void *context)
{
	reader->watch = watch;
	reader->watch_context = context;
	if (tfmt_input__size(&reader->input, &reader->watch_bytes) < 0)
		reader->watch_bytes = 0;
}

int tfmt_reader_next_trace(struct tfmt_reader *reader, struct tfmt_error *err)
{
	const struct tfmt_batch *ignored;
	int status = tfmt_reader_next(reader, 0, &ignored, err);

	if (status < 0 || !reader->has_next_trace)
		return status;
	end_trace(reader);
	reader->trace_offset = reader->offset;
	status = begin_trace(reader, err);
	return status < 0 ? status : 1;
}

bool tfmt_reader_is_followed(const struct tfmt_reader *reader, uint64_t *ret_offset)
{
	if (reader->is_scanned && reader->is_followed)
		*ret_offset = reader->next_trace_offset;
	return reader->is_scanned && reader->is_followed;
}

const struct tfmt_header *tfmt_reader_header(const struct tfmt_reader *reader)
{
	return &reader->header;
}

const struct tfmt_trace *tfmt_reader_trace(const struct tfmt_reader *reader)
{
	return reader->trace;
}

const struct tfmt_damage *tfmt_reader_damage(const struct tfmt_reader *reader)
{
	return &reader->damage;
}
