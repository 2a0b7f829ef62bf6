/*
 * What py-spy writes as text: the stacks of one moment (py-spy dump), leaf first,
 *
 *	Process 7: python3 app.py
 *	Python v3.11.2 (/usr/bin/python3.11)
 *
 *	Thread 7 (active+gil): "MainThread"
 *	    work (app.py:12)
 *	    <module> (app.py:20)
 *
 * or folded stacks with frames like these (py-spy record --format raw). Variables, which a dump may
 * have below a frame, are not read.
 */
#include <string.h>

#include "folded.h"
#include "import.h"
#include "python_text.h"
#include "source.h"

#define FRAME_INDENT 4

struct state {
	struct imp_source *source;
	struct imp_build *build;
	struct imp_frames frames;
	struct tfmt_sample sample;
	uint32_t pid;
	bool has_thread;
};

/* "Process 7: ..." */
static bool is_process_line(const char *line)
{
	size_t digits;

	if (!imp_text_after(line, "Process "))
		return false;
	digits = strspn(line + 8, "0123456789");
	return digits && line[8 + digits] == ':';
}

/* Whether each frame of a folded line is one of py-spy's; the line of a process or thread is too.
 */
static bool is_raw_line(const char *line, size_t length)
{
	struct imp_python_text text;
	const char *end = line + length, *next;
	size_t stack, frames = 0;
	uint64_t count;

	if (!imp_folded_split(line, length, &stack, &count))
		return false;
	for (end = line + stack; line < end; line = next + 1) {
		next = memchr(line, ';', (size_t)(end - line));
		if (!next)
			next = end;
		if (imp_python_split(line, (size_t)(next - line), &text))
			frames++;
		else if (!imp_text_after(line, "process ") && !imp_text_after(line, "thread ("))
			return false;
	}
	return frames > 0;
}

static bool matches(const char *head, size_t size_bytes)
{
	const char *end = memchr(head, '\n', size_bytes);
	size_t length = end ? (size_t)(end - head) : size_bytes;

	if (is_process_line(head))
		return end && imp_text_after(end + 1, "Python v");
	length -= length && head[length - 1] == '\r';
	return is_raw_line(head, length);
}

/* --- folded --- */

static int push_raw(
	struct imp_build *build, const char *text, size_t length, uint32_t *stack, bool *is_cut)
{
	const struct imp_frame plain = {.function = text, .function_length = length};
	struct imp_python_text frame;
	uint32_t id;
	int status;

	if (imp_python_split(text, length, &frame))
		status = imp_python_frame(build, frame.function, frame.function_length, frame.file,
			frame.file_length, frame.line, &id);
	else
		status = imp_frame(build, &plain, &id);
	return status ? status : imp_push(build, id, stack, is_cut);
}

/* --- a moment --- */

static int finish_thread(struct state *state)
{
	bool is_cut = state->frames.is_cut;
	int status;

	if (!state->has_thread)
		return 0;
	state->has_thread = false;
	status = imp_frames_push(&state->frames, state->build, &state->sample.stack);
	state->sample.flags = is_cut ? TFMT_SAMPLE_TRUNCATED : 0;
	return status ? status : tfmt_writer_sample(state->build->writer, &state->sample);
}

/* Each process begins another moment: several dumps may follow one another. */
static int take_process(struct state *state, const char *line)
{
	const char *command = strchr(line, ':') + 1;
	uint64_t pid = 0;
	uint32_t process;
	int status;

	imp_text_number(line + 8, strspn(line + 8, "0123456789"), &pid);
	state->pid = (uint32_t)pid;
	state->sample.time_ns += IMP_SAMPLE_NS;
	command += *command == ' ';
	if (imp_ids_get(&state->build->processes, state->pid, 0))
		return 0;
	status = imp_process(state->build, state->pid, &process);
	return status ? status : imp_name(state->build, 0, process, 0, command, strlen(command));
}

/* "Thread 7 (active+gil): "MainThread"", "Thread 0x7F00 (idle)" */
static int take_thread(struct state *state, const char *line, size_t length)
{
	const char *id = line + 7, *status_text = strchr(line, '('), *name = strchr(line, '"');
	struct imp_build *build = state->build;
	uint64_t tid;
	uint32_t process;
	int status;
	bool is_new;

	if (!status_text || !imp_text_number(id, strcspn(id, " "), &tid))
		return imp_source_fail(state->source, state->source->line, 8, &build->error,
			"no thread with a number and a state");
	is_new = !imp_ids_get(&build->threads, state->pid, (uint32_t)tid);
	status = imp_thread(build, state->pid, (uint32_t)tid, &state->sample.thread);
	if (!status && is_new && name && line[length - 1] == '"' && name + 1 < line + length) {
		status = imp_process(build, state->pid, &process);
		if (!status)
			status = imp_name(build, 0, process, state->sample.thread, name + 1,
				(size_t)(line + length - 1 - (name + 1)));
	}
	state->sample.state =
		imp_text_after(status_text, "(idle") ? TFMT_STATE_BLOCKED : TFMT_STATE_RUNNING;
	state->has_thread = true;
	return status;
}

static int take_frame(struct state *state, const char *text, size_t length)
{
	struct imp_python_text frame;
	uint32_t id;
	int status;

	if (!imp_python_split(text, length, &frame))
		return imp_source_fail(state->source, state->source->line, FRAME_INDENT + 1,
			&state->build->error, "no frame: it is 'function (file:line)'");
	status = imp_python_frame(state->build, frame.function, frame.function_length, frame.file,
		frame.file_length, frame.line, &id);
	return status ? status : imp_frames_add(&state->frames, id);
}

static int take_line(struct state *state, const char *line, size_t length)
{
	size_t indent = strspn(line, " ");
	int status = 0;

	if (is_process_line(line) || imp_text_after(line, "Thread "))
		status = finish_thread(state);
	if (status)
		return status;
	if (is_process_line(line))
		return take_process(state, line);
	if (imp_text_after(line, "Thread "))
		return take_thread(state, line, length);
	if (indent == FRAME_INDENT && state->has_thread)
		return take_frame(state, line + indent, length - indent);
	return 0; /* the interpreter, variables */
}

static int read_dump(struct imp_source *source, struct imp_build *build)
{
	const struct imp_begin begin = {
		.recorder = "py-spy dump",
		.remark = "the stacks of one moment: each is taken for 1 ms",
	};
	struct state state = {
		.source = source, .build = build, .sample = {.weight_ns = IMP_SAMPLE_NS}};
	size_t length;
	char *line;
	int status = imp_build_begin(build, &begin);

	while (!status && (status = imp_source_line(source, &line, &length, &build->error)) > 0)
		status = take_line(&state, line, length);
	if (!status)
		status = finish_thread(&state);
	imp_frames_release(&state.frames);
	return status ? status : imp_build_end(build);
}

static int read_py_spy(struct imp_source *source, struct imp_build *build)
{
	size_t length = 0;
	char *line;
	bool is_dump = false;
	int status;

	while ((status = imp_source_line(source, &line, &length, &build->error)) > 0 && !length)
		;
	if (status > 0)
		is_dump = is_process_line(line);
	if (status >= 0)
		status = imp_source_rewind(source);
	if (status)
		return status;
	return is_dump ? read_dump(source, build)
		       : imp_folded_read(source, build, "py-spy", push_raw);
}

const struct imp_format imp_format_py_spy = {
	.name = "py-spy",
	.summary = "text of py-spy dump, and of py-spy record --format raw",
	.matches = matches,
	.read = read_py_spy,
};
