/*
 * The debug information of one file: from an address to its functions and line.
 *
 * A reader of its own (versions 2 to 5, sections compressed or not) rather than libdw's: it keeps
 * a unit in some kilobytes that can be given back, steps over what has no code, and bounds what a
 * hostile file can cost. Split units (.dwo) are not followed: they keep their lines.
 */
#ifndef RECORD_DWARF_H
#define RECORD_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/chain.h"
#include "symbols/elf_file.h"

struct rec_dwarf;

/*
 * Index the units of `file`, which has to outlive the result. Compressed sections are refused
 * when they would take more than `limit_bytes`; then `*ret_too_large` is set.
 * Returns NULL when there is no debug information, or no memory.
 */
struct rec_dwarf *rec_dwarf_new(struct rec_elf_file *file, const struct rec_text *text,
	size_t limit_bytes, bool *ret_too_large);
/*
 * Add what dwz has moved from this file (and others) into `shared`, which has to outlive the
 * result. Compressed sections are refused as above.
 */
void rec_dwarf_add_shared(struct rec_dwarf *dwarf, struct rec_elf_file *shared, size_t limit_bytes,
	bool *ret_too_large);
void rec_dwarf_free(struct rec_dwarf *dwarf);

/* What an address was found to be. */
enum rec_dwarf_found {
	REC_DWARF_NOTHING,
	REC_DWARF_LINE,	    /* one row without a function */
	REC_DWARF_FUNCTION, /* the whole chain */
	/* The whole chain, but a symbol, if there is one, names the last function better. */
	REC_DWARF_SHORT_NAME,
};

/* Fill the empty `chain` for `address`, and shrink its range to where the answer holds. */
enum rec_dwarf_found rec_dwarf_find(
	struct rec_dwarf *dwarf, uint64_t address, struct rec_chain *chain);

/* Whether reading was given up for good, because it took too long: what is left is not found. */
bool rec_dwarf_is_given_up(const struct rec_dwarf *dwarf);
/* Memory that rec_dwarf_forget() would give back. */
size_t rec_dwarf_cached_bytes(const struct rec_dwarf *dwarf);
/* Memory taken by the index of units. */
size_t rec_dwarf_bytes(const struct rec_dwarf *dwarf);
/* Drop all units read so far; they are read again when needed. */
void rec_dwarf_forget(struct rec_dwarf *dwarf);

#endif
