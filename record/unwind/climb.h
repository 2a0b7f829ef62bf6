/*
 * One walk up a stack: the state that unwinding by rules and searching share.
 */
#ifndef RECORD_UNWIND_WALK_H
#define RECORD_UNWIND_WALK_H

#include "pc_cache.h"
#include "space.h"

/* Searches that can be taken back, and attempts at it, per sample. */
#define MAX_SEARCHES 16
#define MAX_ATTEMPTS 64

/* Where a search stands: what was sure before it, and what comes next. */
struct search {
	struct arch_regs regs;
	bool is_exact;
	unsigned flags;
	size_t count;
	int stage;
	uint64_t next; /* stack slot */
};

struct walk {
	struct rec_modules *modules;
	struct rec_space *space;
	struct stack_memory *memory;
	pid_t pid;
	struct arch_regs regs;
	bool is_exact; /* the pc is where execution stands, not where it returns to */
	unsigned flags;
	size_t count; /* frames so far */
	unsigned descents;
	struct search searches[MAX_SEARCHES];
	size_t search_count;
	unsigned attempts;
};

/*
 * Find the caller of a pc without a rule: by frame pointer, or by searching the stack for a return
 * address. Returns: whether the registers are now those of a caller.
 */
bool walk_search(struct walk *walk);

/*
 * After a dead end: go back to the last search and try what else it finds. Returns: false when
 * nothing is left; the walk then stands where the first search began.
 */
bool walk_retry(struct walk *walk);

#endif
