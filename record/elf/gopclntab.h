/*
 * The table of functions that every Go program carries, stripped or not, because its own runtime
 * walks stacks with it: .gopclntab of Go 1.18 and later. Names, files, lines, inlined calls, and
 * how far the stack pointer is from the return address.
 *
 * Source: runtime/symtab.go, runtime/runtime2.go (_func), runtime/symtabinl.go of Go 1.18 to 1.26.
 * The bytes are a file's claims: what contradicts itself is not found.
 */
#ifndef RECORD_ELF_GOPCLNTAB_H
#define RECORD_ELF_GOPCLNTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/cursor.h"

struct go_table {
	const uint8_t *bytes; /* the table; borrowed */
	size_t size;
	bool has_old_layout; /* Go 1.18 and 1.19 */
	uint64_t vaddr;
	uint64_t text; /* virtual address that functions count from */
	uint64_t function_count;
	/* Parts of the table, as offsets. */
	uint64_t names, units, files, values, functions;
	const uint8_t *data; /* what functions refer to apart from the table; NULL: not found */
	size_t data_size;
	uint64_t
		steps_left; /* through value lists, some 5 ns each; then there are no more values */
};

struct go_function {
	uint64_t start, end; /* virtual addresses [start, end) */
	uint32_t name;	     /* for go_name() */
	uint32_t
		stack_sizes; /* for go_value_at(): bytes between stack pointer and return address */
	uint32_t file_numbers;
	uint32_t lines;
	uint32_t inline_numbers; /* which inlined call an address is in; 0: there is none */
	uint32_t inline_tree;	 /* offset in `data` */
	uint32_t unit;
	uint32_t first_line; /* 0: not known */
	bool is_top;	     /* nobody calls it: a stack ends here */
	bool switches_stack; /* what it calls may run on another stack */
};

/* A value that holds for the virtual addresses [low, high). */
struct go_value {
	int64_t value;
	uint64_t low, high;
};

/* A call that was inlined. */
struct go_inline {
	uint32_t name;
	uint32_t first_line; /* 0: not known */
	uint64_t parent;     /* a virtual address in what it was inlined into: where the call was */
};

/*
 * Find the table of an ELF file that is mapped whole at `file`, which has to outlive the result.
 * Returns: false when it has none, or one of another version.
 * Cost: with relocations (-buildmode=pie) a pass over them.
 */
bool go_table_find(const uint8_t *file, size_t size, struct go_table *ret_table);

/* Returns: whether a function covers `vaddr`. */
bool go_find_function(
	const struct go_table *table, uint64_t vaddr, struct go_function *ret_function);

/* The value at `vaddr` of one of a function's value lists. Returns: false when it has none. */
bool go_value_at(struct go_table *table, const struct go_function *function, uint32_t list,
	uint64_t vaddr, struct go_value *ret_value);

/* Returns: false when there is no such inlined call. */
bool go_inline_at(const struct go_table *table, const struct go_function *function, int64_t number,
	struct go_inline *ret_inline);

/* A function's name, NULL: none. At most 64 KiB. */
const char *go_name(const struct go_table *table, uint32_t name);
/* The path of a function's file of that number, NULL: none. */
const char *go_file(
	const struct go_table *table, const struct go_function *function, int64_t number);

#endif
