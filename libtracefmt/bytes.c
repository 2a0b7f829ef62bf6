#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

void tfmt_bytes__release(struct tfmt_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct tfmt_bytes){0};
}

uint8_t *tfmt_bytes__reserve(struct tfmt_bytes *bytes, size_t count)
{
	if (bytes->failed ||
		tfmt_array__grow(&bytes->data, &bytes->capacity, bytes->length + count, 1) < 0) {
		bytes->failed = true;
		return NULL;
	}
	return bytes->data + bytes->length;
}

void tfmt_bytes__append(struct tfmt_bytes *bytes, const void *data, size_t count)
{
	uint8_t *room = tfmt_bytes__reserve(bytes, count);

	if (!room || count == 0)
		return;
	memcpy(room, data, count);
	bytes->length += count;
}

int tfmt_array__grow(void *items, size_t *capacity, size_t count, size_t item_bytes)
{
	size_t wanted = *capacity ? *capacity : 16;
	void *array;

	if (count <= *capacity)
		return 0;
	while (wanted < count)
		wanted *= 2;
	memcpy(&array, items, sizeof(array));
	array = reallocarray(array, wanted, item_bytes);
	if (!array)
		return TFMT_E_NOMEM;
	memcpy(items, &array, sizeof(array));
	*capacity = wanted;
	return 0;
}
