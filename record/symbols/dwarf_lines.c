#include "symbols/dwarf_lines.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

/* Of one unit. What a hostile table has beyond is not read. */
#define ROWS_MAX    (512 * 1024)
#define FILES_MAX   (64 * 1024)
#define FORMATS_MAX 16

/* A line program: its header, and the registers of the machine it runs on. */
struct program {
	const struct rec_dwarf_sections *sections;
	const struct rec_text *text;
	struct rec_lines *lines;
	struct rec_cursor cursor;
	uint16_t version;
	uint8_t offset_bytes;
	uint8_t address_bytes;
	uint8_t instruction_bytes;
	int8_t line_base;
	uint8_t line_range;
	uint8_t opcode_base;
	uint8_t operand_counts[256]; /* of the standard opcodes */
	const char **folders;
	size_t folder_count;

	uint64_t address;
	uint32_t file;
	uint32_t line;
	size_t sequence_start; /* row where the present sequence began */
	bool is_sequence_bad;
	bool is_unsorted; /* some sequence lies before an earlier one */
};

void rec_lines_release(struct rec_lines *lines)
{
	free(lines->rows);
	free(lines->files);
	*lines = (struct rec_lines){0};
}

size_t rec_lines_bytes(const struct rec_lines *lines)
{
	return lines->row_capacity * sizeof(*lines->rows) +
	       lines->file_capacity * sizeof(*lines->files);
}

static int add_file(struct rec_lines *lines, struct rec_line_file file)
{
	if (lines->file_count == FILES_MAX)
		return TFMT_E_CORRUPT;
	if (lines->file_count == lines->file_capacity) {
		size_t capacity = lines->file_capacity ? lines->file_capacity * 2 : 32;
		struct rec_line_file *files = reallocarray(lines->files, capacity, sizeof(*files));

		if (!files)
			return TFMT_E_NOMEM;
		lines->files = files;
		lines->file_capacity = capacity;
	}
	lines->files[lines->file_count++] = file;
	return 0;
}

static int add_folder(struct program *program, const char *folder)
{
	/* Doubles at powers of two. */
	size_t count = program->folder_count;

	if (count == FILES_MAX)
		return TFMT_E_CORRUPT;
	if ((count & (count - 1)) == 0) {
		const char **folders =
			reallocarray(program->folders, count ? count * 2 : 1, sizeof(*folders));

		if (!folders)
			return TFMT_E_NOMEM;
		program->folders = folders;
	}
	program->folders[program->folder_count++] = folder;
	return 0;
}

static const char *folder_at(const struct program *program, uint64_t index)
{
	return index < program->folder_count ? program->folders[index] : NULL;
}

/* Versions 2 to 4: lists of texts, each ended by an empty one; folder 0 is not listed. */
static int read_old_tables(struct program *program)
{
	struct rec_cursor *cursor = &program->cursor;
	int result = add_folder(program, NULL);
	const char *text;

	program->lines->first_file = 1;
	while (result == 0 && rec_spend(program->sections, 1) && (text = rec_read_text(cursor)) &&
		*text)
		result = add_folder(program, text);
	while (result == 0 && rec_spend(program->sections, 1) && (text = rec_read_text(cursor)) &&
		*text) {
		const char *folder = folder_at(program, rec_read_uleb(cursor));

		rec_read_uleb(cursor);
		rec_read_uleb(cursor);
		result = add_file(program->lines, (struct rec_line_file){folder, text});
	}
	return result;
}

/* One field of a version 5 table. A text goes to `*ret_text`, a number to `*ret_number`. */
static void read_field(
	struct program *program, uint64_t form, const char **ret_text, uint64_t *ret_number)
{
	struct rec_cursor *cursor = &program->cursor;

	switch (form) {
	case DW_FORM_string:
		*ret_text = rec_read_text(cursor);
		break;
	case DW_FORM_line_strp:
		*ret_text = rec_text_at(
			program->sections->line_str, rec_read_uint(cursor, program->offset_bytes));
		break;
	case DW_FORM_strp:
		*ret_text = rec_text_at(
			program->sections->str, rec_read_uint(cursor, program->offset_bytes));
		break;
	case DW_FORM_udata:
		*ret_number = rec_read_uleb(cursor);
		break;
	case DW_FORM_data1:
		*ret_number = rec_read_u8(cursor);
		break;
	case DW_FORM_data2:
		*ret_number = rec_read_u16(cursor);
		break;
	case DW_FORM_data4:
		*ret_number = rec_read_u32(cursor);
		break;
	case DW_FORM_data8:
		*ret_number = rec_read_uint(cursor, 8);
		break;
	case DW_FORM_data16:
		rec_skip(cursor, 16);
		break;
	case DW_FORM_block:
		rec_skip(cursor, rec_read_uleb(cursor));
		break;
	default:
		rec_cursor_fail(cursor);
		break;
	}
}

/* Version 5: a table says of what its rows consist. The first one has folders, the second files. */
static int read_new_table(struct program *program, bool has_files)
{
	struct rec_cursor *cursor = &program->cursor;
	uint64_t contents[FORMATS_MAX], forms[FORMATS_MAX], rows;
	unsigned int format_count = rec_read_u8(cursor);
	int result = 0;

	if (format_count > FORMATS_MAX)
		return TFMT_E_CORRUPT;
	for (unsigned int i = 0; i < format_count; i++) {
		contents[i] = rec_read_uleb(cursor);
		forms[i] = rec_read_uleb(cursor);
	}
	rows = rec_read_uleb(cursor);
	for (uint64_t row = 0; result == 0 && row < rows && !cursor->is_bad &&
			       rec_spend(program->sections, 1 + format_count);
		row++) {
		const char *name = NULL;
		uint64_t folder = 0;

		for (unsigned int i = 0; i < format_count; i++) {
			const char *text = NULL;
			uint64_t number = 0;

			read_field(program, forms[i], &text, &number);
			if (contents[i] == DW_LNCT_path)
				name = text;
			else if (contents[i] == DW_LNCT_directory_index)
				folder = number;
		}
		if (has_files)
			result = add_file(program->lines,
				(struct rec_line_file){folder_at(program, folder), name});
		else
			result = add_folder(program, name);
	}
	return result;
}

/* Leaves the cursor at the program. Returns 0, TFMT_E_CORRUPT or TFMT_E_NOMEM. */
static int read_header(struct program *program)
{
	struct rec_cursor *cursor = &program->cursor;
	uint64_t length = rec_read_u32(cursor), header_bytes;
	const uint8_t *start;
	int result;

	program->offset_bytes = 4;
	if (length == 0xffffffff) {
		program->offset_bytes = 8;
		length = rec_read_uint(cursor, 8);
	}
	if (length > rec_cursor_left(cursor))
		return TFMT_E_CORRUPT;
	cursor->end = cursor->at + length;
	program->version = rec_read_u16(cursor);
	if (program->version < 2 || program->version > 5)
		return TFMT_E_CORRUPT;
	if (program->version == 5) {
		program->address_bytes = rec_read_u8(cursor);
		rec_skip(cursor, 1);
	}
	header_bytes = rec_read_uint(cursor, program->offset_bytes);
	if (header_bytes > rec_cursor_left(cursor))
		return TFMT_E_CORRUPT;
	start = cursor->at + header_bytes;
	program->instruction_bytes = rec_read_u8(cursor);
	if (program->version >= 4)
		rec_skip(cursor, 1);
	rec_skip(cursor, 1);
	program->line_base = (int8_t)rec_read_u8(cursor);
	program->line_range = rec_read_u8(cursor);
	program->opcode_base = rec_read_u8(cursor);
	for (unsigned int i = 1; i < program->opcode_base; i++)
		program->operand_counts[i] = rec_read_u8(cursor);
	if (program->line_range == 0 || program->opcode_base == 0)
		return TFMT_E_CORRUPT;
	if (program->version < 5) {
		result = read_old_tables(program);
	} else {
		result = read_new_table(program, false);
		if (result == 0)
			result = read_new_table(program, true);
	}
	if (result == 0 && cursor->is_bad)
		result = TFMT_E_CORRUPT;
	cursor->at = start;
	return result;
}

static int push_row(struct rec_lines *lines, struct rec_line_row row)
{
	if (lines->row_count == ROWS_MAX)
		return TFMT_E_CORRUPT;
	if (lines->row_count == lines->row_capacity) {
		size_t capacity = lines->row_capacity ? lines->row_capacity * 2 : 256;
		struct rec_line_row *rows = reallocarray(lines->rows, capacity, sizeof(*rows));

		if (!rows)
			return TFMT_E_NOMEM;
		lines->rows = rows;
		lines->row_capacity = capacity;
	}
	lines->rows[lines->row_count++] = row;
	return 0;
}

/* Append a row to the present sequence. Of several at one address the last is the true one. */
static int add_row(struct program *program, uint32_t file, uint32_t line)
{
	struct rec_lines *lines = program->lines;
	struct rec_line_row row = {program->address, file, line};

	if (lines->row_count > program->sequence_start) {
		struct rec_line_row *last = &lines->rows[lines->row_count - 1];

		if (row.address < last->address) {
			program->is_sequence_bad = true;
			return 0;
		}
		if (row.address == last->address)
			lines->row_count--;
	}
	if (lines->row_count > program->sequence_start) {
		const struct rec_line_row *last = &lines->rows[lines->row_count - 1];

		if (last->file == file && last->line == line)
			return 0;
	}
	return push_row(lines, row);
}

/*
 * End the present sequence. It is dropped when it makes no sense or lies where no code is: linkers
 * leave the lines of functions they threw away, at address 0.
 */
static int end_sequence(struct program *program)
{
	struct rec_lines *lines = program->lines;
	size_t start = program->sequence_start;
	int result = add_row(program, REC_LINE_HOLE, 0);

	if (result < 0 || program->is_sequence_bad || lines->row_count < start + 2 ||
		!rec_text_contains(program->text, lines->rows[start].address))
		lines->row_count = start;
	else if (start > 0 && lines->rows[start].address < lines->rows[start - 1].address)
		program->is_unsorted = true;
	program->sequence_start = lines->row_count;
	program->is_sequence_bad = false;
	program->address = 0;
	program->file = 1;
	program->line = 1;
	return result;
}

static int run_extended(struct program *program)
{
	struct rec_cursor *cursor = &program->cursor;
	uint64_t length = rec_read_uleb(cursor);
	const uint8_t *next;
	int result = 0;

	if (length == 0 || length > rec_cursor_left(cursor))
		return length == 0 ? 0 : TFMT_E_CORRUPT;
	next = cursor->at + length;
	switch (rec_read_u8(cursor)) {
	case DW_LNE_end_sequence:
		result = end_sequence(program);
		break;
	case DW_LNE_set_address:
		program->address = rec_read_uint(cursor, length - 1 < 8 ? length - 1 : 8);
		break;
	default: /* discriminators, and what only later versions know */
		break;
	}
	cursor->at = next;
	return result;
}

static int run_standard(struct program *program, unsigned int opcode)
{
	struct rec_cursor *cursor = &program->cursor;

	switch (opcode) {
	case DW_LNS_copy:
		return add_row(program, program->file, program->line);
	case DW_LNS_advance_pc:
		program->address += rec_read_uleb(cursor) * program->instruction_bytes;
		return 0;
	case DW_LNS_advance_line:
		program->line += (uint32_t)rec_read_sleb(cursor);
		return 0;
	case DW_LNS_set_file:
		program->file = (uint32_t)rec_read_uleb(cursor);
		return 0;
	case DW_LNS_const_add_pc:
		program->address += (uint64_t)((255 - program->opcode_base) / program->line_range) *
				    program->instruction_bytes;
		return 0;
	case DW_LNS_fixed_advance_pc:
		program->address += rec_read_u16(cursor);
		return 0;
	default:
		for (unsigned int i = 0; i < program->operand_counts[opcode]; i++)
			rec_read_uleb(cursor);
		return 0;
	}
}

static int run(struct program *program)
{
	struct rec_cursor *cursor = &program->cursor;
	int result = 0;

	program->file = 1;
	program->line = 1;
	while (result == 0 && rec_cursor_left(cursor) > 0 && rec_spend(program->sections, 1)) {
		unsigned int opcode = rec_read_u8(cursor);

		if (opcode >= program->opcode_base) {
			unsigned int special = opcode - program->opcode_base;

			program->address += (uint64_t)(special / program->line_range) *
					    program->instruction_bytes;
			program->line += (uint32_t)(program->line_base +
						    (int)(special % program->line_range));
			result = add_row(program, program->file, program->line);
		} else if (opcode == 0) {
			result = run_extended(program);
		} else {
			result = run_standard(program, opcode);
		}
	}
	/* A sequence without its end has no last row to believe. */
	program->lines->row_count = program->sequence_start;
	return result;
}

struct sequence {
	size_t first;
	size_t count;
	uint64_t low;
};

static int compare_sequences(const void *left, const void *right)
{
	const struct sequence *a = left, *b = right;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* Bring the sequences into ascending order; one that overlaps the one before it is dropped. */
static int sort_sequences(struct rec_lines *lines)
{
	struct sequence *sequences;
	struct rec_line_row *rows;
	size_t count = 0, first = 0, kept = 0;

	for (size_t i = 0; i < lines->row_count; i++)
		count += lines->rows[i].file == REC_LINE_HOLE;
	sequences = calloc(count, sizeof(*sequences));
	rows = calloc(lines->row_count, sizeof(*rows));
	if (!sequences || !rows) {
		free(sequences);
		free(rows);
		return TFMT_E_NOMEM;
	}
	count = 0;
	for (size_t i = 0; i < lines->row_count; i++) {
		if (lines->rows[i].file != REC_LINE_HOLE)
			continue;
		sequences[count++] =
			(struct sequence){first, i + 1 - first, lines->rows[first].address};
		first = i + 1;
	}
	qsort(sequences, count, sizeof(*sequences), compare_sequences);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && sequences[i].low < rows[kept - 1].address)
			continue;
		memcpy(rows + kept, lines->rows + sequences[i].first,
			sequences[i].count * sizeof(*rows));
		kept += sequences[i].count;
	}
	free(sequences);
	free(lines->rows);
	lines->rows = rows;
	lines->row_capacity = lines->row_count;
	lines->row_count = kept;
	return 0;
}

/* Give back what growing left over: tables are kept for long. */
static void shrink(struct rec_lines *lines)
{
	struct rec_line_row *rows = NULL;

	if (lines->row_count > 0)
		rows = reallocarray(lines->rows, lines->row_count, sizeof(*rows));
	if (rows) {
		lines->rows = rows;
		lines->row_capacity = lines->row_count;
	}
}

int rec_lines_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_text *text, struct rec_lines *lines)
{
	struct program program = {
		.sections = sections,
		.text = text,
		.lines = lines,
		.cursor = rec_cursor_at(sections->line, unit->line_offset),
	};
	int result = 0;

	lines->folder = unit->folder;
	if (!unit->has_lines || program.cursor.is_bad)
		return 0;
	result = read_header(&program);
	if (result == 0)
		result = run(&program);
	free(program.folders);
	lines->row_count = program.sequence_start;
	if (result != TFMT_E_NOMEM && program.is_unsorted)
		result = sort_sequences(lines);
	if (result == TFMT_E_NOMEM)
		rec_lines_release(lines);
	else
		shrink(lines);
	return result == TFMT_E_NOMEM ? result : 0;
}

const struct rec_line_row *rec_lines_find(
	const struct rec_lines *lines, uint64_t address, struct rec_interval *range)
{
	size_t low = 0, high = lines->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lines->rows[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < lines->row_count && lines->rows[low].address < range->high)
		range->high = lines->rows[low].address;
	if (low == 0)
		return NULL;
	if (lines->rows[low - 1].address > range->low)
		range->low = lines->rows[low - 1].address;
	return lines->rows[low - 1].file == REC_LINE_HOLE ? NULL : &lines->rows[low - 1];
}

const char *rec_lines_path(const struct rec_lines *lines, uint32_t file, struct rec_chain *chain)
{
	const struct rec_line_file *entry;

	if (file < lines->first_file || file - lines->first_file >= lines->file_count)
		return NULL;
	entry = &lines->files[file - lines->first_file];
	return rec_chain_path(chain, lines->folder, entry->folder, entry->name);
}
