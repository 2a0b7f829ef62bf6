#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session.h"

#define DEFAULT_VIEW "summary"
/* Of the name of the file, for who may find it. */
#define SUFFIX ".cbor.zst"

/* What a recording changes in its own process, and its children would inherit. */
struct surroundings {
	sigset_t mask;
	struct rlimit files;
	int nice;
};

static void remember(struct surroundings *found)
{
	sigprocmask(SIG_SETMASK, NULL, &found->mask);
	getrlimit(RLIMIT_NOFILE, &found->files);
	found->nice = getpriority(PRIO_PROCESS, 0);
}

/* Our signals stay blocked: until the file is gone only trender is interrupted by Ctrl-C. */
static void restore(const struct surroundings *found)
{
	setrlimit(RLIMIT_NOFILE, &found->files);
	setpriority(PRIO_PROCESS, 0, found->nice);
}

/* Returns: the path of a new empty file, which the caller removes and frees; NULL with errno. */
static char *make_file(void)
{
	const char *folder = getenv("TMPDIR");
	char *path;
	if (asprintf(&path, "%s/trec-XXXXXX" SUFFIX, folder && *folder ? folder : "/tmp") < 0)
		return NULL;
	int fd = mkostemps(path, (int)strlen(SUFFIX), 0);
	if (fd < 0) {
		int saved_errno = errno;
		free(path);
		errno = saved_errno;
		return NULL;
	}
	close(fd);
	return path;
}

/* The trender that was installed with us; without one, whichever is in PATH. */
static void find_trender(char *ret_path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", ret_path, size - 1);
	ret_path[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(ret_path, '/');
	if (slash && (size_t)(slash - ret_path) + sizeof("/trender") <= size) {
		strcpy(slash, "/trender");
		if (access(ret_path, X_OK) == 0)
			return;
	}
	strcpy(ret_path, "trender");
}

/*
 * `input`: what becomes its stdin; NULL: ours stays.
 * Returns 0 and its wait status, or the errno of starting it.
 */
static int run_trender(char *const *argv, const char *input, const struct surroundings *found,
	int *ret_wait_status)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	pid_t pid;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (input)
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &found->mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	while (error == 0 && waitpid(pid, ret_wait_status, 0) < 0)
		error = errno == EINTR ? 0 : errno;
	return error;
}

/* `stays`: it has a name that trender may mention. Returns: false after an error was said. */
static bool show(const char *view, const char *trace, bool stays, const struct surroundings *found,
	const struct msg *msg)
{
	char trender[4096], option[] = "--view", end[] = "--";
	char *argv[] = {trender, option, (char *)view, stays ? end : NULL, (char *)trace, NULL};
	int wait_status = 0;
	find_trender(trender, sizeof(trender));
	int error = run_trender(argv, stays ? NULL : trace, found, &wait_status);
	if (error == ENOENT)
		msg_error(msg,
			"no trender beside trec or in PATH: the trace is kept: trender --view %s %s",
			view, trace);
	else if (error != 0)
		msg_error(msg, "cannot run %s: %s: the trace is kept: %s", trender, strerror(error),
			trace);
	else if (wait_status != 0 && !(WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGINT))
		msg_error(msg, "trender has not shown it: the trace is kept: %s", trace);
	else
		return true;
	return false;
}

int rec_report_run(const struct rec_options *options, const struct msg *msg)
{
	struct rec_options wanted = *options;
	struct surroundings found;
	struct stat st;
	char *made = options->output ? NULL : make_file();
	if (!options->output && !made) {
		msg_error(msg, "cannot make a file for the trace in %s: %s: use -o FILE, or TMPDIR",
			getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", strerror(errno));
		return options->pids.count > 0 ? EXIT_FAILED : REC_EXIT_FAILED;
	}
	wanted.output = made ? made : options->output;
	remember(&found);
	int status = rec_session_run(&wanted, msg);
	restore(&found);
	/* Where nothing was recorded an error has been said. */
	bool has_trace = stat(wanted.output, &st) == 0 && st.st_size > 0;
	bool is_done = !has_trace || show(options->report[0] ? options->report : DEFAULT_VIEW,
					     wanted.output, !made, &found, msg);
	if (made && is_done)
		unlink(made);
	free(made);
	return status;
}
