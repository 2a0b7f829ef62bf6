/*
 * Names for addresses, all asked for first and then found at once: for who has no trace to write
 * them into.
 */
#ifndef RECORD_DUMP_NAMES_H
#define RECORD_DUMP_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "symbols/symbols.h"
#include "unwind/unwind.h"

struct rec_names;

/* Returns NULL when there is no memory. */
struct rec_names *rec_names_new(struct rec_modules *modules);
void rec_names_free(struct rec_names *names);

/* Ask for an address of a module, or of the kernel (`module` NULL). */
void rec_names_want(struct rec_names *names, const struct rec_module *module, uint64_t address);

/* Find all that was asked for, once. Cost: reads the files' symbols and debug information. */
void rec_names_find(struct rec_names *names);

/*
 * The functions at an address, innermost first; each but the last is inlined into the next.
 * Returns: their number, 0 when there is no name. Rows live as long as `names`.
 */
size_t rec_names_get(const struct rec_names *names, const struct rec_module *module,
	uint64_t address, const struct rec_symbol_row **ret_rows);

#endif
