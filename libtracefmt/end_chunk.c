#include "end_chunk.h"

#include "tracefmt/error.h"

static int read_counts(struct tfmt_cbor *cursor, struct tfmt_end *end)
{
	uint64_t pairs;
	int status = tfmt_cbor__read_map(cursor, &pairs);

	for (uint64_t i = 0; i < pairs && status == 0; i++) {
		struct tfmt_cbor_item name;
		enum tfmt_kind kind;
		uint64_t count;

		status = tfmt_cbor__read_string(cursor, &name);
		if (status == 0)
			status = tfmt_cbor__read_uint(cursor, &count);
		if (status < 0)
			return status;
		kind = tfmt_kind_from_name((const char *)name.data, name.length);
		if (kind != TFMT_NONE)
			end->counts[kind] = count;
	}
	return status;
}

int tfmt_end__unpack(const uint8_t *data, size_t size, struct tfmt_end *ret_end)
{
	struct tfmt_cbor cursor = {.next = data, .end = data + size};
	struct tfmt_end end = {0};
	uint64_t pairs;
	int status = tfmt_cbor__read_map(&cursor, &pairs);

	for (uint64_t i = 0; i < pairs && status == 0; i++) {
		struct tfmt_cbor_item key;

		status = tfmt_cbor__read_string(&cursor, &key);
		if (status < 0)
			return status;
		if (tfmt_cbor__is(&key, "chunks"))
			status = tfmt_cbor__read_uint(&cursor, &end.chunks);
		else if (tfmt_cbor__is(&key, "counts"))
			status = read_counts(&cursor, &end);
		else
			status = tfmt_cbor__skip(&cursor, 1);
	}
	if (status == 0)
		*ret_end = end;
	return status;
}
