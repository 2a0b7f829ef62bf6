#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attach/attach_state.h"

/* They are looked at so often. */
#define CHECK_PERIOD_NS 20000000ull
/* And so often, whether processes have ended unseen. */
#define END_PERIOD_NS 1000000000ull
/* A thread on a CPU for so long without a record of it is not watched. */
#define SILENT_RUN_NS 20000000ull

static bool read_schedstat(pid_t pid, pid_t tid, uint64_t *ret_run_ns, uint64_t *ret_turns)
{
	char name[64], text[128];
	snprintf(name, sizeof(name), "task/%d/schedstat", (int)tid);
	unsigned long long run_ns, ready_ns, turns;
	if (rec_proc_read(pid, name, text, sizeof(text)) <= 0 ||
		sscanf(text, "%llu %llu %llu", &run_ns, &ready_ns, &turns) != 3)
		return false;
	*ret_run_ns = run_ns;
	*ret_turns = turns;
	return true;
}

void rec_suspects_add(struct rec_attach *attach, pid_t pid, pid_t tid)
{
	struct rec_suspect suspect = {.pid = pid, .tid = tid};
	if (!read_schedstat(pid, tid, &suspect.run_ns, &suspect.turns))
		return;
	if (attach->suspect_count == attach->suspect_capacity) {
		size_t capacity = 2 * attach->suspect_capacity + 16;
		struct rec_suspect *suspects =
			realloc(attach->suspects, capacity * sizeof(*suspects));
		if (!suspects)
			return;
		attach->suspects = suspects;
		attach->suspect_capacity = capacity;
	}
	attach->suspects[attach->suspect_count++] = suspect;
}

bool rec_attach_seen(struct rec_attach *attach, const struct rec_perf_record *record)
{
	if (record->type == PERF_RECORD_FORK)
		return record->time_ns > attach->adopted_ns ||
		       !rec_tree_thread(attach->tree, (pid_t)record->tid);
	for (size_t i = 0; i < attach->suspect_count; i++)
		if (attach->suspects[i].tid == (pid_t)record->tid)
			attach->suspects[i--] = attach->suspects[--attach->suspect_count];
	return true;
}

static bool is_there(pid_t pid, pid_t tid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)tid);
	return access(path, F_OK) == 0;
}

/* Those that ended just before their events were started were not told of. */
static void verify_ends(struct rec_attach *attach, uint64_t now_ns)
{
	for (size_t i = 0; i < attach->thread_count; i++) {
		const struct rec_attach_thread *thread = &attach->threads[i];
		if (thread->error == 0 && !is_there(thread->pid, thread->tid))
			rec_tree_exit(attach->tree, now_ns, thread->pid, thread->tid);
	}
	attach->is_verified = true;
}

enum verdict { UNDECIDED, GONE, UNWATCHED };

static enum verdict judge(
	const struct rec_attach *attach, struct rec_suspect *suspect, uint64_t now_ns)
{
	uint64_t run_ns, turns;
	if (!read_schedstat(suspect->pid, suspect->tid, &run_ns, &turns))
		return GONE;
	if (suspect->moved_ns == 0 &&
		(turns != suspect->turns || run_ns > suspect->run_ns + SILENT_RUN_NS))
		suspect->moved_ns = now_ns;
	else if (suspect->moved_ns != 0 && rec_tree_seen_ns(attach->tree) > suspect->moved_ns)
		return UNWATCHED;
	return UNDECIDED;
}

struct vanished {
	const struct rec_process *process;
	pid_t tids[64];
	size_t count;
};

static void note_thread(void *context, struct rec_thread *thread, uint64_t time_ns)
{
	struct vanished *vanished = context;
	size_t room = sizeof(vanished->tids) / sizeof(vanished->tids[0]);
	if (thread->process == vanished->process && vanished->count < room)
		vanished->tids[vanished->count++] = thread->tid;
}

/* An end that nobody has told of must not keep the recording waiting. */
static void end_vanished(struct rec_attach *attach, uint64_t now_ns)
{
	struct rec_process *process = rec_tree_first(attach->tree);
	for (; process; process = rec_tree_next(process)) {
		struct vanished vanished = {.process = process};
		if (process->end_ns != 0 || rec_proc_is_alive(process->pid))
			continue;
		rec_tree_each_thread(attach->tree, note_thread, &vanished, now_ns);
		for (size_t i = 0; i < vanished.count; i++)
			rec_tree_exit(attach->tree, now_ns, process->pid, vanished.tids[i]);
	}
}

void rec_attach_check(struct rec_attach *attach, uint64_t now_ns)
{
	if (now_ns >= attach->next_end_check_ns) {
		end_vanished(attach, now_ns);
		attach->next_end_check_ns = now_ns + END_PERIOD_NS;
	}
	if ((attach->is_verified && attach->suspect_count == 0) || now_ns < attach->next_check_ns)
		return;
	if (attach->next_check_ns != 0 && !attach->is_verified)
		verify_ends(attach, now_ns);
	attach->next_check_ns = now_ns + CHECK_PERIOD_NS;
	bool has_missed = false;
	for (size_t i = 0; i < attach->suspect_count; i++) {
		struct rec_suspect *suspect = &attach->suspects[i];
		enum verdict verdict = judge(attach, suspect, now_ns);
		if (verdict == UNDECIDED)
			continue;
		has_missed = true;
		if (verdict == GONE)
			rec_tree_exit(attach->tree, now_ns, suspect->pid, suspect->tid);
		else
			rec_perf_watch(attach->perf, suspect->tid);
		attach->suspects[i--] = attach->suspects[--attach->suspect_count];
	}
	/* What such a thread has started is not watched either. */
	if (has_missed)
		rec_attach_adopt_all(attach, now_ns);
}
