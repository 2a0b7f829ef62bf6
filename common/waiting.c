#include "waiting.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LOOK_AGAIN_MS 200

int waiting_begin(struct waiting *waiting, int fd, const char *path, const struct msg *msg)
{
	struct stat st, named;
	sigset_t mask;

	*waiting = (struct waiting){.fd = fd, .signal_fd = -1};
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		waiting->is_file = true;
		waiting->device = st.st_dev;
		waiting->inode = st.st_ino;
		waiting->size_bytes = st.st_size;
		if (path && stat(path, &named) == 0 && named.st_dev == st.st_dev &&
			named.st_ino == st.st_ino)
			waiting->path = path;
	}
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &waiting->old_mask);
	waiting->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (waiting->signal_fd >= 0)
		return 0;
	msg_error(msg, "cannot wait for signals: %s", strerror(errno));
	waiting_release(waiting);
	return EXIT_FAILED;
}

void waiting_release(struct waiting *waiting)
{
	if (waiting->signal_fd >= 0)
		close(waiting->signal_fd);
	waiting->signal_fd = -1;
	sigprocmask(SIG_SETMASK, &waiting->old_mask, NULL);
}

/* Whether somebody holds a lock on the file, as its recorder does: a line of /proc/locks. */
static bool has_writer(const struct waiting *waiting)
{
	char wanted[64], line[256];
	bool is_found = false;
	FILE *locks = fopen("/proc/locks", "re");

	if (!locks)
		return false;
	snprintf(wanted, sizeof(wanted), " %02x:%02x:%llu ", major(waiting->device),
		minor(waiting->device), (unsigned long long)waiting->inode);
	while (!is_found && fgets(line, sizeof(line), locks))
		is_found = strstr(line, "FLOCK") && strstr(line, wanted);
	fclose(locks);
	return is_found;
}

/* What has become of a file. */
static enum waiting_end look_at_file(struct waiting *waiting)
{
	struct stat now, named;

	if (fstat(waiting->fd, &now) != 0)
		return WAITING_REPLACED;
	if (now.st_size < waiting->size_bytes)
		return WAITING_CUT;
	waiting->size_bytes = now.st_size;
	if (waiting->path && (stat(waiting->path, &named) != 0 || named.st_dev != waiting->device ||
				     named.st_ino != waiting->inode))
		return WAITING_REPLACED;
	if (has_writer(waiting))
		waiting->had_writer = true;
	else if (waiting->had_writer)
		return WAITING_CLOSED;
	return WAITING_GOES_ON;
}

bool waiting_wait(struct waiting *waiting)
{
	struct signalfd_siginfo taken;
	struct pollfd what[] = {
		{.fd = waiting->signal_fd, .events = POLLIN},
		{.fd = waiting->fd, .events = POLLIN},
	};

	if (waiting->end != WAITING_GOES_ON && waiting->is_last_look)
		return false;
	if (poll(what, waiting->is_file ? 1 : 2, LOOK_AGAIN_MS) > 0 && what[0].revents &&
		read(waiting->signal_fd, &taken, sizeof(taken)) == sizeof(taken)) {
		waiting->end = WAITING_INTERRUPTED;
		waiting->is_last_look = true;
		return false;
	}
	if (!waiting->is_file)
		return true; /* its end is read */
	waiting->is_last_look = waiting->end != WAITING_GOES_ON;
	if (!waiting->is_last_look)
		waiting->end = look_at_file(waiting);
	return true;
}

void waiting_report(const struct waiting *waiting, const char *name, const struct msg *msg)
{
	if (waiting->end == WAITING_CUT)
		msg_warn(msg, "%s: has become shorter: no longer followed", name);
	else if (waiting->end == WAITING_REPLACED)
		msg_warn(msg, "%s: was replaced or removed: no longer followed", name);
	else if (waiting->end == WAITING_CLOSED)
		msg_warn(msg, "%s: its recorder is gone: no longer followed", name);
}
