/*
 * Writing protocol buffers. Fields are appended to a buffer, messages within messages are begun and
 * ended, and what is complete goes to a sink:
 *
 *	size_t sample = protobuf_begin(&pb, 2);
 *	protobuf_u64(&pb, 1, location);
 *	protobuf_end(&pb, sample);
 *	protobuf_flush(&pb, sink);
 *
 * A lack of memory is kept, and said by protobuf_flush().
 */
#ifndef CONV_PROTOBUF_H
#define CONV_PROTOBUF_H

#include <stdbool.h>

#include "bytesink.h"

struct protobuf {
	unsigned char *data;
	size_t used, capacity;
	bool failed;
};

/* Starts zeroed. */
void protobuf_release(struct protobuf *pb);

/* Hand everything to the sink; no message may be open. Returns: 0; TFMT_E_NOMEM. */
int protobuf_flush(struct protobuf *pb, struct conv_sink *out);

/* A message or a packed list as field `number`; returns what its end wants to know. */
size_t protobuf_begin(struct protobuf *pb, unsigned int number);
void protobuf_end(struct protobuf *pb, size_t mark);

/* uint64, uint32, bool, enum, int64 that is not negative. */
void protobuf_u64(struct protobuf *pb, unsigned int number, uint64_t value);
/* int64, int32. */
void protobuf_i64(struct protobuf *pb, unsigned int number, int64_t value);
void protobuf_bytes(struct protobuf *pb, unsigned int number, const void *data, size_t size_bytes);
/* A text of a traced program, made harmless as cleantext.h has it. */
void protobuf_text(struct protobuf *pb, unsigned int number, const char *text);

/* An item of a packed list. */
void protobuf_item(struct protobuf *pb, uint64_t value);

#endif
