/*
 * Many growing lists of equal items, read back list by list: how records that come in the order of
 * time are grouped by thread without holding them all.
 *
 * Each list has one block of items in memory; full blocks go to an unlinked temporary file in
 * $TMPDIR (or /tmp). Memory: SPOOL_BLOCK_ITEMS items per list, whatever the length of the lists.
 */
#ifndef CONV_SPOOL_H
#define CONV_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#define SPOOL_BLOCK_ITEMS 64

struct conv_spool_list {
	char *block;	  /* the last, unfinished block */
	uint64_t first;	  /* block number of the first block in the file */
	uint64_t current; /* block number the unfinished block will have */
	uint64_t item_count;
};

struct conv_spool {
	struct conv_spool_list *lists;
	size_t list_count;
	size_t item_bytes;
	char *read_block;
	uint64_t block_count; /* numbers given to blocks so far */
	int fd;		      /* -1 until a block is full */
};

/* Lists are numbered 0 to list_count - 1. Returns: 0; TFMT_E_NOMEM. */
int conv_spool_init(struct conv_spool *spool, size_t list_count, size_t item_bytes);
void conv_spool_release(struct conv_spool *spool);

/* Returns: 0; TFMT_E_NOMEM; TFMT_E_IO with errno set. */
int conv_spool_append(struct conv_spool *spool, size_t list, const void *item);

/* The newest item of a list, to be changed in place; NULL for an empty list. */
void *conv_spool_last(struct conv_spool *spool, size_t list);

/*
 * Read a list from its start. One cursor of a spool at a time; nothing may be appended meanwhile.
 * conv_spool_next() returns 1 and an item that lives until the next call; 0 at the end; TFMT_E_IO.
 */
struct conv_spool_cursor {
	size_t list;
	uint64_t index; /* of the next item */
	uint64_t block; /* number of the next block */
};
void conv_spool_rewind(
	struct conv_spool_cursor *cursor, const struct conv_spool *spool, size_t list);
int conv_spool_next(
	struct conv_spool_cursor *cursor, const struct conv_spool *spool, const void **ret_item);

#endif
