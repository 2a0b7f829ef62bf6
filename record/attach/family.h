/* Who descends from whom, and which threads there are, as /proc shows it now. */
#ifndef RECORD_ATTACH_FAMILY_H
#define RECORD_ATTACH_FAMILY_H

#include <stddef.h>
#include <sys/types.h>

struct rec_member {
	pid_t pid, ppid;
	char name[16];
};

struct rec_family {
	struct rec_member *members; /* parents before their children */
	size_t count;
};

/*
 * Find those of `roots` that live, and all their living descendants. Zombies and what /proc hides
 * from us are left out.
 * Returns: 0 and a family to release, or -1 with errno.
 */
int rec_family_find(const pid_t *roots, size_t root_count, struct rec_family *ret_family);
void rec_family_release(struct rec_family *family);

/*
 * The threads of a process, one that is about to end among them. The caller frees `*ret_tids`.
 * Returns: their number; 0, and nothing to free, when the process is gone.
 */
size_t rec_family_threads(pid_t pid, pid_t **ret_tids);

#endif
