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
	uint64_t minor_faults, major_faults;
	uint32_t threads;
	int cpu; /* where it runs, or ran last */
};

/* /proc/PID/io: of all threads, ended ones included. */
struct rec_proc_io {
	uint64_t read_bytes, write_bytes; /* by system calls, of files, pipes and terminals */
	uint64_t disk_read_bytes, disk_write_bytes;
};

/* /proc/PID/smaps_rollup: the kernel walks all page tables, about 10 us for each resident MiB. */
struct rec_proc_shares {
	uint64_t pss_bytes;  /* each page divided by how many processes share it */
	uint64_t uss_bytes;  /* pages of this process only */
	uint64_t swap_bytes; /* divided as of pss_bytes */
};

/* Open /proc/PID/NAME; -1 with errno when it cannot be. */
int rec_proc_open(pid_t pid, const char *name);

/* Read `fd` of /proc/PID/stat from its start. Returns 0, or -1 when the process is gone. */
int rec_proc_read_stat(int fd, struct rec_proc_stat *ret_stat);

/*
 * The same of other files. Return 0 or a negative errno: -EACCES where it is not ours to read,
 * -ESRCH or -ENOENT when the process is gone.
 */
int rec_proc_read_io(int fd, struct rec_proc_io *ret_io);
int rec_proc_read_shares(pid_t pid, struct rec_proc_shares *ret_shares);
int rec_proc_count_fds(pid_t pid, uint64_t *ret_count);
/* Among the first `max_fds` descriptors; -EOVERFLOW when there are more. */
int rec_proc_count_sockets(pid_t pid, unsigned max_fds, uint64_t *ret_count);
/* The highest resident memory so far. */
int rec_proc_read_peak(pid_t pid, uint64_t *ret_bytes);
/* Context switches of the living threads, of which -EOVERFLOW when over `max_threads`. */
int rec_proc_count_switches(
	pid_t pid, unsigned max_threads, uint64_t *ret_voluntary, uint64_t *ret_involuntary);

void rec_proc_io_add(struct rec_proc_io *io, const struct rec_proc_io *more);
/* What would be below 0 is 0. */
void rec_proc_io_subtract(struct rec_proc_io *io, const struct rec_proc_io *less);

/* The number after `key` in `text` that may have lines of other keys; false without one. */
bool rec_proc_find(const char *text, const char *key, uint64_t *ret_value);

/* False when the process is gone, a zombie, or in its exit. */
bool rec_proc_is_alive(pid_t pid);

/* Where a thread waits, as /proc/PID/task/TID/syscall has it. */
struct rec_proc_syscall {
	long number;	   /* -1: in none, as when it waits for a page */
	uint64_t argument; /* the first one */
	uint64_t sp, pc;
};

/*
 * Understand "NUMBER ARGUMENT*6 SP PC", or "-1 SP PC". Returns false for a thread that runs
 * ("running") or has ended.
 * Source: proc_pid_syscall() of the kernel.
 */
bool rec_proc_parse_syscall(const char *line, struct rec_proc_syscall *ret_syscall);

/* The number of a thread in its innermost pid namespace; `tid` itself when that is unknown. */
pid_t rec_proc_inner_number(pid_t pid, pid_t tid);

/* Whole file into `buffer`, NUL-terminated. Returns its length, or -1 with errno. */
ssize_t rec_proc_read(pid_t pid, const char *name, char *buffer, size_t size_bytes);

/* Target of a link of /proc/PID such as "exe", NUL-terminated. Returns 0, or -1. */
int rec_proc_link(pid_t pid, const char *name, char *path, size_t size_bytes);

/* CPU time of all threads of the process, dead ones too, in ns. Returns 0, or -1. */
int rec_proc_cpu_ns(pid_t pid, uint64_t *ret_ns);

/* CLOCK_MONOTONIC in ns. */
uint64_t rec_now_ns(void);

#endif
