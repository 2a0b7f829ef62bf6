#include "dump/print.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "procfs.h"
#include "tracefmt/trace.h"
#include "utf8.h"

static void put(FILE *out, const char *text)
{
	size_t left_bytes = strlen(text);
	while (left_bytes > 0) {
		int step = utf8_step(text, left_bytes);
		size_t step_bytes = (size_t)(step < 0 ? -step : step);
		if (step < 0 || utf8_is_control(text))
			putc('?', out);
		else
			fwrite(text, 1, step_bytes, out);
		text += step_bytes;
		left_bytes -= step_bytes;
	}
}

/* The arguments in one line; servers that rewrite them leave empty ones at the end. */
static void put_command(FILE *out, pid_t pid)
{
	char text[4096];
	ssize_t length = rec_proc_read(pid, "cmdline", text, sizeof(text));
	while (length > 0 && text[length - 1] == '\0')
		length--;
	if (length <= 0 && rec_proc_read(pid, "comm", text, sizeof(text)) > 0)
		length = (ssize_t)strcspn(text, "\n");
	for (ssize_t i = 0; i < length; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	text[length > 0 ? length : 0] = '\0';
	put(out, text);
}

void rec_print_process(FILE *out, pid_t pid, size_t thread_count)
{
	char exe[4096] = "[unknown]";
	fprintf(out, "Process %d: ", (int)pid);
	put_command(out, pid);
	rec_proc_link(pid, "exe", exe, sizeof(exe));
	fputs("\n", out);
	put(out, exe);
	fprintf(out, ", %zu %s\n", thread_count, thread_count == 1 ? "thread" : "threads");
}

static void put_place(FILE *out, const struct rec_symbol_row *row)
{
	if (!row->file)
		return;
	fputs(" (", out);
	put(out, row->file);
	if (row->line > 0)
		fprintf(out, ":%" PRIu32, row->line);
	fputs(")", out);
}

static void put_row(
	FILE *out, const struct rec_symbol_row *row, const char *module, bool is_inlined)
{
	fputs("    ", out);
	put(out, row->function ? row->function : "[unknown]");
	put_place(out, row);
	/* Functions without a name are called after their module. */
	size_t length = strlen(module);
	bool is_named_so = row->function && strncmp(row->function, module, length) == 0 &&
			   row->function[length] == '+';
	if (is_inlined)
		fputs(" [inlined]", out);
	else if (!is_named_so) {
		fputs(" [", out);
		put(out, module);
		fputs("]", out);
	}
	fputs("\n", out);
}

static void put_frame(FILE *out, const struct rec_dump_frame *frame, const struct rec_names *names)
{
	const struct rec_symbol_row *rows;
	if (frame->python) {
		fputs("    ", out);
		put(out, frame->python->function);
		put_place(out, frame->python);
		fputs("\n", out);
		return;
	}
	size_t count = rec_names_get(names, frame->module, frame->address, &rows);
	const char *module = frame->module ? tfmt_base_name(frame->module->path) : "kernel";
	for (size_t i = 0; i < count; i++)
		put_row(out, &rows[i], module, i + 1 < count);
	if (count > 0)
		return;
	fputs("    ", out);
	put(out, module);
	fprintf(out, "+0x%" PRIx64 "\n", frame->address);
}

static bool is_interpreter(const struct rec_dump_frame *frame)
{
	return frame->module && py_is_interpreter_name(frame->module->path);
}

/* Of the libraries that start a program or a thread. */
static bool is_start_up(const struct rec_dump_frame *frame)
{
	const char *name = frame->module ? tfmt_base_name(frame->module->path) : "";
	return strncmp(name, "libc.", 5) == 0 || strncmp(name, "libc-", 5) == 0 ||
	       strncmp(name, "libpthread", 10) == 0 || strncmp(name, "ld-", 3) == 0;
}

/* How many frames are left at the root when those are taken off that only start Python code. */
static size_t count_without_start(const struct rec_dump_thread *thread)
{
	size_t count = thread->frame_count;
	while (count > 0 && (is_interpreter(&thread->frames[count - 1]) ||
				    is_start_up(&thread->frames[count - 1])))
		count--;
	return count;
}

static void put_frames(FILE *out, const struct rec_dump_thread *thread,
	const struct rec_names *names, bool shows_interpreter)
{
	bool hides = thread->python.snapshot.count > 0 && !shows_interpreter;
	size_t count = hides ? count_without_start(thread) : thread->frame_count;
	for (size_t i = 0; i < count; i++)
		if (!hides || !is_interpreter(&thread->frames[i]))
			put_frame(out, &thread->frames[i], names);
}

/* What the interpreter lets it do, beside what the kernel does. */
static void put_python_state(FILE *out, const struct rec_dump_thread *thread)
{
	const struct rec_dump_python *python = &thread->python;
	if (python->holds_gil)
		fputs(", holds the GIL", out);
	else if (thread->waits_for_gil)
		fputs(", waits for the GIL", out);
	if (python->holds_gil && python->in_gc)
		fputs(", in garbage collection", out);
}

void rec_print_thread(FILE *out, const struct rec_dump_thread *thread,
	const struct rec_names *names, bool shows_interpreter)
{
	fprintf(out, "\nThread %d (", (int)thread->tid);
	put(out, thread->name);
	fprintf(out, "): %s", thread->doing);
	put_python_state(out, thread);
	fputs("\n", out);
	put_frames(out, thread, names, shows_interpreter);
	if (thread->refusal != 0)
		fprintf(out, "    [no stack: %s]\n", strerror(thread->refusal));
	else if (thread->frame_count > 0 && !thread->is_whole)
		fputs("    [what called this is not known]\n", out);
	if (thread->is_apart)
		fputs(thread->python.has_marks
				? "    [the Python frames are of a moment near the native ones]\n"
				: "    [this Python does not say where its frames belong]\n",
			out);
}
