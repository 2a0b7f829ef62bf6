/*
 * Names for the code of Go programs, from the table that their runtime uses itself
 * (elf/gopclntab.h). Stripping does not take it away, and it costs nothing to open, which cannot
 * be said of a Go program's compressed debug information: so it is asked first.
 */
#ifndef RECORD_GOSYMBOLS_H
#define RECORD_GOSYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "elf/gopclntab.h"
#include "symbols/chain.h"

/* Fill the empty `chain` for `address`. Returns false when no Go function is there. */
bool rec_go_find(struct go_table *table, uint64_t address, struct rec_chain *chain);

#endif
