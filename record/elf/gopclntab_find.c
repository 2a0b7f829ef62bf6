/*
 * Where a Go program's function table is in its file, and what it counts from.
 *
 * The section has a name, unless the program was linked by the C linker as a position-independent
 * one, or has lost its section headers. What code offsets count from stands in the runtime's
 * "moduledata", which begins with the table's address; in a position-independent program that is a
 * relocation.
 */
#include <elf.h>
#include <string.h>

#include "elf/gopclntab.h"

#define MAX_SECTIONS 4096
#define MAX_SEGMENTS 64
/* Places that refer to the table and may be the moduledata. */
#define MAX_CANDIDATES 16
/* Steps through value lists: some seconds, far more than an honest file takes. */
#define MAX_STEPS UINT64_C(400000000)

enum { MAGIC_118 = 0xfffffff0u, MAGIC_120 = 0xfffffff1u };

/* Words of moduledata: the addresses of the table, its names, the code, and the functions' data. */
enum {
	MODULE_TABLE = 0,
	MODULE_NAMES = 1,
	MODULE_TEXT = 22,
	MODULE_DATA_118 = 38,
	MODULE_DATA_120 = 40,
	MODULE_WORDS = 41,
};

struct segment {
	uint64_t vaddr, offset, size;
	bool is_writable;
};

struct elf {
	const uint8_t *bytes;
	size_t size;
	struct segment segments[MAX_SEGMENTS];
	size_t segment_count;
	uint64_t dynamic, dynamic_size; /* offset in the file; 0: none */
	bool has_go_note;
};

/* Bytes of the file, NULL when they are not all there. */
static const uint8_t *bytes_at(const struct elf *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->size && size <= elf->size - offset ? elf->bytes + offset : NULL;
}

/* The bytes at a virtual address up to the end of its segment. */
static const uint8_t *memory_at(const struct elf *elf, uint64_t vaddr, size_t *ret_size)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct segment *segment = &elf->segments[i];

		if (vaddr - segment->vaddr < segment->size) {
			*ret_size = segment->size - (vaddr - segment->vaddr);
			return elf->bytes + segment->offset + (vaddr - segment->vaddr);
		}
	}
	return NULL;
}

/* Whether a note segment has a note by "Go". Only the first few notes are looked at. */
static bool has_go_note(const struct elf *elf, const Elf64_Phdr *header)
{
	const uint8_t *bytes = bytes_at(elf, header->p_offset, header->p_filesz);
	struct cursor notes = {bytes, bytes ? bytes + header->p_filesz : NULL, !bytes};

	for (int i = 0; i < 16 && !notes.bad; i++) {
		uint64_t name_size = cursor_unsigned(&notes, 4);
		uint64_t value_size = cursor_unsigned(&notes, 4);

		cursor_unsigned(&notes, 4);
		const uint8_t *name = cursor_bytes(&notes, (name_size + 3) & ~UINT64_C(3));

		if (name && name_size == 4 && memcmp(name, "Go\0", 4) == 0)
			return true;
		cursor_bytes(&notes, (value_size + 3) & ~UINT64_C(3));
	}
	return false;
}

static bool read_headers(struct elf *elf, Elf64_Ehdr *ret_header)
{
	const uint8_t *header = bytes_at(elf, 0, sizeof(*ret_header));

	if (!header)
		return false;
	memcpy(ret_header, header, sizeof(*ret_header));
	if (memcmp(ret_header->e_ident, ELFMAG, SELFMAG) != 0 ||
		ret_header->e_ident[EI_CLASS] != ELFCLASS64 ||
		ret_header->e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	for (uint64_t i = 0; i < ret_header->e_phnum; i++) {
		Elf64_Phdr item;
		const uint8_t *bytes =
			bytes_at(elf, ret_header->e_phoff + i * sizeof(item), sizeof(item));

		if (!bytes || elf->segment_count == MAX_SEGMENTS)
			break;
		memcpy(&item, bytes, sizeof(item));
		if (!bytes_at(elf, item.p_offset, item.p_filesz))
			continue;
		if (item.p_type == PT_LOAD)
			elf->segments[elf->segment_count++] = (struct segment){
				item.p_vaddr, item.p_offset, item.p_filesz, item.p_flags & PF_W};
		else if (item.p_type == PT_DYNAMIC) {
			elf->dynamic = item.p_offset;
			elf->dynamic_size = item.p_filesz;
		} else if (item.p_type == PT_NOTE)
			elf->has_go_note |= has_go_note(elf, &item);
	}
	return true;
}

/* ---- the table ---- */

/* Whether the bytes begin with the head of a table; read it. */
static bool read_table(const uint8_t *bytes, size_t size, struct go_table *ret_table)
{
	struct go_table table = {.bytes = bytes, .size = size, .steps_left = MAX_STEPS};
	struct cursor cursor = {bytes, bytes + size, false};
	uint64_t magic = cursor_unsigned(&cursor, 4);

	if (magic != MAGIC_118 && magic != MAGIC_120)
		return false;
	/* Two bytes of padding, the shortest instruction, the size of a pointer. */
	if (cursor_unsigned(&cursor, 4) != 0x08010000)
		return false;
	table.has_old_layout = magic == MAGIC_118;
	table.function_count = cursor_unsigned(&cursor, 8);
	cursor_unsigned(&cursor, 8); /* files */
	table.text = cursor_unsigned(&cursor, 8);
	table.names = cursor_unsigned(&cursor, 8);
	table.units = cursor_unsigned(&cursor, 8);
	table.files = cursor_unsigned(&cursor, 8);
	table.values = cursor_unsigned(&cursor, 8);
	table.functions = cursor_unsigned(&cursor, 8);
	if (cursor.bad || table.names > size || table.units > size || table.files > size ||
		table.values > size || table.functions > size || table.function_count == 0 ||
		table.function_count > (size - table.functions) / 8)
		return false;
	*ret_table = table;
	return true;
}

/* Read the table at an offset of the file; it ends with its segment. */
static bool table_at_offset(const struct elf *elf, uint64_t offset, struct go_table *ret_table)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct segment *segment = &elf->segments[i];
		uint64_t into = offset - segment->offset;

		if (into >= segment->size ||
			!read_table(elf->bytes + offset, segment->size - into, ret_table))
			continue;
		ret_table->vaddr = segment->vaddr + into;
		return true;
	}
	return false;
}

/* Look for the section. Returns: whether its name says that this is a Go program. */
static bool find_section(const struct elf *elf, const Elf64_Ehdr *header, struct go_table *table)
{
	Elf64_Shdr names, item;
	const uint8_t *bytes =
		bytes_at(elf, header->e_shoff + header->e_shstrndx * sizeof(names), sizeof(names));
	bool is_go = false;

	if (!bytes || header->e_shnum == 0 || header->e_shnum > MAX_SECTIONS)
		return elf->has_go_note;
	memcpy(&names, bytes, sizeof(names));
	for (uint64_t i = 0; i < header->e_shnum; i++) {
		char name[32] = "";

		bytes = bytes_at(elf, header->e_shoff + i * sizeof(item), sizeof(item));
		if (!bytes)
			break;
		memcpy(&item, bytes, sizeof(item));
		bytes = bytes_at(elf, names.sh_offset + item.sh_name, sizeof(name) - 1);
		if (bytes)
			memcpy(name, bytes, sizeof(name) - 1);
		if (strcmp(name, ".go.buildinfo") == 0)
			is_go = true;
		if ((strcmp(name, ".gopclntab") == 0 ||
			    strcmp(name, ".data.rel.ro.gopclntab") == 0) &&
			table_at_offset(elf, item.sh_offset, table))
			return true;
	}
	return is_go || elf->has_go_note;
}

/* Look for the head of the table itself. */
static bool search_table(const struct elf *elf, struct go_table *table)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct segment *segment = &elf->segments[i];

		for (uint64_t at = -segment->vaddr & 7; at + 8 <= segment->size; at += 8) {
			uint64_t word;

			memcpy(&word, elf->bytes + segment->offset + at, sizeof(word));
			if ((word == (UINT64_C(0x08010000) << 32 | MAGIC_118) ||
				    word == (UINT64_C(0x08010000) << 32 | MAGIC_120)) &&
				table_at_offset(elf, segment->offset + at, table))
				return true;
		}
	}
	return false;
}

/* ---- the moduledata ---- */

static void take_module(
	const struct elf *elf, struct go_table *table, const uint64_t words[MODULE_WORDS])
{
	size_t number = table->has_old_layout ? MODULE_DATA_118 : MODULE_DATA_120;

	table->text = words[MODULE_TEXT];
	table->data = memory_at(elf, words[number], &table->data_size);
}

static bool find_module(const struct elf *elf, struct go_table *table)
{
	uint64_t words[MODULE_WORDS];

	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct segment *segment = &elf->segments[i];
		const uint8_t *bytes = elf->bytes + segment->offset;

		if (!segment->is_writable)
			continue;
		for (uint64_t at = 0; at + sizeof(words) <= segment->size; at += 8) {
			memcpy(words, bytes + at, 16);
			if (words[MODULE_TABLE] != table->vaddr ||
				words[MODULE_NAMES] != table->vaddr + table->names)
				continue;
			memcpy(words, bytes + at, sizeof(words));
			take_module(elf, table, words);
			return true;
		}
	}
	return false;
}

/* The relocations of the program, `*ret_count` of them; NULL: none. */
static const uint8_t *find_relocations(const struct elf *elf, uint64_t *ret_count)
{
	uint64_t vaddr = 0, bytes_size = 0;
	size_t size;

	for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= elf->dynamic_size;
		at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn item;

		memcpy(&item, elf->bytes + elf->dynamic + at, sizeof(item));
		if (item.d_tag == DT_RELA)
			vaddr = item.d_un.d_ptr;
		else if (item.d_tag == DT_RELASZ)
			bytes_size = item.d_un.d_val;
	}
	const uint8_t *bytes = vaddr ? memory_at(elf, vaddr, &size) : NULL;

	if (!bytes || bytes_size > size)
		return NULL;
	*ret_count = bytes_size / sizeof(Elf64_Rela);
	return bytes;
}

/* Where a pointer to the table is put: candidates for the moduledata. */
static size_t find_candidates(const uint8_t *relocations, uint64_t count,
	const struct go_table *table, uint64_t candidates[MAX_CANDIDATES])
{
	size_t found = 0;

	for (uint64_t i = 0; i < count && found < MAX_CANDIDATES; i++) {
		Elf64_Rela item;

		memcpy(&item, relocations + i * sizeof(item), sizeof(item));
		if (ELF64_R_TYPE(item.r_info) == R_X86_64_RELATIVE &&
			(uint64_t)item.r_addend == table->vaddr)
			candidates[found++] = item.r_offset;
	}
	return found;
}

static bool find_relocated_module(const struct elf *elf, struct go_table *table)
{
	uint64_t words[MAX_CANDIDATES][MODULE_WORDS] = {0}, candidates[MAX_CANDIDATES], count = 0;
	const uint8_t *relocations = find_relocations(elf, &count);
	size_t found = relocations ? find_candidates(relocations, count, table, candidates) : 0;

	for (uint64_t i = 0; found > 0 && i < count; i++) {
		Elf64_Rela item;

		memcpy(&item, relocations + i * sizeof(item), sizeof(item));
		for (size_t c = 0; c < found; c++) {
			uint64_t into = item.r_offset - candidates[c];

			if (into < sizeof(words[c]) && into % 8 == 0)
				words[c][into / 8] = (uint64_t)item.r_addend;
		}
	}
	for (size_t c = 0; c < found; c++) {
		if (words[c][MODULE_NAMES] != table->vaddr + table->names)
			continue;
		take_module(elf, table, words[c]);
		return true;
	}
	return false;
}

bool go_table_find(const uint8_t *file, size_t size, struct go_table *ret_table)
{
	struct elf elf = {.bytes = file, .size = size};
	struct go_table table = {0};
	Elf64_Ehdr header;

	if (!read_headers(&elf, &header) || !find_section(&elf, &header, &table))
		return false;
	if (!table.bytes && !search_table(&elf, &table))
		return false;
	/* Up to Go 1.25 the table itself says where the code is, unless that is a relocation. */
	if (!find_relocated_module(&elf, &table) && !find_module(&elf, &table) && table.text == 0)
		return false;
	*ret_table = table;
	return true;
}
