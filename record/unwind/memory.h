/*
 * The memory of one sample: the stack bytes that the kernel copied, and beyond them what the
 * process holds now. Older frames lie above the copy and seldom change before they are read.
 */
#ifndef RECORD_UNWIND_MEMORY_H
#define RECORD_UNWIND_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "shadow.h"

#define LIVE_BLOCK_BYTES (32u << 10)
#define LIVE_BLOCKS	 32u /* 1 MiB per sample at most */

struct live_block {
	uint64_t start;
	size_t size; /* bytes that could be read, maybe 0 */
};

struct stack_memory {
	uint64_t base; /* address of the first copied byte */
	size_t size;
	const uint8_t *bytes;
	pid_t pid; /* 0: nothing more can be read */
	struct live_block blocks[LIVE_BLOCKS];
	size_t block_count; /* of this sample */
	bool is_live;	    /* some bytes beyond the copy were wanted */
	struct shadows shadows;
	struct shadow *replay; /* where they come from instead of the live process, or NULL */
	uint8_t *live;	       /* LIVE_BLOCKS blocks, kept between samples */
};

void stack_memory_init(struct stack_memory *memory);
void stack_memory_release(struct stack_memory *memory);

/* Start with the copy of another sample. */
void stack_memory_set(
	struct stack_memory *memory, pid_t pid, uint64_t base, const uint8_t *bytes, size_t size);

/* Read `size` (at most 8) bytes beyond the copy. Returns: whether it could. */
bool stack_memory_read_beyond(
	struct stack_memory *memory, uint64_t address, void *ret_bytes, size_t size);

/* Read `size` (at most 8) bytes. Returns: whether it could; else ret_bytes is untouched. */
static inline bool stack_memory_read(
	struct stack_memory *memory, uint64_t address, void *ret_bytes, size_t size)
{
	uint64_t offset = address - memory->base;

	if (offset >= memory->size || memory->size - offset < size)
		return stack_memory_read_beyond(memory, address, ret_bytes, size);
	memcpy(ret_bytes, memory->bytes + offset, size);
	return true;
}

/* Read a word that belongs to a frame, and remember it. Returns: as above. */
static inline bool stack_memory_read_word(
	struct stack_memory *memory, uint64_t address, uint64_t *ret_word)
{
	if (!stack_memory_read(memory, address, ret_word, sizeof(*ret_word)))
		return false;
	shadows_add(&memory->shadows, address, *ret_word);
	return true;
}

/*
 * Read from the live process or thread: the bytes from `address` on as far as they can be had.
 * Returns: how many; 0 and errno when none can.
 */
size_t process_read_some(pid_t pid, uint64_t address, void *ret_bytes, size_t size);

/* Read `size` bytes of the live process outside the sample's budget, such as code. */
bool process_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size);

#endif
