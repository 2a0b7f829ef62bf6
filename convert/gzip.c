#include "gzip.h"

#include <stdlib.h>
#include <zlib.h>

#define OUT_BYTES 65536
/* windowBits of zlib: a window of 32 KiB, in the frame of gzip. */
#define GZIP_WINDOW_BITS (15 + 16)
/* Profiles repeat themselves: a higher level takes three times as long for a tenth less. */
#define LEVEL 3

struct gzip {
	z_stream stream;
	struct conv_sink *out;
	unsigned char buffer[OUT_BYTES];
};

/* Compress what the stream has been given. Returns: 0; -1: out of memory. */
static int deflate_all(struct gzip *gzip, int flush)
{
	int status;

	do {
		gzip->stream.next_out = gzip->buffer;
		gzip->stream.avail_out = OUT_BYTES;
		status = deflate(&gzip->stream, flush);
		if (status == Z_STREAM_ERROR)
			return -1;
		conv_put(gzip->out, (const char *)gzip->buffer, OUT_BYTES - gzip->stream.avail_out);
	} while (!gzip->stream.avail_out);
	return 0;
}

static ssize_t gzip_write(void *cookie, const char *data, size_t size_bytes)
{
	struct gzip *gzip = cookie;

	/* zlib never writes through next_in, and a stream hands over no more than its buffer. */
	gzip->stream.next_in = (Bytef *)data;
	gzip->stream.avail_in = (uInt)size_bytes;
	return deflate_all(gzip, Z_NO_FLUSH) ? 0 : (ssize_t)size_bytes;
}

static int gzip_close(void *cookie)
{
	struct gzip *gzip = cookie;
	int status = deflate_all(gzip, Z_FINISH);

	deflateEnd(&gzip->stream);
	free(gzip);
	return status;
}

FILE *conv_gzip_open(struct conv_sink *out)
{
	const cookie_io_functions_t functions = {.write = gzip_write, .close = gzip_close};
	struct gzip *gzip = calloc(1, sizeof(*gzip));
	FILE *stream;

	if (!gzip)
		return NULL;
	gzip->out = out;
	if (deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, 9,
		    Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	stream = fopencookie(gzip, "w", functions);
	if (!stream) {
		deflateEnd(&gzip->stream);
		free(gzip);
	}
	return stream;
}
