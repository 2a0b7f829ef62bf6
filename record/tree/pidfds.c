#include "tree/pidfds.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procfs.h"

#define BUCKETS 256
/* So many descriptors, and this part of those we may have. */
#define MAX_PIDFDS  4096
#define FILES_SHARE 4

/* Of <linux/pidfd.h> since Linux 6.15, which is younger than the headers we may be built with. */
struct pidfd_info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t credentials[8];
	int32_t exit_code;
};
#define INFO_EXIT 8u
#define GET_INFO  _IOWR(0xff, 11, struct pidfd_info)

struct pidfd {
	struct pidfd *next;
	pid_t pid;
	int fd;
};

struct rec_pidfds {
	struct rec_tree *tree;
	struct pidfd *buckets[BUCKETS];
	size_t count, limit;
	int epoll_fd;
};

static const struct pidfd *find(const struct rec_pidfds *pidfds, pid_t pid)
{
	const struct pidfd *pidfd = pidfds->buckets[(uint32_t)pid % BUCKETS];
	while (pidfd && pidfd->pid != pid)
		pidfd = pidfd->next;
	return pidfd;
}

static void remove_pid(struct rec_pidfds *pidfds, pid_t pid)
{
	struct pidfd **link = &pidfds->buckets[(uint32_t)pid % BUCKETS];
	while (*link && (*link)->pid != pid)
		link = &(*link)->next;
	struct pidfd *pidfd = *link;
	if (!pidfd)
		return;
	*link = pidfd->next;
	close(pidfd->fd);
	free(pidfd);
	pidfds->count--;
}

void rec_pidfds_add(struct rec_pidfds *pidfds, pid_t pid)
{
	remove_pid(pidfds, pid);
	if (pidfds->count >= pidfds->limit)
		return;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pidfd *pidfd = fd >= 0 ? malloc(sizeof(*pidfd)) : NULL;
	if (!pidfd) {
		if (fd >= 0)
			close(fd);
		return;
	}
	struct pidfd **bucket = &pidfds->buckets[(uint32_t)pid % BUCKETS];
	*pidfd = (struct pidfd){*bucket, pid, fd};
	*bucket = pidfd;
	pidfds->count++;
	struct epoll_event event = {.events = EPOLLIN, .data.fd = (int)pid};
	if (pidfds->epoll_fd >= 0)
		epoll_ctl(pidfds->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Of a process that waits to be reaped. */
static bool zombie_status(pid_t pid, int *ret_wait_status)
{
	char text[1024], unused[16];
	if (rec_proc_read(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	const char *at = strrchr(text, ')');
	if (!at || strncmp(at, ") Z", 3) != 0)
		return false;
	/* Field 52 reads 0 where it may not be known; I/O is refused then. */
	for (int field = 2; at && field < 52; field++)
		at = strchr(at + 1, ' ');
	if (!at || rec_proc_read(pid, "io", unused, sizeof(unused)) <= 0)
		return false;
	*ret_wait_status = (int)strtol(at, NULL, 10);
	return true;
}

/* What the tree asks of a process that has ended. */
static bool status_of(void *context, pid_t pid, int *ret_wait_status)
{
	const struct rec_pidfds *pidfds = context;
	const struct pidfd *pidfd = find(pidfds, pid);
	struct pidfd_info info = {.mask = INFO_EXIT};
	/* Older kernels leave the bit out of their answer, as this one does until it is reaped. */
	if (pidfd && ioctl(pidfd->fd, GET_INFO, &info) == 0 && (info.mask & INFO_EXIT)) {
		*ret_wait_status = info.exit_code;
		return true;
	}
	return zombie_status(pid, ret_wait_status);
}

static void process_started(void *context, struct rec_process *process)
{
	struct rec_pidfds *pidfds = context;
	if (!find(pidfds, process->pid))
		rec_pidfds_add(pidfds, process->pid);
}

static void process_settled(void *context, struct rec_process *process)
{
	struct rec_pidfds *pidfds = context;
	/* Its number may live again. */
	if (!rec_tree_process(pidfds->tree, process->pid))
		remove_pid(pidfds, process->pid);
}

struct rec_pidfds *rec_pidfds_new(struct rec_tree *tree, bool watches)
{
	struct rlimit files;
	struct rec_pidfds *pidfds = calloc(1, sizeof(*pidfds));
	if (!pidfds)
		return NULL;
	pidfds->tree = tree;
	pidfds->limit = MAX_PIDFDS;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / FILES_SHARE < MAX_PIDFDS)
		pidfds->limit = files.rlim_cur / FILES_SHARE;
	pidfds->epoll_fd = watches ? epoll_create1(EPOLL_CLOEXEC) : -1;
	struct rec_tree_listener listener = {
		.context = pidfds,
		.process_started = process_started,
		.process_settled = process_settled,
	};
	rec_tree_listen(tree, &listener);
	rec_tree_ask_statuses(tree, status_of, pidfds);
	return pidfds;
}

void rec_pidfds_free(struct rec_pidfds *pidfds)
{
	if (!pidfds)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (pidfds->buckets[i])
			remove_pid(pidfds, pidfds->buckets[i]->pid);
	if (pidfds->epoll_fd >= 0)
		close(pidfds->epoll_fd);
	free(pidfds);
}

int rec_pidfds_fd(const struct rec_pidfds *pidfds)
{
	return pidfds->epoll_fd;
}

static void end_process(struct rec_pidfds *pidfds, pid_t pid)
{
	const struct pidfd *pidfd = find(pidfds, pid);
	uint64_t cpu_ns;
	if (pidfd)
		epoll_ctl(pidfds->epoll_fd, EPOLL_CTL_DEL, pidfd->fd, NULL);
	/* Until it is reaped its clock can be read. */
	if (rec_proc_cpu_ns(pid, &cpu_ns) == 0)
		rec_tree_clock(pidfds->tree, pid, cpu_ns);
	rec_tree_exit(pidfds->tree, rec_now_ns(), pid, 0);
}

void rec_pidfds_drain(struct rec_pidfds *pidfds)
{
	struct epoll_event events[32];
	int count;
	while ((count = epoll_wait(pidfds->epoll_fd, events, 32, 0)) > 0)
		for (int i = 0; i < count; i++)
			end_process(pidfds, (pid_t)events[i].data.fd);
}
