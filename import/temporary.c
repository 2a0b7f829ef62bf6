#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int imp_temporary(const struct msg *msg)
{
	const char *folder = getenv("TMPDIR");
	char *path = NULL;
	int fd = -1;

	if (!folder || !*folder)
		folder = "/tmp";
	if (asprintf(&path, "%s/tracefmt.XXXXXX", folder) >= 0) {
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
		free(path);
	}
	if (fd < 0)
		msg_error(msg, "cannot make a temporary file in %s: %s", folder, strerror(errno));
	return fd;
}

FILE *imp_temporary_stream(const struct msg *msg)
{
	int fd = imp_temporary(msg);
	FILE *stream = fd >= 0 ? fdopen(fd, "w+") : NULL;

	if (!stream && fd >= 0)
		close(fd);
	return stream;
}
