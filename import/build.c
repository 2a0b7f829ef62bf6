#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/limits.h"

struct imp_id {
	uint64_t a, b;
	uint32_t id; /* 0: free */
};

static size_t slot_of(const struct imp_ids *ids, uint64_t a, uint64_t b)
{
	uint64_t hash = (a * UINT64_C(0x9e3779b97f4a7c15)) ^ (b * UINT64_C(0xc2b2ae3d27d4eb4f));
	size_t at = (size_t)(hash ^ hash >> 29) & (ids->capacity - 1);

	while (ids->slots[at].id && (ids->slots[at].a != a || ids->slots[at].b != b))
		at = (at + 1) & (ids->capacity - 1);
	return at;
}

uint32_t imp_ids_get(const struct imp_ids *ids, uint64_t a, uint64_t b)
{
	return ids->capacity ? ids->slots[slot_of(ids, a, b)].id : 0;
}

int imp_ids_put(struct imp_ids *ids, uint64_t a, uint64_t b, uint32_t id)
{
	struct imp_ids grown = {.capacity = ids->capacity ? 2 * ids->capacity : 64};
	size_t i, at;

	if (2 * ids->count >= ids->capacity) {
		grown.slots = calloc(grown.capacity, sizeof(*grown.slots));
		if (!grown.slots)
			return TFMT_E_NOMEM;
		for (i = 0; i < ids->capacity; i++)
			if (ids->slots[i].id)
				grown.slots[slot_of(&grown, ids->slots[i].a, ids->slots[i].b)] =
					ids->slots[i];
		grown.count = ids->count;
		free(ids->slots);
		*ids = grown;
	}
	at = slot_of(ids, a, b);
	ids->count += !ids->slots[at].id;
	ids->slots[at] = (struct imp_id){a, b, id};
	return 0;
}

void imp_ids_release(struct imp_ids *ids)
{
	free(ids->slots);
	*ids = (struct imp_ids){0};
}

int imp_build_begin(struct imp_build *build, const struct imp_begin *begin)
{
	const struct tfmt_note note = {"input", begin->remark};
	const struct tfmt_header header = {
		.time_ns = begin->time_ns,
		.recorder = begin->recorder,
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = "",
		.argv = &build->name,
		.argc = 1,
		.rate_hz = begin->rate_hz,
		.notes = &note,
		.note_count = begin->remark != NULL,
	};

	if (begin->remark)
		msg_info(build->msg, "%s: %s", build->name, begin->remark);
	return tfmt_writer_new(&header, NULL, build->sink, &build->writer, &build->error);
}

int imp_build_end(struct imp_build *build)
{
	return tfmt_writer_finish(build->writer, &build->error);
}

void imp_build_release(struct imp_build *build)
{
	tfmt_writer_free(build->writer);
	build->writer = NULL;
	imp_ids_release(&build->processes);
	imp_ids_release(&build->threads);
	imp_ids_release(&build->metrics);
}

int imp_text(struct imp_build *build, const char *data, size_t length, uint32_t *ret_id)
{
	return tfmt_writer_intern(build->writer, data, length, ret_id);
}

int imp_process(struct imp_build *build, uint32_t pid, uint32_t *ret_id)
{
	int status;

	*ret_id = imp_ids_get(&build->processes, pid, 0);
	if (*ret_id)
		return 0;
	status = tfmt_writer_add_process(build->writer, &(struct tfmt_process){.pid = pid}, ret_id);
	return status ? status : imp_ids_put(&build->processes, pid, 0, *ret_id);
}

int imp_thread(struct imp_build *build, uint32_t pid, uint32_t tid, uint32_t *ret_id)
{
	uint32_t process;
	int status;

	*ret_id = imp_ids_get(&build->threads, pid, tid);
	if (*ret_id)
		return 0;
	status = imp_process(build, pid, &process);
	if (!status)
		status = tfmt_writer_add_thread(build->writer,
			&(struct tfmt_thread){.process = process, .tid = tid}, ret_id);
	return status ? status : imp_ids_put(&build->threads, pid, tid, *ret_id);
}

int imp_name(struct imp_build *build, uint64_t time_ns, uint32_t process, uint32_t thread,
	const char *name, size_t length)
{
	struct tfmt_life life = {
		.time_ns = time_ns,
		.process = process,
		.thread = thread,
		.event = TFMT_LIFE_NAME,
	};
	int status = imp_text(build, name, length, &life.name);

	return status ? status : tfmt_writer_life(build->writer, &life);
}

int imp_frame(struct imp_build *build, const struct imp_frame *frame, uint32_t *ret_id)
{
	struct tfmt_mapping mapping = {.type = frame->language == TFMT_LANG_KERNEL
						       ? TFMT_MAPPING_KERNEL
						       : TFMT_MAPPING_FILE};
	struct tfmt_frame row = {.line = frame->line, .language = frame->language};
	int status = imp_text(build, frame->function, frame->function_length, &row.function);

	/* A frame without a name would be looked up among the symbols. */
	if (!status && !row.function)
		status = imp_text(build, "[no name]", 9, &row.function);
	if (!status && frame->file)
		status = imp_text(build, frame->file, frame->file_length, &row.file);
	if (!status && frame->module_length) {
		status = imp_text(build, frame->module, frame->module_length, &mapping.path);
		if (!status)
			status = tfmt_writer_add_mapping(build->writer, &mapping, &row.mapping);
	}
	return status ? status : tfmt_writer_add_frame(build->writer, &row, ret_id);
}

int imp_push(struct imp_build *build, uint32_t frame, uint32_t *stack, bool *ret_cut)
{
	const struct tfmt_stack row = {.parent = *stack, .frame = frame};
	int status = tfmt_writer_add_stack(build->writer, &row, stack);

	if (status != TFMT_E_LIMIT)
		return status;
	*ret_cut = true;
	return 0;
}

int imp_frames_add(struct imp_frames *frames, uint32_t id)
{
	size_t capacity = frames->capacity ? 2 * frames->capacity : 128;
	uint32_t *grown;

	if (frames->count == TFMT_MAX_DEPTH) {
		frames->is_cut = true;
		return 0;
	}
	if (frames->count == frames->capacity) {
		grown = reallocarray(frames->ids, capacity, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		frames->ids = grown;
		frames->capacity = capacity;
	}
	frames->ids[frames->count++] = id;
	return 0;
}

int imp_frames_push(struct imp_frames *frames, struct imp_build *build, uint32_t *ret_stack)
{
	bool is_cut = false;
	int status = 0;

	*ret_stack = 0;
	while (frames->count && !status)
		status = imp_push(build, frames->ids[--frames->count], ret_stack, &is_cut);
	frames->count = 0;
	frames->is_cut = false;
	return status;
}

void imp_frames_release(struct imp_frames *frames)
{
	free(frames->ids);
	*frames = (struct imp_frames){0};
}
