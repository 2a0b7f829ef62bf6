#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *temporary_folder(void)
{
	const char *folder = getenv("TMPDIR");
	return folder != NULL && folder[0] != '\0' ? folder : "/tmp";
}

int temporary_open(void)
{
	char *path;
	if (asprintf(&path, "%s/tracefmt.XXXXXX", temporary_folder()) < 0)
		return -1;
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

int temporary_open_or_say(const struct msg *msg)
{
	int fd = temporary_open();
	if (fd < 0)
		msg_error(msg, "cannot make a temporary file in %s: %s", temporary_folder(),
			strerror(errno));
	return fd;
}

FILE *temporary_stream(const struct msg *msg)
{
	int fd = temporary_open_or_say(msg);
	FILE *stream = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (stream == NULL && fd >= 0)
		close(fd);
	return stream;
}
