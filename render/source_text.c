#include "source_text.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source_find.h"

#define MAX_FILES      256
#define MAX_FILE_BYTES (16 << 20)
#define MAX_ALL_BYTES  (64 << 20)
#define MAX_LINES      (1 << 20) /* of a file; what is beyond has no text */

struct rend_sources {
	const struct rend_model *model;
	struct rend_source files[MAX_FILES];
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

static void source_clear(struct rend_source *source)
{
	free(source->place);
	free(source->text);
	free(source->line_offsets);
	*source = (struct rend_source){.path = source->path, .state = REND_SOURCE_MISSING};
}

void rend_sources_free(struct rend_sources *sources)
{
	for (size_t i = 0; sources != NULL && i < sources->file_count; i++)
		source_clear(&sources->files[i]);
	free(sources);
}

size_t rend_sources_changed_count(const struct rend_sources *sources)
{
	return sources != NULL ? sources->changed_count : 0;
}

static bool is_newer(const struct rend_model *model, const struct stat *status)
{
	int64_t changed_ns = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
	return model->header->utc_ns > 0 && changed_ns > model->header->utc_ns;
}

/* Its bytes, which must be text, ended by a NUL. */
static void read_text(struct rend_source *source, int fd, size_t size)
{
	source->text = malloc(size + 1);
	ssize_t length = source->text != NULL ? read(fd, source->text, size) : -1;
	if (length < 0 || memchr(source->text, '\0', (size_t)length) != NULL) {
		free(source->text);
		source->text = NULL;
		source->state = REND_SOURCE_NO_TEXT;
		return;
	}
	source->text[length] = '\0';
}

static void split_lines(struct rend_source *source)
{
	size_t count = 1;
	for (const char *c = source->text; *c != '\0'; c++)
		count += *c == '\n';
	if (count > MAX_LINES)
		count = MAX_LINES;
	source->line_offsets = malloc(count * sizeof(*source->line_offsets));
	if (source->line_offsets == NULL)
		return;
	char *line = source->text;
	for (size_t i = 0; i < count; i++) {
		char *end = line + strcspn(line, "\n");
		source->line_offsets[i] = (uint32_t)(line - source->text);
		line = *end == '\n' ? end + 1 : end;
		*end = '\0';
	}
	source->line_count = count;
}

/* Opening must not wait, as it would for the other end of a FIFO, nor touch a device. */
static void read_source(struct rend_sources *sources, struct rend_source *source, const char *place)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat status;
	if (stat(place, &status) != 0)
		return;
	source->state = REND_SOURCE_NO_TEXT;
	int fd = S_ISREG(status.st_mode) ? open(place, flags) : -1;
	if (fd < 0)
		return;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		goto out;
	size_t size = status.st_size > 0 ? (size_t)status.st_size : 0;
	source->state = is_newer(sources->model, &status) ? REND_SOURCE_CHANGED : REND_SOURCE_FOUND;
	if (size > MAX_FILE_BYTES || sources->all_bytes + size > MAX_ALL_BYTES)
		source->state = REND_SOURCE_TOO_LARGE;
	else
		read_text(source, fd, size);
	if (source->text == NULL)
		goto out;
	sources->all_bytes += size;
	source->place = strdup(place);
	split_lines(source);
out:
	close(fd);
}

/* The first place with the file as it was, else the first where there is something. */
static void find_source(struct rend_sources *sources, struct rend_source *source)
{
	struct rend_source_places places = {.model = sources->model, .path = source->path};
	struct rend_source other = {.path = source->path, .state = REND_SOURCE_MISSING};
	while (source->state != REND_SOURCE_FOUND && rend_source_places_next(&places)) {
		read_source(sources, source, places.place);
		if (source->state == REND_SOURCE_FOUND || source->state == REND_SOURCE_MISSING)
			continue;
		if (other.state != REND_SOURCE_CHANGED &&
			(other.state == REND_SOURCE_MISSING ||
				source->state == REND_SOURCE_CHANGED)) {
			other = *source;
			*source = (struct rend_source){.path = source->path};
		}
		source_clear(source);
	}
	if (source->state == REND_SOURCE_FOUND)
		source_clear(&other);
	else
		*source = other;
}

const struct rend_source *rend_sources_file(struct rend_sources *sources, const char *path)
{
	static const struct rend_source none = {.path = "", .state = REND_SOURCE_MISSING};
	for (size_t i = 0; i < sources->file_count; i++) {
		if (strcmp(sources->files[i].path, path) == 0)
			return &sources->files[i];
	}
	if (sources->file_count == MAX_FILES || path[0] == '\0' || path[0] == '<')
		return &none;
	struct rend_source *source = &sources->files[sources->file_count++];
	*source = (struct rend_source){.path = path, .state = REND_SOURCE_MISSING};
	find_source(sources, source);
	sources->changed_count += source->state == REND_SOURCE_CHANGED;
	return source;
}

const char *rend_source_line(const struct rend_source *source, uint32_t line)
{
	if (line == 0 || line > source->line_count)
		return "";
	return source->text + source->line_offsets[line - 1];
}

const char *rend_sources_line(struct rend_sources *sources, const struct tfmt_location *location)
{
	if (sources == NULL || location->line == 0)
		return "";
	const struct rend_source *source = rend_sources_file(sources, location->file);
	if (source->state != REND_SOURCE_FOUND)
		return "";
	const char *line = rend_source_line(source, location->line);
	return line + strspn(line, " \t");
}
