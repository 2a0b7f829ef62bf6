#include "filter_option.h"

#include <stdio.h>
#include <string.h>

#include "files.h"
#include "utf8.h"

/* What is shown of a long expression: so many columns before the place, and after. */
#define COLUMNS_BEFORE 48
#define COLUMNS_AFTER  24
/* Bytes of a line of it. */
#define LINE_BYTES 512

/* Bytes of the character at `text`, which is not at its end. */
static size_t step_bytes(const char *text)
{
	int step = utf8_step(text, strlen(text));

	return (size_t)(step < 0 ? -step : step);
}

static size_t count_columns(const char *text, size_t length)
{
	size_t columns = 0;

	for (size_t at = 0; at < length && text[at]; at += step_bytes(text + at))
		columns++;
	return columns;
}

/* The expression around a place, as one line, and where the place is in it. */
static size_t cut_out(
	const char *expression, size_t offset, char line[LINE_BYTES], bool *ret_is_whole)
{
	size_t column = count_columns(expression, offset);
	size_t first = column > COLUMNS_BEFORE + COLUMNS_AFTER ? column - COLUMNS_BEFORE : 0;
	size_t last = column + COLUMNS_AFTER + (first ? 0 : COLUMNS_BEFORE);
	size_t used = 0, at = 0, number = 0;

	for (; expression[at] && number < last; number++) {
		size_t bytes = step_bytes(expression + at);

		if (number >= first && used + bytes < LINE_BYTES) {
			memcpy(line + used, expression + at, bytes);
			used += bytes;
		}
		at += bytes;
	}
	line[used] = '\0';
	for (char *c = line; *c; c++)
		if (strchr("\t\r\n", *c))
			*c = ' ';
	*ret_is_whole = !first && !expression[at];
	return column - first;
}

/* The expression with a caret under the place. */
static void point_at(const char *expression, size_t offset, const struct msg *msg, bool is_error)
{
	char line[LINE_BYTES];
	bool is_whole;
	size_t column = cut_out(expression, offset, line, &is_whole);
	const char *more = is_whole ? "" : "... ";
	void (*say)(const struct msg *, const char *, ...) = is_error ? msg_error : msg_warn;

	say(msg, "  %s%s", more, line);
	say(msg, "  %*s^", (int)(column + strlen(more)), "");
}

static int complain(const char *expression, const struct tfmt_error *err, const struct msg *msg)
{
	size_t offset = (size_t)err->offset;

	msg_error(msg, "--filter: column %zu: %s", count_columns(expression, offset) + 1,
		err->message);
	point_at(expression, offset, msg, true);
	return EXIT_USAGE;
}

int filter_parse(const char *expression, const struct msg *msg, struct tfmt_filter **ret_filter)
{
	struct tfmt_error err = {0};
	int status;

	*ret_filter = NULL;
	if (!expression)
		return 0;
	status = tfmt_filter_new(expression, ret_filter, &err);
	if (status == TFMT_E_ARG)
		return complain(expression, &err, msg);
	if (status)
		msg_error(msg, "--filter: %s", err.message);
	return status ? EXIT_FAILED : 0;
}

int filter_bind(struct tfmt_filter *filter, struct tfmt_reader *reader, bool hides_interpreter,
	const struct msg *msg)
{
	struct tfmt_error err = {0};
	const struct tfmt_filter_warning *warnings;
	const char *expression;
	size_t count;
	int status;

	if (!filter)
		return 0;
	expression = tfmt_filter_text(filter);
	status = tfmt_reader_scan(reader, &err);
	if (!status && hides_interpreter)
		status = tfmt_reader_hide_interpreter(reader);
	if (!status)
		status = tfmt_filter_bind(filter, reader, &err);
	if (status == TFMT_E_ARG)
		return complain(expression, &err, msg);
	if (status) {
		msg_error(msg, "--filter: %s", *err.message ? err.message : tfmt_strerror(status));
		return EXIT_FAILED;
	}
	warnings = tfmt_filter_warnings(filter, &count);
	for (size_t i = 0; i < count; i++) {
		msg_warn(msg, "--filter: column %zu: %s",
			count_columns(expression, warnings[i].offset) + 1, warnings[i].text);
		point_at(expression, warnings[i].offset, msg, false);
	}
	return 0;
}
