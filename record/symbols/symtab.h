/*
 * The function symbols of a file, and its PLT entries, which have none.
 */
#ifndef RECORD_SYMTAB_H
#define RECORD_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/elf_file.h"
#include "symbols/intervals.h"

/* Symbols kept per file: 32 bytes each. */
#define REC_SYMTAB_MAX (512 * 1024)

struct rec_symtab_entry {
	uint64_t address;
	uint64_t size_bytes;
	const char *name; /* in the ELF file; of a PLT entry, of what it calls */
	uint32_t rank;	  /* of several at one address the highest is kept */
	bool is_plt;
};

/* Zeroed: empty. Names live as long as the ELF files they were read from. */
struct rec_symtab {
	struct rec_symtab_entry *entries; /* by address, each address once */
	size_t count;
	size_t capacity;
};

/*
 * Read the symbols of `file`: its .symtab, or else that of its debug file and that of its
 * .gnu_debugdata (both may be NULL) beside its dynamic ones; and its PLT. `text` says where code
 * is.
 * Returns 0, or TFMT_E_NOMEM.
 */
int rec_symtab_load(struct rec_symtab *table, const struct rec_elf_file *file,
	const struct rec_elf_file *debug, const struct rec_elf_file *mini,
	const struct rec_text *text);
void rec_symtab_release(struct rec_symtab *table);
size_t rec_symtab_bytes(const struct rec_symtab *table);

/*
 * The symbol that covers `address`, NULL when none does. `range` shrinks to the part around
 * `address` that belongs to this symbol alone (or, without one, to none).
 */
const struct rec_symtab_entry *rec_symtab_find(
	const struct rec_symtab *table, uint64_t address, struct rec_interval *range);

/* For the loaders of one table: the order does not matter. Returns 0 or TFMT_E_NOMEM. */
int rec_symtab_append(struct rec_symtab *table, struct rec_symtab_entry entry);
/* Append the PLT entries of `file`; `table` is in order already. */
int rec_symtab_add_plt(struct rec_symtab *table, const struct rec_elf_file *file);

#endif
