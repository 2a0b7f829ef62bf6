#include "symbols/dwarf_lines.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/dwarf_line_header.h"
#include "tracefmt/error.h"

/* Of one unit. What a hostile table has beyond is not read. */
#define ROWS_MAX (512 * 1024)

/* A line program and the registers of the machine it runs on. */
struct program {
	const struct rec_dwarf_sections *sections;
	const struct rec_text *text;
	struct rec_lines *lines;
	struct rec_line_header header;
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
	struct rec_cursor *cursor = &program->header.program;
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
	struct rec_cursor *cursor = &program->header.program;

	switch (opcode) {
	case DW_LNS_copy:
		return add_row(program, program->file, program->line);
	case DW_LNS_advance_pc:
		program->address += rec_read_uleb(cursor) * program->header.instruction_bytes;
		return 0;
	case DW_LNS_advance_line:
		program->line += (uint32_t)rec_read_sleb(cursor);
		return 0;
	case DW_LNS_set_file:
		program->file = (uint32_t)rec_read_uleb(cursor);
		return 0;
	case DW_LNS_const_add_pc:
		program->address += (uint64_t)((255 - program->header.opcode_base) /
					       program->header.line_range) *
				    program->header.instruction_bytes;
		return 0;
	case DW_LNS_fixed_advance_pc:
		program->address += rec_read_u16(cursor);
		return 0;
	default:
		for (unsigned int i = 0; i < program->header.operand_counts[opcode]; i++)
			rec_read_uleb(cursor);
		return 0;
	}
}

static int run(struct program *program)
{
	struct rec_cursor *cursor = &program->header.program;
	int result = 0;

	program->file = 1;
	program->line = 1;
	while (result == 0 && rec_cursor_left(cursor) > 0 && rec_spend(program->sections, 1)) {
		unsigned int opcode = rec_read_u8(cursor);

		if (opcode >= program->header.opcode_base) {
			unsigned int special = opcode - program->header.opcode_base;

			program->address += (uint64_t)(special / program->header.line_range) *
					    program->header.instruction_bytes;
			program->line += (uint32_t)(program->header.line_base +
						    (int)(special % program->header.line_range));
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
	};
	int result;

	lines->folder = unit->folder;
	if (!unit->has_lines)
		return 0;
	result = rec_line_header_read(sections, unit->line_offset, &program.header, lines);
	if (result == 0)
		result = run(&program);
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
