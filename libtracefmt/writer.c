#include "tracefmt/writer.h"

#include <stdlib.h>

#include "header_chunk.h"
#include "writer_chunks.h"

#include "tracefmt/limits.h"

#define DEFAULT_LEVEL		 1
#define DEFAULT_CHUNK_BYTES	 (128u << 10)
#define DEFAULT_FLUSH_NS	 1000000000u
#define DEFAULT_CHECKPOINT_BYTES (4u << 20)
#define MIN_CHUNK_BYTES		 1024
#define MAX_CHUNK_BYTES		 (2u << 20)

static int use_defaults(struct tfmt_writer_options *options)
{
	if (options->level == 0)
		options->level = DEFAULT_LEVEL;
	if (options->chunk_bytes == 0)
		options->chunk_bytes = DEFAULT_CHUNK_BYTES;
	if (options->flush_ns == 0)
		options->flush_ns = DEFAULT_FLUSH_NS;
	if (options->checkpoint_bytes == 0)
		options->checkpoint_bytes = DEFAULT_CHECKPOINT_BYTES;
	if (options->sample_tick_ns == 0)
		options->sample_tick_ns = 1;
	if (options->chunk_bytes < MIN_CHUNK_BYTES || options->chunk_bytes > MAX_CHUNK_BYTES)
		return TFMT_E_ARG;
	return 0;
}

/* A copy with texts of our own: by way of its packed form, which has all of them. */
static int copy_header(struct tfmt_writer *writer, const struct tfmt_header *header)
{
	bool ignored;
	int status = tfmt_header__pack(header, 0, false, &writer->unpacked);

	if (status < 0)
		return status;
	return tfmt_header__unpack(writer->unpacked.data, writer->unpacked.length, &writer->arena,
		&writer->header, &ignored, NULL);
}

int tfmt_writer_new(const struct tfmt_header *header, const struct tfmt_writer_options *options,
	struct tfmt_sink sink, struct tfmt_writer **ret_writer, struct tfmt_error *err)
{
	struct tfmt_writer *writer = calloc(1, sizeof(*writer));
	int status;

	if (!writer)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory for a writer");
	writer->sink = sink;
	if (options)
		writer->options = *options;
	status = use_defaults(&writer->options);
	tfmt_writer__plan(writer);
	if (status == 0)
		status = tfmt_packer__new(writer->options.level, &writer->packer);
	if (status == 0)
		status = copy_header(writer, header);
	if (status == 0)
		status = tfmt_writer__put_header(writer, false);
	if (status < 0) {
		tfmt_writer_free(writer);
		return tfmt_error_set(
			err, status, 0, "cannot begin the trace: %s", tfmt_strerror(status));
	}
	writer->now_ns = header->time_ns;
	*ret_writer = writer;
	return 0;
}

void tfmt_writer_free(struct tfmt_writer *writer)
{
	if (!writer)
		return;
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		free(writer->rows[kind].data);
	for (enum tfmt_kind kind = TFMT_STRING; kind <= TFMT_STACK; kind++)
		tfmt_intern__release(&writer->index[kind]);
	free(writer->depths);
	tfmt_columns__release(&writer->columns);
	tfmt_index__release(&writer->chunk_index);
	tfmt_packer__free(writer->packer);
	tfmt_bytes__release(&writer->unpacked);
	tfmt_bytes__release(&writer->packed);
	tfmt_arena__release(&writer->arena);
	free(writer);
}

int tfmt_writer_flush(struct tfmt_writer *writer, uint64_t now_ns)
{
	bool is_due = now_ns == UINT64_MAX;

	if (writer->failed)
		return writer->failed;
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT && !is_due; kind++) {
		const struct tfmt_rows *rows = &writer->rows[kind];

		is_due = tfmt_writer__open_count(rows) > 0 && now_ns > rows->oldest_ns &&
			 now_ns - rows->oldest_ns >= writer->options.flush_ns;
	}
	if (!is_due)
		return 0;
	/* All together: what refers to one another is then in the file together. */
	return tfmt_writer__hand_over_all(writer);
}

int tfmt_writer_finish(struct tfmt_writer *writer, struct tfmt_error *err)
{
	int status = tfmt_writer_flush(writer, UINT64_MAX);

	if (status == 0)
		status = tfmt_writer__put_end(writer);
	if (status == 0)
		status = tfmt_writer__put_index(writer);
	if (status < 0)
		return tfmt_error_set(err, status, writer->bytes, "cannot finish the trace: %s",
			tfmt_strerror(status));
	return 0;
}

uint64_t tfmt_writer_bytes(const struct tfmt_writer *writer, enum tfmt_kind kind)
{
	if (kind == TFMT_NONE)
		return writer->bytes;
	if (!tfmt_kind_name(kind))
		return 0;
	return writer->rows[kind].bytes + writer->rows[kind].repeated_bytes;
}
