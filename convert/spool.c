#include "spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "temporary.h"
#include "tracefmt/error.h"

/* A block in the file: the number of the list's next block, then the items. */
static size_t block_bytes(const struct conv_spool *spool)
{
	return sizeof(uint64_t) + SPOOL_BLOCK_ITEMS * spool->item_bytes;
}

static char *item_at(const struct conv_spool *spool, char *block, uint64_t index)
{
	return block + sizeof(uint64_t) + (index % SPOOL_BLOCK_ITEMS) * spool->item_bytes;
}

int conv_spool_init(struct conv_spool *spool, size_t list_count, size_t item_bytes)
{
	*spool = (struct conv_spool){.list_count = list_count, .item_bytes = item_bytes, .fd = -1};
	spool->lists = calloc(list_count, sizeof(*spool->lists));
	spool->read_block = malloc(block_bytes(spool));
	return spool->lists && spool->read_block ? 0 : TFMT_E_NOMEM;
}

void conv_spool_release(struct conv_spool *spool)
{
	size_t i;

	for (i = 0; spool->lists && i < spool->list_count; i++)
		free(spool->lists[i].block);
	free(spool->lists);
	free(spool->read_block);
	if (spool->lists && spool->fd >= 0)
		close(spool->fd);
	spool->lists = NULL;
	spool->read_block = NULL;
}

static int write_block(struct conv_spool *spool, const char *block, uint64_t number)
{
	size_t done = 0, size = block_bytes(spool);
	ssize_t n;

	if (spool->fd < 0)
		spool->fd = temporary_open();
	if (spool->fd < 0)
		return TFMT_E_IO;
	while (done < size) {
		n = pwrite(spool->fd, block + done, size - done, (off_t)(number * size + done));
		if (n < 0 && errno != EINTR)
			return TFMT_E_IO;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

int conv_spool_append(struct conv_spool *spool, size_t index, const void *item)
{
	struct conv_spool_list *list = &spool->lists[index];
	uint64_t next;
	int status;

	if (!list->block) {
		list->block = malloc(block_bytes(spool));
		if (!list->block)
			return TFMT_E_NOMEM;
		list->first = list->current = spool->block_count++;
	} else if (list->item_count % SPOOL_BLOCK_ITEMS == 0) {
		next = spool->block_count;
		memcpy(list->block, &next, sizeof(next));
		status = write_block(spool, list->block, list->current);
		if (status)
			return status;
		spool->block_count++;
		list->current = next;
	}
	memcpy(item_at(spool, list->block, list->item_count), item, spool->item_bytes);
	list->item_count++;
	return 0;
}

void *conv_spool_last(struct conv_spool *spool, size_t index)
{
	struct conv_spool_list *list = &spool->lists[index];

	return list->item_count ? item_at(spool, list->block, list->item_count - 1) : NULL;
}

void conv_spool_rewind(
	struct conv_spool_cursor *cursor, const struct conv_spool *spool, size_t list)
{
	*cursor = (struct conv_spool_cursor){.list = list, .block = spool->lists[list].first};
}

static int read_block(struct conv_spool_cursor *cursor, const struct conv_spool *spool)
{
	size_t done = 0, size = block_bytes(spool);
	ssize_t n;

	while (done < size) {
		n = pread(spool->fd, spool->read_block + done, size - done,
			(off_t)(cursor->block * size + done));
		if (n == 0)
			errno = EIO;
		if (n == 0 || (n < 0 && errno != EINTR))
			return TFMT_E_IO;
		if (n > 0)
			done += (size_t)n;
	}
	memcpy(&cursor->block, spool->read_block, sizeof(cursor->block));
	return 0;
}

int conv_spool_next(
	struct conv_spool_cursor *cursor, const struct conv_spool *spool, const void **ret_item)
{
	const struct conv_spool_list *list = &spool->lists[cursor->list];
	uint64_t in_file, index = cursor->index;
	int status;

	if (index >= list->item_count)
		return 0;
	/* All but the last block, which may be a full one, are in the file. */
	in_file = (list->item_count - 1) / SPOOL_BLOCK_ITEMS * SPOOL_BLOCK_ITEMS;
	if (index < in_file && index % SPOOL_BLOCK_ITEMS == 0) {
		status = read_block(cursor, spool);
		if (status)
			return status;
	}
	*ret_item = item_at(spool, index < in_file ? spool->read_block : list->block, index);
	cursor->index++;
	return 1;
}
