/*
 * PLT entries have no symbols. Each jumps through a slot of the GOT, and the relocation of that
 * slot has the name. This file knows x86-64's jump; other machines need their own.
 */
#include <stdlib.h>
#include <string.h>

#include "symbols/symtab.h"
#include "tracefmt/error.h"

#define SLOTS_MAX	(64 * 1024)
#define PLT_ENTRY_BYTES 16

/* A GOT slot and who fills it. */
struct slot {
	uint64_t address;
	const char *name;
};

struct slots {
	struct slot *items;
	size_t count;
	size_t capacity;
};

static int add_slot(struct slots *slots, struct slot slot)
{
	if (slots->count == SLOTS_MAX)
		return 0;
	if (slots->count == slots->capacity) {
		size_t capacity = slots->capacity ? slots->capacity * 2 : 256;
		struct slot *items = reallocarray(slots->items, capacity, sizeof(*items));

		if (!items)
			return TFMT_E_NOMEM;
		slots->items = items;
		slots->capacity = capacity;
	}
	slots->items[slots->count++] = slot;
	return 0;
}

/* A relocation section with the symbols that it refers to. */
struct relocations {
	struct rec_span entries;
	struct rec_span symbols;
	struct rec_span names;
};

static struct relocations find_relocations(
	const struct rec_elf_file *file, const char *section_name)
{
	struct relocations found = {0};
	GElf_Shdr header, symbols_header;
	Elf_Scn *section = rec_elf_section(file, section_name, &header), *symbols;

	if (!section || header.sh_type != SHT_RELA)
		return found;
	found.entries = rec_elf_section_bytes(section);
	symbols = elf_getscn(file->elf, header.sh_link);
	if (symbols && gelf_getshdr(symbols, &symbols_header)) {
		found.symbols = rec_elf_section_bytes(symbols);
		found.names = rec_elf_strings(file, symbols_header.sh_link);
	}
	return found;
}

static const char *symbol_name(const struct relocations *relocations, uint64_t index)
{
	Elf64_Sym symbol;

	if (index >= relocations->symbols.size / sizeof(symbol))
		return NULL;
	memcpy(&symbol, relocations->symbols.data + index * sizeof(symbol), sizeof(symbol));
	if (symbol.st_name >= relocations->names.size)
		return NULL;
	return (const char *)relocations->names.data + symbol.st_name;
}

/* The name behind a relocation: a symbol's, or that of the local function it chooses. */
static const char *relocation_name(const struct rec_symtab *table,
	const struct relocations *relocations, const Elf64_Rela *relocation)
{
	struct rec_interval range = {0, UINT64_MAX};
	const struct rec_symtab_entry *entry;

	switch (ELF64_R_TYPE(relocation->r_info)) {
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_GLOB_DAT:
		return symbol_name(relocations, ELF64_R_SYM(relocation->r_info));
	case R_X86_64_IRELATIVE:
		entry = rec_symtab_find(table, (uint64_t)relocation->r_addend, &range);
		return entry ? entry->name : NULL;
	default:
		return NULL;
	}
}

static int read_slots(const struct rec_symtab *table, const struct rec_elf_file *file,
	const char *section_name, struct slots *slots)
{
	struct relocations relocations = find_relocations(file, section_name);
	Elf64_Rela relocation;

	for (size_t at = 0; at + sizeof(relocation) <= relocations.entries.size;
		at += sizeof(relocation)) {
		const char *name;

		memcpy(&relocation, relocations.entries.data + at, sizeof(relocation));
		name = relocation_name(table, &relocations, &relocation);
		if (name && *name && add_slot(slots, (struct slot){relocation.r_offset, name}) < 0)
			return TFMT_E_NOMEM;
	}
	return 0;
}

static int compare_slots(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/* Name each entry of a PLT section after the slot that its "jmp *slot(%rip)" goes through. */
static int read_plt(struct rec_symtab *table, const struct rec_elf_file *file,
	const char *section_name, const struct slots *slots)
{
	GElf_Shdr header;
	Elf_Scn *section = rec_elf_section(file, section_name, &header);
	struct rec_span code = rec_elf_section_bytes(section);
	size_t entry_bytes;

	if (!code.data || slots->count == 0)
		return 0;
	entry_bytes = header.sh_entsize >= 8 && header.sh_entsize <= 64 ? header.sh_entsize
									: PLT_ENTRY_BYTES;
	for (size_t start = 0; start + 8 <= code.size; start += entry_bytes) {
		size_t size = code.size - start < entry_bytes ? code.size - start : entry_bytes;
		const uint8_t *jump = memmem(code.data + start, size, "\xff\x25", 2);
		const struct slot *slot;
		struct slot wanted;
		int32_t distance;

		if (!jump || jump + 6 > code.data + start + size)
			continue;
		memcpy(&distance, jump + 2, sizeof(distance));
		wanted.address = header.sh_addr + (uint64_t)(jump - code.data) + 6 +
				 (uint64_t)(int64_t)distance;
		slot = bsearch(&wanted, slots->items, slots->count, sizeof(wanted), compare_slots);
		if (slot && rec_symtab_append(table, (struct rec_symtab_entry){
							     .address = header.sh_addr + start,
							     .size_bytes = size,
							     .name = slot->name,
							     .is_plt = true,
						     }) < 0)
			return TFMT_E_NOMEM;
	}
	return 0;
}

int rec_symtab_add_plt(struct rec_symtab *table, const struct rec_elf_file *file)
{
	static const char *const relocations[] = {".rela.plt", ".rela.dyn"};
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got"};
	struct slots slots = {0};
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof(relocations) / sizeof(*relocations); i++)
		result = read_slots(table, file, relocations[i], &slots);
	if (slots.count > 0)
		qsort(slots.items, slots.count, sizeof(*slots.items), compare_slots);
	for (size_t i = 0; result == 0 && i < sizeof(sections) / sizeof(*sections); i++)
		result = read_plt(table, file, sections[i], &slots);
	free(slots.items);
	return result;
}
