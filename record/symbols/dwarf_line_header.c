#include "symbols/dwarf_line_header.h"

#include <dwarf.h>
#include <stdlib.h>

#include "tracefmt/error.h"

/* What a hostile header has beyond is not read. */
#define FILES_MAX   (64 * 1024)
#define FORMATS_MAX 16

struct reader {
	const struct rec_dwarf_sections *sections;
	struct rec_line_header *header;
	struct rec_lines *lines;
	const char **folders;
	size_t folder_count;
};

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

static int add_folder(struct reader *reader, const char *folder)
{
	/* Doubles at powers of two. */
	size_t count = reader->folder_count;

	if (count == FILES_MAX)
		return TFMT_E_CORRUPT;
	if ((count & (count - 1)) == 0) {
		const char **folders =
			reallocarray(reader->folders, count ? count * 2 : 1, sizeof(*folders));

		if (!folders)
			return TFMT_E_NOMEM;
		reader->folders = folders;
	}
	reader->folders[reader->folder_count++] = folder;
	return 0;
}

static const char *folder_at(const struct reader *reader, uint64_t index)
{
	return index < reader->folder_count ? reader->folders[index] : NULL;
}

/* Versions 2 to 4: lists of texts, each ended by an empty one; folder 0 is not listed. */
static int read_old_tables(struct reader *reader)
{
	struct rec_cursor *cursor = &reader->header->program;
	int result = add_folder(reader, NULL);
	const char *text;

	reader->lines->first_file = 1;
	while (result == 0 && rec_spend(reader->sections, 1) && (text = rec_read_text(cursor)) &&
		*text)
		result = add_folder(reader, text);
	while (result == 0 && rec_spend(reader->sections, 1) && (text = rec_read_text(cursor)) &&
		*text) {
		const char *folder = folder_at(reader, rec_read_uleb(cursor));

		rec_read_uleb(cursor);
		rec_read_uleb(cursor);
		result = add_file(reader->lines, (struct rec_line_file){folder, text});
	}
	return result;
}

/* One field of a version 5 table. A text goes to `*ret_text`, a number to `*ret_number`. */
static void read_field(
	struct reader *reader, uint64_t form, const char **ret_text, uint64_t *ret_number)
{
	struct rec_cursor *cursor = &reader->header->program;

	switch (form) {
	case DW_FORM_string:
		*ret_text = rec_read_text(cursor);
		break;
	case DW_FORM_line_strp:
		*ret_text = rec_text_at(reader->sections->line_str,
			rec_read_uint(cursor, reader->header->offset_bytes));
		break;
	case DW_FORM_strp:
		*ret_text = rec_text_at(
			reader->sections->str, rec_read_uint(cursor, reader->header->offset_bytes));
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
static int read_new_table(struct reader *reader, bool has_files)
{
	struct rec_cursor *cursor = &reader->header->program;
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
			       rec_spend(reader->sections, 1 + format_count);
		row++) {
		const char *name = NULL;
		uint64_t folder = 0;

		for (unsigned int i = 0; i < format_count; i++) {
			const char *text = NULL;
			uint64_t number = 0;

			read_field(reader, forms[i], &text, &number);
			if (contents[i] == DW_LNCT_path)
				name = text;
			else if (contents[i] == DW_LNCT_directory_index)
				folder = number;
		}
		if (has_files)
			result = add_file(reader->lines,
				(struct rec_line_file){folder_at(reader, folder), name});
		else
			result = add_folder(reader, name);
	}
	return result;
}

/* The fields before the tables. `*ret_program` is where the program starts. */
static int read_fields(struct rec_line_header *header, const uint8_t **ret_program)
{
	struct rec_cursor *cursor = &header->program;
	uint64_t length = rec_read_u32(cursor), header_bytes;

	header->offset_bytes = 4;
	if (length == 0xffffffff) {
		header->offset_bytes = 8;
		length = rec_read_uint(cursor, 8);
	}
	if (length > rec_cursor_left(cursor))
		return TFMT_E_CORRUPT;
	cursor->end = cursor->at + length;
	header->version = rec_read_u16(cursor);
	if (header->version < 2 || header->version > 5)
		return TFMT_E_CORRUPT;
	/* The sizes of addresses and segments, which the program tells again. */
	if (header->version == 5)
		rec_skip(cursor, 2);
	header_bytes = rec_read_uint(cursor, header->offset_bytes);
	if (header_bytes > rec_cursor_left(cursor))
		return TFMT_E_CORRUPT;
	*ret_program = cursor->at + header_bytes;
	header->instruction_bytes = rec_read_u8(cursor);
	/* Operations per instruction, which is 1, and whether rows begin statements. */
	rec_skip(cursor, header->version >= 4 ? 2 : 1);
	header->line_base = (int8_t)rec_read_u8(cursor);
	header->line_range = rec_read_u8(cursor);
	header->opcode_base = rec_read_u8(cursor);
	for (unsigned int i = 1; i < header->opcode_base; i++)
		header->operand_counts[i] = rec_read_u8(cursor);
	return header->line_range == 0 || header->opcode_base == 0 ? TFMT_E_CORRUPT : 0;
}

int rec_line_header_read(const struct rec_dwarf_sections *sections, uint64_t offset,
	struct rec_line_header *header, struct rec_lines *lines)
{
	struct reader reader = {.sections = sections, .header = header, .lines = lines};
	const uint8_t *program = NULL;
	int result;

	*header = (struct rec_line_header){.program = rec_cursor_at(sections->line, offset)};
	result = read_fields(header, &program);
	if (result < 0)
		return result;
	if (header->version < 5) {
		result = read_old_tables(&reader);
	} else {
		result = read_new_table(&reader, false);
		if (result == 0)
			result = read_new_table(&reader, true);
	}
	free(reader.folders);
	if (result == 0 && header->program.is_bad)
		result = TFMT_E_CORRUPT;
	header->program.at = program;
	return result;
}
