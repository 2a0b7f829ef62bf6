#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* PF_EXITING of the kernel's <linux/sched.h>, in field 9 of /proc/PID/stat. */
#define FLAG_EXITING 4

uint64_t rec_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int rec_proc_open(pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

ssize_t rec_proc_read(pid_t pid, const char *name, char *buffer, size_t size_bytes)
{
	int fd = rec_proc_open(pid, name);
	if (fd < 0)
		return -1;
	size_t length = 0;
	ssize_t n;
	while (length < size_bytes - 1) {
		n = read(fd, buffer + length, size_bytes - 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	int saved_errno = errno;
	close(fd);
	errno = saved_errno;
	buffer[length] = '\0';
	return (ssize_t)length;
}

int rec_proc_link(pid_t pid, const char *name, char *path, size_t size_bytes)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/%s", (int)pid, name);
	ssize_t n = readlink(link, path, size_bytes - 1);
	if (n < 0)
		return -1;
	path[n] = '\0';
	return 0;
}

/* The fields after the name, which is in parentheses and may hold anything. */
static int parse_stat(char *text, struct rec_proc_stat *stat)
{
	char *open = strchr(text, '(');
	char *close = strrchr(text, ')');
	if (!open || !close || close < open)
		return -1;
	*close = '\0';
	snprintf(stat->name, sizeof(stat->name), "%s", open + 1);

	uint64_t field[40] = {0}; /* numbered as in proc(5), from 3 on */
	char *at = close + 1;
	while (*at == ' ')
		at++;
	stat->state = *at ? *at++ : '?';
	for (int i = 4; i <= 39; i++)
		field[i] = strtoull(at, &at, 10);
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	stat->ppid = (pid_t)field[4];
	stat->flags = (unsigned)field[9];
	stat->minor_faults = field[10];
	stat->major_faults = field[12];
	stat->user_ns = field[14] * tick_ns;
	stat->system_ns = field[15] * tick_ns;
	stat->threads = (uint32_t)field[20];
	stat->start_ns = field[22] * tick_ns;
	stat->rss_bytes = field[24] * (uint64_t)sysconf(_SC_PAGESIZE);
	stat->cpu = (int)field[39];
	return 0;
}

int rec_proc_read_stat(int fd, struct rec_proc_stat *ret_stat)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return parse_stat(text, ret_stat);
}

bool rec_proc_find(const char *text, const char *key, uint64_t *ret_value)
{
	size_t length = strlen(key);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) != 0)
			continue;
		*ret_value = strtoull(line + length, NULL, 10);
		return true;
	}
	return false;
}

int rec_proc_read_io(int fd, struct rec_proc_io *ret_io)
{
	char text[512];
	struct rec_proc_io io;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return n < 0 ? -errno : -ESRCH;
	text[n] = '\0';
	if (!rec_proc_find(text, "rchar:", &io.read_bytes) ||
		!rec_proc_find(text, "wchar:", &io.write_bytes) ||
		!rec_proc_find(text, "read_bytes:", &io.disk_read_bytes) ||
		!rec_proc_find(text, "write_bytes:", &io.disk_write_bytes))
		return -EINVAL;
	*ret_io = io;
	return 0;
}

void rec_proc_io_add(struct rec_proc_io *io, const struct rec_proc_io *more)
{
	io->read_bytes += more->read_bytes;
	io->write_bytes += more->write_bytes;
	io->disk_read_bytes += more->disk_read_bytes;
	io->disk_write_bytes += more->disk_write_bytes;
}

static uint64_t difference(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

void rec_proc_io_subtract(struct rec_proc_io *io, const struct rec_proc_io *less)
{
	io->read_bytes = difference(io->read_bytes, less->read_bytes);
	io->write_bytes = difference(io->write_bytes, less->write_bytes);
	io->disk_read_bytes = difference(io->disk_read_bytes, less->disk_read_bytes);
	io->disk_write_bytes = difference(io->disk_write_bytes, less->disk_write_bytes);
}

int rec_proc_read_shares(pid_t pid, struct rec_proc_shares *ret_shares)
{
	char text[2048];
	uint64_t pss_kib, clean_kib, dirty_kib, huge_kib = 0, swap_kib = 0;
	ssize_t n = rec_proc_read(pid, "smaps_rollup", text, sizeof(text));
	if (n <= 0)
		return n < 0 ? -errno : -ESRCH;
	if (!rec_proc_find(text, "Pss:", &pss_kib) ||
		!rec_proc_find(text, "Private_Clean:", &clean_kib) ||
		!rec_proc_find(text, "Private_Dirty:", &dirty_kib))
		return -ESRCH;
	rec_proc_find(text, "Private_Hugetlb:", &huge_kib);
	rec_proc_find(text, "SwapPss:", &swap_kib);
	*ret_shares = (struct rec_proc_shares){
		.pss_bytes = pss_kib * 1024,
		.uss_bytes = (clean_kib + dirty_kib + huge_kib) * 1024,
		.swap_bytes = swap_kib * 1024,
	};
	return 0;
}

static int proc_folder(pid_t pid, const char *name, DIR **ret_folder)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	*ret_folder = opendir(path);
	return *ret_folder ? 0 : -errno;
}

int rec_proc_count_fds(pid_t pid, uint64_t *ret_count)
{
	char path[64];
	struct stat info;
	DIR *folder;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (stat(path, &info) != 0)
		return -errno;
	/* Since Linux 6.2 the size is the count. */
	if (info.st_size > 0) {
		*ret_count = (uint64_t)info.st_size;
		return 0;
	}
	int error = proc_folder(pid, "fd", &folder);
	if (error != 0)
		return error;
	uint64_t count = 0;
	for (const struct dirent *entry; (entry = readdir(folder));)
		count += entry->d_name[0] != '.';
	closedir(folder);
	*ret_count = count;
	return 0;
}

int rec_proc_count_sockets(pid_t pid, unsigned max_fds, uint64_t *ret_count)
{
	static const char prefix[] = "socket:";
	char target[sizeof(prefix)];
	uint64_t count = 0;
	DIR *folder;
	int error = proc_folder(pid, "fd", &folder);
	if (error != 0)
		return error;
	for (const struct dirent *entry; error == 0 && (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		if (max_fds-- == 0)
			error = -EOVERFLOW;
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target));
		count += n >= (ssize_t)sizeof(prefix) - 1 &&
			 memcmp(target, prefix, sizeof(prefix) - 1) == 0;
	}
	closedir(folder);
	if (error == 0)
		*ret_count = count;
	return error;
}

int rec_proc_read_peak(pid_t pid, uint64_t *ret_bytes)
{
	char text[4096];
	uint64_t peak_kib;
	if (rec_proc_read(pid, "status", text, sizeof(text)) < 0)
		return -errno;
	if (!rec_proc_find(text, "VmHWM:", &peak_kib))
		return -ESRCH;
	*ret_bytes = peak_kib * 1024;
	return 0;
}

int rec_proc_count_switches(
	pid_t pid, unsigned max_threads, uint64_t *ret_voluntary, uint64_t *ret_involuntary)
{
	char name[300], text[4096];
	uint64_t voluntary = 0, involuntary = 0, count;
	DIR *folder;
	int error = proc_folder(pid, "task", &folder);
	if (error != 0)
		return error;
	for (const struct dirent *entry; error == 0 && (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		if (max_threads-- == 0)
			error = -EOVERFLOW;
		snprintf(name, sizeof(name), "task/%s/status", entry->d_name);
		if (rec_proc_read(pid, name, text, sizeof(text)) <= 0)
			continue;
		if (rec_proc_find(text, "voluntary_ctxt_switches:", &count))
			voluntary += count;
		if (rec_proc_find(text, "nonvoluntary_ctxt_switches:", &count))
			involuntary += count;
	}
	closedir(folder);
	if (error != 0)
		return error;
	*ret_voluntary = voluntary;
	*ret_involuntary = involuntary;
	return 0;
}

bool rec_proc_parse_syscall(const char *line, struct rec_proc_syscall *ret_syscall)
{
	char *at;
	uint64_t words[8] = {0};
	size_t count = 0;
	long number = strtol(line, &at, 10);
	if (at == line)
		return false;
	while (count < 8 && *at == ' ')
		words[count++] = strtoull(at + 1, &at, 16);
	if (count < 2 || words[count - 2] == 0)
		return false;
	*ret_syscall = (struct rec_proc_syscall){
		.number = number,
		.argument = words[0],
		.sp = words[count - 2],
		.pc = words[count - 1],
	};
	return true;
}

pid_t rec_proc_inner_number(pid_t pid, pid_t tid)
{
	char name[64], text[4096];
	snprintf(name, sizeof(name), "task/%d/status", (int)tid);
	char *line = NULL;
	if (rec_proc_read(pid, name, text, sizeof(text)) > 0)
		line = strstr(text, "\nNSpid:");
	if (!line)
		return tid;
	/* One number for each namespace, the innermost one last. */
	line[1 + strcspn(line + 1, "\n")] = '\0';
	const char *last = strrchr(line, '\t');
	pid_t number = last ? (pid_t)strtol(last, NULL, 10) : 0;
	return number > 0 ? number : tid;
}

bool rec_proc_is_alive(pid_t pid)
{
	struct rec_proc_stat stat;
	int fd = rec_proc_open(pid, "stat");
	bool is_alive = fd >= 0 && rec_proc_read_stat(fd, &stat) == 0 && stat.state != 'Z' &&
			stat.state != 'X' && !(stat.flags & FLAG_EXITING);
	if (fd >= 0)
		close(fd);
	return is_alive;
}

int rec_proc_cpu_ns(pid_t pid, uint64_t *ret_ns)
{
	struct timespec t;
	clockid_t clock;
	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return -1;
	*ret_ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return 0;
}
