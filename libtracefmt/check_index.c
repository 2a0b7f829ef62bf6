/* The index and the seek table against the chunks that were read. */
#include <inttypes.h>
#include <string.h>

#include "check.h"

static bool is_right(const struct tfmt_index_row *stated, const struct tfmt_index_row *real)
{
	return stated->offset == real->offset && stated->packed_bytes == real->packed_bytes &&
	       stated->unpacked_bytes == real->unpacked_bytes && stated->kind == real->kind &&
	       !stated->is_repeat == !real->is_repeat && stated->begin_ns <= real->begin_ns &&
	       stated->end_ns == real->end_ns;
}

int tfmt_check__index(struct tfmt_check *check)
{
	struct tfmt_reader *reader = check->reader;
	const struct tfmt_index *chunks = &check->chunks;
	struct tfmt_index index = {0};
	uint64_t wrong = 0;
	size_t first = 0;
	int status = tfmt_index__unpack(&index, reader->unpacked.data, reader->unpacked.length,
		&reader->header, &reader->columns);

	check->totals.has_index = true;
	check->index_offset = reader->chunk_offset;
	check->index_packed_bytes = reader->chunk_bytes;
	check->index_unpacked_bytes = reader->unpacked.length;
	if (status < 0 && status != TFMT_E_NOMEM) {
		tfmt_check__report(check, "cannot be used: it is not that of this trace");
		status = 0;
		goto out;
	}
	if (status < 0)
		goto out;
	if (index.count != chunks->count)
		tfmt_check__report(
			check, "lists %zu chunks, the trace has %zu", index.count, chunks->count);
	for (size_t i = 0; i < index.count && i < chunks->count; i++) {
		if (is_right(&index.rows[i], &chunks->rows[i]))
			continue;
		if (wrong++ == 0)
			first = i;
	}
	if (wrong > 0)
		tfmt_check__report(check,
			"is wrong about %" PRIu64 " chunks, first about number %zu", wrong, first);
out:
	tfmt_index__release(&index);
	return status;
}

int tfmt_check__seek_table(struct tfmt_check *check)
{
	struct tfmt_reader *reader = check->reader;
	uint64_t begin = check->index_offset + check->index_packed_bytes, total;
	struct tfmt_bytes expected = {0};
	const uint8_t *data;
	size_t available;
	int status;

	/* A pipe is gone by now. */
	if (tfmt_input__size(&reader->input, &total) < 0 || begin >= total)
		return 0;
	status = tfmt_seek_table__pack(
		&check->chunks, check->index_packed_bytes, check->index_unpacked_bytes, &expected);
	if (status == 0)
		status = tfmt_input__at(&reader->input, begin, expected.length, &data, &available);
	if (status == 0 && (total - begin != expected.length || available < expected.length ||
				   memcmp(data, expected.data, expected.length) != 0))
		tfmt_check__report_at(
			check, begin, "the zstd seek table is not that of the frames before it");
	tfmt_bytes__release(&expected);
	return status;
}
