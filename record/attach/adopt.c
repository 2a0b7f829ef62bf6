#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "attach/attach_state.h"
#include "num.h"

/* Looks at /proc until one finds nobody who is not watched. */
#define MAX_PASSES 100

static void note_fork(void *context, const struct rec_perf_record *record)
{
	struct rec_attach *attach = context;
	if (record->type != PERF_RECORD_FORK)
		return;
	if (attach->fork_count == attach->fork_capacity) {
		size_t capacity = 2 * attach->fork_capacity + 64;
		pid_t *forks = reallocarray(attach->forks, capacity, sizeof(*forks));
		if (!forks)
			return;
		attach->forks = forks;
		attach->fork_capacity = capacity;
	}
	attach->forks[attach->fork_count++] = (pid_t)record->tid;
}

static bool was_forked(const struct rec_attach *attach, pid_t tid)
{
	for (size_t i = attach->fork_count; i-- > 0;)
		if (attach->forks[i] == tid)
			return true;
	return false;
}

/* What is known of a thread that /proc shows. */
enum standing {
	WATCHED,
	FORKED,	 /* the rings will tell of it */
	GONE,	 /* or ending */
	REFUSED, /* or left out */
	UNSURE,
};

/* Of one that was not there at the first look: its creator is watched, or it must be. */
static enum standing watch_late(struct rec_attach *attach, pid_t tid)
{
	/* After it was seen in /proc: what is told of its start has been told by now. */
	bool tells_forks = rec_perf_peek(attach->perf, note_fork, attach);
	if (was_forked(attach, tid))
		return FORKED;
	if (!tells_forks)
		return UNSURE;
	int error = rec_perf_watch(attach->perf, tid);
	return error == 0 ? WATCHED : error == ESRCH ? GONE : REFUSED;
}

static enum standing standing_of(struct rec_attach *attach, pid_t tid, bool *has_found)
{
	const struct rec_attach_thread *thread = rec_attach_find_thread(attach, tid);
	if (thread)
		return thread->error == 0 ? WATCHED : thread->error == ESRCH ? GONE : REFUSED;
	if (rec_perf_mode(attach->perf) == REC_PERF_NONE || rec_perf_is_machine_wide(attach->perf))
		return WATCHED;
	enum standing standing = watch_late(attach, tid);
	/* It may have started others meanwhile. */
	*has_found |= standing == WATCHED || standing == GONE;
	return standing;
}

/* Returns: whether the thread lives, by `ret_stat`. */
static bool read_thread(pid_t pid, pid_t tid, struct rec_proc_stat *ret_stat)
{
	char name[64];
	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	return rec_attach_read_stat(pid, name, ret_stat) && ret_stat->state != 'Z' &&
	       ret_stat->state != 'X';
}

static void adopt_thread(struct rec_attach *attach, struct rec_process *process, uint64_t time_ns,
	pid_t tid, enum standing standing)
{
	struct rec_proc_stat stat;
	if (standing == FORKED || standing == UNSURE)
		rec_suspects_add(attach, process->pid, tid);
	/* Nobody would tell of the end of one that is left out. */
	if (standing == FORKED || standing == GONE ||
		(standing == REFUSED && !process->is_hidden) ||
		!read_thread(process->pid, tid, &stat))
		return;
	rec_tree_adopt_thread(attach->tree, time_ns, process, tid, stat.name);
	if (standing != REFUSED && rec_perf_mode(attach->perf) != REC_PERF_NONE)
		attach->listener.found(
			attach->listener.context, time_ns, process->pid, tid, stat.state == 'R');
}

/* A process of which no thread is watched has its main thread only, and is followed by /proc. */
static int how_hidden(const struct rec_attach *attach, const pid_t *tids, size_t count)
{
	int error = ESRCH;
	for (size_t i = 0; i < count; i++) {
		const struct rec_attach_thread *thread = rec_attach_find_thread(attach, tids[i]);
		if (!thread || thread->error == 0)
			return 0;
		if (thread->error != ESRCH)
			error = thread->error;
	}
	return error;
}

static void write_losses(struct rec_attach *attach, const struct rec_process *process,
	uint64_t time_ns, const pid_t *tids, size_t count)
{
	size_t left_out = 0;
	for (size_t i = 0; i < count; i++) {
		const struct rec_attach_thread *thread = rec_attach_find_thread(attach, tids[i]);
		left_out += thread && thread->error == EMFILE;
	}
	if (left_out > 0)
		rec_sink_lost(attach->sink, time_ns, process->id, "thread",
			"too few descriptors for its events", left_out);
	const struct rec_attach_thread *leader = rec_attach_find_thread(attach, process->pid);
	if (leader && rec_attach_is_refusal(leader->error))
		rec_sink_lost(attach->sink, time_ns, process->id, "process",
			"not permitted: no stacks, only CPU and memory", 1);
}

/*
 * Tell of one process as far as the tree does not know it. Returns: whether threads were found that
 * were not watched.
 */
static bool adopt_process(struct rec_attach *attach, uint64_t time_ns,
	const struct rec_member *member, const pid_t *tids, size_t count)
{
	bool has_found = false;
	enum standing *standings = calloc(count, sizeof(*standings));
	struct rec_process *process = rec_tree_process(attach->tree, member->pid);
	bool is_new = !process;
	if (!standings)
		return false;
	/* All events first: those that are not watched go on starting others. */
	for (size_t i = 0; i < count; i++)
		if (!rec_tree_thread(attach->tree, tids[i]))
			standings[i] = standing_of(attach, tids[i], &has_found);
	if (is_new && !was_forked(attach, member->pid))
		process = rec_tree_adopt(
			attach->tree, time_ns, member->ppid, member->pid, member->name);
	if (!process) {
		if (was_forked(attach, member->pid))
			rec_suspects_add(attach, member->pid, member->pid);
		free(standings);
		return has_found;
	}
	if (is_new) {
		process->is_hidden = how_hidden(attach, tids, count) != 0;
		write_losses(attach, process, time_ns, tids, count);
	}
	for (size_t i = 0; i < count; i++)
		if (!rec_tree_thread(attach->tree, tids[i]) &&
			(!process->is_hidden || tids[i] == process->pid))
			adopt_thread(attach, process, time_ns, tids[i], standings[i]);
	free(standings);
	if (process->live_threads > 0)
		return has_found;
	/* It has ended while we looked. */
	rec_tree_adopt_thread(attach->tree, time_ns, process, process->pid, member->name);
	rec_tree_exit(attach->tree, rec_now_ns(), process->pid, process->pid);
	return has_found;
}

static bool adopt_family(struct rec_attach *attach, uint64_t time_ns)
{
	struct rec_family family;
	bool has_found = false;
	if (rec_attach_family(attach, &family) != 0)
		return false;
	for (size_t i = 0; i < family.count; i++) {
		pid_t *tids;
		size_t count = rec_family_threads(family.members[i].pid, &tids);
		if (count == 0)
			continue;
		has_found |= adopt_process(attach, time_ns, &family.members[i], tids, count);
		free(tids);
	}
	rec_family_release(&family);
	return has_found;
}

void rec_attach_adopt_all(struct rec_attach *attach, uint64_t time_ns)
{
	for (int i = 0; i < MAX_PASSES && adopt_family(attach, time_ns); i++)
		time_ns = rec_now_ns();
	attach->fork_count = 0;
	attach->adopted_ns = rec_now_ns();
}

void rec_attach_adopt(struct rec_attach *attach, struct rec_tree *tree, struct rec_sink *sink,
	const struct rec_attach_listener *listener)
{
	attach->tree = tree;
	attach->sink = sink;
	attach->listener = *listener;
	uint64_t time_ns = rec_now_ns();
	rec_perf_start(attach->perf);
	rec_attach_adopt_all(attach, time_ns);
	for (size_t i = 0; i < attach->named_count; i++) {
		const struct rec_attach_named *named = &attach->named[i];
		char text[96], age[NUM_TEXT_BYTES];
		snprintf(text, sizeof(text), "process %d (%s) had run for %s before",
			(int)named->pid, named->name, num_duration(age, named->age_ns));
		rec_sink_note(sink, time_ns, "attached", text);
	}
}
