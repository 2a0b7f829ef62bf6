/*
 * How to unwind the code of a Go program, from the table that its runtime unwinds with
 * (elf/gopclntab.h). Stripping takes .debug_frame away, which describes Go's code otherwise, and
 * that does not tell where another stack goes on after a switch of stacks.
 */
#ifndef RECORD_UNWIND_GO_RULES_H
#define RECORD_UNWIND_GO_RULES_H

#include "cfi.h"
#include "elf/gopclntab.h"

/* Of one file. Zeroed: not looked at. */
struct go_rules {
	bool is_known;
	const uint8_t *file; /* mapped while there is a table */
	size_t size;
	struct go_table table;
};

void go_rules_release(struct go_rules *rules);

/*
 * The row for virtual address `vaddr` of the file `fd`; `is_exact` when execution stands there,
 * else the address lies in a call. Returns: whether it is Go's code.
 */
bool go_rules_find(
	struct go_rules *rules, int fd, uint64_t vaddr, bool is_exact, struct cfi_row *ret_row);

#endif
