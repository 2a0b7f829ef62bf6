#include "dump/python.h"

#include <stdlib.h>
#include <string.h>

#include "procfs.h"

/* So often a stack that changes while it is read is read again. */
#define MAX_TRIES 8

void rec_dump_python_release(struct rec_dump_python *python)
{
	for (size_t i = 0; python->rows && i < python->snapshot.count; i++) {
		free((char *)python->rows[i].function);
		free((char *)python->rows[i].file);
	}
	free(python->rows);
	free(python->snapshot.places);
	*python = (struct rec_dump_python){0};
}

static bool keep(struct rec_dump_python *python, const struct py_layout *layout,
	const struct py_stack *stack)
{
	struct py_snapshot *snapshot = &python->snapshot;
	python->rows = calloc(stack->count, sizeof(*python->rows));
	snapshot->places = calloc(stack->count, sizeof(*snapshot->places));
	if (!python->rows || !snapshot->places)
		return false;
	for (size_t i = 0; i < stack->count; i++) {
		const struct py_frame *frame = &stack->frames[i];
		snapshot->places[i] = (struct py_place){(uint32_t)i, frame->anchor};
		python->has_marks |= frame->anchor != 0;
		python->rows[i] = (struct rec_symbol_row){
			.function = strdup(frame->code->function),
			.file = strdup(frame->code->file),
			.line = py_code_line(layout, frame->code, frame->offset),
			.first_line = frame->code->first_line,
		};
	}
	snapshot->count = stack->count;
	snapshot->is_cut = stack->is_cut;
	snapshot->leaf = stack->frames[0].address;
	snapshot->instructions = stack->frames[0].code->instructions;
	snapshot->instructions_size = stack->frames[0].code->size;
	return true;
}

bool rec_dump_python_read(struct rec_dump_python *python, struct py_process *process, pid_t tid,
	struct py_known_thread *known)
{
	struct py_stack stack;
	enum py_result result = PY_TORN;
	rec_dump_python_release(python);
	for (int i = 0; i < MAX_TRIES && result == PY_TORN; i++)
		result = py_process_read(process, tid, known, rec_now_ns(), &stack);
	if (result != PY_OK)
		return false;
	python->holds_gil = stack.holds_gil;
	python->in_gc = stack.in_gc;
	return stack.count > 0 && keep(python, &py_process_runtime(process)->layout, &stack);
}
