#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE_MASK (~(uint64_t)4095)

void stack_memory_init(struct stack_memory *memory)
{
	*memory = (struct stack_memory){0};
}

void stack_memory_release(struct stack_memory *memory)
{
	free(memory->live);
	shadows_release(&memory->shadows);
	*memory = (struct stack_memory){0};
}

void stack_memory_set(
	struct stack_memory *memory, pid_t pid, uint64_t base, const uint8_t *bytes, size_t size)
{
	memory->pid = pid;
	memory->base = base;
	memory->bytes = bytes;
	memory->size = size;
	memory->block_count = 0;
	memory->is_live = false;
	memory->replay = NULL;
	shadows_begin(&memory->shadows);
}

/* The same where process_vm_readv(2) is missing or a filter refuses it. */
static size_t read_mem_file(pid_t pid, uint64_t address, void *ret_bytes, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t done = pread(fd, ret_bytes, size, (off_t)address);
	int error = errno == EIO ? EFAULT : errno;

	close(fd);
	errno = error;
	return done < 0 ? 0 : (size_t)done;
}

size_t process_read_some(pid_t pid, uint64_t address, void *ret_bytes, size_t size)
{
	struct iovec local = {ret_bytes, size};
	struct iovec remote = {(void *)(uintptr_t)address, size};
	ssize_t done = process_vm_readv(pid, &local, 1, &remote, 1, 0);

	if (done >= 0)
		return (size_t)done;
	if (errno == ENOSYS || errno == EPERM)
		return read_mem_file(pid, address, ret_bytes, size);
	return 0;
}

bool process_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size)
{
	return pid != 0 && process_read_some(pid, address, ret_bytes, size) == size;
}

/* The block that holds `size` bytes at `address`, read now if need be; NULL when it cannot be. */
static const struct live_block *find_block(
	struct stack_memory *memory, uint64_t address, size_t size)
{
	for (size_t i = memory->block_count; i-- > 0;) {
		const struct live_block *block = &memory->blocks[i];

		if (address - block->start < block->size)
			return block->size - (address - block->start) >= size ? block : NULL;
		if (address - block->start < LIVE_BLOCK_BYTES)
			return NULL;
	}
	if (memory->pid == 0 || memory->block_count == LIVE_BLOCKS)
		return NULL;
	if (!memory->live)
		memory->live = malloc((size_t)LIVE_BLOCKS * LIVE_BLOCK_BYTES);
	if (!memory->live)
		return NULL;

	struct live_block *block = &memory->blocks[memory->block_count];

	/* Not before the page: what is below may be a guard page, and frames lie above. */
	block->start = address & PAGE_MASK;
	errno = 0;
	block->size = process_read_some(memory->pid, block->start,
		memory->live + memory->block_count * LIVE_BLOCK_BYTES, LIVE_BLOCK_BYTES);
	memory->block_count++;
	if (block->size == 0 && errno != EFAULT)
		memory->pid = 0;
	return address - block->start + size <= block->size ? block : NULL;
}

bool stack_memory_read_beyond(
	struct stack_memory *memory, uint64_t address, void *ret_bytes, size_t size)
{
	uint64_t word;

	memory->is_live = true;
	if (memory->replay) {
		if (size != sizeof(word) || !shadow_read(memory->replay, address, &word))
			return false;
		memcpy(ret_bytes, &word, sizeof(word));
		return true;
	}
	const struct live_block *block = find_block(memory, address, size);

	if (!block)
		return false;
	size_t index = (size_t)(block - memory->blocks);

	memcpy(ret_bytes, memory->live + index * LIVE_BLOCK_BYTES + (address - block->start), size);
	return true;
}
