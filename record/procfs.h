/* Reading /proc/PID. */
#ifndef RECORD_PROCFS_H
#define RECORD_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Fields of /proc/PID/stat, in its units turned into ours. */
struct rec_proc_stat {
	char name[16];
	char state;	/* R S D Z T ... */
	unsigned flags; /* PF_* of the kernel */
	pid_t ppid;
	uint64_t user_ns; /* of all threads, resolution of a clock tick */
	uint64_t system_ns;
	uint64_t start_ns; /* CLOCK_BOOTTIME */
	uint64_t rss_bytes;
	uint32_t threads;
};

/* Open /proc/PID/NAME; -1 with errno when it cannot be. */
int rec_proc_open(pid_t pid, const char *name);

/* Read `fd` of /proc/PID/stat from its start. Returns 0, or -1 when the process is gone. */
int rec_proc_read_stat(int fd, struct rec_proc_stat *ret_stat);

/* False when the process is gone, a zombie, or in its exit. */
bool rec_proc_is_alive(pid_t pid);

/* Whole file into `buffer`, NUL-terminated. Returns its length, or -1 with errno. */
ssize_t rec_proc_read(pid_t pid, const char *name, char *buffer, size_t size_bytes);

/* Target of a link of /proc/PID such as "exe", NUL-terminated. Returns 0, or -1. */
int rec_proc_link(pid_t pid, const char *name, char *path, size_t size_bytes);

/* CPU time of all threads of the process, dead ones too, in ns. Returns 0, or -1. */
int rec_proc_cpu_ns(pid_t pid, uint64_t *ret_ns);

/* CLOCK_MONOTONIC in ns. */
uint64_t rec_now_ns(void);

#endif
