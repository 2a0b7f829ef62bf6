#include <string.h>

#include "trace_tables.h"

/* A text that is cut at `size`, while its full length is counted. */
struct line {
	char *text;
	size_t size;
	size_t length;
};

static void add(struct line *line, const char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (line->length + 1 < line->size)
			line->text[line->length] = data[i];
		line->length++;
	}
}

static bool is_plain(const char *argument, size_t length)
{
	static const char safe[] = "%+,-./:=@_^";

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)argument[i];
		bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
				 (byte >= '0' && byte <= '9') || byte >= 0x80;

		if (!is_letter && !memchr(safe, byte, sizeof(safe) - 1))
			return false;
	}
	return length > 0;
}

/* As $'...' has it: one line, whatever is inside. */
static void add_escaped(struct line *line, const char *argument, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	add(line, "$'", 2);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)argument[i];
		char escape[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

		if (byte == '\n')
			add(line, "\\n", 2);
		else if (byte == '\t')
			add(line, "\\t", 2);
		else if (byte < 0x20 || byte == 0x7f)
			add(line, escape, sizeof(escape));
		else if (byte == '\\' || byte == '\'')
			add(line, (char[]){'\\', (char)byte}, 2);
		else
			add(line, &argument[i], 1);
	}
	add(line, "'", 1);
}

static void add_quoted(struct line *line, const char *argument, size_t length)
{
	bool has_control = false;

	if (is_plain(argument, length)) {
		add(line, argument, length);
		return;
	}
	for (size_t i = 0; i < length; i++)
		has_control |= (unsigned char)argument[i] < 0x20 || argument[i] == 0x7f;
	if (has_control) {
		add_escaped(line, argument, length);
		return;
	}
	add(line, "'", 1);
	for (size_t i = 0; i < length; i++) {
		if (argument[i] == '\'')
			add(line, "'\\''", 4);
		else
			add(line, &argument[i], 1);
	}
	add(line, "'", 1);
}

/* End the text where it was cut, but not inside a UTF-8 character. */
static void end(struct line *line)
{
	size_t length = line->length;

	if (line->size == 0)
		return;
	if (length >= line->size) {
		length = line->size - 1;
		for (int i = 0; i < 4 && length > 0 && length < line->length; i++) {
			size_t lead = length - 1;
			unsigned char byte;

			while (lead > 0 && (line->text[lead] & 0xc0) == 0x80 && length - lead < 4)
				lead--;
			byte = (unsigned char)line->text[lead];
			if (byte < 0xc0 || length - lead >= (byte >= 0xf0	   ? 4u
								    : byte >= 0xe0 ? 3u
										   : 2u))
				break;
			length = lead;
		}
	}
	line->text[length] = '\0';
}

size_t tfmt_trace_command(
	const struct tfmt_trace *trace, uint32_t process, char *text, size_t size_bytes)
{
	const struct tfmt_process_info *info = tfmt_trace_process(trace, process);
	const struct tfmt_string *argv = tfmt_trace_string(trace, info->argv);
	struct line line = {.text = text, .size = size_bytes};
	size_t start = 0;

	if (argv->length == 0)
		argv = tfmt_trace_string(trace, info->name);
	while (start < argv->length) {
		const char *argument = argv->data + start;
		size_t length = strnlen(argument, argv->length - start);

		if (start > 0)
			add(&line, " ", 1);
		add_quoted(&line, argument, length);
		start += length + 1;
	}
	end(&line);
	return line.length;
}
