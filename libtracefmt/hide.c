#include <stdlib.h>
#include <string.h>

#include "reader_state.h"

/* Whether a frame is of the libraries that start a program or a thread. */
static bool is_start_up(const struct tfmt_trace *trace, const struct tfmt_frame *frame)
{
	static const char *const names[] = {"libc.so", "libc-", "libc.musl", "libpthread", "ld-"};
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, frame->mapping);
	const char *name = tfmt_base_name(tfmt_trace_text(trace, mapping->path));

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* What is known of a stack while the table is gone through: callers come first. */
struct seen {
	bool has_python;
	/* Without Python: it begins with the interpreter, below what starts programs and threads.
	 */
	bool is_interpreter;
	/*
	 * Without Python: what is left of it above a Python frame. 0 when the interpreter is the
	 * program; of a program that calls it, all but the interpreter's innermost frames.
	 */
	uint32_t callers;
};

/* Look at a row, and change it to what is shown. */
static struct seen look_at(const struct tfmt_trace *trace, uint32_t id, const struct seen *parent,
	struct tfmt_stack *row)
{
	const struct tfmt_frame *frame = tfmt_trace_frame(trace, row->frame);
	bool is_interpreter = frame->flags & TFMT_FRAME_INTERPRETER;

	if (parent->has_python) {
		/* Rows above the outermost Python frame stay: other stacks go through them. */
		if (is_interpreter)
			*row = *tfmt_trace_stack(trace, row->parent);
		return (struct seen){.has_python = true};
	}
	if (frame->language == TFMT_LANG_PYTHON) {
		row->parent = parent->callers;
		return (struct seen){.has_python = true};
	}
	/* Whatever is further in here belongs to stacks that could not be joined by address. */
	if (parent->is_interpreter || (is_interpreter && parent->callers != 0))
		return *parent;
	if (is_interpreter)
		return (struct seen){.is_interpreter = true};
	if (parent->callers == 0 && is_start_up(trace, frame))
		return *parent;
	return (struct seen){.callers = id};
}

int tfmt_reader_hide_interpreter(struct tfmt_reader *reader)
{
	struct tfmt_trace *trace = reader->trace;
	struct tfmt_table *stacks = &trace->tables[TFMT_STACK];
	struct seen *seen;
	bool ignored;

	if (!reader->is_scanned)
		return TFMT_E_ARG;
	seen = calloc((size_t)stacks->count + 1, sizeof(*seen));
	if (!seen)
		return TFMT_E_NOMEM;
	for (uint32_t id = 1; id <= stacks->count; id++) {
		struct tfmt_stack row = *tfmt_trace_stack(trace, id);

		if (!tfmt_table__has(stacks, id) || row.parent >= id)
			continue;
		seen[id] = look_at(trace, id, &seen[row.parent], &row);
		/* The row is there: putting it cannot fail. */
		*(struct tfmt_stack *)tfmt_table__put(stacks, id, &ignored) = row;
	}
	free(seen);
	return 0;
}
