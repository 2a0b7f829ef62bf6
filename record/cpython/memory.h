/*
 * Reading the memory of a Python process: live, or from a log in a test. Nothing that is read is
 * trusted, and nothing is ever written.
 */
#ifndef RECORD_CPYTHON_MEMORY_H
#define RECORD_CPYTHON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Ranges that one call reads. */
#define PY_MAX_RANGES 96

struct py_range {
	uint64_t address;
	void *bytes;
	size_t size;
};

struct py_memory {
	/*
	 * Read the ranges in order, at one go where the system can.
	 * Returns: how many of them were read whole; a range that cannot be read ends it.
	 */
	size_t (*read)(struct py_memory *memory, const struct py_range *ranges, size_t count);
	pid_t pid;
	int fd;	     /* of /proc/PID/mem, where process_vm_readv() is refused; -1: not needed */
	int refusal; /* errno when neither is allowed; 0: nothing was refused */
	uint64_t read_count;
};

/* The memory of a live process. Release closes a descriptor. */
void py_memory_init(struct py_memory *memory, pid_t pid);
void py_memory_release(struct py_memory *memory);

static inline bool py_read(struct py_memory *memory, uint64_t address, void *ret_bytes, size_t size)
{
	struct py_range range = {address, ret_bytes, size};
	return memory->read(memory, &range, 1) == 1;
}

static inline bool py_read_pointer(struct py_memory *memory, uint64_t address, uint64_t *ret_value)
{
	return py_read(memory, address, ret_value, sizeof(*ret_value));
}

#endif
