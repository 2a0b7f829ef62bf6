#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "tracefmt/writer.h"

static bool wait_for_room(int fd)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	return poll(&room, 1, -1) >= 0 || errno == EINTR;
}

static int write_whole(void *context, const void *data, size_t size_bytes)
{
	const int *fd = context;
	const char *next = data;

	while (size_bytes > 0) {
		ssize_t written = write(*fd, next, size_bytes);

		if (written < 0 && errno == EINTR)
			continue;
		/* Whoever gave us the descriptor may have made it non-blocking. */
		if (written < 0 && errno == EAGAIN && wait_for_room(*fd))
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
