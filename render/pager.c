#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_WORDS 32

extern char **environ;

/* The command, "" for none. */
static const char *choose_pager(void)
{
	const char *terminal = getenv("TERM");
	const char *pager = getenv("TRENDER_PAGER");
	if (pager == NULL)
		pager = getenv("PAGER");
	if (!isatty(STDOUT_FILENO) || terminal == NULL || strcmp(terminal, "dumb") == 0)
		return "";
	if (pager == NULL)
		return "less";
	return strcmp(pager, "cat") == 0 ? "" : pager;
}

/* Words between blanks, the last one followed by a NULL. Returns how many there are. */
static size_t split(char *text, char *words[MAX_WORDS])
{
	size_t count = 0;
	char *rest;
	for (char *word = strtok_r(text, " \t", &rest); word != NULL && count < MAX_WORDS - 1;
		word = strtok_r(NULL, " \t", &rest))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

/* Start `words` with its input from `input_fd`. Interrupting it is the pager's business. */
static bool start(char *words[], int input_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&files, input_fd, STDIN_FILENO);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigaddset(&defaults, SIGINT);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	bool has_started =
		posix_spawnp(ret_pid, words[0], &files, &attributes, words, environ) == 0;
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return has_started;
}

void rend_pager_open(struct rend_pager *pager)
{
	char *words[MAX_WORDS];
	int fds[2];
	*pager = (struct rend_pager){0};
	char *command = strdup(choose_pager());
	if (command == NULL || split(command, words) == 0 || pipe2(fds, O_CLOEXEC) != 0) {
		free(command);
		return;
	}
	/* As git has it: leave when it fits on a screen, show colours, keep the text there. */
	setenv("LESS", "FRX", 0);
	if (start(words, fds[0], &pager->pid))
		pager->stream = fdopen(fds[1], "w");
	if (pager->stream == NULL)
		close(fds[1]);
	close(fds[0]);
	free(command);
	/* Leaving the pager early and interrupting it end neither this program nor its status. */
	if (pager->stream != NULL) {
		signal(SIGPIPE, SIG_IGN);
		signal(SIGINT, SIG_IGN);
	}
}

void rend_pager_close(struct rend_pager *pager)
{
	if (pager->stream == NULL)
		return;
	fclose(pager->stream);
	while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pager = (struct rend_pager){0};
}
