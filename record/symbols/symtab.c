#include "symbols/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

/* How many symbols before an address are tried: those that lie inside a larger one. */
#define NESTING_MAX 64
/* Longer names are all the same. */
#define SHORTNESS_MAX 4095u

int rec_symtab_append(struct rec_symtab *table, struct rec_symtab_entry entry)
{
	if (table->count == REC_SYMTAB_MAX)
		return 0;
	if (table->count == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : 256;
		struct rec_symtab_entry *entries =
			reallocarray(table->entries, capacity, sizeof(*entries));

		if (!entries)
			return TFMT_E_NOMEM;
		table->entries = entries;
		table->capacity = capacity;
	}
	table->entries[table->count++] = entry;
	return 0;
}

/*
 * Of the names of one address the one a programmer would use: with a size, visible to others,
 * with few underscores in front, strong, short.
 */
static uint32_t rank_of(const Elf64_Sym *symbol, const char *name)
{
	size_t length = strnlen(name, SHORTNESS_MAX);
	uint32_t underscores = 0, rank = 0;

	while (underscores < 15 && name[underscores] == '_')
		underscores++;
	if (symbol->st_size > 0)
		rank |= 1u << 7;
	if (ELF64_ST_TYPE(symbol->st_info) != STT_NOTYPE)
		rank |= 1u << 6;
	if (ELF64_ST_BIND(symbol->st_info) != STB_LOCAL)
		rank |= 1u << 5;
	rank |= (15 - underscores) << 1;
	if (ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL)
		rank |= 1u;
	return rank * (SHORTNESS_MAX + 1) + (uint32_t)(SHORTNESS_MAX - length);
}

static bool is_function(const Elf64_Sym *symbol, const char *name)
{
	int type = ELF64_ST_TYPE(symbol->st_info);

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS)
		return false;
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	/* ".L5" and "$x" mark places, not functions. */
	if (!*name || name[0] == '$' || (name[0] == '.' && name[1] == 'L'))
		return false;
	return true;
}

/* Append the functions of a symbol table. Returns how many, or TFMT_E_NOMEM. */
static int add_symbols(struct rec_symtab *table, struct rec_span bytes, struct rec_span names,
	const struct rec_text *text)
{
	size_t before = table->count;

	for (size_t at = 0; at + sizeof(Elf64_Sym) <= bytes.size; at += sizeof(Elf64_Sym)) {
		Elf64_Sym symbol;
		const char *name;
		int result;

		memcpy(&symbol, bytes.data + at, sizeof(symbol));
		if (symbol.st_name >= names.size || !rec_text_contains(text, symbol.st_value))
			continue;
		name = (const char *)names.data + symbol.st_name;
		if (!is_function(&symbol, name))
			continue;
		result = rec_symtab_append(
			table, (struct rec_symtab_entry){symbol.st_value, symbol.st_size, name,
				       rank_of(&symbol, name), false});
		if (result < 0)
			return result;
	}
	return (int)(table->count - before);
}

/* The same of a section; `file` may be NULL. */
static int add_section(struct rec_symtab *table, const struct rec_elf_file *file,
	const char *section_name, const struct rec_text *text)
{
	GElf_Shdr header;
	Elf_Scn *section = file ? rec_elf_section(file, section_name, &header) : NULL;

	if (!section || (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
		return 0;
	return add_symbols(
		table, rec_elf_section_bytes(section), rec_elf_strings(file, header.sh_link), text);
}

/*
 * The dynamic symbols of a file whose section headers are gone, as the loader finds them. Nothing
 * says how many there are; their texts begin after them, as all linkers have it.
 */
static int add_dynamic(
	struct rec_symtab *table, const struct rec_elf_file *file, const struct rec_text *text)
{
	struct rec_span dynamic, symbols, names;
	uint64_t symbols_at = 0, names_at = 0, names_bytes = 0;
	const uint8_t *last;
	GElf_Phdr segment;

	if (!rec_elf_segment(file, PT_DYNAMIC, &segment))
		return 0;
	dynamic = rec_elf_memory(file, segment.p_vaddr);
	for (size_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic.size; at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn item;

		memcpy(&item, dynamic.data + at, sizeof(item));
		if (item.d_tag == DT_NULL)
			break;
		if (item.d_tag == DT_SYMTAB)
			symbols_at = item.d_un.d_ptr;
		else if (item.d_tag == DT_STRTAB)
			names_at = item.d_un.d_ptr;
		else if (item.d_tag == DT_STRSZ)
			names_bytes = item.d_un.d_val;
	}
	symbols = rec_elf_memory(file, symbols_at);
	names = rec_elf_memory(file, names_at);
	if (names_bytes < names.size)
		names.size = names_bytes;
	/* Every offset inside is that of a text with an end. */
	last = names.data ? memrchr(names.data, 0, names.size) : NULL;
	names.size = last ? (size_t)(last - names.data) + 1 : 0;
	if (names_at > symbols_at && names_at - symbols_at < symbols.size)
		symbols.size = names_at - symbols_at;
	return add_symbols(table, symbols, names, text);
}

static int compare(const void *left, const void *right)
{
	const struct rec_symtab_entry *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	/* Any of them, but always the same. */
	return a->name < b->name ? -1 : a->name > b->name;
}

static uint64_t text_end_after(const struct rec_text *text, uint64_t address)
{
	for (size_t i = 0; i < text->count; i++) {
		if (address >= text->ranges[i].low && address < text->ranges[i].high)
			return text->ranges[i].high;
	}
	return address;
}

/* Sort, keep one symbol per address, and give a size to those without. */
static void put_in_order(struct rec_symtab *table, const struct rec_text *text)
{
	struct rec_symtab_entry *entries = table->entries;
	uint64_t sized_end = 0;
	size_t kept = 0;

	if (table->count == 0)
		return;
	qsort(entries, table->count, sizeof(*entries), compare);
	for (size_t i = 0; i < table->count; i++) {
		struct rec_symtab_entry entry = entries[i];
		uint64_t end = text_end_after(text, entry.address);

		if (kept > 0 && entries[kept - 1].address == entry.address)
			continue;
		/* A label inside a function is no function. */
		if (entry.size_bytes == 0 && entry.address < sized_end)
			continue;
		if (entry.size_bytes > end - entry.address)
			entry.size_bytes = end - entry.address;
		if (entry.address + entry.size_bytes > sized_end)
			sized_end = entry.address + entry.size_bytes;
		entries[kept++] = entry;
	}
	table->count = kept;
	/* What assembly left without a size reaches to the next symbol of its section. */
	for (size_t i = 0; i < kept; i++) {
		uint64_t end = text_end_after(text, entries[i].address);

		if (entries[i].size_bytes > 0)
			continue;
		if (i + 1 < kept && entries[i + 1].address < end)
			end = entries[i + 1].address;
		entries[i].size_bytes = end - entries[i].address;
	}
}

/* Of a file that has been stripped: what its debug file knows, and what was left to it. */
static int add_others(struct rec_symtab *table, const struct rec_elf_file *file,
	const struct rec_elf_file *debug, const struct rec_elf_file *mini,
	const struct rec_text *text)
{
	int result = add_section(table, debug, ".symtab", text), found;

	if (result != 0)
		return result;
	result = add_section(table, mini, ".symtab", text);
	if (result < 0)
		return result;
	found = add_section(table, file, ".dynsym", text);
	return found == 0 && file->names.size == 0 ? add_dynamic(table, file, text) : found;
}

int rec_symtab_load(struct rec_symtab *table, const struct rec_elf_file *file,
	const struct rec_elf_file *debug, const struct rec_elf_file *mini,
	const struct rec_text *text)
{
	int result = add_section(table, file, ".symtab", text);

	if (result == 0)
		result = add_others(table, file, debug, mini, text);
	if (result < 0)
		return result;
	put_in_order(table, text);
	result = rec_symtab_add_plt(table, file);
	put_in_order(table, text);
	return result;
}

void rec_symtab_release(struct rec_symtab *table)
{
	free(table->entries);
	*table = (struct rec_symtab){0};
}

size_t rec_symtab_bytes(const struct rec_symtab *table)
{
	return table->capacity * sizeof(*table->entries);
}

const struct rec_symtab_entry *rec_symtab_find(
	const struct rec_symtab *table, uint64_t address, struct rec_interval *range)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < table->count && table->entries[low].address < range->high)
		range->high = table->entries[low].address;
	for (size_t tries = 0; low > 0 && tries < NESTING_MAX; tries++) {
		const struct rec_symtab_entry *entry = &table->entries[--low];
		uint64_t end = entry->address + entry->size_bytes;

		if (address < end) {
			if (entry->address > range->low)
				range->low = entry->address;
			if (end < range->high)
				range->high = end;
			return entry;
		}
		if (end > range->low)
			range->low = end;
	}
	return NULL;
}
