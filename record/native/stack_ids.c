#include "native/stack_ids.h"

#include <stdlib.h>
#include <string.h>

struct rec_stack_ids {
	struct rec_sink *sink;
	struct tfmt_writer *writer;
	struct rec_namer *namer;
	uint32_t *mapping_of_module; /* by module index; 0: not yet in the trace */
	uint32_t mapping_capacity;
	uint32_t kernel_mapping;
	uint32_t unmerged_frame;    /* id; 0: not met yet */
	uint32_t last_kernel_frame; /* highest id of a kernel frame */
};

struct rec_stack_ids *rec_stack_ids_new(struct rec_sink *sink, struct rec_namer *namer)
{
	struct rec_stack_ids *ids = calloc(1, sizeof(*ids));
	if (!ids)
		return NULL;
	ids->sink = sink;
	ids->writer = rec_sink_writer(sink);
	ids->namer = namer;
	return ids;
}

void rec_stack_ids_free(struct rec_stack_ids *ids)
{
	if (!ids)
		return;
	free(ids->mapping_of_module);
	free(ids);
}

void rec_stack_path_release(struct rec_stack_path *path)
{
	free(path->steps);
	*path = (struct rec_stack_path){0};
}

static uint32_t mapping_of(struct rec_stack_ids *ids, const struct rec_module *module)
{
	if (module->index >= ids->mapping_capacity) {
		uint32_t capacity = 2 * module->index + 64;
		uint32_t *mappings = realloc(ids->mapping_of_module, capacity * sizeof(*mappings));
		if (!mappings)
			return 0;
		memset(mappings + ids->mapping_capacity, 0,
			(capacity - ids->mapping_capacity) * sizeof(*mappings));
		ids->mapping_of_module = mappings;
		ids->mapping_capacity = capacity;
	}
	uint32_t *id = &ids->mapping_of_module[module->index];
	if (*id == 0) {
		static const uint8_t types[] = {
			[REC_MODULE_UNKNOWN] = TFMT_MAPPING_ANON,
			[REC_MODULE_FILE] = TFMT_MAPPING_FILE,
			[REC_MODULE_VDSO] = TFMT_MAPPING_VDSO,
			[REC_MODULE_JIT] = TFMT_MAPPING_ANON,
		};
		struct tfmt_mapping row = {.path = rec_sink_text(ids->sink, module->path),
			.type = types[module->type]};
		if (module->build_id_size > 0)
			tfmt_writer_intern(ids->writer, (const char *)module->build_id,
				module->build_id_size, &row.build_id);
		tfmt_writer_add_mapping(ids->writer, &row, id);
	}
	return *id;
}

static uint32_t frame_of(struct rec_stack_ids *ids, const struct rec_stack_frame *frame)
{
	if (*frame->user != 0)
		return *frame->user;
	struct tfmt_frame row = {
		.address = frame->vaddr,
		.mapping = mapping_of(ids, frame->module),
		.language =
			frame->module->type == REC_MODULE_JIT ? TFMT_LANG_JIT : TFMT_LANG_NATIVE,
	};
	uint32_t id = 0;
	if (frame->module->type == REC_MODULE_FILE && py_is_interpreter_name(frame->module->path))
		row.flags = TFMT_FRAME_INTERPRETER;
	if (tfmt_writer_add_frame(ids->writer, &row, &id) != 0)
		return 0;
	if (frame->module->type != REC_MODULE_UNKNOWN)
		rec_namer_want(ids->namer, frame->module, row.mapping, row.address);
	*frame->user = id;
	return id;
}

static uint32_t kernel_frame(struct rec_stack_ids *ids, uint64_t address)
{
	if (ids->kernel_mapping == 0) {
		struct tfmt_mapping row = {
			.path = rec_sink_text(ids->sink, "[kernel]"), .type = TFMT_MAPPING_KERNEL};
		tfmt_writer_add_mapping(ids->writer, &row, &ids->kernel_mapping);
	}
	struct tfmt_frame row = {
		.address = address,
		.mapping = ids->kernel_mapping,
		.language = TFMT_LANG_KERNEL,
	};
	uint32_t id = 0;
	if (tfmt_writer_add_frame(ids->writer, &row, &id) != 0)
		return 0;
	/* Ids only grow: a higher one than ever is a new address. */
	if (id > ids->last_kernel_frame) {
		ids->last_kernel_frame = id;
		rec_namer_want(ids->namer, NULL, row.mapping, address);
	}
	return id;
}

/* Neither Python nor code that a file holds. */
static uint32_t unmerged_frame(struct rec_stack_ids *ids)
{
	struct tfmt_frame row = {
		.function = rec_sink_text(ids->sink, "[unmerged]"),
		.language = TFMT_LANG_JIT,
	};
	if (ids->unmerged_frame == 0)
		tfmt_writer_add_frame(ids->writer, &row, &ids->unmerged_frame);
	return ids->unmerged_frame;
}

static uint32_t push(struct rec_stack_ids *ids, uint32_t parent, uint32_t frame)
{
	struct tfmt_stack row = {parent, frame};
	uint32_t id = 0;
	return tfmt_writer_add_stack(ids->writer, &row, &id) == 0 ? id : parent;
}

/* Room for `count` steps. Without memory the path is empty, which only costs time. */
static void reserve(struct rec_stack_path *path, size_t count)
{
	if (count <= path->capacity)
		return;
	size_t capacity = count + count / 2 + 16;
	struct rec_stack_step *steps = realloc(path->steps, capacity * sizeof(*steps));
	if (!steps)
		return;
	path->steps = steps;
	path->capacity = capacity;
}

/* One step from the root towards the leaf. Returns the stack up to there. */
static uint32_t step(struct rec_stack_ids *ids, struct rec_stack_path *path, size_t depth,
	uint32_t parent, uint32_t frame)
{
	if (depth < path->count && path->steps[depth].frame == frame)
		return path->steps[depth].stack;
	uint32_t stack = push(ids, parent, frame);
	/* From here on the last sample was another path. */
	path->count = depth;
	if (depth < path->capacity) {
		path->steps[depth] = (struct rec_stack_step){frame, stack};
		path->count = depth + 1;
	}
	return stack;
}

static uint32_t add_kernel(struct rec_stack_ids *ids, struct rec_stack_path *path, size_t depth,
	uint32_t stack, const uint64_t *frames, size_t count)
{
	for (size_t i = count; i-- > 0; depth++) {
		/* Frame 0 is the instruction itself, the others are return addresses. */
		uint64_t address = frames[i] - (i > 0);
		stack = step(ids, path, depth, stack, kernel_frame(ids, address));
	}
	return stack;
}

uint32_t rec_stack_ids_add(struct rec_stack_ids *ids, struct rec_stack_path *path,
	const struct rec_stack *user, const uint64_t *kernel_frames, size_t kernel_frame_count)
{
	uint32_t stack = 0;
	size_t depth = 0;
	reserve(path, user->count + kernel_frame_count);
	for (size_t i = user->count; i-- > 0; depth++)
		stack = step(ids, path, depth, stack, frame_of(ids, &user->frames[i]));
	return add_kernel(ids, path, depth, stack, kernel_frames, kernel_frame_count);
}

uint32_t rec_stack_ids_add_joined(struct rec_stack_ids *ids, struct rec_stack_path *path,
	const struct rec_joined_stack *joined, const struct rec_stack *user,
	const uint64_t *kernel_frames, size_t kernel_frame_count)
{
	uint32_t stack = 0;
	size_t depth = 0;
	reserve(path, joined->count + 1 + kernel_frame_count);
	for (size_t i = joined->count; i-- > 0; depth++) {
		const struct py_merged_frame *frame = &joined->frames[i];
		uint32_t id = 0;
		switch (frame->kind) {
		case PY_FRAME_NATIVE:
			id = frame_of(ids, &user->frames[frame->index]);
			break;
		case PY_FRAME_PYTHON:
			id = joined->python[frame->index].frame;
			break;
		case PY_FRAME_UNMERGED:
			id = unmerged_frame(ids);
			break;
		}
		stack = step(ids, path, depth, stack, id);
	}
	bool is_python_leaf = joined->count > 0 && joined->frames[0].kind == PY_FRAME_PYTHON;
	if (joined->is_apart && is_python_leaf && kernel_frame_count > 0)
		stack = step(ids, path, depth++, stack, unmerged_frame(ids));
	return add_kernel(ids, path, depth, stack, kernel_frames, kernel_frame_count);
}

uint32_t rec_stack_ids_marker(struct rec_stack_ids *ids, const char *text)
{
	uint32_t frame = 0;
	struct tfmt_frame row = {
		.function = rec_sink_text(ids->sink, text),
		.language = TFMT_LANG_KERNEL,
	};
	tfmt_writer_add_frame(ids->writer, &row, &frame);
	return push(ids, 0, frame);
}
