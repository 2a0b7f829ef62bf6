#include <string.h>

#include "header_chunk.h"
#include "reader_index.h"

#include "tracefmt/limits.h"

/* How much of the input is asked for first; chunks are rarely larger. */
#define FIRST_WANT (256u << 10)
/* A file without a whole chunk in so many bytes is foreign. */
#define FOREIGN_AFTER_BYTES (64u << 20)

void tfmt_reader__note_damage(
	struct tfmt_reader *reader, uint64_t *counter, uint64_t count, uint64_t offset)
{
	struct tfmt_damage *damage = &reader->damage;
	bool is_first = damage->lost_chunks == 0 && damage->skipped_bytes == 0 &&
			damage->bad_chunks == 0 && damage->lost_ids == 0;

	if (count == 0)
		return;
	if (reader->on_finding)
		reader->on_finding(reader->finding_context, counter, count, offset);
	if (is_first)
		damage->first_offset = offset;
	*counter += count;
}

bool tfmt_reader__has_gaps(const struct tfmt_reader *reader)
{
	const struct tfmt_damage *damage = &reader->damage;

	if (reader->is_scanned)
		return reader->has_lost_rows;
	return damage->lost_chunks != 0 || damage->bad_chunks != 0 || !damage->has_begin;
}

void tfmt_reader__rewind(struct tfmt_reader *reader)
{
	reader->offset = reader->trace_offset;
	reader->table_rows = 0;
	reader->has_sequence = false;
	reader->has_passed_end = false;
	reader->has_next_trace = false;
}

/* Bytes that are no chunk; counted in the first pass only. */
static void skip_bytes(struct tfmt_reader *reader, uint64_t count)
{
	if (!reader->is_scanned)
		tfmt_reader__note_damage(
			reader, &reader->damage.skipped_bytes, count, reader->offset);
	reader->offset += count;
}

/* A whole frame whose content is refused. It was a chunk, so its number is taken as used. */
static void skip_chunk(struct tfmt_reader *reader)
{
	if (!reader->is_scanned)
		tfmt_reader__note_damage(
			reader, &reader->damage.bad_chunks, 1, reader->chunk_offset);
	reader->next_sequence++;
}

/*
 * Examine what begins at reader->offset, with as many bytes as that needs.
 * Returns: 0 and a status, PARTIAL only at the end of the input; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int examine(struct tfmt_reader *reader, const uint8_t **ret_data, size_t *ret_available,
	enum tfmt_frame_status *ret_status, uint64_t *ret_size, size_t *ret_unpacked)
{
	size_t want = FIRST_WANT;

	for (;;) {
		int status = tfmt_input__at(
			&reader->input, reader->offset, want, ret_data, ret_available);

		if (status < 0)
			return status;
		*ret_status =
			tfmt_frame__examine(*ret_data, *ret_available, ret_size, ret_unpacked);
		if (*ret_status != TFMT_FRAME_PARTIAL)
			return 0;
		if (*ret_available >= want)
			want *= 4;
		else if (!tfmt_input__wait(&reader->input))
			return 0;
	}
}

/* Whether so much was passed without a single chunk that this is no trace, maybe without end. */
static bool is_foreign(const struct tfmt_reader *reader)
{
	return !reader->has_header && !reader->has_sequence &&
	       reader->offset - reader->trace_offset > FOREIGN_AFTER_BYTES;
}

/* Whether there may be more than what was read so far. */
static bool is_growing(const struct tfmt_reader *reader)
{
	return reader->input.wait && !reader->input.is_at_end;
}

/*
 * After bytes that are no chunk: move to the next place that might begin one.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int seek_magic(struct tfmt_reader *reader)
{
	while (!is_foreign(reader)) {
		const uint8_t *data, *found;
		size_t available;
		int status = tfmt_input__at(
			&reader->input, reader->offset, FIRST_WANT, &data, &available);

		if (status < 0)
			return status;
		found = tfmt_frame__find(data, available);
		if (found) {
			skip_bytes(reader, (uint64_t)(found - data));
			return 0;
		}
		if (available < FIRST_WANT && is_growing(reader)) {
			/* The magic may be there in part. */
			skip_bytes(reader, available < TFMT_FRAME_MAGIC_BYTES
						   ? 0
						   : available - (TFMT_FRAME_MAGIC_BYTES - 1));
			return 0;
		}
		if (available < FIRST_WANT) {
			skip_bytes(reader, available);
			return 0;
		}
		skip_bytes(reader, available - (TFMT_FRAME_MAGIC_BYTES - 1));
	}
	return 0;
}

/*
 * Pass over a place where no chunk begins: a frame of `frame_bytes`, or what looked like one, that
 * took looking at `vain_bytes`. That is paid from a budget, so that a file made of overlapping
 * frames takes no more than linear time.
 */
static int resynchronise(struct tfmt_reader *reader, uint64_t frame_bytes, uint64_t vain_bytes)
{
	if (vain_bytes <= reader->search_budget) {
		reader->search_budget -= vain_bytes;
		skip_bytes(reader, 1);
	} else {
		reader->search_budget = 0;
		skip_bytes(reader, frame_bytes);
	}
	return seek_magic(reader);
}

/*
 * Unpack a whole frame, as long as the budget pays for what is vain.
 * Returns: 1; 0 when it was passed over; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int unpack_frame(
	struct tfmt_reader *reader, const uint8_t *data, size_t size, size_t unpacked)
{
	size_t vain_bytes = tfmt_frame__vain_bytes(size, unpacked);
	int status;

	reader->fault = "a frame that does not unpack to what its checksum says";
	if (vain_bytes > reader->search_budget) {
		skip_bytes(reader, size);
		return 0;
	}
	status = tfmt_unpacker__unpack(reader->unpacker, data, size, unpacked, &reader->unpacked);
	if (status == TFMT_E_NOMEM)
		return status;
	if (status < 0)
		return resynchronise(reader, size, unpacked);
	reader->search_budget -= vain_bytes;
	reader->chunk_offset = reader->offset;
	reader->chunk_bytes = size;
	reader->offset += size;
	return 1;
}

/*
 * Unpack the next whole frame into reader->unpacked, skipping what is none.
 * Returns: 1; 0 at the end of the input; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int next_frame(struct tfmt_reader *reader)
{
	int status = 0;

	/* Nothing is waited for behind the end. */
	if (is_growing(reader) && reader->has_passed_end)
		return 0;
	while (status == 0 && !is_foreign(reader)) {
		enum tfmt_frame_status frame;
		const uint8_t *data;
		size_t available, unpacked = 0;
		uint64_t size = 0;

		status = examine(reader, &data, &available, &frame, &size, &unpacked);
		if (status < 0)
			return status;
		if (available == 0)
			return 0;
		/* Nor for a chunk in something else. */
		if (is_growing(reader) && frame == TFMT_FRAME_BAD && !reader->has_header &&
			!reader->has_sequence)
			return 0;
		if (reader->on_finding && frame != TFMT_FRAME_WHOLE)
			reader->fault = tfmt_frame__fault(data, available);
		if (frame == TFMT_FRAME_WHOLE)
			status = unpack_frame(reader, data, (size_t)size, unpacked);
		else if (frame == TFMT_FRAME_SKIPPABLE)
			reader->offset += size;
		else
			status = resynchronise(reader, size, size);
	}
	return status;
}

/* Whether a chunk's number follows. Gaps are counted, steps back refused. */
static bool take_sequence(struct tfmt_reader *reader)
{
	uint64_t sequence = reader->chunk.sequence;

	if (reader->has_sequence && sequence < reader->next_sequence)
		return false;
	if (reader->has_sequence && !reader->is_scanned)
		tfmt_reader__note_damage(reader, &reader->damage.lost_chunks,
			sequence - reader->next_sequence, reader->chunk_offset);
	reader->next_sequence = sequence + 1;
	reader->has_sequence = true;
	reader->has_taken = true;
	return true;
}

/* Whether a header that is not the first thing in its trace begins another one. */
static bool begins_next_trace(
	const struct tfmt_reader *reader, const struct tfmt_header *header, bool continues)
{
	if (!continues)
		return true;
	return reader->has_header &&
	       memcmp(header->trace_id, reader->header.trace_id, sizeof(header->trace_id)) != 0;
}

/* Leave the header at hand for tfmt_reader_next_trace(). Returns 0, the end of this trace. */
static int stop_before_header(struct tfmt_reader *reader)
{
	reader->offset = reader->chunk_offset;
	reader->has_next_trace = true;
	return 0;
}

/*
 * A header: of this trace, or of the next one, which then stays unread.
 * Returns: 1 to go on; 0 when the trace ends here; TFMT_E_NOMEM; TFMT_E_VERSION.
 */
static int take_header(struct tfmt_reader *reader, struct tfmt_error *err)
{
	bool is_first = !reader->has_sequence, continues = false;
	struct tfmt_arena texts = {0};
	struct tfmt_header header;
	int status = tfmt_header__unpack(reader->unpacked.data, reader->unpacked.length, &texts,
		&header, &continues, is_first ? err : NULL);

	if (status == TFMT_E_VERSION && !is_first) {
		status = stop_before_header(reader);
	} else if (status == 0 && !is_first && begins_next_trace(reader, &header, continues)) {
		status = stop_before_header(reader);
	} else if (status == 0 && take_sequence(reader)) {
		status = 1;
		reader->damage.has_begin |= is_first && !continues;
		if (!reader->has_header) {
			reader->header = header;
			reader->has_header = true;
			reader->texts = texts;
			return status;
		}
	} else if (status != TFMT_E_NOMEM && status != TFMT_E_VERSION) {
		if (status < 0)
			reader->fault = "a header that cannot be read";
		skip_chunk(reader);
		status = 1;
	}
	tfmt_arena__release(&texts);
	return status;
}

/*
 * The chunk at a place the index knows. One that does not unpack is lost, and passed over.
 * Returns: 1 and whether it is what the index says; 0 when it was passed over; TFMT_E_IO;
 * TFMT_E_NOMEM.
 */
static int next_indexed_frame(struct tfmt_reader *reader, const struct tfmt_index_row *row,
	bool is_first, bool *ret_is_right)
{
	size_t available, unpacked = 0;
	const uint8_t *data;
	enum tfmt_frame_status frame;
	uint64_t size = 0;
	int status = examine(reader, &data, &available, &frame, &size, &unpacked);

	*ret_is_right = true;
	if (status < 0)
		return status;
	reader->chunk_offset = reader->offset;
	reader->chunk_bytes = (size_t)size;
	status = TFMT_E_CORRUPT;
	if (frame == TFMT_FRAME_WHOLE &&
		tfmt_frame__vain_bytes((size_t)size, unpacked) <= reader->search_budget) {
		reader->search_budget -= tfmt_frame__vain_bytes((size_t)size, unpacked);
		status = tfmt_unpacker__unpack(
			reader->unpacker, data, (size_t)size, unpacked, &reader->unpacked);
	}
	if (status == TFMT_E_NOMEM)
		return status;
	if (status < 0) {
		if (is_first)
			tfmt_reader__note_damage(
				reader, &reader->damage.bad_chunks, 1, reader->offset);
		reader->offset += row->packed_bytes;
		reader->next_sequence = (uint64_t)(row - reader->index.rows) + 1;
		return 0;
	}
	*ret_is_right = tfmt_chunk__parse(reader->unpacked.data, reader->unpacked.length,
				&reader->chunk) == 0 &&
			tfmt_reader__is_row(reader, row);
	if (*ret_is_right)
		reader->offset += size;
	return 1;
}

/*
 * The next whole frame, by way of the index where there is one. An index that lies is given up:
 * that counts as damage, for chunks may have been passed over that were asked for.
 * Returns: 1; 0 at the end; TFMT_E_IO; TFMT_E_NOMEM.
 */
static int find_frame(struct tfmt_reader *reader)
{
	bool is_first = false, is_right = true;
	const struct tfmt_index_row *row;
	int status = 0;

	while (status == 0 && (row = tfmt_reader__row(reader, &is_first)) != NULL)
		status = next_indexed_frame(reader, row, is_first, &is_right);
	if (status < 0 || (status > 0 && is_right))
		return status;
	if (!is_right) {
		tfmt_reader__drop_index(reader);
		tfmt_reader__note_damage(reader, &reader->damage.bad_chunks, 1, reader->offset);
	}
	return next_frame(reader);
}

int tfmt_reader__step(struct tfmt_reader *reader, bool *ret_has_records, struct tfmt_error *err)
{
	int status = find_frame(reader);

	*ret_has_records = false;
	reader->has_taken = false;
	if (status <= 0)
		return status;
	if (tfmt_chunk__parse(reader->unpacked.data, reader->unpacked.length, &reader->chunk) < 0) {
		reader->fault = reader->chunk.fault;
		skip_chunk(reader);
		return 1;
	}
	reader->fault = "a chunk whose number is not above the last one, or after the end";
	if (reader->chunk.role == TFMT_CHUNK_HEADER)
		return take_header(reader, err);
	if (reader->chunk.role == TFMT_CHUNK_INDEX) {
		/* Whatever it says, it can do no harm here. */
		take_sequence(reader);
		reader->has_taken = true;
		return 1;
	}
	if (reader->has_passed_end || !take_sequence(reader)) {
		reader->offset = reader->chunk_offset;
		skip_bytes(reader, reader->chunk_bytes);
		return 1;
	}
	if (reader->chunk.role == TFMT_CHUNK_END) {
		reader->has_passed_end = true;
		reader->damage.has_end = true;
		tfmt_end__unpack(reader->unpacked.data, reader->unpacked.length, &reader->end);
	} else if (reader->chunk.role == TFMT_CHUNK_UNKNOWN) {
		reader->damage.unknown_chunks += !reader->is_scanned;
	} else {
		*ret_has_records = true;
	}
	return 1;
}

int tfmt_reader__next_chunk(struct tfmt_reader *reader, uint32_t kinds, struct tfmt_error *err)
{
	bool has_records = false;
	int status = 1;

	if (reader->watch)
		reader->watch(reader->watch_context, reader->offset, reader->watch_bytes);
	while (status > 0 && !has_records) {
		tfmt_reader__pass_over(reader, kinds);
		status = tfmt_reader__step(reader, &has_records, err);
	}
	return status;
}
