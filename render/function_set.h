/*
 * Functions by number: locations that are the same function have one, as in a call tree. Equal are
 * those of one name, module and language; of Python also of one file and first line.
 */
#ifndef REND_FUNCTION_SET_H
#define REND_FUNCTION_SET_H

#include <stddef.h>
#include <stdint.h>

#include "tracefmt/trace.h"

struct rend_function_set {
	struct tfmt_location *functions; /* by number: [1 .. count]; 0 has no name */
	size_t count, room;
	uint32_t *slots; /* hash table of numbers; 0: free */
	size_t slot_count;
};

/* Returns: 0; TFMT_E_NOMEM. */
int rend_function_set_init(struct rend_function_set *set);
void rend_function_set_release(struct rend_function_set *set);

/* The number of a function, a new one for a new function. Returns: 0; TFMT_E_NOMEM. */
int rend_function_set_add(
	struct rend_function_set *set, const struct tfmt_location *location, uint32_t *ret_number);

#endif
