#include "folder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tracefmt/error.h"

int conv_folder_open(struct conv_folder *folder, const char *path, const struct msg *msg)
{
	*folder = (struct conv_folder){.path = path, .msg = msg};
	if (!mkdir(path, 0777) || errno == EEXIST)
		return EXIT_OK;
	msg_error(msg, "cannot make the folder %s: %s", path, strerror(errno));
	return EXIT_FAILED;
}

int conv_folder_add(struct conv_folder *folder, const char *name, struct conv_sink **ret_sink)
{
	struct conv_file *file = &folder->files[folder->count];

	if (folder->count == CONV_MAX_FILES)
		return TFMT_E_NOMEM;
	*file = (struct conv_file){0};
	if (asprintf(&file->path, "%s%s", folder->path, name) < 0) {
		file->path = NULL;
		return TFMT_E_NOMEM;
	}
	folder->count++;
	folder->failed = output_open(&file->output, file->path, false, folder->msg) != EXIT_OK;
	if (folder->failed)
		return TFMT_E_IO;
	*ret_sink = &file->sink;
	return conv_sink_init(&file->sink, file->output.stream);
}

int conv_folder_commit(struct conv_folder *folder)
{
	struct conv_file *file;
	int status = EXIT_OK;
	size_t i;

	for (i = 0; !status && i < folder->count; i++) {
		file = &folder->files[i];
		if (!conv_sink_flush(&file->sink))
			continue;
		msg_error(folder->msg, "cannot write %s: %s", file->path,
			strerror(file->sink.saved_errno));
		status = EXIT_FAILED;
	}
	for (i = 0; !status && i < folder->count; i++)
		status = output_commit(&folder->files[i].output, folder->msg);
	return status;
}

void conv_folder_release(struct conv_folder *folder)
{
	size_t i;

	for (i = 0; i < folder->count; i++) {
		output_abort(&folder->files[i].output);
		conv_sink_release(&folder->files[i].sink);
		free(folder->files[i].path);
	}
	folder->count = 0;
}
