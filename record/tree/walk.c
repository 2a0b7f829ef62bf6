#include "tree/walk.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "procfs.h"

static void take_image(struct rec_tree *tree, uint64_t now_ns, pid_t pid)
{
	char name[32];
	if (rec_proc_read(pid, "comm", name, sizeof(name)) <= 0)
		return;
	name[strcspn(name, "\n")] = '\0';
	rec_tree_exec(tree, now_ns, pid, name);
}

/* The children of one thread, a list of numbers. */
static void walk_children(struct rec_tree *tree, uint64_t now_ns, pid_t pid, const char *tid)
{
	char name[300], text[8192];
	snprintf(name, sizeof(name), "task/%s/children", tid);
	if (rec_proc_read(pid, name, text, sizeof(text)) <= 0)
		return;
	char *at = text;
	for (;;) {
		pid_t child = (pid_t)strtol(at, &at, 10);
		if (child <= 0)
			return;
		/* We may be a child ourselves of who has started us, but are not recorded. */
		if (child == getpid() || rec_tree_process(tree, child) || !rec_proc_is_alive(child))
			continue;
		rec_tree_fork(tree, now_ns, pid, child, child);
		take_image(tree, now_ns, child);
	}
}

static void walk_process(struct rec_tree *tree, uint64_t now_ns, pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *folder = opendir(path);
	if (!folder)
		return;
	struct dirent *entry;
	while ((entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			walk_children(tree, now_ns, pid, entry->d_name);
	closedir(folder);
}

/* A process whose program has changed since we named it. */
static void check_image(struct rec_tree *tree, struct rec_process *process, uint64_t now_ns)
{
	char exe[4096];
	if (rec_proc_link(process->pid, "exe", exe, sizeof(exe)) != 0)
		return;
	if (!rec_tree_is_image(tree, process, exe))
		take_image(tree, now_ns, process->pid);
}

void rec_walk(struct rec_tree *tree, uint64_t now_ns, bool only_hidden)
{
	struct rec_process *process, *next;
	int takes_orphans = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &takes_orphans);
	if (takes_orphans && !only_hidden)
		walk_process(tree, now_ns, getpid());
	for (process = rec_tree_first(tree); process; process = next) {
		next = rec_tree_next(process);
		if (process->end_ns != 0 || (only_hidden && !process->is_hidden))
			continue;
		if (kill(process->pid, 0) != 0 && errno == ESRCH) {
			rec_tree_exit(tree, now_ns, process->pid, 0);
			continue;
		}
		check_image(tree, process, now_ns);
		/* New ones are put before this one: the next walk looks at their children. */
		walk_process(tree, now_ns, process->pid);
	}
}
