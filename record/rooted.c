#include "rooted.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The place of a file, which opens nothing yet. Where openat2() is refused, the plain way. */
static int open_place(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int place = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (place < 0 && (errno == ENOSYS || errno == EPERM))
		place = openat(root, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return place;
}

/* Open the file at a place, which is closed, if it is a regular one. */
static int open_at_place(int place)
{
	struct stat status;
	char self[32];
	int fd = -1;

	if (place < 0)
		return -1;
	if (fstat(place, &status) == 0 && S_ISREG(status.st_mode)) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
		fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	close(place);
	return fd;
}

int rec_open_rooted(int root, const char *path)
{
	return open_at_place(open_place(root, path));
}

int rec_open_regular(const char *path)
{
	return open_at_place(open(path, O_PATH | O_CLOEXEC));
}
