/* Address spaces from the inside. */
#ifndef RECORD_UNWIND_SPACE_H
#define RECORD_UNWIND_SPACE_H

#include "module.h"

struct mapping {
	uint64_t start; /* [start, end) */
	uint64_t end;
	uint64_t bias; /* address + bias = virtual address in the module */
	struct module *module;
};

/* The executable mapping that holds `address`, NULL: none. Lives until: the space changes. */
const struct mapping *space_find(struct rec_space *space, uint64_t address);

#endif
