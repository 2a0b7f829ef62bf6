#include "tree/connector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "procfs.h"

/* A burst of forks waits here while the recorder does other things. */
#define RECEIVE_BUFFER_BYTES (4 << 20)
/* PROC_PID_INIT_INO and PROC_USER_INIT_INO of the kernel's <linux/proc_ns.h>. */
#define FIRST_PID_NAMESPACE  0xeffffffcu
#define FIRST_USER_NAMESPACE 0xeffffffdu

static int say_listen(int fd)
{
	enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
	struct cn_msg connector = {
		.id = {.idx = CN_IDX_PROC, .val = CN_VAL_PROC}, .len = sizeof(operation)};
	struct nlmsghdr netlink = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(connector) + sizeof(operation)),
		.nlmsg_type = NLMSG_DONE,
	};
	struct iovec parts[] = {{&netlink, sizeof(netlink)}, {&connector, sizeof(connector)},
		{&operation, sizeof(operation)}};
	return writev(fd, parts, 3) == (ssize_t)netlink.nlmsg_len ? 0 : -1;
}

/* The event is not aligned in its message, and shorter in older kernels. */
static void copy_event(const struct cn_msg *message, struct proc_event *event)
{
	size_t size = message->len < sizeof(*event) ? message->len : sizeof(*event);
	memcpy(event, message->data, size);
}

/* The kernel answers a listener with an event that carries an errno. */
static int wait_for_answer(int fd)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct timeval limit = {.tv_usec = 100000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	for (int i = 0; i < 64; i++) {
		ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
		if (n < (ssize_t)(NLMSG_HDRLEN + sizeof(struct cn_msg) + 16))
			return -1;
		const struct cn_msg *message = NLMSG_DATA((struct nlmsghdr *)(void *)buffer);
		struct proc_event event = {0};
		copy_event(message, &event);
		if (event.what != PROC_EVENT_NONE)
			continue;
		errno = (int)event.event_data.ack.err;
		return errno ? -1 : 0;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* Elsewhere the kernel takes the request and never answers. Namespaces have fixed numbers. */
static bool is_in_first_namespaces(void)
{
	struct stat pid, user;
	return stat("/proc/self/ns/pid", &pid) != 0 || stat("/proc/self/ns/user", &user) != 0 ||
	       (pid.st_ino == FIRST_PID_NAMESPACE && user.st_ino == FIRST_USER_NAMESPACE);
}

int rec_connector_open(void)
{
	if (!is_in_first_namespaces()) {
		errno = EPERM;
		return -1;
	}
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	if (fd < 0)
		return -1;
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC};
	int size = RECEIVE_BUFFER_BYTES;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && say_listen(fd) == 0 &&
		wait_for_answer(fd) == 0)
		return fd;
	int saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return -1;
}

void rec_connector_only_ends(int fd)
{
	/* Filters load big-endian words; the message is in ours. */
	const uint32_t event = NLMSG_HDRLEN + sizeof(struct cn_msg);
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, event + offsetof(struct proc_event, what)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl((uint32_t)PROC_EVENT_EXIT), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			event + offsetof(struct proc_event, event_data.exit.process_pid)),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			event + offsetof(struct proc_event, event_data.exit.process_tgid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void rec_connector_everything(int fd)
{
	int unused = 0;
	setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

static void handle_event(const struct proc_event *event,
	void (*handle)(void *context, const struct rec_connector_event *event), void *context)
{
	char name[17] = "";
	struct rec_connector_event out = {.time_ns = event->timestamp_ns};
	switch ((unsigned)event->what) {
	case PROC_EVENT_FORK:
		out.type = REC_CONNECTOR_FORK;
		out.pid = event->event_data.fork.child_tgid;
		out.tid = event->event_data.fork.child_pid;
		out.parent_pid = event->event_data.fork.parent_tgid;
		break;
	case PROC_EVENT_EXEC:
		out.type = REC_CONNECTOR_EXEC;
		out.pid = event->event_data.exec.process_tgid;
		out.tid = event->event_data.exec.process_pid;
		break;
	case PROC_EVENT_COMM:
		out.type = REC_CONNECTOR_NAME;
		out.pid = event->event_data.comm.process_tgid;
		out.tid = event->event_data.comm.process_pid;
		memcpy(name, event->event_data.comm.comm, 16);
		out.name = name;
		break;
	case PROC_EVENT_EXIT:
		out.type = REC_CONNECTOR_EXIT;
		out.pid = event->event_data.exit.process_tgid;
		out.tid = event->event_data.exit.process_pid;
		out.wait_status = (int)event->event_data.exit.exit_code;
		break;
	default:
		return;
	}
	handle(context, &out);
}

void rec_connector_drain(int fd,
	void (*handle)(void *context, const struct rec_connector_event *event), void *context)
{
	char buffer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t n;
	while ((n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) != 0) {
		if (n < 0 && errno == ENOBUFS) {
			struct rec_connector_event lost = {
				.type = REC_CONNECTOR_LOST, .time_ns = rec_now_ns()};
			handle(context, &lost);
			continue;
		}
		if (n < 0)
			return;
		struct nlmsghdr *header = (struct nlmsghdr *)(void *)buffer;
		/* One datagram holds one message. */
		if (!NLMSG_OK(header, (size_t)n))
			continue;
		struct proc_event event = {0};
		const struct cn_msg *message = NLMSG_DATA(header);
		if (message->id.idx != CN_IDX_PROC ||
			message->len > NLMSG_PAYLOAD(header, sizeof(struct cn_msg)))
			continue;
		copy_event(message, &event);
		handle_event(&event, handle, context);
	}
}
