/*
 * One climb up a stack: the state that unwinding by rules and searching share.
 */
#ifndef RECORD_UNWIND_CLIMB_H
#define RECORD_UNWIND_CLIMB_H

#include "pc_cache.h"
#include "space.h"

/* Searches that can be taken back, per sample. */
#define MAX_SEARCHES 16
/* Return addresses whose calls are remembered. */
#define KNOWN_CALLS 1024u

/* Where a search stands: what was sure before it, and what comes next. */
struct search {
	struct arch_regs regs;
	bool is_exact;
	uint64_t function_start; /* of the function the climb stands in; 0: not known */
	bool repeats; /* it looks for the frame pointer of the last frame, which then is done again
		       */
	unsigned flags;
	size_t count;
	int stage;
	uint64_t next;	/* stack slot */
	uint64_t limit; /* the first slot that is not looked at */
};

/* What instruction precedes a return address. */
struct known_call {
	const struct module *module; /* NULL: empty */
	uint64_t vaddr;		     /* of the return address */
	enum arch_call call;
	bool is_trampoline; /* no call, but where signal handlers return to */
	uint64_t distance;  /* from the return address to a direct call's target */
};

/* A return address that was used, and where it was. */
struct used_return {
	uint64_t slot;
	uint64_t address;
};

/* Return addresses remembered: a power of two. */
#define USED_RETURNS 8u

struct climb {
	struct known_call calls[KNOWN_CALLS];
	struct rec_modules *modules;
	struct rec_space *space;
	struct stack_memory *memory;
	pid_t pid;
	struct arch_regs regs;
	bool is_exact;	   /* the pc is where execution stands, not where it returns to */
	bool is_outermost; /* the last frame looked like the first that a stack has */
	unsigned flags;
	struct used_return returns[USED_RETURNS]; /* the last ones, by number */
	unsigned return_count;			  /* since the sample, or a signal */
	size_t count;				  /* frames so far */
	size_t sure_count;			  /* those that the copied stack alone gave */
	unsigned descents;
	struct search searches[MAX_SEARCHES];
	size_t search_count;
	size_t slots_left; /* that may still be looked at for this sample */
};

/*
 * Find the caller of a pc without a rule: by frame pointer, or by searching the stack for a return
 * address. Returns: whether the registers are now those of a caller.
 */
bool climb_search(struct climb *climb);

/*
 * The same for a pc whose rule wants the frame pointer, which is not known: the registers are then
 * those of the last frame with a frame pointer, and that frame is taken back, to be added again.
 * `function_start`: address of the function that the frame is of.
 */
bool climb_search_frame(struct climb *climb, uint64_t function_start);

/*
 * After a switch of stacks, with the climb at the caller of the function at `pc`, on a stack that
 * is read later than the sample was taken: whether it is still the stack of that time. It is when
 * its last return address follows a call of that function, and when `depth` return addresses (or
 * all, at least two) before the switch are still in their places.
 */
bool climb_is_same_stack(struct climb *climb, uint64_t pc, unsigned depth);

/*
 * After a dead end: go back to the last search and try what else it finds. Returns: false when
 * nothing is left; the climb then stands where the first search began.
 */
bool climb_retry(struct climb *climb);

#endif
