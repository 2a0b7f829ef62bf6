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

void rec_print_thread(
	FILE *out, const struct rec_dump_thread *thread, const struct rec_names *names)
{
	fprintf(out, "\nThread %d (", (int)thread->tid);
	put(out, thread->name);
	fprintf(out, "): %s\n", thread->doing);
	for (size_t i = 0; i < thread->frame_count; i++)
		put_frame(out, &thread->frames[i], names);
	if (thread->refusal != 0)
		fprintf(out, "    [no stack: %s]\n", strerror(thread->refusal));
	else if (thread->frame_count > 0 && !thread->is_whole)
		fputs("    [what called this is not known]\n", out);
}
