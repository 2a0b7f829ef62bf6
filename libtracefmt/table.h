/*
 * Rows by id, kept in pages that exist only where there are rows: a hostile id costs one page,
 * and rows never move. Rows that were not read are a given "lost" row.
 */
#ifndef TFMT_TABLE_H
#define TFMT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TFMT_PAGE_ROWS 512u

struct tfmt_page;

struct tfmt_table {
	struct tfmt_page **pages;
	size_t page_count;
	size_t row_bytes;
	const void *lost_row; /* of every id without a row */
	uint32_t count;	      /* ids run from 1 to this */
	uint32_t present;     /* rows that were put */
};

struct tfmt_page {
	uint64_t present[TFMT_PAGE_ROWS / 64];
	/* Aligned for any row. */
	_Alignas(8) unsigned char rows[];
};

void tfmt_table__init(struct tfmt_table *table, size_t row_bytes, const void *lost_row);
void tfmt_table__release(struct tfmt_table *table);

/*
 * The place of row `id`, for the caller to write, with *ret_is_new set when it was lost until
 * now. Returns NULL without memory.
 */
void *tfmt_table__put(struct tfmt_table *table, uint32_t id, bool *ret_is_new);

static inline struct tfmt_page *tfmt_table__page(const struct tfmt_table *table, uint32_t id)
{
	size_t page = id / TFMT_PAGE_ROWS;

	return page < table->page_count ? table->pages[page] : NULL;
}

static inline bool tfmt_table__has(const struct tfmt_table *table, uint32_t id)
{
	const struct tfmt_page *page = tfmt_table__page(table, id);
	uint32_t at = id % TFMT_PAGE_ROWS;

	return page && (page->present[at / 64] >> (at % 64) & 1);
}

/* The row, or the lost one. Never NULL. */
static inline const void *tfmt_table__row(const struct tfmt_table *table, uint32_t id)
{
	if (!tfmt_table__has(table, id))
		return table->lost_row;
	return table->pages[id / TFMT_PAGE_ROWS]->rows + (id % TFMT_PAGE_ROWS) * table->row_bytes;
}

#endif
