#include "table.h"

#include <stdlib.h>
#include <string.h>

void tfmt_table__init(struct tfmt_table *table, size_t row_bytes, const void *lost_row)
{
	*table = (struct tfmt_table){.row_bytes = row_bytes, .lost_row = lost_row};
}

void tfmt_table__release(struct tfmt_table *table)
{
	for (size_t i = 0; i < table->page_count; i++)
		free(table->pages[i]);
	free(table->pages);
	table->pages = NULL;
	table->page_count = 0;
}

static struct tfmt_page *add_page(struct tfmt_table *table, size_t at)
{
	size_t bytes = sizeof(struct tfmt_page) + TFMT_PAGE_ROWS * table->row_bytes;
	struct tfmt_page *page;

	if (at >= table->page_count) {
		size_t count = table->page_count ? table->page_count : 8;
		struct tfmt_page **grown;

		while (count <= at)
			count *= 2;
		grown = realloc(table->pages, count * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + table->page_count, 0, (count - table->page_count) * sizeof(*grown));
		table->pages = grown;
		table->page_count = count;
	}
	page = calloc(1, bytes);
	if (!page)
		return NULL;
	table->pages[at] = page;
	return page;
}

void *tfmt_table__put(struct tfmt_table *table, uint32_t id, bool *ret_is_new)
{
	struct tfmt_page *page = tfmt_table__page(table, id);
	uint32_t at = id % TFMT_PAGE_ROWS;
	uint64_t bit = UINT64_C(1) << (at % 64);

	if (!page)
		page = add_page(table, id / TFMT_PAGE_ROWS);
	if (!page)
		return NULL;
	*ret_is_new = !(page->present[at / 64] & bit);
	page->present[at / 64] |= bit;
	table->present += *ret_is_new;
	if (id > table->count)
		table->count = id;
	return page->rows + at * table->row_bytes;
}
