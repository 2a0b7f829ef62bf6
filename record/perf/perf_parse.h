/* From the bytes of a perf ring to a record. Layouts: perf_event_open(2), "MMAP layout". */
#ifndef RECORD_PERF_PARSE_H
#define RECORD_PERF_PARSE_H

#include "perf/perf.h"

/* What the sample records hold beside what all of ours do. */
struct rec_perf_layout {
	bool has_kernel_frames;
	unsigned register_count;
};

/*
 * `header` starts a whole record. Pointers in `ret_record` go into it.
 * Returns false for a kind we do not know and for a record that contradicts itself.
 */
bool rec_perf_parse(const struct rec_perf_layout *layout, const struct perf_event_header *header,
	struct rec_perf_record *ret_record);

#endif
