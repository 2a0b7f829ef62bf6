/*
 * Files as a process sees them that may live in a root of its own, and may mean harm: no link
 * leads out of that root, and nothing waits or does things when it is opened.
 */
#ifndef RECORD_ROOTED_H
#define RECORD_ROOTED_H

/*
 * Open a regular file for reading, `path` in the folder that is open as `root`. The last component
 * may not be a link. Returns: a descriptor, or -1.
 */
int rec_open_rooted(int root, const char *path);

/* The same for a path of our own root, which may be a link. */
int rec_open_regular(const char *path);

#endif
