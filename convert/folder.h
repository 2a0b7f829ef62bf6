/* A folder as the output of formats that are several files. Each appears when all are complete. */
#ifndef CONV_FOLDER_H
#define CONV_FOLDER_H

#include "bytesink.h"
#include "files.h"

#define CONV_MAX_FILES 32

struct conv_folder {
	const char *path; /* ends in '/' */
	const struct msg *msg;
	bool failed; /* to open a file: the reason has been said */
	struct conv_file {
		char *path;
		struct output output;
		struct conv_sink sink;
	} files[CONV_MAX_FILES];
	size_t count;
};

/* Make the folder, unless it is there. Returns 0, or the exit status; the reason has been said. */
int conv_folder_open(struct conv_folder *folder, const char *path, const struct msg *msg);

/* A file in it. Returns: 0; TFMT_E_NOMEM; TFMT_E_IO, with `failed`. */
int conv_folder_add(struct conv_folder *folder, const char *name, struct conv_sink **ret_sink);

/* Let all files appear. Returns 0, or the exit status; the reason has been said. */
int conv_folder_commit(struct conv_folder *folder);

/* Remove what did not appear. */
void conv_folder_release(struct conv_folder *folder);

#endif
