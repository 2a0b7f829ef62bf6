#include "tree/execs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

struct rec_execs {
	struct rec_sink *sink;
	struct rec_exec *first;
};

struct rec_execs *rec_execs_new(struct rec_sink *sink)
{
	struct rec_execs *execs = calloc(1, sizeof(*execs));
	if (execs)
		execs->sink = sink;
	return execs;
}

void rec_execs_free(struct rec_execs *execs)
{
	if (!execs)
		return;
	rec_execs_forget(execs, UINT64_MAX);
	free(execs);
}

/*
 * Servers write what they do over their arguments, "nginx: worker process", and leave the rest as
 * empty ones: those are none.
 */
static ssize_t without_title_rest(const char *text, ssize_t length)
{
	if (length <= 0 || !strchr(text, ' '))
		return length;
	while (length > 1 && text[length - 1] == '\0' && text[length - 2] == '\0')
		length--;
	return length;
}

void rec_execs_read(struct rec_execs *execs, struct rec_exec *exec, bool program)
{
	char text[4096];
	if (exec->is_gone)
		return;
	if (exec->argv == 0) {
		/* Long command lines, such as a linker's, are cut. */
		ssize_t length = rec_proc_read(exec->pid, "cmdline", text, sizeof(text));
		exec->is_gone = length < 0 && (errno == ENOENT || errno == ESRCH);
		if (length > 0 && text[length - 1] != '\0')
			length++;
		length = without_title_rest(text, length);
		if (length > 0)
			tfmt_writer_intern(
				rec_sink_writer(execs->sink), text, (size_t)length, &exec->argv);
	}
	/* The rest can wait where the arguments do: another process may be waiting for its turn. */
	if (!program && exec->argv == 0)
		return;
	if (program && exec->exe == 0 && rec_proc_link(exec->pid, "exe", text, sizeof(text)) == 0)
		exec->exe = rec_sink_text(execs->sink, text);
	if (exec->cwd == 0 && rec_proc_link(exec->pid, "cwd", text, sizeof(text)) == 0)
		exec->cwd = rec_sink_text(execs->sink, text);
}

static struct rec_exec *new_exec(struct rec_execs *execs, uint64_t time_ns, pid_t pid, bool program)
{
	struct rec_exec *exec = calloc(1, sizeof(*exec));
	if (!exec)
		return NULL;
	exec->time_ns = time_ns;
	exec->pid = pid;
	rec_execs_read(execs, exec, program);
	return exec;
}

void rec_execs_read_ahead(struct rec_execs *execs, uint64_t time_ns, pid_t pid)
{
	struct rec_exec *exec = new_exec(execs, time_ns, pid, false);
	if (!exec)
		return;
	exec->next = execs->first;
	execs->first = exec;
}

void rec_execs_read_again(struct rec_execs *execs)
{
	for (struct rec_exec *exec = execs->first; exec; exec = exec->next)
		if (exec->argv == 0)
			rec_execs_read(execs, exec, false);
}

struct rec_exec *rec_execs_take(struct rec_execs *execs, uint64_t time_ns, pid_t pid)
{
	for (struct rec_exec **link = &execs->first; *link; link = &(*link)->next) {
		struct rec_exec *exec = *link;
		if (exec->pid == pid && exec->time_ns == time_ns) {
			*link = exec->next;
			return exec;
		}
	}
	return new_exec(execs, time_ns, pid, true);
}

void rec_execs_forget(struct rec_execs *execs, uint64_t time_ns)
{
	for (struct rec_exec **link = &execs->first; *link;) {
		struct rec_exec *exec = *link;
		if (exec->time_ns >= time_ns) {
			link = &exec->next;
			continue;
		}
		*link = exec->next;
		free(exec);
	}
}
