/*
 * Names for kernel addresses, from /proc/kallsyms.
 *
 * The file is some 120,000 lines that the kernel formats on each read (tens of milliseconds), so
 * it is read once, when first asked, in large blocks, and only up to the highest wanted address.
 *
 * Threads: one object, one thread.
 */
#ifndef RECORD_KALLSYMS_H
#define RECORD_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>

struct rec_kallsyms;

/* Text lives until the callback returns. */
struct rec_kernel_symbol {
	uint64_t address;
	uint64_t length;    /* up to the next symbol */
	const char *name;   /* "vfs_read" */
	const char *module; /* "ext4"; NULL for the kernel proper */
};

/* `path` is "/proc/kallsyms" but in tests; borrowed. Returns NULL when there is no memory. */
struct rec_kallsyms *rec_kallsyms_new(const char *path);
void rec_kallsyms_free(struct rec_kallsyms *kallsyms);

/*
 * Name `count` addresses, sorted in place. Each symbol is told once in the life of the object.
 * Returns: 0; TFMT_E_UNSUPPORTED when the kernel hides its addresses (kernel.kptr_restrict);
 * TFMT_E_IO when the file cannot be read (errno says why); TFMT_E_NOMEM.
 */
int rec_kallsyms_resolve(struct rec_kallsyms *kallsyms, uint64_t *addresses, size_t count,
	void (*found)(void *arg, const struct rec_kernel_symbol *symbol), void *arg);

#endif
