/* The end record: what a whole trace holds. */
#ifndef TFMT_END_CHUNK_H
#define TFMT_END_CHUNK_H

#include "cbor_codec.h"

#include "tracefmt/record.h"

struct tfmt_end {
	uint64_t chunks; /* of the trace, up to this one */
	uint64_t counts[TFMT_KIND_COUNT];
};

/* Read an unpacked end chunk. Returns: 0; TFMT_E_CORRUPT. */
int tfmt_end__unpack(const uint8_t *data, size_t size, struct tfmt_end *ret_end);

#endif
