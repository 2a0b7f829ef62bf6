#include <errno.h>
#include <unistd.h>

#include "tracefmt/writer.h"

static int write_whole(void *context, const void *data, size_t size_bytes)
{
	const int *fd = context;
	const char *next = data;

	while (size_bytes > 0) {
		ssize_t written = write(*fd, next, size_bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return TFMT_E_IO;
		next += written;
		size_bytes -= (size_t)written;
	}
	return 0;
}

struct tfmt_sink tfmt_sink_fd(const int *fd)
{
	return (struct tfmt_sink){.write = write_whole, .context = (void *)fd};
}
