/*
 * The functions of a unit: where their code is, and what was inlined into it.
 */
#ifndef RECORD_DWARF_FUNCTIONS_H
#define RECORD_DWARF_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbols/chain.h"
#include "symbols/dwarf_unit.h"
#include "symbols/elf_file.h"

/* A piece of the code of a function. */
struct rec_function {
	uint64_t low;
	uint64_t high;
	uint32_t body; /* index: the pieces of one function share it */
};

#define REC_NO_INLINE UINT32_MAX

/* A piece of code that was inlined. */
struct rec_inline {
	uint64_t low;
	uint64_t high;
	uint64_t die;	 /* offset of its entry */
	uint32_t parent; /* index of what it was inlined into, REC_NO_INLINE: the function itself */
	uint32_t call_line;
	uint32_t call_file;
	uint32_t level; /* how deep: 1 is directly in the function */
};

struct rec_body {
	uint64_t die;		    /* offset of the function's entry */
	struct rec_inline *inlines; /* parents before their children */
	uint32_t count;
	uint32_t capacity;
	bool is_read; /* bodies are read when first asked for */
};

/* Zeroed: empty. */
struct rec_functions {
	struct rec_function *items; /* by address */
	size_t count;
	size_t capacity;
	struct rec_body *bodies;
	size_t body_count;
	size_t body_capacity;
};

/* Returns 0 or TFMT_E_NOMEM; of a damaged unit what came before the damage is kept. */
int rec_functions_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_abbrevs *abbrevs, const struct rec_text *text,
	struct rec_functions *functions);
void rec_functions_release(struct rec_functions *functions);
size_t rec_functions_bytes(const struct rec_functions *functions);

/* The function at `address`, or NULL. The range shrinks to where that is the answer. */
const struct rec_function *rec_functions_find(
	const struct rec_functions *functions, uint64_t address, struct rec_interval *range);

/* Returns 0 or TFMT_E_NOMEM. */
int rec_body_read(const struct rec_dwarf_sections *sections, const struct rec_unit *unit,
	const struct rec_abbrevs *abbrevs, struct rec_body *body);

/*
 * The innermost inlined piece at `address`, REC_NO_INLINE when it is the function's own code. The
 * range shrinks to where that is the answer.
 */
uint32_t rec_body_find(const struct rec_body *body, uint64_t address, struct rec_interval *range);

#endif
