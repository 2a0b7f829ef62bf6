#include <stdlib.h>
#include <sys/wait.h>

#include "procfs.h"
#include "tree/tree_private.h"

/* An end waits so long for its status and its last counters. */
#define SETTLE_NS 300000000ull
/* An end so soon after an exec may be none. */
#define HIDE_NS 5000000ull
/* The main thread's code is that of the process when the others end so soon after it. */
#define LEADER_NS 10000000ull
/* A status of an unknown process waits so long for its fork to be told. */
#define STATUS_NS 5000000000ull

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
	for (struct rec_pending_status **link = &tree->statuses; *link; link = &(*link)->next) {
		struct rec_pending_status *status = *link;
		if (status->pid != process->pid)
			continue;
		set_status(process, status->wait_status, status->is_sure);
		*link = status->next;
		free(status);
		return;
	}
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
	struct rec_pending_status *status = calloc(1, sizeof(*status));
	if (!status)
		return;
	*status = (struct rec_pending_status){tree->statuses, now_ns, pid, wait_status, is_sure};
	tree->statuses = status;
}

/* Somebody else has told already how it ended. */
static bool has_ended(const struct rec_tree *tree, pid_t pid)
{
	const struct rec_pending_status *status = tree->statuses;
	while (status && status->pid != pid)
		status = status->next;
	return status != NULL;
}

bool rec_tree_hides(struct rec_tree *tree, uint64_t time_ns, pid_t pid)
{
	struct rec_process *process = rec_tree_process(tree, pid);
	if (!process || process->exec_ns == 0 || time_ns > process->exec_ns + HIDE_NS ||
		has_ended(tree, pid) || !rec_proc_is_alive(pid))
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
		rec_tree_tell_end(tree, process);
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
	rec_tree_flush_exec(tree, process);
	for (size_t i = 0; i < tree->listener_count; i++)
		if (tree->listeners[i].process_settled)
			tree->listeners[i].process_settled(tree->listeners[i].context, process);
	rec_tree_write_life(tree, &(struct tfmt_life){.time_ns = process->end_ns,
					  .process = process->id,
					  .event = TFMT_LIFE_EXIT,
					  .status_type = process->status_type,
					  .status = process->status});
}

void rec_tree_forget(struct rec_tree *tree, uint64_t time_ns)
{
	rec_execs_forget(tree->execs, time_ns);
	for (struct rec_pending_status **link = &tree->statuses; *link;) {
		struct rec_pending_status *status = *link;
		if (status->time_ns >= time_ns) {
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
			rec_tree_try_exec(tree, process, now_ns);
		if (process->end_ns == 0 || process->end_ns + SETTLE_NS > now_ns) {
			link = &process->list_next;
			continue;
		}
		settle(tree, process);
		*link = process->list_next;
		free(process);
	}
	rec_tree_forget(tree, now_ns > STATUS_NS ? now_ns - STATUS_NS : 0);
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
