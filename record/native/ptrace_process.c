#include "native/ptrace_process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native/schedstat.h"
#include "procfs.h"

/* A debugger's child asks to be traced in its first moments. */
#define YOUNG_NS 250000000ull
/* Flag of /proc/PID/stat: forked, and no exec since. */
#define FORKED_WITHOUT_EXEC 0x40u

bool rec_watched_begin(struct rec_watched *process, pid_t pid)
{
	*process = (struct rec_watched){.pid = pid};
	return clock_getcpuclockid(pid, &process->clock) == 0;
}

static void close_thread(struct rec_watched_thread *thread)
{
	if (thread->fd >= 0)
		close(thread->fd);
	if (thread->stat_fd >= 0)
		close(thread->stat_fd);
	thread->fd = thread->stat_fd = -1;
}

void rec_watched_end(struct rec_watched *process)
{
	for (size_t i = 0; i < process->thread_count; i++)
		close_thread(&process->threads[i]);
	free(process->threads);
	free(process->code);
}

int rec_watched_has_run(struct rec_watched *process)
{
	struct timespec t;
	if (clock_gettime(process->clock, &t) != 0)
		return -1;
	uint64_t cpu_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	bool has_run = cpu_ns != process->cpu_ns;
	process->cpu_ns = cpu_ns;
	return has_run;
}

/* ---- threads ---- */

struct rec_watched_thread *rec_watched_thread(struct rec_watched *process, pid_t tid)
{
	size_t low = 0, high = process->thread_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (process->threads[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_there = low < process->thread_count && process->threads[low].tid == tid;
	return is_there ? &process->threads[low] : NULL;
}

static void add_thread(struct rec_watched *process, pid_t tid, size_t *open_files, size_t max_files)
{
	if (process->thread_count == process->thread_capacity) {
		size_t capacity = process->thread_capacity ? 2 * process->thread_capacity : 4;
		struct rec_watched_thread *threads =
			realloc(process->threads, capacity * sizeof(*threads));
		if (!threads)
			return;
		process->threads = threads;
		process->thread_capacity = capacity;
	}
	size_t at = process->thread_count;
	while (at > 0 && process->threads[at - 1].tid > tid)
		at--;
	memmove(&process->threads[at + 1], &process->threads[at],
		(process->thread_count - at) * sizeof(*process->threads));
	process->thread_count++;
	process->threads[at] = (struct rec_watched_thread){
		.tid = tid, .fd = -1, .stat_fd = -1, .cpu = -1, .is_new = true};
	if (*open_files < max_files)
		process->threads[at].fd = rec_schedstat_open(process->pid, tid);
	*open_files += process->threads[at].fd >= 0;
}

static void drop_gone(struct rec_watched *process, size_t *open_files)
{
	size_t kept = 0;
	for (size_t i = 0; i < process->thread_count; i++) {
		struct rec_watched_thread *thread = &process->threads[i];
		if (thread->is_gone) {
			*open_files -= thread->fd >= 0;
			close_thread(thread);
		} else {
			process->threads[kept++] = *thread;
		}
	}
	process->thread_count = kept;
}

void rec_watched_list(struct rec_watched *process, size_t *open_files, size_t max_files)
{
	char path[32];
	drop_gone(process, open_files);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)process->pid);
	DIR *folder = opendir(path);
	if (!folder)
		return;
	struct dirent *entry;
	while ((entry = readdir(folder))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (tid > 0 && !rec_watched_thread(process, tid))
			add_thread(process, tid, open_files, max_files);
	}
	closedir(folder);
}

static int read_totals(struct rec_watched *process, struct rec_watched_thread *thread,
	struct rec_schedule_totals *ret_totals)
{
	if (thread->fd >= 0)
		return rec_schedstat_read(thread->fd, ret_totals);
	int fd = rec_schedstat_open(process->pid, thread->tid);
	if (fd < 0)
		return -1;
	int status = rec_schedstat_read(fd, ret_totals);
	close(fd);
	return status;
}

struct rec_schedule_totals rec_watched_counted(
	const struct rec_watched_thread *thread, const struct rec_schedule_totals *totals)
{
	struct rec_schedule_totals counted = *totals;
	counted.run_ns -= thread->base.run_ns;
	counted.ready_ns -= thread->base.ready_ns;
	counted.turns -= thread->base.turns;
	return counted;
}

int rec_watched_read(struct rec_watched *process, struct rec_watched_thread *thread,
	struct rec_schedule_totals *ret_totals)
{
	struct rec_schedule_totals totals;
	if (read_totals(process, thread, &totals) != 0)
		return -1;
	*ret_totals = rec_watched_counted(thread, &totals);
	return 0;
}

void rec_watched_count_from_now(struct rec_watched *process, struct rec_watched_thread *thread)
{
	read_totals(process, thread, &thread->base);
}

/* ---- what may be touched ---- */

bool rec_watched_is_young(struct rec_watched *process)
{
	struct rec_proc_stat stat;
	struct timespec t;
	if (process->is_grown_up)
		return false;
	int fd = rec_proc_open(process->pid, "stat");
	bool is_known = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0;
	if (fd >= 0)
		close(fd);
	if (!is_known)
		return true;
	clock_gettime(CLOCK_BOOTTIME, &t);
	uint64_t now_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	process->is_grown_up =
		!(stat.flags & FORKED_WITHOUT_EXEC) || now_ns > stat.start_ns + YOUNG_NS;
	return !process->is_grown_up;
}

int rec_watched_cpu(struct rec_watched *process, struct rec_watched_thread *thread, bool keeps_file)
{
	char name[32];
	struct rec_proc_stat stat;
	int fd = thread->stat_fd;
	if (fd < 0) {
		snprintf(name, sizeof(name), "task/%d/stat", (int)thread->tid);
		fd = rec_proc_open(process->pid, name);
	}
	bool runs = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0 && stat.state == 'R';
	if (keeps_file)
		thread->stat_fd = fd;
	else if (fd >= 0)
		close(fd);
	return runs ? stat.cpu : -1;
}

/* ---- code ---- */

bool rec_watched_has_code_at(const struct rec_watched *process, uint64_t address)
{
	size_t low = 0, high = process->code_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (process->code[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < process->code_count && process->code[low].start <= address;
}

static void add_code(struct rec_watched *process, uint64_t start, uint64_t end)
{
	if (process->code_count == process->code_capacity) {
		size_t capacity = process->code_capacity ? 2 * process->code_capacity : 16;
		struct rec_code_range *code = realloc(process->code, capacity * sizeof(*code));
		if (!code)
			return;
		process->code = code;
		process->code_capacity = capacity;
	}
	process->code[process->code_count++] = (struct rec_code_range){start, end};
}

/* START-END rwxp ...: notes the range of executable ones. Returns: whether it is one. */
static bool take_line(struct rec_watched *process, const char *line)
{
	char *at;
	uint64_t start = strtoull(line, &at, 16);
	if (*at != '-')
		return false;
	uint64_t end = strtoull(at + 1, &at, 16);
	if (strlen(at) < 5 || at[3] != 'x')
		return false;
	add_code(process, start, end);
	return true;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
	return hash;
}

char *rec_watched_read_maps(struct rec_watched *process)
{
	char path[32], *line = NULL, *text = NULL;
	size_t capacity = 0, text_bytes = 0;
	uint64_t hash = 0xcbf29ce484222325ull;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)process->pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return NULL;
	FILE *kept = open_memstream(&text, &text_bytes);
	process->code_count = 0;
	while (kept && getline(&line, &capacity, maps) >= 0) {
		if (!take_line(process, line))
			continue;
		fputs(line, kept);
		hash = hash_text(hash, line);
	}
	free(line);
	fclose(maps);
	if (kept)
		fclose(kept);
	bool has_changed = process->code_count > 0 && hash != process->maps_hash;
	if (has_changed)
		process->maps_hash = hash;
	else
		free(text);
	return has_changed ? text : NULL;
}
