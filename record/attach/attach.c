#include "attach/attach_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "attach/family.h"
#include "procfs.h"

/* Descriptors for everything else: binaries, debug files, /proc. */
#define SPARE_FILES 96
/* More processes than this that are refused are counted only. */
#define MAX_REFUSALS_SAID 4

/* ---- which processes ---- */

bool rec_attach_read_stat(pid_t pid, const char *name, struct rec_proc_stat *stat)
{
	int fd = rec_proc_open(pid, name);
	bool is_read = fd >= 0 && rec_proc_read_stat(fd, stat) == 0;
	if (fd >= 0)
		close(fd);
	return is_read;
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
static int check_pid(const struct msg *msg, pid_t pid, struct rec_attach_named *named)
{
	struct rec_proc_stat stat;
	if (!rec_attach_read_stat(pid, "stat", &stat)) {
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
	struct rec_attach_named named;
	int status = check_pid(attach->msg, pid, &named);
	if (status != 0)
		return status;
	size_t count = attach->named_count + 1;
	struct rec_attach_named *grown = realloc(attach->named, count * sizeof(*grown));
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
	free(attach->forks);
	free(attach->suspects);
	free(attach);
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
	struct rec_attach_thread *threads =
		realloc(attach->threads, (attach->thread_count + count) * sizeof(*threads));
	if (threads) {
		attach->threads = threads;
		for (size_t i = 0; i < count; i++)
			threads[attach->thread_count++] =
				(struct rec_attach_thread){pid, tids[i], ESRCH};
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
	const struct rec_attach_thread *left = a, *right = b;
	bool left_leads = left->pid == left->tid, right_leads = right->pid == right->tid;
	if (left_leads != right_leads)
		return left_leads ? -1 : 1;
	return (left->tid > right->tid) - (left->tid < right->tid);
}

static int compare_tids(const void *a, const void *b)
{
	pid_t left = ((const struct rec_attach_thread *)a)->tid,
	      right = ((const struct rec_attach_thread *)b)->tid;
	return (left > right) - (left < right);
}

const struct rec_attach_thread *rec_attach_find_thread(const struct rec_attach *attach, pid_t tid)
{
	struct rec_attach_thread key = {.tid = tid};
	if (attach->thread_count == 0)
		return NULL;
	return bsearch(&key, attach->threads, attach->thread_count, sizeof(key), compare_tids);
}

void rec_attach_say_refusal(
	const struct msg *msg, pid_t pid, const char *call, int error, const char *effect)
{
	struct rec_proc_stat stat = {.name = "?"};
	rec_attach_read_stat(pid, "stat", &stat);
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

bool rec_attach_is_refusal(int error)
{
	return error == EACCES || error == EPERM;
}

static void say_what_is_missing(const struct rec_attach *attach)
{
	size_t refused = 0, left_out = 0;
	for (size_t i = 0; i < attach->thread_count; i++) {
		const struct rec_attach_thread *thread = &attach->threads[i];
		left_out += thread->error == EMFILE;
		if (thread->pid != thread->tid || !rec_attach_is_refusal(thread->error))
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
		struct rec_attach_thread *thread = &attach->threads[i];
		if (thread->pid == refused)
			thread->error = refusal;
		else if (room < cost)
			thread->error = EMFILE;
		else
			thread->error = rec_perf_watch(perf, thread->tid);
		if (thread->error == 0)
			room -= cost;
		if (rec_attach_is_refusal(thread->error)) {
			refused = thread->pid;
			refusal = thread->error;
		}
	}
	qsort(attach->threads, attach->thread_count, sizeof(*attach->threads), compare_tids);
	say_what_is_missing(attach);
}
