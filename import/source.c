#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_CAPACITY ((size_t)256 << 10)

int imp_source_open(struct imp_source *source, int fd, const char *name, struct progress *progress)
{
	struct stat st;
	int own = dup(fd);

	*source =
		(struct imp_source){.name = name, .progress = progress, .capacity = FIRST_CAPACITY};
	if (fstat(fd, &st) == 0)
		source->size_bytes = (uint64_t)st.st_size;
	source->text = malloc(source->capacity + 1);
	source->file = own >= 0 ? gzdopen(own, "rb") : NULL;
	if (source->text && source->file)
		return 0;
	if (!source->file && own >= 0)
		close(own);
	imp_source_close(source);
	return TFMT_E_NOMEM;
}

void imp_source_close(struct imp_source *source)
{
	if (source->file)
		gzclose(source->file);
	free(source->text);
	*source = (struct imp_source){0};
}

int imp_source_rewind(struct imp_source *source)
{
	source->begin = source->end = 0;
	source->line = 0;
	return gzrewind(source->file) ? TFMT_E_IO : 0;
}

/* Read on behind what is there. Returns: 1; 0 at the end; negative. */
static int fill(struct imp_source *source, struct tfmt_error *err)
{
	char *grown;
	int got, code;

	if (source->begin) {
		memmove(source->text, source->text + source->begin, source->end - source->begin);
		source->end -= source->begin;
		source->begin = 0;
	}
	if (source->end == source->capacity) {
		if (source->capacity >= IMP_MAX_LINE_BYTES)
			return imp_source_fail(
				source, source->line + 1, 1, err, "a line of more than 16 MiB");
		grown = realloc(source->text, 2 * source->capacity + 1);
		if (!grown)
			return TFMT_E_NOMEM;
		source->text = grown;
		source->capacity *= 2;
	}
	got = gzread(source->file, source->text + source->end,
		(unsigned int)(source->capacity - source->end));
	if (got < 0)
		return tfmt_error_set(err, TFMT_E_IO, 0, "line %llu: %s",
			(unsigned long long)source->line + 1, gzerror(source->file, &code));
	source->end += (size_t)got;
	progress_at(source->progress, (uint64_t)gzoffset(source->file), source->size_bytes);
	return got > 0;
}

int imp_source_line(
	struct imp_source *source, char **ret_line, size_t *ret_length, struct tfmt_error *err)
{
	size_t searched = 0;
	char *end = NULL;
	int status;

	for (;;) {
		char *text = source->text + source->begin;
		size_t there = source->end - source->begin;

		end = memchr(text + searched, '\n', there - searched);
		searched = there;
		if (end)
			break;
		status = fill(source, err);
		if (status < 0)
			return status;
		if (!status && !searched)
			return 0;
		if (!status) {
			end = source->text + source->end;
			break;
		}
	}
	*ret_line = source->text + source->begin;
	*ret_length = (size_t)(end - *ret_line);
	source->begin += *ret_length + (end < source->text + source->end);
	source->line++;
	if (*ret_length && (*ret_line)[*ret_length - 1] == '\r')
		(*ret_length)--;
	(*ret_line)[*ret_length] = '\0';
	return 1;
}

int imp_source_block(struct imp_source *source, const unsigned char **ret_data, size_t *ret_size,
	struct tfmt_error *err)
{
	int status;

	source->begin = source->end = 0;
	status = fill(source, err);
	*ret_data = (const unsigned char *)source->text;
	*ret_size = source->end;
	return status;
}

int imp_source_fail(const struct imp_source *source, uint64_t line, uint64_t column,
	struct tfmt_error *err, const char *format, ...)
{
	char text[160];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return tfmt_error_set(err, TFMT_E_FORMAT, 0, "line %llu, column %llu: %s",
		(unsigned long long)line, (unsigned long long)column, text);
}
