#include "native/schedstat.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"

int rec_schedstat_open(pid_t pid, pid_t tid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int rec_schedstat_read(int fd, struct rec_schedule_totals *ret_totals)
{
	char text[80], *at = text;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	*ret_totals = (struct rec_schedule_totals){.time_ns = rec_now_ns()};
	ret_totals->run_ns = strtoull(at, &at, 10);
	ret_totals->ready_ns = strtoull(at, &at, 10);
	ret_totals->turns = strtoull(at, &at, 10);
	return 0;
}

unsigned rec_schedstat_threads(pid_t pid)
{
	char path[32];
	struct stat folder;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	/* A link for each thread, and the two of every folder. */
	if (stat(path, &folder) != 0 || folder.st_nlink < 2)
		return 0;
	return (unsigned)folder.st_nlink - 2;
}
