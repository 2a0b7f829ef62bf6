/*
 * Where formats write: a byte sink over an open stream. A failure is kept and looked at by the
 * pump, so that formats need not test every write; after it nothing more is written.
 */
#ifndef CONV_BYTESINK_H
#define CONV_BYTESINK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CONV_SINK_BYTES ((size_t)256 << 10)

struct conv_sink {
	FILE *stream;
	char *data;
	size_t used;
	int saved_errno; /* of the first failed write, 0: none failed */
};

/* `stream` must outlive the sink and stays the caller's. Returns: 0; TFMT_E_NOMEM. */
int conv_sink_init(struct conv_sink *sink, FILE *stream);
void conv_sink_release(struct conv_sink *sink);

/* Hand what is buffered to the stream. Returns: 0; TFMT_E_IO, also for an earlier failure. */
int conv_sink_flush(struct conv_sink *sink);

/* As conv_put(), for what does not fit into the buffer as it is. */
void conv_sink_put_slow(struct conv_sink *sink, const char *data, size_t size_bytes);

static inline void conv_put(struct conv_sink *sink, const char *data, size_t size_bytes)
{
	if (size_bytes > CONV_SINK_BYTES - sink->used) {
		conv_sink_put_slow(sink, data, size_bytes);
		return;
	}
	memcpy(sink->data + sink->used, data, size_bytes);
	sink->used += size_bytes;
}

static inline void conv_put_text(struct conv_sink *sink, const char *text)
{
	conv_put(sink, text, strlen(text));
}

static inline void conv_put_char(struct conv_sink *sink, char c)
{
	if (sink->used == CONV_SINK_BYTES)
		conv_sink_flush(sink);
	sink->data[sink->used++] = c;
}

/* A decimal number. */
void conv_put_u64(struct conv_sink *sink, uint64_t value);

#endif
