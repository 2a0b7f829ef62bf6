#include "cpython/names.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/text.h"

/* More entries are not looked at. */
#define MAX_ENTRIES 65536
/* Entries read at one go. */
#define BATCH 256

/* Of all versions: PyModuleObject and PyTypeObject. */
#define MODULE_DICT	 16
#define TYPE_BASIC_SIZE	 32
#define TYPE_FLAGS	 168
#define TYPE_DICT_OFFSET 288
/* Flag of types whose objects have their attributes' values behind them, 3.13. */
#define INLINE_VALUES (1u << 2)

/* Where the entries of a dict are, and what their values are. */
struct table {
	uint64_t entries;
	uint64_t values; /* of their own; 0: in the entries */
	size_t count, entry_bytes, key_at, value_at;
};

/* Whether an entry is the one looked for. */
struct wanted {
	const char *text;
	uint64_t number; /* without a text */
};

static uint64_t word(const uint8_t *bytes, size_t offset)
{
	uint64_t value;
	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

/* `values`: 0 where they are in the entries. */
static bool read_table(struct py_memory *memory, const struct py_layout *layout, uint64_t keys,
	uint64_t values, struct table *ret_table)
{
	uint8_t head[48];
	struct table table = {.values = values, .entry_bytes = 24, .key_at = 8, .value_at = 16};
	uint64_t index_bytes;
	if (keys == 0 || !py_read(memory, keys, head, sizeof(head)))
		return false;
	if (layout->minor <= 10) {
		uint64_t size = word(head, 8);
		index_bytes = size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : 4);
		table.entries = keys + 40 + index_bytes;
		table.count = word(head, 32);
	} else {
		index_bytes = 1ull << (head[9] & 31);
		table.entries = keys + 32 + index_bytes;
		table.count = word(head, 24);
		/* Tables of texts alone do not keep their hashes. */
		if (head[10] != 0)
			table = (struct table){table.entries, values, table.count, 16, 0, 8};
	}
	*ret_table = table;
	return table.count <= MAX_ENTRIES;
}

static bool read_dict(struct py_memory *memory, const struct py_layout *layout, uint64_t dict,
	struct table *ret_table)
{
	uint64_t keys, values;
	if (dict == 0 || !py_read_pointer(memory, dict + layout->dict_keys, &keys) ||
		!py_read_pointer(memory, dict + layout->dict_values, &values))
		return false;
	/* Four bytes about the values stand in front of them. */
	if (values != 0 && layout->minor >= 13)
		values += 8;
	return read_table(memory, layout, keys, values, ret_table);
}

static bool is_text(struct py_memory *memory, const struct py_layout *layout, uint64_t address,
	const char *wanted)
{
	char text[32];
	uint64_t length;
	return py_read_pointer(memory, address + layout->text_length, &length) &&
	       length == strlen(wanted) &&
	       py_read_text(memory, layout, address, text, sizeof(text)) > 0 &&
	       strcmp(text, wanted) == 0;
}

/* A positive int of up to three digits of 30 bits. */
static bool is_number(
	struct py_memory *memory, const struct py_layout *layout, uint64_t address, uint64_t wanted)
{
	uint8_t bytes[36];
	uint64_t value = 0;
	if (!py_read(memory, address, bytes, sizeof(bytes)))
		return false;
	uint64_t digits = layout->minor >= 12 ? word(bytes, 16) >> 3 : word(bytes, 16);
	for (size_t i = 0; i < 3 && i < digits; i++) {
		uint32_t digit;
		memcpy(&digit, bytes + 24 + 4 * i, sizeof(digit));
		value |= (uint64_t)digit << (30 * i);
	}
	return digits <= 3 && value == wanted;
}

static bool is_wanted(struct py_memory *memory, const struct py_layout *layout, uint64_t key,
	const struct wanted *wanted)
{
	if (key == 0)
		return false;
	return wanted->text ? is_text(memory, layout, key, wanted->text)
			    : is_number(memory, layout, key, wanted->number);
}

/* The value of the wanted entry; 0: there is none. */
static uint64_t look_up(struct py_memory *memory, const struct py_layout *layout,
	const struct table *table, const struct wanted *wanted)
{
	uint8_t entries[BATCH * 24];
	for (size_t from = 0; from < table->count; from += BATCH) {
		size_t count = table->count - from < BATCH ? table->count - from : BATCH;
		uint64_t value;
		if (!py_read(memory, table->entries + from * table->entry_bytes, entries,
			    count * table->entry_bytes))
			return 0;
		for (size_t i = 0; i < count; i++) {
			const uint8_t *entry = entries + i * table->entry_bytes;
			if (!is_wanted(memory, layout, word(entry, table->key_at), wanted))
				continue;
			if (table->values == 0)
				return word(entry, table->value_at);
			return py_read_pointer(memory, table->values + (from + i) * 8, &value)
				       ? value
				       : 0;
		}
	}
	return 0;
}

static uint64_t get(struct py_memory *memory, const struct py_layout *layout, uint64_t dict,
	const struct wanted *wanted)
{
	struct table table;
	return read_dict(memory, layout, dict, &table) ? look_up(memory, layout, &table, wanted)
						       : 0;
}

/* Where the attributes of an object are, that of a class written in Python. */
static bool read_attributes(struct py_memory *memory, const struct py_layout *layout,
	uint64_t object, struct table *ret_table)
{
	uint64_t type, dict_offset, dict, keys, values = 0;
	uint64_t keys_at = layout->minor == 9 ? 864 : layout->minor <= 11 ? 872 : 880;
	if (!py_read_pointer(memory, object + layout->object_type, &type))
		return false;
	if (layout->minor <= 10)
		return py_read_pointer(memory, type + TYPE_DICT_OFFSET, &dict_offset) &&
		       dict_offset < 4096 && py_read_pointer(memory, object + dict_offset, &dict) &&
		       read_dict(memory, layout, dict, ret_table);
	if (!py_read_pointer(memory, object - 24, &dict) ||
		!py_read_pointer(memory, type + keys_at, &keys))
		return false;
	if (layout->minor == 11 && !py_read_pointer(memory, object - 32, &values))
		return false;
	if (layout->minor == 12 && (dict & 1))
		values = dict + 1;
	if (layout->minor == 13 && dict == 0) {
		uint64_t flags, basic_size;
		if (!py_read_pointer(memory, type + TYPE_FLAGS, &flags) ||
			!py_read_pointer(memory, type + TYPE_BASIC_SIZE, &basic_size) ||
			!(flags & INLINE_VALUES))
			return false;
		values = object + basic_size + 8;
	}
	return values ? read_table(memory, layout, keys, values, ret_table)
		      : read_dict(memory, layout, dict, ret_table);
}

/* The dict that is the value of sys.modules['threading']._active. */
static uint64_t find_active(
	struct py_memory *memory, const struct py_layout *layout, uint64_t modules)
{
	uint64_t dict;
	uint64_t module = get(memory, layout, modules, &(struct wanted){.text = "threading"});
	if (module == 0 || !py_read_pointer(memory, module + MODULE_DICT, &dict))
		return 0;
	return get(memory, layout, dict, &(struct wanted){.text = "_active"});
}

bool py_read_thread_name(struct py_memory *memory, const struct py_layout *layout, uint64_t modules,
	uint64_t pthread, char *ret_name, size_t size_bytes)
{
	struct table table;
	uint64_t active = find_active(memory, layout, modules);
	uint64_t thread =
		active ? get(memory, layout, active, &(struct wanted){.number = pthread}) : 0;
	if (thread == 0 || !read_attributes(memory, layout, thread, &table))
		return false;
	uint64_t name = look_up(memory, layout, &table, &(struct wanted){.text = "_name"});
	return name != 0 && py_read_text(memory, layout, name, ret_name, size_bytes) > 0;
}
