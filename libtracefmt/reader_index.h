/* What a reader does with the index at the end of a file: passes over chunks nobody wants. */
#ifndef TFMT_READER_INDEX_H
#define TFMT_READER_INDEX_H

#include "reader_state.h"

/*
 * Look for an index of the trace and check what can be checked without unpacking chunks. Without a
 * good one reader->index stays empty. The reader must be at the start of the trace.
 * Returns: 0; TFMT_E_NOMEM; TFMT_E_IO.
 */
int tfmt_reader__load_index(struct tfmt_reader *reader);

/* Read without it from now on. */
void tfmt_reader__drop_index(struct tfmt_reader *reader);

/* Move from the current place over chunks without records of `kinds`, as far as is known. */
void tfmt_reader__pass_over(struct tfmt_reader *reader, uint32_t kinds);

/*
 * The row of the chunk that begins at reader->offset, or NULL. *ret_is_first: it is read for the
 * first time since the index was loaded.
 */
const struct tfmt_index_row *tfmt_reader__row(struct tfmt_reader *reader, bool *ret_is_first);

/* Whether the current chunk is what the index says. */
bool tfmt_reader__is_row(const struct tfmt_reader *reader, const struct tfmt_index_row *row);

/* Whether the tables read by way of the index are all that the end record counts. */
bool tfmt_reader__has_all_tables(const struct tfmt_reader *reader);

#endif
