/*
 * Run a command with system calls refused, as a container or a strict kernel would:
 *
 *	refuse WHAT[,WHAT...] COMMAND [ARGUMENT...]
 *
 * WHAT is "perf" (perf_event_open: EACCES), "connector" (netlink sockets: EPERM), "ptrace",
 * "process_vm_readv" (EPERM), or "no_process_vm_readv" (ENOSYS, as of a kernel without it).
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
#define FAIL_WITH(error)    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)(error))
#define ALLOW		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const struct refusal {
	const char *name;
	unsigned call;
	int error;
	int first_argument; /* the call is refused with it only; -1: always */
} refusals[] = {
	{"perf", SYS_perf_event_open, EACCES, -1},
	{"connector", SYS_socket, EPERM, AF_NETLINK},
	{"ptrace", SYS_ptrace, EPERM, -1},
	{"process_vm_readv", SYS_process_vm_readv, EPERM, -1},
	{"no_process_vm_readv", SYS_process_vm_readv, ENOSYS, -1},
};

static int install(const struct refusal *refusal)
{
	struct sock_filter always[] = {
		LOAD(nr), UNLESS(refusal->call, 1), FAIL_WITH(refusal->error), ALLOW};
	struct sock_filter with_argument[] = {LOAD(nr), UNLESS(refusal->call, 3), LOAD(args[0]),
		UNLESS((unsigned)refusal->first_argument, 1), FAIL_WITH(refusal->error), ALLOW};
	struct sock_fprog program = {sizeof(always) / sizeof(*always), always};
	if (refusal->first_argument >= 0)
		program = (struct sock_fprog){
			sizeof(with_argument) / sizeof(*with_argument), with_argument};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static const struct refusal *find(const char *name)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (strcmp(refusals[i].name, name) == 0)
			return &refusals[i];
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		perror("refuse");
		return 77;
	}
	for (char *name = strtok(argv[1], ","); name; name = strtok(NULL, ",")) {
		const struct refusal *refusal = find(name);
		if (!refusal) {
			fprintf(stderr, "refuse: %s is not known\n", name);
			return 2;
		}
		if (install(refusal) != 0) {
			perror("refuse");
			return 77;
		}
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
