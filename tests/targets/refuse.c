/*
 * Run a command with system calls refused, as a container or a strict kernel would:
 *
 *	refuse perf|connector[,...] COMMAND [ARGUMENT...]
 *
 * "perf": perf_event_open fails with EACCES. "connector": netlink sockets fail with EPERM.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field)	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define FAIL_WITH(error)    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int install(struct sock_filter *filter, size_t count)
{
	struct sock_fprog program = {(unsigned short)count, filter};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int main(int argc, char **argv)
{
	struct sock_filter perf[] = {
		LOAD(nr), UNLESS(SYS_perf_event_open, 1), FAIL_WITH(EACCES), ALLOW};
	struct sock_filter connector[] = {LOAD(nr), UNLESS(SYS_socket, 3), LOAD(args[0]),
		UNLESS(AF_NETLINK, 1), FAIL_WITH(EPERM), ALLOW};
	if (argc < 3)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		(strstr(argv[1], "perf") && install(perf, sizeof(perf) / sizeof(*perf)) != 0) ||
		(strstr(argv[1], "connector") &&
			install(connector, sizeof(connector) / sizeof(*connector)) != 0)) {
		perror("refuse");
		return 77;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
