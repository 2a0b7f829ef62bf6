#include <string.h>

#include "header_chunk.h"

#include "tracefmt/limits.h"

struct tfmt_header tfmt_header__empty(void)
{
	return (struct tfmt_header){
		.recorder = "", .host = "", .boot_id = "", .os = "", .machine = "", .cwd = ""};
}

/* What is read besides the public header. */
struct reading {
	struct tfmt_cbor cursor;
	struct tfmt_arena *arena;
	struct tfmt_header header;
	struct tfmt_error *err;
	uint64_t version;
	bool continues;
	bool has_id;
};

static int read_text(struct reading *r, const char **ret_text)
{
	struct tfmt_cbor_item item;
	int status = tfmt_cbor__read_string(&r->cursor, &item);
	const char *text;

	if (status < 0)
		return status;
	if (item.length > TFMT_MAX_STRING_BYTES)
		return TFMT_E_LIMIT;
	text = tfmt_arena__text(r->arena, item.data, item.length);
	if (!text)
		return TFMT_E_NOMEM;
	*ret_text = text;
	return 0;
}

static int read_u32(struct reading *r, uint32_t *ret_value)
{
	uint64_t value;
	int status = tfmt_cbor__read_uint(&r->cursor, &value);

	if (status < 0)
		return status;
	if (value > UINT32_MAX)
		return TFMT_E_CORRUPT;
	*ret_value = (uint32_t)value;
	return 0;
}

static int read_trace_id(struct reading *r)
{
	struct tfmt_cbor_item item;
	int status = tfmt_cbor__read_string(&r->cursor, &item);

	if (status < 0)
		return status;
	if (item.length != sizeof(r->header.trace_id))
		return TFMT_E_CORRUPT;
	memcpy(r->header.trace_id, item.data, item.length);
	r->has_id = true;
	return 0;
}

/* The length of an array whose items have a byte at least. */
static int read_length(struct reading *r, size_t *ret_count)
{
	uint64_t count;
	int status = tfmt_cbor__read_array(&r->cursor, &count);

	if (status < 0)
		return status;
	if (count > (uint64_t)(r->cursor.end - r->cursor.next))
		return TFMT_E_CORRUPT;
	*ret_count = count;
	return 0;
}

static int read_argv(struct reading *r)
{
	size_t count;
	const char **argv;
	int status = read_length(r, &count);

	if (status < 0)
		return status;
	argv = tfmt_arena__alloc(r->arena, (count + 1) * sizeof(*argv));
	if (!argv)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count && status == 0; i++)
		status = read_text(r, &argv[i]);
	if (status < 0)
		return status;
	argv[count] = NULL;
	r->header.argv = argv;
	r->header.argc = count;
	return 0;
}

static int read_notes(struct reading *r)
{
	size_t count;
	struct tfmt_note *notes;
	int status = read_length(r, &count);

	if (status < 0)
		return status;
	notes = tfmt_arena__alloc(r->arena, (count + 1) * sizeof(*notes));
	if (!notes)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < count && status == 0; i++) {
		size_t parts;

		status = read_length(r, &parts);
		if (status == 0 && parts != 2)
			status = TFMT_E_CORRUPT;
		if (status == 0)
			status = read_text(r, &notes[i].name);
		if (status == 0)
			status = read_text(r, &notes[i].text);
	}
	if (status < 0)
		return status;
	r->header.notes = notes;
	r->header.note_count = count;
	return 0;
}

/* Version 1 has no features that must be understood: any is one of a newer version. */
static int read_must_understand(struct reading *r)
{
	size_t count;
	const char *feature;
	int status = read_length(r, &count);

	if (status < 0 || count == 0)
		return status;
	status = read_text(r, &feature);
	if (status < 0)
		return status;
	return tfmt_error_set(r->err, TFMT_E_VERSION, 0,
		"the trace needs the feature \"%.64s\", which this version does not have: "
		"install a newer tracefmt",
		feature);
}

static int read_pair(struct reading *r)
{
	struct tfmt_header *header = &r->header;
	struct tfmt_cbor_item key;
	int status = tfmt_cbor__read_string(&r->cursor, &key);

	if (status < 0)
		return status;
	if (tfmt_cbor__is(&key, "os"))
		return read_text(r, &header->os);
	if (tfmt_cbor__is(&key, "cwd"))
		return read_text(r, &header->cwd);
	if (tfmt_cbor__is(&key, "argv"))
		return read_argv(r);
	if (tfmt_cbor__is(&key, "host"))
		return read_text(r, &header->host);
	if (tfmt_cbor__is(&key, "notes"))
		return read_notes(r);
	if (tfmt_cbor__is(&key, "utc_ns"))
		return tfmt_cbor__read_int(&r->cursor, &header->utc_ns);
	if (tfmt_cbor__is(&key, "boot_id"))
		return read_text(r, &header->boot_id);
	if (tfmt_cbor__is(&key, "machine"))
		return read_text(r, &header->machine);
	if (tfmt_cbor__is(&key, "rate_hz"))
		return read_u32(r, &header->rate_hz);
	if (tfmt_cbor__is(&key, "time_ns"))
		return tfmt_cbor__read_uint(&r->cursor, &header->time_ns);
	if (tfmt_cbor__is(&key, "recorder"))
		return read_text(r, &header->recorder);
	if (tfmt_cbor__is(&key, "tracefmt"))
		return tfmt_cbor__read_uint(&r->cursor, &r->version);
	if (tfmt_cbor__is(&key, "trace_id"))
		return read_trace_id(r);
	if (tfmt_cbor__is(&key, "continues"))
		return tfmt_cbor__read_bool(&r->cursor, &r->continues);
	if (tfmt_cbor__is(&key, "cpu_count"))
		return read_u32(r, &header->cpu_count);
	if (tfmt_cbor__is(&key, "interval_ns"))
		return tfmt_cbor__read_uint(&r->cursor, &header->interval_ns);
	if (tfmt_cbor__is(&key, "memory_bytes"))
		return tfmt_cbor__read_uint(&r->cursor, &header->memory_bytes);
	if (tfmt_cbor__is(&key, "must_understand"))
		return read_must_understand(r);
	return tfmt_cbor__skip(&r->cursor, 1);
}

/* The version, whatever else is in the map: it decides whether the rest may be looked at. */
static int find_version(struct tfmt_cbor cursor, uint64_t pairs, uint64_t *ret_version)
{
	for (uint64_t i = 0; i < pairs; i++) {
		struct tfmt_cbor_item key;
		int status = tfmt_cbor__read_string(&cursor, &key);

		if (status < 0)
			return status;
		if (tfmt_cbor__is(&key, "tracefmt"))
			return tfmt_cbor__read_uint(&cursor, ret_version);
		status = tfmt_cbor__skip(&cursor, 1);
		if (status < 0)
			return status;
	}
	return TFMT_E_CORRUPT;
}

int tfmt_header__unpack(const uint8_t *data, size_t size, struct tfmt_arena *arena,
	struct tfmt_header *ret_header, bool *ret_continues, struct tfmt_error *err)
{
	struct reading r = {.cursor = {.next = data, .end = data + size},
		.arena = arena,
		.header = tfmt_header__empty(),
		.err = err};
	struct tfmt_cbor_item item;
	uint64_t pairs;
	int status = tfmt_cbor__read(&r.cursor, &item);

	if (status < 0)
		return status;
	if (item.type != TFMT_CBOR_TAG || item.value != TFMT_TAG_MAGIC)
		return TFMT_E_CORRUPT;
	status = tfmt_cbor__read_map(&r.cursor, &pairs);
	if (status == 0)
		status = find_version(r.cursor, pairs, &r.version);
	if (status < 0)
		return status;
	if (r.version > TFMT_FORMAT_VERSION)
		return tfmt_error_set(err, TFMT_E_VERSION, 0,
			"the trace is of format version %llu, this reads up to version %d: "
			"install a newer tracefmt",
			(unsigned long long)r.version, TFMT_FORMAT_VERSION);
	for (uint64_t i = 0; i < pairs; i++) {
		status = read_pair(&r);
		if (status < 0)
			return status;
	}
	if (r.version == 0 || !r.has_id)
		return TFMT_E_CORRUPT;
	*ret_header = r.header;
	*ret_continues = r.continues;
	return 0;
}
