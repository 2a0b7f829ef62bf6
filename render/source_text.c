#include "source_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES      256
#define MAX_FILE_BYTES (2 << 20)
#define MAX_ALL_BYTES  (32 << 20)
#define MAX_PATH_BYTES 4096

/* A file that was looked for; without lines when it is not to be shown. */
struct source_file {
	const char *path; /* of the trace */
	char *text;	  /* its lines end in NULs */
	char **lines;	  /* `line_count` */
	size_t line_count;
};

struct rend_sources {
	const struct rend_model *model;
	struct source_file files[MAX_FILES];
	size_t file_count;
	size_t all_bytes;
	size_t changed_count;
};

struct rend_sources *rend_sources_new(const struct rend_model *model)
{
	struct rend_sources *sources = calloc(1, sizeof(*sources));
	if (sources != NULL)
		sources->model = model;
	return sources;
}

void rend_sources_free(struct rend_sources *sources)
{
	for (size_t i = 0; sources != NULL && i < sources->file_count; i++) {
		free(sources->files[i].text);
		free(sources->files[i].lines);
	}
	free(sources);
}

size_t rend_sources_changed_count(const struct rend_sources *sources)
{
	return sources != NULL ? sources->changed_count : 0;
}

/* Opening must not wait, as it would for the other end of a FIFO. */
static int open_source(const struct rend_sources *sources, const char *path)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char whole[MAX_PATH_BYTES];
	if (path[0] == '/')
		return open(path, flags);
	int length = snprintf(whole, sizeof(whole), "%s/%s", sources->model->header->cwd, path);
	return length < MAX_PATH_BYTES ? open(whole, flags) : -1;
}

/* The text of a file as it was recorded, NULL when it is not to be had. */
static char *read_source(struct rend_sources *sources, const char *path, size_t *ret_size)
{
	const int64_t recorded_s = sources->model->header->utc_ns / 1000000000;
	struct stat status;
	char *text = NULL;
	int fd = open_source(sources, path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0 ||
		status.st_size > MAX_FILE_BYTES ||
		sources->all_bytes + (size_t)status.st_size > MAX_ALL_BYTES)
		goto out;
	if (recorded_s > 0 && status.st_mtime > recorded_s) {
		sources->changed_count++;
		goto out;
	}
	text = malloc((size_t)status.st_size + 1);
	ssize_t size = text != NULL ? read(fd, text, (size_t)status.st_size) : -1;
	if (size < 0) {
		free(text);
		text = NULL;
		goto out;
	}
	text[size] = '\0';
	*ret_size = (size_t)size;
	sources->all_bytes += (size_t)size;
out:
	close(fd);
	return text;
}

static void split_lines(struct source_file *file, size_t size)
{
	size_t count = 1;
	for (size_t i = 0; i < size; i++)
		count += file->text[i] == '\n';
	file->lines = malloc(count * sizeof(*file->lines));
	if (file->lines == NULL)
		return;
	char *line = file->text;
	for (size_t i = 0; i < count; i++) {
		char *end = memchr(line, '\n', (size_t)(file->text + size - line));
		file->lines[i] = line;
		if (end == NULL)
			break;
		*end = '\0';
		line = end + 1;
	}
	file->line_count = count;
}

static const struct source_file *find_file(struct rend_sources *sources, const char *path)
{
	static const struct source_file none;
	size_t size;
	for (size_t i = 0; i < sources->file_count; i++) {
		if (strcmp(sources->files[i].path, path) == 0)
			return &sources->files[i];
	}
	if (sources->file_count == MAX_FILES)
		return &none;
	struct source_file *file = &sources->files[sources->file_count++];
	file->path = path;
	file->text = read_source(sources, path, &size);
	if (file->text != NULL)
		split_lines(file, size);
	return file;
}

const char *rend_sources_line(struct rend_sources *sources, const struct tfmt_location *location)
{
	if (sources == NULL || location->line == 0 || location->file[0] == '\0' ||
		location->file[0] == '<')
		return "";
	const struct source_file *file = find_file(sources, location->file);
	if (location->line > file->line_count)
		return "";
	const char *line = file->lines[location->line - 1];
	return line + strspn(line, " \t");
}
