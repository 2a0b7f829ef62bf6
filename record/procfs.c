#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

	uint64_t field[25] = {0}; /* numbered as in proc(5), from 3 on */
	char *at = close + 1;
	while (*at == ' ')
		at++;
	stat->state = *at ? *at++ : '?';
	for (int i = 4; i <= 24; i++)
		field[i] = strtoull(at, &at, 10);
	uint64_t tick_ns = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	stat->ppid = (pid_t)field[4];
	stat->flags = (unsigned)field[9];
	stat->user_ns = field[14] * tick_ns;
	stat->system_ns = field[15] * tick_ns;
	stat->threads = (uint32_t)field[20];
	stat->start_ns = field[22] * tick_ns;
	stat->rss_bytes = field[24] * (uint64_t)sysconf(_SC_PAGESIZE);
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
