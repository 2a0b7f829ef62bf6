/*
 * To be preloaded: a program that may not read the memory of others, but all else of them. Filters
 * of system calls cannot tell one file of /proc from another.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long local_count,
	const struct iovec *remote, unsigned long remote_count, unsigned long flags)
{
	errno = EPERM;
	return -1;
}

int open(const char *path, int flags, ...)
{
	size_t length = strlen(path);
	mode_t mode = 0;
	if (strncmp(path, "/proc/", 6) == 0 && length > 4 &&
		strcmp(path + length - 4, "/mem") == 0) {
		errno = EACCES;
		return -1;
	}
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_list arguments;
		va_start(arguments, flags);
		mode = va_arg(arguments, mode_t);
		va_end(arguments);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}
