#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "execs.h"
#include "procfs.h"

#define BUCKETS 4096
/* An end waits so long for its status and its last counters. */
#define SETTLE_NS 300000000ull
/* An end so soon after an exec may be none. */
#define HIDE_NS 5000000ull
/* The main thread's code is that of the process when the others end so soon after it. */
#define LEADER_NS 10000000ull
/* An exec waits so long for its arguments to be readable. */
#define EXEC_NS 100000000ull
/* A status of an unknown process waits so long for its fork to be told. */
#define STATUS_NS 5000000000ull

struct pending_status {
	struct pending_status *next;
	uint64_t time_ns;
	pid_t pid;
	int wait_status;
	bool is_sure;
};

struct rec_tree {
	struct rec_sink *sink;
	struct tfmt_writer *writer;
	struct rec_tree_listener listeners[REC_TREE_LISTENERS];
	size_t listener_count;
	struct rec_process *processes[BUCKETS]; /* alive ones by pid */
	struct rec_thread *threads[BUCKETS];	/* alive ones by tid */
	struct rec_process *all;		/* not settled */
	struct rec_process *finished;		/* alive at the end: threads name them */
	struct rec_execs *execs;
	struct pending_status *statuses;
	bool (*ask_status)(void *context, pid_t pid, int *ret_wait_status); /* or NULL */
	void *ask_context;
	uint64_t unknown_statuses;
	uint64_t seen_ns;
};

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
	for (size_t i = 0; i < BUCKETS; i++) {
		struct rec_thread *thread = tree->threads[i];
		while (thread) {
			struct rec_thread *next = thread->hash_next;
			free(thread);
			thread = next;
		}
	}
	free_processes(tree->all);
	free_processes(tree->finished);
	rec_execs_free(tree->execs);
	while (tree->statuses) {
		struct pending_status *next = tree->statuses->next;
		free(tree->statuses);
		tree->statuses = next;
	}
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
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct rec_thread *t = tree->threads[i]; t; t = t->hash_next)
			visit(context, t, time_ns);
}

bool rec_tree_is_image(struct rec_tree *tree, const struct rec_process *process, const char *exe)
{
	return process->exe == rec_sink_text(tree->sink, exe);
}

static void write_life(struct rec_tree *tree, const struct tfmt_life *life)
{
	tfmt_writer_life(tree->writer, life);
}

/* Write the exec that waits for its executable's path. */
static void flush_exec(struct rec_tree *tree, struct rec_process *process)
{
	struct rec_exec *exec = process->exec;
	if (!exec)
		return;
	write_life(tree, &(struct tfmt_life){.time_ns = exec->time_ns,
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
		write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
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
	write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
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

static void tell_end(struct rec_tree *tree, struct rec_process *process)
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
		write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
					 .process = process->id,
					 .thread = thread->id,
					 .event = TFMT_LIFE_EXIT});
	remove_thread(tree, thread);
	if (--process->live_threads == 0) {
		tell_end(tree, process);
		bury(tree, process, time_ns);
	}
}

/* End the threads of a process, all but `kept` (0: really all). */
static void end_threads(
	struct rec_tree *tree, struct rec_process *process, uint64_t time_ns, pid_t kept)
{
	for (size_t i = 0; i < BUCKETS && process->end_ns == 0; i++) {
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
	write_life(tree, &(struct tfmt_life){.time_ns = time_ns,
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

/* Write the exec when all is known, or when nothing more will come. */
static void try_exec(struct rec_tree *tree, struct rec_process *process, uint64_t now_ns)
{
	struct rec_exec *exec = process->exec;
	if (!exec)
		return;
	rec_execs_read(tree->execs, exec, now_ns > exec->time_ns);
	if ((exec->argv && exec->exe) || now_ns > exec->time_ns + EXEC_NS)
		flush_exec(tree, process);
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
	flush_exec(tree, process);
	process->exec_ns = time_ns;
	process->name = rec_sink_text(tree->sink, name);
	process->exec = rec_execs_take(tree->execs, time_ns, pid);
	if (process->exec)
		process->exec->name = process->name;
	try_exec(tree, process, time_ns);
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
	try_exec(tree, process, time_ns);
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
	if (!process || !process->exec)
		return;
	if (process->exec->exe == 0 && path[0] == '/')
		process->exec->exe = rec_sink_text(tree->sink, path);
	try_exec(tree, process, process->exec->time_ns);
}

static void set_status(struct rec_process *process, int wait_status, bool is_sure)
{
	process->has_sure_status = is_sure;
	bool signaled = WIFSIGNALED(wait_status);
	process->status_type = signaled ? TFMT_STATUS_SIGNALED : TFMT_STATUS_EXITED;
	process->status = signaled ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void rec_tree_ask_statuses(struct rec_tree *tree,
	bool (*ask)(void *context, pid_t pid, int *ret_wait_status), void *context)
{
	tree->ask_status = ask;
	tree->ask_context = context;
}

/* Has an ended process the status it will have in the trace? */
static bool needs_status(const struct rec_process *process)
{
	return process->status_type == TFMT_STATUS_UNKNOWN ||
	       (process->leader_end_ns != 0 && !process->has_sure_status);
}

/* Ask, or apply a status that came before its process was known or ended. */
static void take_status(struct rec_tree *tree, struct rec_process *process)
{
	int wait_status;
	if (!needs_status(process))
		return;
	if (tree->ask_status && tree->ask_status(tree->ask_context, process->pid, &wait_status)) {
		set_status(process, wait_status, true);
		return;
	}
	for (struct pending_status **link = &tree->statuses; *link; link = &(*link)->next) {
		struct pending_status *status = *link;
		if (status->pid != process->pid)
			continue;
		set_status(process, status->wait_status, status->is_sure);
		*link = status->next;
		free(status);
		return;
	}
}

void rec_tree_exit(struct rec_tree *tree, uint64_t time_ns, pid_t pid, pid_t tid)
{
	struct rec_thread *thread = rec_tree_thread(tree, tid);
	if (thread && thread->process->pid == pid)
		end_thread(tree, thread, time_ns);
}

void rec_tree_status(
	struct rec_tree *tree, uint64_t now_ns, pid_t pid, int wait_status, bool is_sure)
{
	/* The youngest dead process of that pid waits for it; the list has the youngest first. */
	for (struct rec_process *process = tree->all; process; process = process->list_next) {
		if (process->pid != pid || process->end_ns == 0)
			continue;
		if (process->status_type == TFMT_STATUS_UNKNOWN || is_sure)
			set_status(process, wait_status, is_sure);
		return;
	}
	struct pending_status *status = calloc(1, sizeof(*status));
	if (!status)
		return;
	*status = (struct pending_status){tree->statuses, now_ns, pid, wait_status, is_sure};
	tree->statuses = status;
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

bool rec_tree_hides(struct rec_tree *tree, uint64_t time_ns, pid_t pid)
{
	struct rec_process *process = rec_tree_process(tree, pid);
	if (!process || process->exec_ns == 0 || time_ns > process->exec_ns + HIDE_NS ||
		!rec_proc_is_alive(pid))
		return false;
	if (!process->is_hidden)
		rec_sink_lost(tree->sink, time_ns, process->id, "process",
			"setuid, privileged or unreadable program: hidden by the kernel", 1);
	process->is_hidden = true;
	return true;
}

void rec_tree_ends(struct rec_tree *tree, pid_t pid)
{
	struct rec_process *process = rec_tree_process(tree, pid);
	if (process)
		tell_end(tree, process);
}

void rec_tree_clock(struct rec_tree *tree, pid_t pid, uint64_t cpu_ns)
{
	for (struct rec_process *process = tree->all; process; process = process->list_next) {
		if (process->pid != pid)
			continue;
		process->clock_cpu_ns = cpu_ns - process->base_cpu_ns;
		return;
	}
}

static void settle(struct rec_tree *tree, struct rec_process *process)
{
	/* Its main thread left before the others: what it left with is not the process's status. */
	if (process->leader_end_ns != 0 && !process->has_sure_status &&
		process->status_type != TFMT_STATUS_ALIVE &&
		process->end_ns > process->leader_end_ns + LEADER_NS)
		process->status_type = TFMT_STATUS_UNKNOWN;
	if (process->status_type == TFMT_STATUS_UNKNOWN)
		tree->unknown_statuses++;
	flush_exec(tree, process);
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].process_settled)
			tree->listeners[i].process_settled(tree->listeners[i].context, process);
	write_life(tree, &(struct tfmt_life){.time_ns = process->end_ns,
				 .process = process->id,
				 .event = TFMT_LIFE_EXIT,
				 .status_type = process->status_type,
				 .status = process->status});
}

static void forget_old(struct rec_tree *tree, uint64_t now_ns)
{
	rec_execs_forget(tree->execs, now_ns > STATUS_NS ? now_ns - STATUS_NS : 0);
	for (struct pending_status **link = &tree->statuses; *link;) {
		struct pending_status *status = *link;
		if (status->time_ns + STATUS_NS > now_ns) {
			link = &status->next;
			continue;
		}
		*link = status->next;
		free(status);
	}
}

void rec_tree_settle(struct rec_tree *tree, uint64_t now_ns)
{
	for (struct rec_process **link = &tree->all; *link;) {
		struct rec_process *process = *link;
		if (process->end_ns != 0)
			take_status(tree, process);
		else
			try_exec(tree, process, now_ns);
		if (process->end_ns == 0 || process->end_ns + SETTLE_NS > now_ns) {
			link = &process->list_next;
			continue;
		}
		settle(tree, process);
		*link = process->list_next;
		free(process);
	}
	forget_old(tree, now_ns);
}

void rec_tree_finish(struct rec_tree *tree, uint64_t now_ns)
{
	rec_tree_settle(tree, UINT64_MAX);
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].thread_ended)
			rec_tree_each_thread(tree, tree->listeners[i].thread_ended,
				tree->listeners[i].context, now_ns);
	while (tree->all) {
		struct rec_process *process = tree->all;
		process->end_ns = now_ns;
		process->status_type = TFMT_STATUS_ALIVE;
		settle(tree, process);
		tree->all = process->list_next;
		process->list_next = tree->finished;
		tree->finished = process;
	}
	rec_sink_lost(tree->sink, now_ns, 0, "status", "reaped before it could be asked",
		tree->unknown_statuses);
	tree->unknown_statuses = 0;
}
