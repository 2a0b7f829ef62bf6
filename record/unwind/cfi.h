/*
 * Call frame information: how to get from a function's registers to its caller's, for every
 * address. Sections .eh_frame and .debug_frame give a row for an address (cfi_table_find); a row is
 * folded into one of few distinct rules (cfi_rules_add), which is what a hot address keeps.
 *
 * libdw reads CFI too, but it trusts the bytes (register numbers, lengths), holds whole sections in
 * memory and takes the debug information along to get at .debug_frame; here an address costs two
 * short reads of the mapped file.
 */
#ifndef RECORD_UNWIND_CFI_H
#define RECORD_UNWIND_CFI_H

#include "arch.h"
#include "elf/cfi_entry.h"
#include "memory.h"

/* ---- rows: what the file says ---- */

enum cfi_how {
	CFI_UNDEFINED, /* the caller's value is lost */
	CFI_SAME,      /* unchanged */
	CFI_AT_CFA,    /* in memory at CFA + value */
	CFI_IS_CFA,    /* CFA + value itself */
	CFI_REGISTER,  /* in register `value` */
	CFI_AT_EXPR,   /* in memory at what an expression gives */
	CFI_IS_EXPR,   /* what an expression gives */
};

struct cfi_cell {
	enum cfi_how how;
	int64_t value;
	const uint8_t *expr;
	size_t expr_size;
};

struct cfi_row {
	uint64_t function_start; /* virtual address */
	struct cfi_cell cfa;	 /* CFI_REGISTER: register `value` + cfa_offset; or CFI_IS_EXPR */
	int64_t cfa_offset;
	struct cfi_cell cells[ARCH_REG_COUNT];
	bool is_signal; /* the frame of a signal trampoline */
	/*
	 * What it calls runs on another stack than its caller: how many return addresses there tell
	 * what it was called for. 0: on the same.
	 */
	uint8_t switch_depth;
};

/* ---- tables: where the rows of one file are ---- */

struct cfi_section {
	uint64_t vaddr;	 /* 0 for .debug_frame */
	uint64_t offset; /* in the file */
	uint64_t size;	 /* bytes; 0: there is none */
	bool is_compressed;
};

struct cfi_index {
	struct cfi_section section;
	bool is_eh;
	bool is_loaded;
	uint64_t start_base;  /* virtual address */
	uint64_t fde_base;    /* offset in the section */
	const uint8_t *bytes; /* the section in memory; NULL: in the file only */
	void *owned;	      /* memory of `bytes`, when it is unpacked */
	void *map;	      /* mapping of `bytes` in the file */
	size_t map_size;
	struct cfi_index_entry *entries; /* in ascending order of start */
	size_t count;
};

struct cfi_table {
	struct cfi_section header; /* .eh_frame_hdr */
	struct cfi_index eh;
	struct cfi_index debug;
};

/* What one lookup works on; rows point into it until the next lookup. */
struct cfi_scratch {
	uint8_t fde[CFI_FDE_BYTES];
	uint8_t cie[CFI_CIE_BYTES];
};

/*
 * The row for virtual address `vaddr` of the file `fd`. Indexes are loaded at the first call.
 * Returns: whether there is one.
 * Cost: about 2 us.
 */
bool cfi_table_find(struct cfi_table *table, int fd, uint64_t vaddr, struct cfi_scratch *scratch,
	struct cfi_row *ret_row);
void cfi_table_release(struct cfi_table *table);

/*
 * Unpack a compressed section. Returns: its bytes, which the caller frees, or NULL when it cannot
 * be unpacked or exceeds max_bytes.
 */
uint8_t *cfi_inflate(
	int fd, const struct cfi_section *section, uint64_t max_bytes, uint64_t *ret_size);

/*
 * Parse the entry at `offset` of the section. Returns: 1 an FDE, 0 a CIE or one that cannot be
 * understood. `ret_size` (may be NULL) is its length with the length field, 0 at the end.
 */
int cfi_function_read(const struct cfi_index *index, int fd, uint64_t offset,
	struct cfi_scratch *scratch, struct cfi_function *ret_function, uint64_t *ret_size);

/* Run the instructions up to `vaddr`. Returns: whether they made sense. */
bool cfi_function_run(const struct cfi_function *function, uint64_t vaddr, struct cfi_row *ret_row);

/* ---- rules: rows as unwinding uses them ---- */

enum cfi_rule_flag {
	CFI_RULE_ROOT = 1 << 0,	    /* there is no caller */
	CFI_RULE_SIGNAL = 1 << 1,   /* the caller was interrupted, it did not call */
	CFI_RULE_CFA_EXPR = 1 << 2, /* cfa_offset is an expression */
	CFI_RULE_PLAIN = 1 << 3,    /* no expression, no signal, everything saved at the CFA */
};

struct cfi_saved {
	uint8_t reg;
	uint8_t how;   /* enum cfi_how, from CFI_AT_CFA on */
	int32_t value; /* expressions: where they are in the rules' bytes */
};

struct cfi_rule {
	uint8_t flags;
	uint8_t cfa_register;
	uint8_t saved_count;
	uint8_t switch_depth; /* as of struct cfi_row */
	int32_t cfa_offset;
	uint32_t lost; /* registers that the caller's values are not known of */
	struct cfi_saved saved[ARCH_REG_COUNT];
};

/* Rules that no file states. */
enum cfi_rule_id {
	CFI_RULE_UNSET, /* not looked up yet */
	CFI_RULE_NONE,	/* no file has a row */
	CFI_RULE_END,	/* known to be the root */
	CFI_RULE_SIGRETURN,
	CFI_RULE_FIRST, /* those of files from here on */
};

struct cfi_rules {
	struct cfi_rule *rules;
	size_t count, capacity;
	uint32_t *slots; /* ids by hash, 0: empty; twice the capacity */
	uint8_t *expr;	 /* each: 2 bytes of length, then the bytes */
	size_t expr_size, expr_capacity;
};

/* Returns: 0, or TFMT_E_NOMEM. */
int cfi_rules_init(struct cfi_rules *rules);
void cfi_rules_release(struct cfi_rules *rules);

/* The id of the rule that the row stands for; CFI_RULE_NONE when it cannot be one. */
uint32_t cfi_rules_add(struct cfi_rules *rules, const struct cfi_row *row);

/* The expression at `value` of a rule. */
const uint8_t *cfi_rules_expr(const struct cfi_rules *rules, int32_t value, size_t *ret_size);

/*
 * Evaluate a DWARF expression. `initial`: pushed first when not NULL (the CFA, for registers).
 * Returns: whether it made sense with what is known.
 */
bool cfi_evaluate(const uint8_t *expr, size_t size, const struct arch_regs *regs,
	struct stack_memory *memory, const uint64_t *initial, uint64_t *ret_value);

#endif
