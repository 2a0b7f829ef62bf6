/*
 * The kernel's proc connector: a netlink socket on which every process of the machine tells its
 * fork, exec and exit with its status. Needs root, or Linux 6.6 for other users; refused in user
 * namespaces and most containers.
 */
#ifndef RECORD_TREE_CONNECTOR_H
#define RECORD_TREE_CONNECTOR_H

#include <stdint.h>
#include <sys/types.h>

enum rec_connector_type {
	REC_CONNECTOR_FORK,
	REC_CONNECTOR_EXEC,
	REC_CONNECTOR_NAME,
	REC_CONNECTOR_EXIT,
	REC_CONNECTOR_LOST, /* the socket overflowed: some events are gone */
};

struct rec_connector_event {
	enum rec_connector_type type;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	pid_t pid, tid;	  /* in our pid namespace */
	pid_t parent_pid; /* fork: of the forking process; equal to pid for a new thread */
	int wait_status;  /* exit: as of waitpid(2) */
	const char *name; /* name */
};

/* Returns a descriptor to poll and drain, or -1 with errno. */
int rec_connector_open(void);

/*
 * Let the kernel drop everything but the ends of processes: those of the whole machine would wake
 * us for nothing. Without effect where socket filters are refused.
 */
void rec_connector_only_ends(int fd);

/* The opposite: a process has left perf's sight. */
void rec_connector_everything(int fd);

/* Give all waiting events to `handle`; never blocks. */
void rec_connector_drain(int fd,
	void (*handle)(void *context, const struct rec_connector_event *event), void *context);

#endif
