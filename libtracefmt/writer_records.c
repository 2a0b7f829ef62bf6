#include <string.h>

#include "writer_chunks.h"

#include "tracefmt/limits.h"

/* Whether all ids of a row are defined, and all values of enums known. */
static bool is_sound(const struct tfmt_writer *writer, enum tfmt_kind kind, const void *row)
{
	const struct tfmt_field_checks *checks = &writer->checks[kind];

	for (size_t i = 0; i < checks->count; i++) {
		const struct tfmt_field_check *check = &checks->items[i];
		const uint8_t *field = (const uint8_t *)row + check->offset;
		uint32_t id_32;
		uint64_t id;

		if (check->limit) {
			if (*field >= check->limit)
				return false;
			continue;
		}
		if (check->size == sizeof(id)) {
			memcpy(&id, field, sizeof(id));
		} else {
			memcpy(&id_32, field, sizeof(id_32));
			id = id_32;
		}
		if (id > writer->rows[check->kind].total)
			return false;
	}
	return true;
}

/* Append a row that was checked, and hand its chunk over when it is full. */
static int append(struct tfmt_writer *writer, enum tfmt_kind kind, const void *row)
{
	const struct tfmt_schema *schema = tfmt_schema__of(kind);
	struct tfmt_rows *rows = &writer->rows[kind];

	if (tfmt_array__grow(&rows->data, &rows->capacity, rows->count + 1, schema->row_bytes) < 0)
		return TFMT_E_NOMEM;
	if (tfmt_writer__open_count(rows) == 0)
		rows->oldest_ns = writer->now_ns;
	memcpy(rows->data + rows->count * schema->row_bytes, row, schema->row_bytes);
	rows->count++;
	rows->total++;
	return 0;
}

static int hand_over_if_large(struct tfmt_writer *writer, enum tfmt_kind kind)
{
	const struct tfmt_rows *rows = &writer->rows[kind];

	if (tfmt_writer__open_count(rows) < rows->per_chunk &&
		rows->text_bytes < writer->options.chunk_bytes)
		return 0;
	return tfmt_writer__hand_over(writer, kind);
}

/* Add a row to a table. Nothing is changed on failure but for the sink's. */
static int add_row(
	struct tfmt_writer *writer, enum tfmt_kind kind, const void *row, uint32_t *ret_id)
{
	struct tfmt_rows *rows = &writer->rows[kind];
	int status;

	if (writer->failed)
		return writer->failed;
	if (rows->count >= TFMT_MAX_IDS)
		return TFMT_E_LIMIT;
	if (!is_sound(writer, kind, row))
		return TFMT_E_ARG;
	status = append(writer, kind, row);
	if (status < 0)
		return status;
	*ret_id = (uint32_t)rows->count;
	return hand_over_if_large(writer, kind);
}

/* Add a row that is not in the index yet, where there is room for it. */
static int add_indexed(struct tfmt_writer *writer, enum tfmt_kind kind, const void *row,
	uint32_t hash, uint32_t *ret_id)
{
	size_t before = writer->rows[kind].count;
	uint32_t id;
	int status = add_row(writer, kind, row, &id);

	if (writer->rows[kind].count > before)
		tfmt_intern__insert(&writer->index[kind], hash, (uint32_t)before + 1);
	if (status == 0)
		*ret_id = id;
	return status;
}

/* Find or add a row whose padding is clear. */
static int add_interned(
	struct tfmt_writer *writer, enum tfmt_kind kind, const void *row, uint32_t *ret_id)
{
	struct tfmt_intern *index = &writer->index[kind];
	size_t row_bytes = tfmt_schema__of(kind)->row_bytes;
	const uint8_t *rows = writer->rows[kind].data;
	uint32_t hash = tfmt_intern__hash(row, row_bytes), at, id;

	for (at = hash; (id = tfmt_intern__next(index, hash, &at)) != 0;)
		if (memcmp(rows + (id - 1) * row_bytes, row, row_bytes) == 0) {
			*ret_id = id;
			return writer->failed;
		}
	if (tfmt_intern__reserve(index) < 0)
		return TFMT_E_NOMEM;
	return add_indexed(writer, kind, row, hash, ret_id);
}

int tfmt_writer_intern(
	struct tfmt_writer *writer, const char *data, size_t length, uint32_t *ret_id)
{
	struct tfmt_intern *index = &writer->index[TFMT_STRING];
	struct tfmt_rows *table = &writer->rows[TFMT_STRING];
	const struct tfmt_string *strings = (const void *)table->data;
	struct tfmt_string row = {.length = (uint32_t)length};
	uint32_t hash = tfmt_intern__hash(data, length), at, id;

	if (length == 0) {
		*ret_id = 0;
		return writer->failed;
	}
	for (at = hash; (id = tfmt_intern__next(index, hash, &at)) != 0;)
		if (strings[id - 1].length == length &&
			memcmp(strings[id - 1].data, data, length) == 0) {
			*ret_id = id;
			return writer->failed;
		}
	if (length > TFMT_MAX_STRING_BYTES)
		return TFMT_E_LIMIT;
	row.data = tfmt_arena__text(&writer->arena, data, length);
	if (!row.data || tfmt_intern__reserve(index) < 0)
		return TFMT_E_NOMEM;
	row.is_bytes = !tfmt_utf8__is_valid(data, length);
	table->text_bytes += length;
	return add_indexed(writer, TFMT_STRING, &row, hash, ret_id);
}

int tfmt_writer_add_mapping(
	struct tfmt_writer *writer, const struct tfmt_mapping *row, uint32_t *ret_id)
{
	struct tfmt_mapping clean;

	/* Padding takes part in hashing and comparing. */
	memset(&clean, 0, sizeof(clean));
	clean.path = row->path;
	clean.build_id = row->build_id;
	clean.type = row->type;
	return add_interned(writer, TFMT_MAPPING, &clean, ret_id);
}

int tfmt_writer_add_frame(
	struct tfmt_writer *writer, const struct tfmt_frame *row, uint32_t *ret_id)
{
	struct tfmt_frame clean;

	memset(&clean, 0, sizeof(clean));
	clean.address = row->address;
	clean.mapping = row->mapping;
	clean.function = row->function;
	clean.file = row->file;
	clean.first_line = row->first_line;
	clean.line = row->line;
	clean.language = row->language;
	clean.flags = row->flags;
	return add_interned(writer, TFMT_FRAME, &clean, ret_id);
}

/* Stacks are looked up once for every frame of every sample: comparing inline is worth it. */
static uint32_t find_stack(
	const struct tfmt_writer *writer, const struct tfmt_stack *row, uint32_t hash)
{
	const struct tfmt_stack *stacks = (const void *)writer->rows[TFMT_STACK].data;
	const struct tfmt_intern *index = &writer->index[TFMT_STACK];
	uint32_t at, id;

	for (at = hash; (id = tfmt_intern__next(index, hash, &at)) != 0;)
		if (stacks[id - 1].parent == row->parent && stacks[id - 1].frame == row->frame)
			break;
	return id;
}

static int add_new_stack(
	struct tfmt_writer *writer, const struct tfmt_stack *row, uint32_t hash, uint32_t *ret_id)
{
	size_t before = writer->rows[TFMT_STACK].count;
	uint32_t depth = 1;

	if (row->parent > before)
		return TFMT_E_ARG;
	if (row->parent != 0)
		depth = writer->depths[row->parent - 1] + 1;
	if (depth > TFMT_MAX_DEPTH)
		return TFMT_E_LIMIT;
	if (tfmt_intern__reserve(&writer->index[TFMT_STACK]) < 0 ||
		tfmt_array__grow(&writer->depths, &writer->depth_capacity, before + 1,
			sizeof(*writer->depths)) < 0)
		return TFMT_E_NOMEM;
	writer->depths[before] = depth;
	return add_indexed(writer, TFMT_STACK, row, hash, ret_id);
}

int tfmt_writer_add_stack(
	struct tfmt_writer *writer, const struct tfmt_stack *row, uint32_t *ret_id)
{
	uint32_t hash = tfmt_intern__hash(row, sizeof(*row));
	uint32_t id = find_stack(writer, row, hash);

	if (id == 0)
		return add_new_stack(writer, row, hash, ret_id);
	*ret_id = id;
	return writer->failed;
}

int tfmt_writer_add_process(
	struct tfmt_writer *writer, const struct tfmt_process *row, uint32_t *ret_id)
{
	return add_row(writer, TFMT_PROCESS, row, ret_id);
}

int tfmt_writer_add_thread(
	struct tfmt_writer *writer, const struct tfmt_thread *row, uint32_t *ret_id)
{
	return add_row(writer, TFMT_THREAD, row, ret_id);
}

int tfmt_writer_add_metric(
	struct tfmt_writer *writer, const struct tfmt_metric *row, uint32_t *ret_id)
{
	return add_row(writer, TFMT_METRIC, row, ret_id);
}

/* Add a record with a time, or with 0 for one without. */
static int add_record(
	struct tfmt_writer *writer, enum tfmt_kind kind, const void *record, uint64_t time_ns)
{
	int status;

	if (writer->failed)
		return writer->failed;
	if (!is_sound(writer, kind, record))
		return TFMT_E_ARG;
	if (time_ns > writer->now_ns)
		writer->now_ns = time_ns;
	status = append(writer, kind, record);
	if (status < 0)
		return status;
	return hand_over_if_large(writer, kind);
}

int tfmt_writer_life(struct tfmt_writer *writer, const struct tfmt_life *record)
{
	return add_record(writer, TFMT_LIFE, record, record->time_ns);
}

int tfmt_writer_counter(struct tfmt_writer *writer, const struct tfmt_counter *record)
{
	return add_record(writer, TFMT_COUNTER, record, record->time_ns);
}

int tfmt_writer_arg(struct tfmt_writer *writer, const struct tfmt_arg *record)
{
	return add_record(writer, TFMT_ARG, record, 0);
}

int tfmt_writer_alloc(struct tfmt_writer *writer, const struct tfmt_alloc *record)
{
	return add_record(writer, TFMT_ALLOC, record, record->time_ns);
}

int tfmt_writer_release(struct tfmt_writer *writer, const struct tfmt_free *record)
{
	return add_record(writer, TFMT_FREE, record, record->time_ns);
}

int tfmt_writer_instant(struct tfmt_writer *writer, const struct tfmt_instant *record)
{
	return add_record(writer, TFMT_INSTANT, record, record->time_ns);
}

int tfmt_writer_clock(struct tfmt_writer *writer, const struct tfmt_clock *record)
{
	return add_record(writer, TFMT_CLOCK, record, record->time_ns);
}

int tfmt_writer_lost(struct tfmt_writer *writer, const struct tfmt_lost *record)
{
	return add_record(writer, TFMT_LOST, record, record->time_ns);
}

int tfmt_writer_cost(struct tfmt_writer *writer, const struct tfmt_cost *record)
{
	return add_record(writer, TFMT_COST, record, record->time_ns);
}

int tfmt_writer_symbol(struct tfmt_writer *writer, const struct tfmt_symbol *record)
{
	return add_record(writer, TFMT_SYMBOL, record, 0);
}

int tfmt_writer_sample(struct tfmt_writer *writer, const struct tfmt_sample *record)
{
	return add_record(writer, TFMT_SAMPLE, record, record->time_ns);
}

int tfmt_writer_span(
	struct tfmt_writer *writer, const struct tfmt_span *record, uint64_t *ret_number)
{
	uint64_t number = writer->rows[TFMT_SPAN].total + 1;
	int status = add_record(writer, TFMT_SPAN, record, record->time_ns);

	if (status == 0)
		*ret_number = number;
	return status;
}
