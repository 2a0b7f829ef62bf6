#include "attach.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "family.h"
#include "num.h"
#include "procfs.h"

/* Descriptors for everything else: binaries, debug files, /proc. */
#define SPARE_FILES 96
/* More processes than this that are refused are counted only. */
#define MAX_REFUSALS_SAID 4
/* Threads that began meanwhile are looked at so often. */
#define CHECK_PERIOD_NS 20000000ull
/* A thread on a CPU for so long without a record of it is not watched. */
#define SILENT_RUN_NS 20000000ull

struct named {
	pid_t pid;
	char name[16];
	uint64_t age_ns; /* when it was named */
};

/* A thread of the first look. */
struct thread {
	pid_t pid, tid;
	int error; /* 0: watched */
};

/*
 * A thread of a later look. Mostly it was started by one that was watched already, which its
 * records will show; one that runs without any record must be watched itself.
 */
struct suspect {
	pid_t pid, tid;
	uint64_t run_ns, turns; /* by its schedstat when it was found */
	uint64_t moved_ns;	/* when those were seen to have changed; 0: not yet */
};

struct rec_attach {
	const struct msg *msg;
	struct rec_perf *perf;
	struct rec_tree *tree;
	struct rec_sink *sink;
	struct rec_attach_listener listener;
	struct named *named;
	pid_t *roots; /* the same, numbers only */
	size_t named_count;
	struct thread *threads; /* by tid */
	size_t thread_count;
	struct suspect *suspects;
	size_t suspect_count, suspect_capacity;
	uint64_t adopted_ns; /* forks before this may be of threads that were found */
	uint64_t next_check_ns;
	bool is_verified;
};

/* ---- which processes ---- */

static bool read_stat(pid_t pid, const char *name, struct rec_proc_stat *stat)
{
	int fd = rec_proc_open(pid, name);
	bool is_read = fd >= 0 && rec_proc_read_stat(fd, stat) == 0;
	if (fd >= 0)
		close(fd);
	return is_read;
}

static bool is_ancestor(pid_t pid)
{
	struct rec_proc_stat stat;
	for (pid_t at = getppid(); at > 0 && read_stat(at, "stat", &stat); at = stat.ppid)
		if (at == pid)
			return true;
	return false;
}

static long read_status_number(pid_t pid, const char *key)
{
	char text[4096];
	if (rec_proc_read(pid, "status", text, sizeof(text)) <= 0)
		return -1;
	const char *line = strstr(text, key);
	return line ? strtol(line + strlen(key), NULL, 10) : -1;
}

static bool is_kernel_thread(pid_t pid, const struct rec_proc_stat *stat)
{
	char text[8];
	return stat->rss_bytes == 0 && rec_proc_read(pid, "cmdline", text, sizeof(text)) <= 0;
}

/* Returns 0 for a process to record, or a status to exit with after the reason was said. */
static int check_pid(const struct msg *msg, pid_t pid, struct named *named)
{
	struct rec_proc_stat stat;
	if (!read_stat(pid, "stat", &stat)) {
		msg_error(msg, "there is no process %d", (int)pid);
		return EXIT_FAILED;
	}
	long group = read_status_number(pid, "\nTgid:");
	if (pid == getpid()) {
		msg_error(msg, "process %d is trec itself", (int)pid);
		return EXIT_USAGE;
	}
	if (group > 0 && group != pid) {
		msg_error(msg, "%d is a thread of process %ld: name that", (int)pid, group);
		return EXIT_USAGE;
	}
	if (is_ancestor(pid)) {
		msg_error(msg,
			"process %d (%s) has started trec, which would record itself: start trec "
			"from elsewhere",
			(int)pid, stat.name);
		return EXIT_USAGE;
	}
	if ((stat.state == 'Z' && stat.threads <= 1) || stat.state == 'X') {
		msg_error(msg, "process %d (%s) has ended already; its parent %d has not yet asked",
			(int)pid, stat.name, (int)stat.ppid);
		return EXIT_FAILED;
	}
	if (is_kernel_thread(pid, &stat)) {
		msg_error(msg, "process %d (%s) is a thread of the kernel", (int)pid, stat.name);
		return EXIT_USAGE;
	}
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	named->pid = pid;
	named->age_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - stat.start_ns;
	memcpy(named->name, stat.name, sizeof(stat.name));
	return 0;
}

static int add_named(struct rec_attach *attach, pid_t pid)
{
	for (size_t i = 0; i < attach->named_count; i++)
		if (attach->named[i].pid == pid) {
			msg_error(attach->msg, "process %d is named twice", (int)pid);
			return EXIT_USAGE;
		}
	struct named named;
	int status = check_pid(attach->msg, pid, &named);
	if (status != 0)
		return status;
	size_t count = attach->named_count + 1;
	struct named *grown = realloc(attach->named, count * sizeof(*grown));
	if (grown)
		attach->named = grown;
	pid_t *roots = realloc(attach->roots, count * sizeof(*roots));
	if (roots)
		attach->roots = roots;
	if (!grown || !roots) {
		msg_error(attach->msg, "no memory for the list of processes");
		return EXIT_FAILED;
	}
	attach->named[attach->named_count] = named;
	attach->roots[attach->named_count++] = pid;
	return 0;
}

/* "12,34": returns as add_named(), of what is worst. */
static int add_list(struct rec_attach *attach, const char *text)
{
	int worst = 0;
	for (;;) {
		char *end;
		errno = 0;
		long pid = strtol(text, &end, 10);
		if (end == text || (*end != '\0' && *end != ',') || errno != 0 || pid <= 0 ||
			pid > INT32_MAX) {
			msg_error(attach->msg, "-p %s: not a process number", text);
			return EXIT_USAGE;
		}
		int status = add_named(attach, (pid_t)pid);
		if (status > worst)
			worst = status;
		if (*end == '\0')
			return worst;
		text = end + 1;
	}
}

int rec_attach_new(
	const struct opt_list *pids, const struct msg *msg, struct rec_attach **ret_attach)
{
	struct rec_attach *attach = calloc(1, sizeof(*attach));
	if (!attach) {
		msg_error(msg, "no memory");
		return EXIT_FAILED;
	}
	attach->msg = msg;
	bool is_misused = false;
	for (size_t i = 0; i < pids->count; i++)
		is_misused |= add_list(attach, pids->items[i]) == EXIT_USAGE;
	if (is_misused || attach->named_count == 0) {
		rec_attach_free(attach);
		return is_misused ? EXIT_USAGE : EXIT_FAILED;
	}
	*ret_attach = attach;
	return 0;
}

void rec_attach_free(struct rec_attach *attach)
{
	if (!attach)
		return;
	free(attach->named);
	free(attach->roots);
	free(attach->threads);
	free(attach->suspects);
	free(attach);
}

size_t rec_attach_count(const struct rec_attach *attach)
{
	return attach->named_count;
}

pid_t rec_attach_pid(const struct rec_attach *attach, size_t index)
{
	return attach->roots[index];
}

const char *rec_attach_name(const struct rec_attach *attach, size_t index)
{
	return attach->named[index].name;
}

/* ---- opening the events ---- */

static int add_threads(struct rec_attach *attach, pid_t pid)
{
	pid_t *tids;
	size_t count = rec_family_threads(pid, &tids);
	if (count == 0)
		return 0;
	struct thread *threads =
		realloc(attach->threads, (attach->thread_count + count) * sizeof(*threads));
	if (threads) {
		attach->threads = threads;
		for (size_t i = 0; i < count; i++)
			threads[attach->thread_count++] = (struct thread){pid, tids[i], ESRCH};
	}
	free(tids);
	return threads ? 0 : -1;
}

int rec_attach_family(const struct rec_attach *attach, struct rec_family *ret_family)
{
	return rec_family_find(attach->roots, attach->named_count, ret_family);
}

int rec_attach_scan(struct rec_attach *attach)
{
	struct rec_family family;
	if (rec_attach_family(attach, &family) != 0) {
		msg_error(attach->msg, "cannot read /proc: %s", strerror(errno));
		return -1;
	}
	int result = 0;
	for (size_t i = 0; i < family.count && result == 0; i++)
		result = add_threads(attach, family.members[i].pid);
	rec_family_release(&family);
	if (result != 0)
		msg_error(attach->msg, "no memory for the list of threads");
	return result;
}

/* How many descriptors events may take. */
static size_t free_descriptors(void)
{
	struct rlimit limit;
	DIR *folder = opendir("/proc/self/fd");
	size_t used = SPARE_FILES;
	while (folder && readdir(folder))
		used++;
	if (folder)
		closedir(folder);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < used)
		return 0;
	return limit.rlim_cur - used;
}

bool rec_attach_needs_one_ring(const struct rec_attach *attach)
{
	size_t cpus = (size_t)sysconf(_SC_NPROCESSORS_CONF);
	return 2 * cpus * (attach->thread_count + 1) > free_descriptors();
}

/* Main threads first: what follows them may be left out. */
static int compare_importance(const void *a, const void *b)
{
	const struct thread *left = a, *right = b;
	bool left_leads = left->pid == left->tid, right_leads = right->pid == right->tid;
	if (left_leads != right_leads)
		return left_leads ? -1 : 1;
	return (left->tid > right->tid) - (left->tid < right->tid);
}

static int compare_tids(const void *a, const void *b)
{
	pid_t left = ((const struct thread *)a)->tid, right = ((const struct thread *)b)->tid;
	return (left > right) - (left < right);
}

static const struct thread *find_thread(const struct rec_attach *attach, pid_t tid)
{
	struct thread key = {.tid = tid};
	if (attach->thread_count == 0)
		return NULL;
	return bsearch(&key, attach->threads, attach->thread_count, sizeof(key), compare_tids);
}

void rec_attach_say_refusal(
	const struct msg *msg, pid_t pid, const char *call, int error, const char *effect)
{
	struct rec_proc_stat stat = {.name = "?"};
	read_stat(pid, "stat", &stat);
	long user = read_status_number(pid, "\nUid:");
	char way_out[96] = "it has other rights than its user, or forbids it; run trec as root";
	if (user >= 0 && user != (long)geteuid())
		snprintf(way_out, sizeof(way_out),
			"it runs as user %ld; run trec as that user or as root", user);
	else if (access("/proc/sys/kernel/yama/ptrace_scope", F_OK) == 0)
		snprintf(way_out, sizeof(way_out),
			"run trec as root, or: sysctl kernel.yama.ptrace_scope=0");
	msg_warn(msg, "process %d (%s): %s: %s: %s: %s", (int)pid, stat.name, call, strerror(error),
		effect, way_out);
}

static bool is_refusal(int error)
{
	return error == EACCES || error == EPERM;
}

static void say_what_is_missing(const struct rec_attach *attach)
{
	size_t refused = 0, left_out = 0;
	for (size_t i = 0; i < attach->thread_count; i++) {
		const struct thread *thread = &attach->threads[i];
		left_out += thread->error == EMFILE;
		if (thread->pid != thread->tid || !is_refusal(thread->error))
			continue;
		if (refused++ < MAX_REFUSALS_SAID)
			rec_attach_say_refusal(attach->msg, thread->pid, "perf_event_open",
				thread->error, "no stacks of it, only CPU and memory");
	}
	if (refused > MAX_REFUSALS_SAID)
		msg_warn(attach->msg, "the same for %zu more processes",
			refused - MAX_REFUSALS_SAID);
	if (left_out > 0)
		msg_warn(attach->msg,
			"%zu of %zu threads are left out: too few descriptors for their events; to "
			"record them: ulimit -n %zu",
			left_out, attach->thread_count,
			2 * (SPARE_FILES + rec_perf_watch_cost(attach->perf) *
						   (attach->thread_count + 2)));
}

void rec_attach_watch(struct rec_attach *attach, struct rec_perf *perf)
{
	attach->perf = perf;
	size_t cost = rec_perf_watch_cost(perf), room = free_descriptors();
	pid_t refused = 0;
	int refusal = 0;
	qsort(attach->threads, attach->thread_count, sizeof(*attach->threads), compare_importance);
	for (size_t i = 0; i < attach->thread_count; i++) {
		struct thread *thread = &attach->threads[i];
		if (thread->pid == refused)
			thread->error = refusal;
		else if (room < cost)
			thread->error = EMFILE;
		else
			thread->error = rec_perf_watch(perf, thread->tid);
		if (thread->error == 0)
			room -= cost;
		if (is_refusal(thread->error)) {
			refused = thread->pid;
			refusal = thread->error;
		}
	}
	qsort(attach->threads, attach->thread_count, sizeof(*attach->threads), compare_tids);
	say_what_is_missing(attach);
}

/* ---- telling the tree ---- */

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

static void add_suspect(struct rec_attach *attach, pid_t pid, pid_t tid)
{
	struct suspect suspect = {.pid = pid, .tid = tid};
	if (!read_schedstat(pid, tid, &suspect.run_ns, &suspect.turns))
		return;
	if (attach->suspect_count == attach->suspect_capacity) {
		size_t capacity = 2 * attach->suspect_capacity + 16;
		struct suspect *suspects = realloc(attach->suspects, capacity * sizeof(*suspects));
		if (!suspects)
			return;
		attach->suspects = suspects;
		attach->suspect_capacity = capacity;
	}
	attach->suspects[attach->suspect_count++] = suspect;
}

static void adopt_thread(
	struct rec_attach *attach, struct rec_process *process, uint64_t time_ns, pid_t tid)
{
	char name[64];
	struct rec_proc_stat stat;
	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	if (!read_stat(process->pid, name, &stat) || stat.state == 'Z' || stat.state == 'X')
		return;
	const struct thread *thread = find_thread(attach, tid);
	bool is_watched = !thread || thread->error == 0;
	if (!is_watched && !process->is_hidden)
		return; /* nobody would tell of its end */
	rec_tree_adopt_thread(attach->tree, time_ns, process, tid, stat.name);
	if (!is_watched || rec_perf_mode(attach->perf) == REC_PERF_NONE)
		return;
	attach->listener.found(
		attach->listener.context, time_ns, process->pid, tid, stat.state == 'R');
	if (!thread && !rec_perf_is_machine_wide(attach->perf))
		add_suspect(attach, process->pid, tid);
}

/* A process of which no thread is watched has its main thread only, and is followed by /proc. */
static int how_hidden(const struct rec_attach *attach, const pid_t *tids, size_t count)
{
	int error = ESRCH;
	for (size_t i = 0; i < count; i++) {
		const struct thread *thread = find_thread(attach, tids[i]);
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
		const struct thread *thread = find_thread(attach, tids[i]);
		left_out += thread && thread->error == EMFILE;
	}
	if (left_out > 0)
		rec_sink_lost(attach->sink, time_ns, process->id, "thread",
			"too few descriptors for its events", left_out);
	const struct thread *leader = find_thread(attach, process->pid);
	if (leader && is_refusal(leader->error))
		rec_sink_lost(attach->sink, time_ns, process->id, "process",
			"not permitted: no stacks, only CPU and memory", 1);
}

static void adopt_process(struct rec_attach *attach, uint64_t time_ns,
	const struct rec_member *member, const pid_t *tids, size_t count)
{
	struct rec_process *process = rec_tree_process(attach->tree, member->pid);
	bool is_new = !process;
	if (is_new)
		process = rec_tree_adopt(
			attach->tree, time_ns, member->ppid, member->pid, member->name);
	if (!process)
		return;
	if (is_new) {
		process->is_hidden = how_hidden(attach, tids, count) != 0;
		write_losses(attach, process, time_ns, tids, count);
	}
	for (size_t i = 0; i < count; i++)
		if (!rec_tree_thread(attach->tree, tids[i]) &&
			(!process->is_hidden || tids[i] == process->pid))
			adopt_thread(attach, process, time_ns, tids[i]);
	if (process->live_threads > 0)
		return;
	/* It has ended while we looked. */
	rec_tree_adopt_thread(attach->tree, time_ns, process, process->pid, member->name);
	rec_tree_exit(attach->tree, rec_now_ns(), process->pid, process->pid);
}

/* Tell of everybody who is there and whom the tree does not know. */
static void adopt_all(struct rec_attach *attach, uint64_t time_ns)
{
	struct rec_family family;
	if (rec_attach_family(attach, &family) != 0)
		return;
	for (size_t i = 0; i < family.count; i++) {
		pid_t *tids;
		size_t count = rec_family_threads(family.members[i].pid, &tids);
		if (count == 0)
			continue;
		adopt_process(attach, time_ns, &family.members[i], tids, count);
		free(tids);
	}
	rec_family_release(&family);
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
	adopt_all(attach, time_ns);
	for (size_t i = 0; i < attach->named_count; i++) {
		const struct named *named = &attach->named[i];
		char text[96], age[NUM_TEXT_BYTES];
		snprintf(text, sizeof(text), "process %d (%s) had run for %s before",
			(int)named->pid, named->name, num_duration(age, named->age_ns));
		rec_sink_note(sink, time_ns, "attached", text);
	}
}

/* ---- threads that began meanwhile ---- */

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
		const struct thread *thread = &attach->threads[i];
		if (thread->error == 0 && !is_there(thread->pid, thread->tid))
			rec_tree_exit(attach->tree, now_ns, thread->pid, thread->tid);
	}
	attach->is_verified = true;
}

enum verdict { UNDECIDED, GONE, UNWATCHED };

static enum verdict judge(const struct rec_attach *attach, struct suspect *suspect, uint64_t now_ns)
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

void rec_attach_check(struct rec_attach *attach, uint64_t now_ns)
{
	if ((attach->is_verified && attach->suspect_count == 0) || now_ns < attach->next_check_ns)
		return;
	if (attach->next_check_ns != 0 && !attach->is_verified)
		verify_ends(attach, now_ns);
	attach->next_check_ns = now_ns + CHECK_PERIOD_NS;
	bool has_missed = false;
	for (size_t i = 0; i < attach->suspect_count; i++) {
		struct suspect *suspect = &attach->suspects[i];
		enum verdict verdict = judge(attach, suspect, now_ns);
		if (verdict == UNDECIDED)
			continue;
		if (verdict == GONE)
			rec_tree_exit(attach->tree, now_ns, suspect->pid, suspect->tid);
		else
			has_missed |= rec_perf_watch(attach->perf, suspect->tid) == 0;
		attach->suspects[i--] = attach->suspects[--attach->suspect_count];
	}
	/* What such a thread has started is not watched either. */
	if (has_missed)
		adopt_all(attach, now_ns);
}
