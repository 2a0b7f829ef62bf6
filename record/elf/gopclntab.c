#include "elf/gopclntab.h"

#include <string.h>

#define MAX_TEXT_BYTES (64u << 10)
/* Numbers in PCDATA and FUNCDATA of a function. */
#define PCDATA_INLINE	2
#define FUNCDATA_INLINE 3
#define FLAG_TOP_FRAME	1
#define FLAG_SP_WRITE	2

static struct cursor cursor_at(const uint8_t *bytes, size_t size, uint64_t offset)
{
	bool is_inside = bytes && offset <= size;

	return (struct cursor){
		is_inside ? bytes + offset : bytes, bytes ? bytes + size : bytes, !is_inside};
}

/* Offsets of the table count from its start; a sum that wraps lies outside. */
static struct cursor table_at(const struct go_table *table, uint64_t part, uint64_t offset)
{
	return cursor_at(
		table->bytes, table->size, part + offset < part ? UINT64_MAX : part + offset);
}

static uint32_t read_u32(struct cursor *cursor)
{
	return (uint32_t)cursor_unsigned(cursor, 4);
}

/* The element of the list of functions: its start, and where its entry is. */
static bool read_element(
	const struct go_table *table, uint64_t number, uint32_t *ret_start, uint32_t *ret_entry)
{
	struct cursor cursor = table_at(table, table->functions, number * 8);

	*ret_start = read_u32(&cursor);
	/* After the last function comes only the end of the code. */
	*ret_entry = number < table->function_count ? read_u32(&cursor) : 0;
	return !cursor.bad;
}

/* What follows the fixed part of a function's entry: 4 bytes for each of its lists. */
static void read_lists(const struct go_table *table, struct cursor *cursor, uint32_t value_lists,
	uint32_t data_lists, struct go_function *function)
{
	const uint8_t *lists = cursor_bytes(cursor, 4 * (uint64_t)value_lists);
	const uint8_t *data = cursor_bytes(cursor, 4 * (uint64_t)data_lists);

	if (!lists || !data || value_lists <= PCDATA_INLINE || data_lists <= FUNCDATA_INLINE ||
		!table->data)
		return;
	memcpy(&function->inline_numbers, lists + 4 * PCDATA_INLINE, 4);
	memcpy(&function->inline_tree, data + 4 * FUNCDATA_INLINE, 4);
	if (function->inline_tree == UINT32_MAX)
		function->inline_numbers = 0;
}

static bool read_function(
	const struct go_table *table, uint64_t number, struct go_function *ret_function)
{
	struct go_function function = {0};
	uint32_t start, end, entry, none, value_lists;

	if (!read_element(table, number, &start, &entry) ||
		!read_element(table, number + 1, &end, &none) || start >= end)
		return false;
	function.start = table->text + start;
	function.end = table->text + end;
	struct cursor cursor = table_at(table, table->functions, entry);

	cursor_bytes(&cursor, 4);
	function.name = read_u32(&cursor);
	cursor_bytes(&cursor, 8); /* size of arguments, deferreturn */
	function.stack_sizes = read_u32(&cursor);
	function.file_numbers = read_u32(&cursor);
	function.lines = read_u32(&cursor);
	value_lists = read_u32(&cursor);
	function.unit = read_u32(&cursor);
	if (!table->has_old_layout)
		function.first_line = read_u32(&cursor);
	cursor_bytes(&cursor, 1); /* kind */
	uint64_t flags = cursor_unsigned(&cursor, 1);

	cursor_bytes(&cursor, 1);
	uint32_t data_lists = (uint32_t)cursor_unsigned(&cursor, 1);

	if (cursor.bad)
		return false;
	function.is_top = flags & FLAG_TOP_FRAME;
	function.switches_stack = flags & FLAG_SP_WRITE;
	read_lists(table, &cursor, value_lists, data_lists, &function);
	*ret_function = function;
	return true;
}

bool go_find_function(
	const struct go_table *table, uint64_t vaddr, struct go_function *ret_function)
{
	uint64_t wanted = vaddr - table->text, low = 0, high = table->function_count;
	uint32_t start, entry;

	if (vaddr < table->text || wanted > UINT32_MAX)
		return false;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!read_element(table, middle, &start, &entry))
			return false;
		if (start <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && read_function(table, low - 1, ret_function) && vaddr < ret_function->end;
}

bool go_value_at(struct go_table *table, const struct go_function *function, uint32_t list,
	uint64_t vaddr, struct go_value *ret_value)
{
	struct cursor cursor = table_at(table, table->values, list);
	struct go_value value = {-1, function->start, function->start};

	if (list == 0)
		return false;
	/* Pairs: by how much the value changes (zigzag, 0 ends the list), and for how many bytes.
	 */
	for (bool is_first = true; table->steps_left > 0; is_first = false) {
		uint64_t change = cursor_uleb128(&cursor);

		table->steps_left--;
		if (cursor.bad || (change == 0 && !is_first))
			return false;
		value.value = (int64_t)((uint64_t)value.value + (change >> 1 ^ -(change & 1)));
		value.low = value.high;
		value.high += cursor_uleb128(&cursor);
		if (cursor.bad || value.high < value.low || value.high > function->end)
			return false;
		if (vaddr >= value.low && vaddr < value.high) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

bool go_inline_at(const struct go_table *table, const struct go_function *function, int64_t number,
	struct go_inline *ret_inline)
{
	size_t size = table->has_old_layout ? 20 : 16;
	struct cursor cursor;

	if (number < 0 || number > UINT32_MAX)
		return false;
	cursor = cursor_at(
		table->data, table->data_size, function->inline_tree + size * (uint64_t)number);
	struct go_inline item = {0};

	/* The old layout has file and line of the call too: they are those of `parent`. */
	cursor_bytes(&cursor, table->has_old_layout ? 12 : 4);
	item.name = read_u32(&cursor);
	item.parent = function->start + read_u32(&cursor);
	if (!table->has_old_layout)
		item.first_line = read_u32(&cursor);
	if (cursor.bad || item.parent >= function->end)
		return false;
	*ret_inline = item;
	return true;
}

static const char *text_at(const struct go_table *table, uint64_t part, uint64_t offset)
{
	struct cursor cursor = table_at(table, part, offset);
	size_t room = cursor_left(&cursor);

	if (cursor.bad || room == 0)
		return NULL;
	if (room > MAX_TEXT_BYTES)
		room = MAX_TEXT_BYTES;
	return memchr(cursor.at, 0, room) ? (const char *)cursor.at : NULL;
}

const char *go_name(const struct go_table *table, uint32_t name)
{
	return text_at(table, table->names, name);
}

const char *go_file(
	const struct go_table *table, const struct go_function *function, int64_t number)
{
	struct cursor cursor;

	if (number < 0 || number > UINT32_MAX)
		return NULL;
	cursor = table_at(table, table->units, 4 * (function->unit + (uint64_t)number));
	uint32_t offset = read_u32(&cursor);

	return cursor.bad || offset == UINT32_MAX ? NULL : text_at(table, table->files, offset);
}
