#include "cpython/merge.h"

#include <string.h>

/*
 * The native frame that holds the mark `anchor`: the first one, from `from` on, whose caller's
 * stack pointer is above it. Returns: its index; native->count when there is none.
 */
static size_t frame_of_anchor(const struct rec_stack *native, size_t from, uint64_t anchor)
{
	if (from >= native->count || anchor < native->frames[from].sp)
		return native->count;
	for (size_t i = from; i + 1 < native->count; i++)
		if (anchor < native->frames[i + 1].sp)
			return i;
	return native->count;
}

/* Whether one of the words is the address of the frame, and one that of an instruction of its code.
 */
struct evidence {
	uint64_t frame;
	uint64_t first, size; /* instructions; size 0: they cannot be told by address */
	bool has_frame, has_instruction;
	const struct py_instructions *others;
	bool has_other; /* an instruction of code that ran in the same place */
};

static void look_at(struct evidence *evidence, uint64_t word)
{
	evidence->has_frame |= word == evidence->frame;
	evidence->has_instruction |= word - evidence->first <= evidence->size;
	for (size_t i = 0; evidence->others && i < PY_MAX_OTHERS; i++) {
		const struct py_instructions *other = &evidence->others[i];
		evidence->has_other |= other->frame == evidence->frame &&
				       other->start != evidence->first &&
				       word - other->start < other->size;
	}
}

/* A return address and the registers that a function must keep. */
#define SAVED_BYTES 64

static void look_between(struct evidence *evidence, const struct rec_stack *native,
	const struct rec_user_state *user, uint64_t start, uint64_t end)
{
	uint64_t bottom = native->frames[0].sp;
	for (uint64_t at = start; at < end && at - bottom + 8 <= user->stack_size; at += 8) {
		uint64_t word;
		memcpy(&word, user->stack + (at - bottom), sizeof(word));
		look_at(evidence, word);
	}
}

/* Whether the evaluation loop in native frame `index` runs this Python frame, at the sample. */
static bool runs_frame(const struct rec_stack *native, size_t index,
	const struct rec_user_state *user, const struct py_snapshot *python)
{
	struct evidence evidence = {
		.frame = python->leaf,
		.first = python->instructions,
		.size = python->instructions_size,
		.has_instruction = python->instructions == 0,
		.others = python->others,
	};
	for (size_t i = 0; i < REC_PERF_REGS_COUNT; i++)
		look_at(&evidence, user->regs[i]);
	/*
	 * Frames further in have saved registers of the loop next to their return address; what
	 * else is in them may be left over from other calls.
	 */
	for (size_t i = 0; i < index; i++) {
		uint64_t end = native->frames[i + 1].sp, start = native->frames[i].sp;
		look_between(&evidence, native, user,
			end - start > SAVED_BYTES ? end - SAVED_BYTES : start, end);
	}
	look_between(
		&evidence, native, user, native->frames[index].sp, native->frames[index + 1].sp);
	return evidence.has_frame && evidence.has_instruction && !evidence.has_other;
}

/* Where a merge stands: frames taken from each stack, and put into the joined one. */
struct zip {
	struct py_merged_frame *frames;
	size_t count, native, python;
};

static void take_native(struct zip *zip, size_t until)
{
	while (zip->native < until)
		zip->frames[zip->count++] =
			(struct py_merged_frame){PY_FRAME_NATIVE, (uint32_t)zip->native++};
}

static void take_python(struct zip *zip, size_t until)
{
	while (zip->python < until)
		zip->frames[zip->count++] =
			(struct py_merged_frame){PY_FRAME_PYTHON, (uint32_t)zip->python++};
}

static bool zip_by_anchors(const struct rec_stack *native, const struct py_snapshot *python,
	const struct rec_user_state *user, struct zip *zip)
{
	for (size_t i = 0, from = 0; i < python->count; i++) {
		if (python->places[i].anchor == 0)
			continue;
		size_t loop = frame_of_anchor(native, from, python->places[i].anchor);
		if (loop == native->count)
			return false;
		if (zip->python == 0 && user && !runs_frame(native, loop, user, python))
			return false;
		/* What the loop has called is further in than the frames that it runs. */
		take_native(zip, loop);
		take_python(zip, i + 1);
		from = loop + 1;
	}
	/* Frames without a loop of their own are left over when the stack was cut. */
	if (zip->python < python->count && !python->is_cut)
		return false;
	take_native(zip, native->count);
	take_python(zip, python->count);
	return true;
}

enum py_merge py_merge(const struct rec_stack *native, const struct py_snapshot *python,
	const struct rec_user_state *user, bool (*is_interpreter)(const struct rec_module *module),
	struct py_merged_frame *frames, size_t *ret_count)
{
	struct zip zip = {.frames = frames};
	if (zip_by_anchors(native, python, user, &zip)) {
		*ret_count = zip.count;
		return PY_MERGED;
	}
	zip = (struct zip){.frames = frames};
	size_t called = 0;
	while (called < native->count && !is_interpreter(native->frames[called].module))
		called++;
	/* Without a frame of the interpreter in it the native stack is a part: keep it innermost.
	 */
	take_native(&zip, called);
	if (called > 0 && python->count > 0)
		frames[zip.count++] = (struct py_merged_frame){.kind = PY_FRAME_UNMERGED};
	take_python(&zip, python->count);
	take_native(&zip, native->count);
	*ret_count = zip.count;
	return PY_APART;
}
