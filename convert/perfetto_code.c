#include "perfetto_code.h"

#include <stdlib.h>

#include "tracefmt/error.h"
#include "tracefmt/limits.h"
#include "tracefmt/weight.h"

/* Field numbers of protos/perfetto/trace/interned_data/ and profiling/profile_common.proto. */
enum interned_data_field {
	DATA_FUNCTION_NAMES = 5,
	DATA_FRAMES,
	DATA_CALLSTACKS,
	DATA_BUILD_IDS = 16,
	DATA_MAPPING_PATHS,
	DATA_SOURCE_PATHS,
	DATA_MAPPINGS,
};
enum interned_field { IID = 1, INTERNED_STR };
enum mapping_field { MAPPING_BUILD_ID = 2, MAPPING_PATH_STRING_IDS = 7 };
enum frame_field {
	FRAME_FUNCTION_NAME_ID = 2,
	FRAME_MAPPING_ID,
	FRAME_REL_PC,
	FRAME_SOURCE_PATH_IID,
	FRAME_LINE_NUMBER,
};
enum callstack_field { CALLSTACK_FRAME_IDS = 2 };

#define MAX_INLINED 256

/* A function at a place: one of the frames inlined there. */
struct frame_key {
	uint64_t address;
	uint32_t name, source; /* iids; source 0: not known */
	uint32_t line;
	uint32_t mapping;
};

struct callstack_key {
	uint32_t stack;
	uint16_t syscall;
	uint16_t state;
};

int perfetto_code_init(struct perfetto_code *code, const struct tfmt_trace *trace)
{
	code->trace = trace;
	code->frame_count = tfmt_trace_count(trace, TFMT_FRAME) + 1;
	code->frame_iids = calloc(code->frame_count, sizeof(*code->frame_iids));
	code->mapping_count = tfmt_trace_count(trace, TFMT_MAPPING) + 1;
	code->is_described = calloc(code->mapping_count, sizeof(*code->is_described));
	if (!code->frame_iids || !code->is_described || conv_intern_init_texts(&code->names) ||
		conv_intern_init_texts(&code->sources) ||
		conv_intern_init(&code->frames, sizeof(struct frame_key)) ||
		conv_intern_init(&code->callstacks, sizeof(struct callstack_key)))
		return TFMT_E_NOMEM;
	return 0;
}

void perfetto_code_release(struct perfetto_code *code)
{
	protobuf_release(&code->pending);
	conv_intern_release(&code->names);
	conv_intern_release(&code->sources);
	conv_intern_release(&code->frames);
	conv_intern_release(&code->callstacks);
	free(code->frame_iids);
	free(code->is_described);
	free(code->path);
}

static void put_interned(
	struct perfetto_code *code, unsigned int field, uint32_t iid, const char *text)
{
	size_t mark = protobuf_begin(&code->pending, field);

	protobuf_u64(&code->pending, IID, iid);
	protobuf_text(&code->pending, INTERNED_STR, text);
	protobuf_end(&code->pending, mark);
}

static int intern_text(struct perfetto_code *code, unsigned int field, struct conv_intern *texts,
	const char *text, uint32_t *ret_iid)
{
	uint32_t known = texts->count;
	int status = conv_intern_text(texts, text, ret_iid);

	if (!status && *ret_iid > known)
		put_interned(code, field, *ret_iid, text);
	return status;
}

/* Describe a mapping, path and build id by the same iid; 0 is one without a file. Returns its iid.
 */
static uint32_t intern_mapping(struct perfetto_code *code, uint32_t id)
{
	const struct tfmt_mapping *mapping;
	const struct tfmt_string *build_id;
	struct protobuf *pb = &code->pending;
	uint32_t iid;
	size_t mark;

	if (id >= code->mapping_count)
		id = 0;
	iid = id + 1;
	if (code->is_described[id])
		return iid;
	code->is_described[id] = true;
	mapping = tfmt_trace_mapping(code->trace, id);
	build_id = tfmt_trace_string(code->trace, mapping->build_id);
	put_interned(code, DATA_MAPPING_PATHS, iid, tfmt_trace_text(code->trace, mapping->path));
	mark = protobuf_begin(pb, DATA_BUILD_IDS);
	protobuf_u64(pb, IID, iid);
	protobuf_bytes(pb, INTERNED_STR, build_id->data, mapping->build_id ? build_id->length : 0);
	protobuf_end(pb, mark);
	mark = protobuf_begin(pb, DATA_MAPPINGS);
	protobuf_u64(pb, IID, iid);
	protobuf_u64(pb, MAPPING_BUILD_ID, iid);
	protobuf_u64(pb, MAPPING_PATH_STRING_IDS, iid);
	protobuf_end(pb, mark);
	return iid;
}

static int intern_frame(struct perfetto_code *code, const struct tfmt_location *location,
	uint64_t address, uint32_t *ret_iid)
{
	struct frame_key key = {.address = address,
		.line = location->line,
		.mapping = intern_mapping(code, location->mapping)};
	uint32_t known = code->frames.count;
	struct protobuf *pb = &code->pending;
	size_t mark;
	int status;

	status =
		intern_text(code, DATA_FUNCTION_NAMES, &code->names, location->function, &key.name);
	if (!status && *location->file)
		status = intern_text(
			code, DATA_SOURCE_PATHS, &code->sources, location->file, &key.source);
	if (!status)
		status = conv_intern_key(&code->frames, &key, ret_iid);
	if (status || *ret_iid <= known)
		return status;
	mark = protobuf_begin(pb, DATA_FRAMES);
	protobuf_u64(pb, IID, *ret_iid);
	protobuf_u64(pb, FRAME_FUNCTION_NAME_ID, key.name);
	protobuf_u64(pb, FRAME_MAPPING_ID, key.mapping);
	protobuf_u64(pb, FRAME_REL_PC, address);
	if (key.source)
		protobuf_u64(pb, FRAME_SOURCE_PATH_IID, key.source);
	if (key.line)
		protobuf_u64(pb, FRAME_LINE_NUMBER, key.line);
	protobuf_end(pb, mark);
	return 0;
}

/* One step towards the root. */
static int push(struct perfetto_code *code, uint32_t iid)
{
	size_t capacity = code->path_capacity ? 2 * code->path_capacity : 256;
	uint32_t *grown;

	if (code->path_count == code->path_capacity) {
		grown = reallocarray(code->path, capacity, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		code->path = grown;
		code->path_capacity = capacity;
	}
	code->path[code->path_count++] = iid;
	return 0;
}

/* A frame that is no code. */
static int push_name(struct perfetto_code *code, const char *name)
{
	const struct tfmt_location location = {.function = name, .file = ""};
	uint32_t iid;
	int status = intern_frame(code, &location, 0, &iid);

	return status ? status : push(code, iid);
}

static int push_frame(struct perfetto_code *code, uint32_t frame)
{
	struct tfmt_location locations[MAX_INLINED];
	uint64_t address;
	uint32_t iid;
	size_t count, i;
	int status = 0;

	if (frame < code->frame_count && code->frame_iids[frame])
		return push(code, code->frame_iids[frame]);
	address = tfmt_trace_frame(code->trace, frame)->address;
	count = tfmt_trace_locations(code->trace, frame, locations, MAX_INLINED);
	for (i = 0; !status && i < count && i < MAX_INLINED; i++) {
		status = intern_frame(code, &locations[i], address, &iid);
		if (!status)
			status = push(code, iid);
		if (!status && count == 1 && frame < code->frame_count)
			code->frame_iids[frame] = iid;
	}
	return status;
}

static int build_path(struct perfetto_code *code, const struct tfmt_sample *sample)
{
	const char *wait = tfmt_wait_name(sample);
	const struct tfmt_stack *stack;
	uint32_t id = sample->stack, depth;
	int status = 0;

	code->path_count = 0;
	if (wait)
		status = push_name(code, wait);
	if (!status && !id)
		status = push_name(code, TFMT_NO_STACK_NAME);
	for (depth = 0; !status && id && depth < TFMT_MAX_DEPTH; depth++) {
		stack = tfmt_trace_stack(code->trace, id);
		status = push_frame(code, stack->frame);
		id = stack->parent;
	}
	return status;
}

int perfetto_code_callstack(
	struct perfetto_code *code, const struct tfmt_sample *sample, uint32_t *ret_iid)
{
	const struct callstack_key key = {
		.stack = sample->stack, .syscall = sample->syscall, .state = sample->state};
	uint32_t known = code->callstacks.count;
	struct protobuf *pb = &code->pending;
	size_t mark, i;
	int status;

	status = conv_intern_key(&code->callstacks, &key, ret_iid);
	if (status || *ret_iid <= known)
		return status;
	status = build_path(code, sample);
	if (status)
		return status;
	mark = protobuf_begin(pb, DATA_CALLSTACKS);
	protobuf_u64(pb, IID, *ret_iid);
	for (i = code->path_count; i; i--)
		protobuf_u64(pb, CALLSTACK_FRAME_IDS, code->path[i - 1]);
	protobuf_end(pb, mark);
	return 0;
}
