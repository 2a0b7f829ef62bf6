#include "cpython/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

/* Ranges of `done` bytes in all that are whole. */
static size_t whole_ranges(const struct py_range *ranges, size_t count, size_t done)
{
	size_t whole = 0;
	while (whole < count && done >= ranges[whole].size)
		done -= ranges[whole++].size;
	return whole;
}

static size_t read_by_file(struct py_memory *memory, const struct py_range *ranges, size_t count)
{
	if (memory->fd < 0) {
		char path[32];
		snprintf(path, sizeof(path), "/proc/%d/mem", memory->pid);
		memory->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (memory->fd < 0) {
			bool is_refused = errno == EACCES || errno == EPERM;
			memory->refusal = is_refused ? errno : 0;
			return 0;
		}
	}
	size_t whole = 0;
	while (whole < count &&
		pread(memory->fd, ranges[whole].bytes, ranges[whole].size,
			(off_t)ranges[whole].address) == (ssize_t)ranges[whole].size)
		whole++;
	return whole;
}

static size_t read_live(struct py_memory *memory, const struct py_range *ranges, size_t count)
{
	struct iovec local[PY_MAX_RANGES], remote[PY_MAX_RANGES];
	if (count == 0)
		return 0;
	if (count > PY_MAX_RANGES)
		count = PY_MAX_RANGES;
	memory->read_count++;
	if (memory->fd >= 0)
		return read_by_file(memory, ranges, count);
	for (size_t i = 0; i < count; i++) {
		local[i] = (struct iovec){ranges[i].bytes, ranges[i].size};
		remote[i] = (struct iovec){(void *)(uintptr_t)ranges[i].address, ranges[i].size};
	}
	ssize_t done = process_vm_readv(memory->pid, local, count, remote, count, 0);
	if (done >= 0)
		return whole_ranges(ranges, count, (size_t)done);
	/* A filter may refuse the call and still let the file be read. */
	return errno == EPERM || errno == ENOSYS ? read_by_file(memory, ranges, count) : 0;
}

void py_memory_init(struct py_memory *memory, pid_t pid)
{
	*memory = (struct py_memory){.read = read_live, .pid = pid, .fd = -1};
}

void py_memory_release(struct py_memory *memory)
{
	if (memory->fd >= 0)
		close(memory->fd);
	memory->fd = -1;
}
