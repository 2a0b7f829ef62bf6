/*
 * Modules from the inside: identity, contents and descriptors.
 */
#ifndef RECORD_UNWIND_MODULE_H
#define RECORD_UNWIND_MODULE_H

#include <sys/stat.h>

#include "elf_image.h"
#include "unwind.h"

struct module {
	struct rec_module base;	 /* first: what callers see */
	struct elf_image *image; /* NULL: not an ELF file, or never seen */
	uint64_t inode;		 /* as the first event had it, 0: none */
	struct stat stat;	 /* of the file when it was opened */
	unsigned open_attempts;
	bool is_foreign;	  /* contents that are no ELF file */
	uint64_t last_use;	  /* grows with every use of the contents */
	struct module *next;	  /* of the same hash */
	struct module *jitdump;	  /* of JIT code: a file that tells about it, NULL: none seen */
	struct module *successor; /* of JIT code that is gone: what is there now */
	unsigned generation;	  /* how many predecessors it has */
};

/* The module that the event maps: known already, or new. Never NULL: at worst the unknown one. */
struct module *modules_of_event(struct rec_modules *modules, const struct rec_map_event *event);

/* A new module for executable memory without file of process `pid`. Never NULL, as above. */
struct module *modules_add_jit(struct rec_modules *modules, pid_t pid);

struct module *modules_unknown(const struct rec_modules *modules);

/* The module's descriptor, opened again when it was put aside. Returns: -1 without contents. */
int modules_use_fd(struct rec_modules *modules, struct module *module);

#endif
