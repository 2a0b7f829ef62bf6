#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

int rec_inherited_take(struct rec_inherited *inherited)
{
	static const int passed_on[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCHLD};
	sigset_t mask;
	sigemptyset(&mask);
	sigemptyset(&inherited->ignored);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++) {
		struct sigaction found;
		sigaddset(&mask, passed_on[i]);
		if (sigaction(passed_on[i], NULL, &found) == 0 && found.sa_handler == SIG_IGN)
			sigaddset(&inherited->ignored, passed_on[i]);
	}
	if (sigprocmask(SIG_BLOCK, &mask, &inherited->mask) != 0)
		return -1;
	/* A closed pipe must end the recording, not the recorder. */
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &ignore, &inherited->pipe);
	/* Ignored by our parent, it would never come, and nobody could be waited for. */
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigaction(SIGCHLD, &plain, &inherited->child);
	if (getrlimit(RLIMIT_NOFILE, &inherited->files) == 0) {
		struct rlimit all = {inherited->files.rlim_max, inherited->files.rlim_max};
		setrlimit(RLIMIT_NOFILE, &all);
	}
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool rec_inherited_ends(const struct rec_inherited *inherited, uint32_t signal, bool from_kernel)
{
	if (signal != SIGHUP && signal != SIGINT && signal != SIGQUIT && signal != SIGTERM)
		return false;
	bool was_ignored = sigismember(&inherited->ignored, (int)signal) == 1;
	return !was_ignored || (!from_kernel && signal != SIGHUP);
}

/* In the child: wait for the byte, then become the program. Never returns. */
static void run_program(char *const *argv, const struct rec_inherited *inherited,
	bool stdout_is_stderr, int go_fd, int error_fd)
{
	char go;
	ssize_t n;
	do
		n = read(go_fd, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(125); /* the recorder gave up */
	if (stdout_is_stderr && dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		close(STDOUT_FILENO);
	setrlimit(RLIMIT_NOFILE, &inherited->files);
	sigaction(SIGPIPE, &inherited->pipe, NULL);
	sigaction(SIGCHLD, &inherited->child, NULL);
	sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
	execvp(argv[0], argv);
	int error = errno;
	while (write(error_fd, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(error == ENOENT ? 127 : 126);
}

int rec_target_start(struct rec_target *target, char *const *argv,
	const struct rec_inherited *inherited, bool stdout_is_stderr)
{
	int go[2], error[2];
	*target = (struct rec_target){.pid = -1, .go_fd = -1, .error_fd = -1};
	if (pipe2(go, O_CLOEXEC) != 0)
		return -1;
	if (pipe2(error, O_CLOEXEC) != 0) {
		close(go[0]);
		close(go[1]);
		return -1;
	}
	target->pid = fork();
	if (target->pid == 0) {
		close(go[1]);
		run_program(argv, inherited, stdout_is_stderr, go[0], error[1]);
	}
	int saved_errno = errno;
	close(go[0]);
	close(error[1]);
	target->go_fd = go[1];
	target->error_fd = error[0];
	if (target->pid > 0)
		return 0;
	rec_target_abandon(target);
	errno = saved_errno;
	return -1;
}

static void reap(struct rec_target *target)
{
	while (waitpid(target->pid, &target->wait_status, 0) < 0 && errno == EINTR)
		;
	target->has_ended = true;
}

int rec_target_release(struct rec_target *target)
{
	int error = 0;
	ssize_t n;
	while (write(target->go_fd, "g", 1) < 0 && errno == EINTR)
		;
	close(target->go_fd);
	target->go_fd = -1;
	do
		n = read(target->error_fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	close(target->error_fd);
	target->error_fd = -1;
	if (n == 0)
		return 0;
	reap(target);
	return n == sizeof(error) ? error : EIO;
}

void rec_target_abandon(struct rec_target *target)
{
	if (target->go_fd >= 0)
		close(target->go_fd);
	if (target->error_fd >= 0)
		close(target->error_fd);
	target->go_fd = target->error_fd = -1;
	if (target->pid > 0 && !target->has_ended)
		reap(target);
}

int rec_target_exit_status(const struct rec_target *target)
{
	if (WIFSIGNALED(target->wait_status))
		return 128 + WTERMSIG(target->wait_status);
	return WEXITSTATUS(target->wait_status);
}
