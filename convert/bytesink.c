#include "bytesink.h"

#include <errno.h>
#include <stdlib.h>

#include "tracefmt/error.h"

int conv_sink_init(struct conv_sink *sink, FILE *stream)
{
	*sink = (struct conv_sink){.stream = stream, .data = malloc(CONV_SINK_BYTES)};
	return sink->data ? 0 : TFMT_E_NOMEM;
}

void conv_sink_release(struct conv_sink *sink)
{
	free(sink->data);
	sink->data = NULL;
}

static void write_out(struct conv_sink *sink, const char *data, size_t size_bytes)
{
	if (sink->saved_errno || !size_bytes)
		return;
	errno = 0;
	if (fwrite(data, 1, size_bytes, sink->stream) != size_bytes)
		sink->saved_errno = errno ? errno : EIO;
}

int conv_sink_flush(struct conv_sink *sink)
{
	write_out(sink, sink->data, sink->used);
	sink->used = 0;
	return sink->saved_errno ? TFMT_E_IO : 0;
}

void conv_sink_put_slow(struct conv_sink *sink, const char *data, size_t size_bytes)
{
	conv_sink_flush(sink);
	if (size_bytes > CONV_SINK_BYTES) {
		write_out(sink, data, size_bytes);
		return;
	}
	memcpy(sink->data, data, size_bytes);
	sink->used = size_bytes;
}

void conv_put_u64(struct conv_sink *sink, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	conv_put(sink, digits + at, sizeof(digits) - at);
}
