#include <string.h>

#include "header_chunk.h"
#include "schema.h"

static void put_pair_text(struct tfmt_bytes *out, const char *key, const char *text)
{
	tfmt_cbor__put_key(out, key);
	tfmt_cbor__put_text(out, text, strlen(text));
}

static void put_pair_uint(struct tfmt_bytes *out, const char *key, uint64_t value)
{
	tfmt_cbor__put_key(out, key);
	tfmt_cbor__put_uint(out, value);
}

static const char *type_name(const struct tfmt_column *column)
{
	static const char *const names[][2] = {[1] = {"u8", "s8"},
		[2] = {"u16", "s16"},
		[4] = {"u32", "s32"},
		[8] = {"u64", "s64"}};

	return names[column->size][column->is_signed];
}

static void put_column(struct tfmt_bytes *out, const struct tfmt_column *column)
{
	const char *transform = tfmt_schema__transform_name(column->transform);
	bool has_unit = column->unit != NULL;
	size_t pairs = 1 + (column->by != NULL) + (column->refers_to != TFMT_NONE) + has_unit +
		       (transform != NULL);

	tfmt_cbor__put_map(out, pairs);
	if (column->by)
		put_pair_text(out, "by", column->by);
	if (column->refers_to != TFMT_NONE)
		put_pair_text(out, "ref", tfmt_kind_name(column->refers_to));
	put_pair_text(out, "type", type_name(column));
	if (has_unit)
		put_pair_text(out, "unit", column->unit);
	if (transform)
		put_pair_text(out, "transform", transform);
}

static void put_schema(struct tfmt_bytes *out)
{
	enum tfmt_kind kinds[TFMT_KIND_COUNT];
	size_t count = tfmt_schema__sorted_kinds(kinds);

	tfmt_cbor__put_map(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct tfmt_schema *schema = tfmt_schema__of(kinds[i]);

		tfmt_cbor__put_key(out, schema->name);
		if (kinds[i] == TFMT_STRING) {
			tfmt_cbor__put_map(out, 1);
			tfmt_cbor__put_key(out, "text");
			tfmt_cbor__put_map(out, 1);
			put_pair_text(out, "type", "text");
			continue;
		}
		tfmt_cbor__put_map(out, schema->column_count);
		for (size_t j = 0; j < schema->column_count; j++) {
			tfmt_cbor__put_key(out, schema->columns[j].name);
			put_column(out, &schema->columns[j]);
		}
	}
}

static void put_argv(struct tfmt_bytes *out, const struct tfmt_header *header)
{
	tfmt_cbor__put_key(out, "argv");
	tfmt_cbor__put_array(out, header->argc);
	for (size_t i = 0; i < header->argc; i++)
		tfmt_cbor__put_text(out, header->argv[i], strlen(header->argv[i]));
}

static void put_notes(struct tfmt_bytes *out, const struct tfmt_header *header)
{
	tfmt_cbor__put_key(out, "notes");
	tfmt_cbor__put_array(out, header->note_count);
	for (size_t i = 0; i < header->note_count; i++) {
		const struct tfmt_note *note = &header->notes[i];

		tfmt_cbor__put_array(out, 2);
		tfmt_cbor__put_text(out, note->name, strlen(note->name));
		tfmt_cbor__put_text(out, note->text, strlen(note->text));
	}
}

int tfmt_header__pack(
	const struct tfmt_header *header, uint64_t sequence, bool continues, struct tfmt_bytes *out)
{
	tfmt_cbor__put_tag(out, TFMT_TAG_MAGIC);
	tfmt_cbor__put_map(out, continues ? 21 : 20);
	put_pair_text(out, "os", header->os);
	put_pair_text(out, "cwd", header->cwd);
	put_pair_uint(out, "seq", sequence);
	put_argv(out, header);
	put_pair_text(out, "host", header->host);
	put_pair_text(out, "kind", "header");
	put_notes(out, header);
	tfmt_cbor__put_key(out, "schema");
	put_schema(out);
	tfmt_cbor__put_key(out, "utc_ns");
	tfmt_cbor__put_int(out, header->utc_ns);
	put_pair_text(out, "boot_id", header->boot_id);
	put_pair_text(out, "machine", header->machine);
	put_pair_uint(out, "rate_hz", header->rate_hz);
	put_pair_uint(out, "time_ns", header->time_ns);
	put_pair_text(out, "recorder", header->recorder);
	put_pair_uint(out, "tracefmt", TFMT_FORMAT_VERSION);
	tfmt_cbor__put_key(out, "trace_id");
	tfmt_cbor__put_bytes(out, header->trace_id, sizeof(header->trace_id));
	if (continues) {
		tfmt_cbor__put_key(out, "continues");
		tfmt_cbor__put_bool(out, true);
	}
	put_pair_uint(out, "cpu_count", header->cpu_count);
	put_pair_uint(out, "interval_ns", header->interval_ns);
	put_pair_uint(out, "memory_bytes", header->memory_bytes);
	tfmt_cbor__put_key(out, "must_understand");
	tfmt_cbor__put_array(out, 0);
	return out->failed ? TFMT_E_NOMEM : 0;
}
