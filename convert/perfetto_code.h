/*
 * Code in a Perfetto trace: functions, mappings, frames and callstacks have numbers ("iid"), and
 * each is described once, in the packet that needs it first or in an earlier one.
 */
#ifndef CONV_PERFETTO_CODE_H
#define CONV_PERFETTO_CODE_H

#include "intern.h"
#include "protobuf.h"
#include "tracefmt/trace.h"

struct perfetto_code {
	const struct tfmt_trace *trace;
	struct protobuf pending; /* fields of InternedData that belong into the next packet */
	struct conv_intern names, sources;
	struct conv_intern frames;     /* of struct frame_key */
	struct conv_intern callstacks; /* of struct callstack_key */
	uint32_t *frame_iids;	       /* by frame: the only one it has, 0: not known */
	uint32_t frame_count;	       /* ids and 0 */
	bool *is_described;	       /* by mapping; 0: where there is none */
	uint32_t mapping_count;	       /* ids and 0 */
	uint32_t *path;		       /* frames of one callstack, leaf first */
	size_t path_count, path_capacity;
};

/* Starts zeroed. Returns: 0; TFMT_E_NOMEM. */
int perfetto_code_init(struct perfetto_code *code, const struct tfmt_trace *trace);
void perfetto_code_release(struct perfetto_code *code);

/*
 * The callstack of a sample, with what stands on top of it when it waited. Descriptions that are
 * missing are added to `pending`. Returns: 0; TFMT_E_NOMEM.
 */
int perfetto_code_callstack(
	struct perfetto_code *code, const struct tfmt_sample *sample, uint32_t *ret_iid);

#endif
