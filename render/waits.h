/*
 * Where threads waited: sums over all waits of a kind, in one place, of processes of one name. The
 * place is a function of the program, not the libc function that made the system call: the nearest
 * to the leaf that is own code or of the process's executable, else the nearest outside of the
 * runtime's libraries, else the leaf.
 *
 * Waits that were added up while recording have no length of their own; they count as one.
 */
#ifndef REND_WAITS_H
#define REND_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracefmt/record.h"
#include "tracefmt/trace.h"

struct rend_model;

/* A hash table from words to an index. All zero: empty. */
struct rend_wait_index {
	struct rend_wait_entry *entries;
	size_t count, room; /* room: 0 or a power of two */
};

/* What waits were summed to. */
struct rend_wait_place {
	uint64_t wait_ns;
	uint64_t longest_ns; /* of one wait; 0: of sums only */
	uint64_t assumed_ns; /* of wait_ns, at a place taken from another sample */
	uint64_t count;
	uint32_t thread_count;
	uint32_t process_name;	       /* string */
	struct tfmt_location location; /* function "" when the stack is not known */
	uint16_t syscall;	       /* as in struct tfmt_sample */
	uint8_t state;
	bool is_summed;
};

/* All zero: empty. */
struct rend_waits {
	struct rend_wait_place *places; /* after finish: longest first */
	size_t count, room;
	struct rend_wait_index by_stack, by_place, threads; /* until finish */
};

/*
 * Add a blocked sample. All names must be known. Returns: 0; TFMT_E_NOMEM.
 * Cost: a walk up the stack the first time that it is met in a process of this name.
 */
int rend_waits_add(
	struct rend_waits *waits, const struct rend_model *model, const struct tfmt_sample *sample);
void rend_waits_finish(struct rend_waits *waits);
void rend_waits_release(struct rend_waits *waits);

/*
 * "in futex under handle_request", "under work", "in read (stack not known)", "in many short
 * waits": goes on from "waited 3.2 s ". `function` is the place's name, shortened where room is
 * short.
 */
void rend_wait_describe(
	const struct rend_wait_place *place, const char *function, char *text, size_t size);

#endif
