#include "call_text.h"

#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "text.h"
#include "utf8.h"

#define MARK_COLUMNS 18 /* "… +1 234 567 bytes" */

void rend_call_text_init(struct rend_call_text *line, int max_columns)
{
	line->length = 0;
	line->columns = 0;
	line->max_columns = max_columns;
	line->cut_at = 0;
	line->cut_columns = 0;
	line->rest_bytes = 0;
	line->is_full = false;
}

/* Bytes of output that stand for `source_bytes` of the text. */
static void put(struct rend_call_text *line, const char *bytes, size_t length, int columns,
	size_t source_bytes)
{
	if (line->is_full || line->columns + columns > line->max_columns ||
		line->length + length + 64 > sizeof(line->text)) {
		line->is_full = true;
		line->rest_bytes += source_bytes;
		return;
	}
	memcpy(line->text + line->length, bytes, length);
	line->length += length;
	line->columns += columns;
	if (line->columns + MARK_COLUMNS <= line->max_columns) {
		line->cut_at = line->length;
		line->cut_columns = line->columns;
	} else {
		line->rest_bytes += source_bytes;
	}
}

/* "\n", "\x1b"; characters beyond Latin-1 that turn text around become U+FFFD. */
static void put_control(struct rend_call_text *line, const char *character, size_t bytes)
{
	static const char names[] = {['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r'};
	unsigned char code = (unsigned char)character[bytes - 1];
	char text[16] = UTF8_REPLACEMENT;
	int columns = 1;
	if (bytes == 1 && code < sizeof(names) && names[code] != '\0')
		columns = snprintf(text, sizeof(text), "\\%c", names[code]);
	else if (bytes <= 2)
		columns = snprintf(text, sizeof(text), "\\x%02x", code);
	put(line, text, strlen(text), columns, bytes);
}

/* Printable ASCII at the start of a text, as much as fits in front of a mark: at once. */
static size_t put_plain(struct rend_call_text *line, const char *text, size_t length)
{
	int room = line->max_columns - MARK_COLUMNS - line->columns;
	size_t count = 0;
	while (count < length && (int)count < room && text[count] >= ' ' && text[count] <= '~')
		count++;
	if (count == 0 || line->is_full || line->length + count + 64 > sizeof(line->text))
		return 0;
	memcpy(line->text + line->length, text, count);
	line->length += count;
	line->columns += (int)count;
	line->cut_at = line->length;
	line->cut_columns = line->columns;
	return count;
}

static void put_text(struct rend_call_text *line, const char *text, size_t length)
{
	size_t plain = put_plain(line, text, length);
	text += plain;
	length -= plain;
	while (length > 0 && !line->is_full) {
		int step = utf8_step(text, length);
		size_t bytes = (size_t)abs(step);
		if (step < 0) {
			put(line, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT), 1, bytes);
		} else if (utf8_is_control(text)) {
			put_control(line, text, bytes);
		} else {
			char character[5] = "";
			memcpy(character, text, bytes);
			put(line, text, bytes, bytes > 1 ? rend_text_columns(character) : 1, bytes);
		}
		text += bytes;
		length -= bytes;
	}
	line->rest_bytes += length;
}

void rend_call_text_add(struct rend_call_text *line, const char *text)
{
	put_text(line, text, strlen(text));
}

void rend_call_text_add_string(struct rend_call_text *line, const struct tfmt_string *string)
{
	put_text(line, string->data, string->length);
}

/* Python's and C's names of text; a value that is quoted already stays so. */
static bool wants_quotes(const char *type, const struct tfmt_string *value)
{
	bool is_text = strcmp(type, "str") == 0 || strcmp(type, "string") == 0;
	char first = value->length > 0 ? value->data[0] : '\0';
	bool is_quoted = value->length > 1 && (first == '"' || first == '\'') &&
			 value->data[value->length - 1] == first;
	return is_text && !is_quoted;
}

static void add_value_text(
	struct rend_call_text *line, const struct tfmt_trace *trace, const struct tfmt_arg *arg)
{
	const struct tfmt_string *value = tfmt_trace_string(trace, arg->value);
	bool is_quoted = wants_quotes(tfmt_trace_text(trace, arg->type), value);
	if (is_quoted)
		rend_call_text_add(line, "\"");
	rend_call_text_add_string(line, value);
	if (arg->flags & TFMT_ARG_CUT)
		rend_call_text_add(line, "…");
	if (is_quoted)
		rend_call_text_add(line, "\"");
}

void rend_call_text_add_arg(
	struct rend_call_text *line, const struct tfmt_trace *trace, const struct tfmt_arg *arg)
{
	const struct tfmt_string *type = tfmt_trace_string(trace, arg->type);
	rend_call_text_add_string(line, tfmt_trace_string(trace, arg->name));
	if (type->length > 0) {
		rend_call_text_add(line, ": ");
		rend_call_text_add_string(line, type);
	}
	rend_call_text_add(line, " = ");
	add_value_text(line, trace, arg);
}

void rend_call_text_add_value(
	struct rend_call_text *line, const struct tfmt_trace *trace, const struct tfmt_arg *arg)
{
	if (strcmp(tfmt_trace_text(trace, arg->name), "exception") != 0) {
		add_value_text(line, trace, arg);
		return;
	}
	const struct tfmt_string *value = tfmt_trace_string(trace, arg->value);
	rend_call_text_add_string(line, tfmt_trace_string(trace, arg->type));
	if (value->length > 0)
		rend_call_text_add(line, ": ");
	rend_call_text_add_string(line, value);
	if (arg->flags & TFMT_ARG_CUT)
		rend_call_text_add(line, "…");
}

void rend_call_text_end(struct rend_call_text *line)
{
	if (line->is_full) {
		char count[NUM_TEXT_BYTES], mark[NUM_TEXT_BYTES + 16];
		snprintf(mark, sizeof(mark), "… +%s byte%s", num_count(count, line->rest_bytes),
			line->rest_bytes == 1 ? "" : "s");
		line->length = line->cut_at;
		line->columns = line->cut_columns + rend_text_columns(mark);
		memcpy(line->text + line->length, mark, strlen(mark));
		line->length += strlen(mark);
	}
	line->text[line->length] = '\0';
}
