#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "tree/tree_private.h"

/* An exec waits so long for its arguments to be readable. */
#define EXEC_NS 100000000ull

static size_t bucket(pid_t number)
{
	return (uint32_t)number * 2654435761u >> 20;
}

struct rec_tree *rec_tree_new(struct rec_sink *sink)
{
	struct rec_tree *tree = calloc(1, sizeof(*tree));
	if (!tree)
		return NULL;
	tree->sink = sink;
	tree->writer = rec_sink_writer(sink);
	tree->execs = rec_execs_new(sink);
	if (tree->execs)
		return tree;
	free(tree);
	return NULL;
}

static void free_processes(struct rec_process *process)
{
	while (process) {
		struct rec_process *next = process->list_next;
		free(process->exec);
		free(process);
		process = next;
	}
}

void rec_tree_free(struct rec_tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < REC_TREE_BUCKETS; i++) {
		struct rec_thread *thread = tree->threads[i];
		while (thread) {
			struct rec_thread *next = thread->hash_next;
			free(thread);
			thread = next;
		}
	}
	free_processes(tree->all);
	free_processes(tree->finished);
	rec_tree_forget(tree, UINT64_MAX);
	rec_execs_free(tree->execs);
	free(tree);
}

void rec_tree_listen(struct rec_tree *tree, const struct rec_tree_listener *listener)
{
	if (tree->listener_count < REC_TREE_LISTENERS)
		tree->listeners[tree->listener_count++] = *listener;
}

struct rec_process *rec_tree_process(struct rec_tree *tree, pid_t pid)
{
	struct rec_process *process = tree->processes[bucket(pid)];
	while (process && process->pid != pid)
		process = process->hash_next;
	return process;
}

struct rec_thread *rec_tree_thread(struct rec_tree *tree, pid_t tid)
{
	struct rec_thread *thread = tree->threads[bucket(tid)];
	while (thread && thread->tid != tid)
		thread = thread->hash_next;
	return thread;
}

struct rec_process *rec_tree_first(struct rec_tree *tree)
{
	return tree->all;
}

struct rec_process *rec_tree_next(struct rec_process *process)
{
	return process->list_next;
}

void rec_tree_each_thread(struct rec_tree *tree,
	void (*visit)(void *context, struct rec_thread *thread, uint64_t time_ns), void *context,
	uint64_t time_ns)
{
	for (size_t i = 0; i < REC_TREE_BUCKETS; i++)
		for (struct rec_thread *t = tree->threads[i]; t; t = t->hash_next)
			visit(context, t, time_ns);
}

bool rec_tree_is_image(struct rec_tree *tree, const struct rec_process *process, const char *exe)
{
	return process->exe == rec_sink_text(tree->sink, exe);
}

void rec_tree_write_life(struct rec_tree *tree, const struct tfmt_life *life)
{
	tfmt_writer_life(tree->writer, life);
}

void rec_tree_flush_exec(struct rec_tree *tree, struct rec_process *process)
{
	struct rec_exec *exec = process->exec;
	if (!exec)
		return;
	rec_tree_write_life(tree, &(struct tfmt_life){.time_ns = exec->time_ns,
					  .process = process->id,
					  .event = TFMT_LIFE_EXEC,
					  .name = exec->name,
					  .exe = exec->exe,
					  .argv = exec->argv,
					  .cwd = exec->cwd});
	process->exe = exec->exe;
	free(exec);
	process->exec = NULL;
}

static struct rec_thread *add_thread(
	struct rec_tree *tree, struct rec_process *process, uint64_t time_ns, pid_t tid)
{
	struct rec_thread *thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	struct tfmt_thread row = {
		.start_ns = time_ns, .process = process->id, .tid = (uint32_t)tid};
	tfmt_writer_add_thread(tree->writer, &row, &thread->id);
	thread->tid = tid;
	thread->process = process;
	thread->start_ns = time_ns;
	thread->hash_next = tree->threads[bucket(tid)];
	tree->threads[bucket(tid)] = thread;
	process->live_threads++;
	if (tid != process->pid)
		rec_tree_write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
						  .process = process->id,
						  .thread = thread->id,
						  .event = TFMT_LIFE_START});
	return thread;
}

static struct rec_process *add_process(
	struct rec_tree *tree, uint64_t time_ns, pid_t ppid, pid_t pid)
{
	struct rec_process *process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pid = pid;
	process->parent = rec_tree_process(tree, ppid);
	process->start_ns = time_ns;
	if (process->parent) {
		process->name = process->parent->name;
		process->is_hidden = process->parent->is_hidden;
	}
	struct tfmt_process row = {
		.start_ns = time_ns,
		.pid = (uint32_t)pid,
		.ppid = (uint32_t)ppid,
		.parent = process->parent ? process->parent->id : 0,
	};
	tfmt_writer_add_process(tree->writer, &row, &process->id);
	rec_tree_write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
					  .process = process->id,
					  .event = TFMT_LIFE_START,
					  .name = process->name});
	process->hash_next = tree->processes[bucket(pid)];
	tree->processes[bucket(pid)] = process;
	process->list_next = tree->all;
	tree->all = process;
	return process;
}

static void remove_thread(struct rec_tree *tree, struct rec_thread *thread)
{
	struct rec_thread **link = &tree->threads[bucket(thread->tid)];
	while (*link != thread)
		link = &(*link)->hash_next;
	*link = thread->hash_next;
	free(thread);
}

/* The process is no longer found by its pid, which may be given to another. */
static void bury(struct rec_tree *tree, struct rec_process *process, uint64_t time_ns)
{
	struct rec_process **link = &tree->processes[bucket(process->pid)];
	while (*link && *link != process)
		link = &(*link)->hash_next;
	if (*link)
		*link = process->hash_next;
	process->end_ns = time_ns ? time_ns : 1;
}

/* From `time_ns` on the thread runs, or does not. */
static void set_running(struct rec_thread *thread, uint64_t time_ns, bool runs)
{
	struct rec_process *process = thread->process;
	if (thread->is_running) {
		/* Twice a start: an end between them was lost, so nobody knows for how long it ran.
		 */
		if (!runs && time_ns > thread->switch_ns)
			process->switch_cpu_ns += time_ns - thread->switch_ns;
		process->running_threads--;
		process->running_since_ns -= thread->switch_ns;
	}
	if (runs) {
		process->running_threads++;
		process->running_since_ns += time_ns;
	}
	thread->switch_ns = time_ns;
	thread->is_running = runs;
}

void rec_tree_tell_end(struct rec_tree *tree, struct rec_process *process)
{
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].process_ended)
			tree->listeners[i].process_ended(tree->listeners[i].context, process);
}

static void end_thread(struct rec_tree *tree, struct rec_thread *thread, uint64_t time_ns)
{
	struct rec_process *process = thread->process;
	if (thread->switch_ns != 0)
		set_running(thread, time_ns, false);
	if (thread->tid == process->pid && process->live_threads > 1)
		process->leader_end_ns = time_ns;
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].thread_ended)
			tree->listeners[i].thread_ended(
				tree->listeners[i].context, thread, time_ns);
	if (thread->tid != process->pid)
		rec_tree_write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
						  .process = process->id,
						  .thread = thread->id,
						  .event = TFMT_LIFE_EXIT});
	remove_thread(tree, thread);
	if (--process->live_threads == 0) {
		rec_tree_tell_end(tree, process);
		bury(tree, process, time_ns);
	}
}

/* End the threads of a process, all but `kept` (0: really all). */
static void end_threads(
	struct rec_tree *tree, struct rec_process *process, uint64_t time_ns, pid_t kept)
{
	for (size_t i = 0; i < REC_TREE_BUCKETS && process->end_ns == 0; i++) {
		struct rec_thread *thread = tree->threads[i];
		while (thread) {
			struct rec_thread *next = thread->hash_next;
			if (thread->process == process && thread->tid != kept)
				end_thread(tree, thread, time_ns);
			thread = next;
		}
	}
}

void rec_tree_fork(struct rec_tree *tree, uint64_t time_ns, pid_t ppid, pid_t pid, pid_t tid)
{
	struct rec_process *process = rec_tree_process(tree, pid);
	struct rec_thread *stale = rec_tree_thread(tree, tid);
	if (stale) /* its end was lost: the number lives again */
		end_thread(tree, stale, time_ns);
	if (pid == tid && process && process->end_ns == 0)
		end_threads(tree, process, time_ns, 0);
	if (pid == tid || !process) {
		process = add_process(tree, time_ns, ppid, pid);
		if (!process)
			return;
	}
	add_thread(tree, process, time_ns, tid);
	for (size_t i = 0; pid == tid && i < tree->listener_count; i++)
		if (tree->listeners[i].process_started)
			tree->listeners[i].process_started(tree->listeners[i].context, process);
	process->parent = NULL; /* it may end before */
}

void rec_tree_name(struct rec_tree *tree, uint64_t time_ns, pid_t tid, const char *name)
{
	struct rec_thread *thread = rec_tree_thread(tree, tid);
	if (!thread)
		return;
	uint32_t id = rec_sink_text(tree->sink, name);
	if (tid == thread->process->pid)
		thread->process->name = id;
	rec_tree_write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
					  .process = thread->process->id,
					  .thread = thread->id,
					  .event = TFMT_LIFE_NAME,
					  .name = id});
}

void rec_tree_read_ahead(struct rec_tree *tree, uint64_t time_ns, pid_t pid)
{
	rec_execs_read_ahead(tree->execs, time_ns, pid);
}

void rec_tree_read_again(struct rec_tree *tree)
{
	rec_execs_read_again(tree->execs);
}

void rec_tree_try_exec(struct rec_tree *tree, struct rec_process *process, uint64_t now_ns)
{
	struct rec_exec *exec = process->exec;
	if (!exec)
		return;
	rec_execs_read(tree->execs, exec, now_ns > exec->time_ns);
	if ((exec->argv && exec->exe) || now_ns > exec->time_ns + EXEC_NS)
		rec_tree_flush_exec(tree, process);
}

/* An exec ends all threads but the one that called it, which becomes the main one. */
static void become_single(struct rec_tree *tree, struct rec_process *process, uint64_t time_ns)
{
	bool has_leader = rec_tree_thread(tree, process->pid) != NULL;
	if (has_leader && process->live_threads == 1)
		return;
	if (!has_leader)
		add_thread(tree, process, time_ns, process->pid);
	end_threads(tree, process, time_ns, process->pid);
	process->leader_end_ns = 0;
}

void rec_tree_exec(struct rec_tree *tree, uint64_t time_ns, pid_t pid, const char *name)
{
	struct rec_process *process = rec_tree_process(tree, pid);
	if (!process)
		return;
	become_single(tree, process, time_ns);
	rec_tree_flush_exec(tree, process);
	process->exec_ns = time_ns;
	process->name = rec_sink_text(tree->sink, name);
	process->exec = rec_execs_take(tree->execs, time_ns, pid);
	if (process->exec)
		process->exec->name = process->name;
	rec_tree_try_exec(tree, process, time_ns);
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].process_executed)
			tree->listeners[i].process_executed(tree->listeners[i].context, process);
}

struct rec_process *rec_tree_adopt(
	struct rec_tree *tree, uint64_t time_ns, pid_t ppid, pid_t pid, const char *name)
{
	struct rec_process *process = add_process(tree, time_ns, ppid, pid);
	if (!process)
		return NULL;
	process->was_running = true;
	process->is_hidden = false;
	process->name = rec_sink_text(tree->sink, name);
	rec_proc_cpu_ns(pid, &process->base_cpu_ns);
	process->exec = rec_execs_take(tree->execs, time_ns, pid);
	if (process->exec)
		process->exec->name = process->name;
	rec_tree_try_exec(tree, process, time_ns);
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].process_started)
			tree->listeners[i].process_started(tree->listeners[i].context, process);
	process->parent = NULL;
	return process;
}

void rec_tree_adopt_thread(struct rec_tree *tree, uint64_t time_ns, struct rec_process *process,
	pid_t tid, const char *name)
{
	if (add_thread(tree, process, time_ns, tid) &&
		rec_sink_text(tree->sink, name) != process->name)
		rec_tree_name(tree, time_ns, tid, name);
}

void rec_tree_mapped(struct rec_tree *tree, pid_t pid, const char *path)
{
	struct rec_process *process = rec_tree_process(tree, pid);
	struct rec_exec *exec = process ? process->exec : NULL;
	if (!exec || path[0] != '/')
		return;
	if (exec->exe == 0)
		exec->exe = rec_sink_text(tree->sink, path);
	if (exec->argv || exec->is_gone)
		rec_tree_flush_exec(tree, process);
}

void rec_tree_exit(struct rec_tree *tree, uint64_t time_ns, pid_t pid, pid_t tid)
{
	struct rec_process *process = tid == 0 ? rec_tree_process(tree, pid) : NULL;
	struct rec_thread *thread = rec_tree_thread(tree, tid);
	if (process)
		end_threads(tree, process, time_ns, 0);
	else if (thread && thread->process->pid == pid)
		end_thread(tree, thread, time_ns);
}

void rec_tree_switch(struct rec_tree *tree, uint64_t time_ns, pid_t tid, bool runs)
{
	struct rec_thread *thread = rec_tree_thread(tree, tid);
	if (!thread || time_ns < thread->switch_ns)
		return;
	/* A thread that has not switched before ran from its start on. */
	if (thread->switch_ns == 0 && !runs)
		set_running(thread, thread->start_ns, true);
	set_running(thread, time_ns, runs);
}

uint64_t rec_tree_cpu_ns(const struct rec_process *process, uint64_t time_ns)
{
	uint64_t running_ns = process->running_threads * time_ns - process->running_since_ns;
	return process->switch_cpu_ns + ((int64_t)running_ns > 0 ? running_ns : 0);
}

void rec_tree_set_seen(struct rec_tree *tree, uint64_t time_ns)
{
	tree->seen_ns = time_ns;
}

uint64_t rec_tree_seen_ns(const struct rec_tree *tree)
{
	return tree->seen_ns;
}
