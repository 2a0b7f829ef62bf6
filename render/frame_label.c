#include "frame_label.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME_BYTES 1024

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || (c & 0x80) != 0;
}

static bool is_name_start(char c)
{
	return is_name_char(c) && !(c >= '0' && c <= '9');
}

/* Bytes of an operator's name at `text`, such as "operator<<" or "operator()", else 0. */
static size_t operator_length(const char *name, const char *text)
{
	static const char word[] = "operator";
	/* Those with brackets in them, longest first. */
	static const char *const symbols[] = {
		"<=>", "<<=", ">>=", "->*", "()", "[]", "<<", ">>", "<=", ">=", "->", "<", ">"};
	size_t length = sizeof(word) - 1;
	if (strncmp(text, word, length) != 0 || (text > name && is_name_char(text[-1])))
		return 0;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		if (strncmp(text + length, symbols[i], strlen(symbols[i])) == 0)
			return length + strlen(symbols[i]);
	}
	return 0;
}

/*
 * Copy `name` with what is between outermost `open` and `close` as "…". Empty pairs stay, and so
 * does a pair at the very start: "(anonymous namespace)::f", "<T as Trait>::f".
 */
static void collapse(const char *name, char open, char close, char *out, size_t size)
{
	static const char dots[] = "…";
	size_t length = 0;
	int depth = 0;
	for (const char *c = name; *c != '\0' && length + sizeof(dots) < size; c++) {
		size_t operator_bytes = operator_length(name, c);
		bool is_arrow = c[0] == '>' && c > name && c[-1] == '-';
		bool is_collapsible = c > name && c[0] == open && c[1] != close &&
				      strncmp(c, "(anonymous", 10) != 0;
		if (operator_bytes > 0 && length + operator_bytes < size) {
			if (depth == 0)
				memcpy(out + length, c, operator_bytes);
			length += depth == 0 ? operator_bytes : 0;
			c += operator_bytes - 1;
			continue;
		}
		if (depth == 0)
			out[length++] = *c;
		if (depth > 0 ? *c == open : is_collapsible) {
			if (depth++ == 0) {
				memcpy(out + length, dots, sizeof(dots) - 1);
				length += sizeof(dots) - 1;
			}
		} else if (depth > 0 && *c == close && !is_arrow && --depth == 0) {
			out[length++] = close;
		}
	}
	out[length] = '\0';
}

/* A name parted by dots, as Python has them: not a number, not the dots of an operator. */
static bool is_dot(const char *name, const char *c)
{
	return c[0] == '.' && (is_name_start(c[1]) || c[1] == '<') &&
	       (is_name_char(c[-1]) || c[-1] == '>') && strstr(name, "+0x") == NULL;
}

/*
 * The next place outside of brackets where `name` may lose what is before it, or NULL: "::b" of
 * "a::b", ".b" of "a.b", "+0x1f" of "libx.so.5.4+0x1f".
 */
static const char *next_part(const char *name)
{
	int depth = 0;
	for (const char *c = name; *c != '\0'; c++) {
		if (operator_length(name, c) > 0)
			return NULL;
		if (strchr("<({[", *c) != NULL)
			depth++;
		else if (strchr(">)}]", *c) != NULL)
			depth--;
		if (depth != 0 || c == name)
			continue;
		if ((c[0] == ':' && c[1] == ':' && c[2] != '\0') || strncmp(c, "+0x", 3) == 0 ||
			is_dot(name, c))
			return c;
	}
	return NULL;
}

static bool try_label(enum rend_font font, const char *prefix, const char *name, const char *share,
	double room_px, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s%s", prefix, name, share[0] != '\0' ? " " : "", share);
	return rend_text_width_px(font, out) <= room_px;
}

void rend_frame_label(enum rend_font font, const char *name, const char *share, double room_px,
	char *out, size_t size)
{
	char no_templates[MAX_NAME_BYTES];
	char no_parameters[MAX_NAME_BYTES];
	if (try_label(font, "", name, share, room_px, out, size))
		return;
	collapse(name, '<', '>', no_templates, sizeof(no_templates));
	if (try_label(font, "", no_templates, share, room_px, out, size))
		return;
	collapse(no_templates, '(', ')', no_parameters, sizeof(no_parameters));
	if (try_label(font, "", no_parameters, share, room_px, out, size) ||
		try_label(font, "", no_templates, "", room_px, out, size) ||
		try_label(font, "", no_parameters, "", room_px, out, size))
		return;
	const char *last = no_parameters;
	for (const char *part = next_part(last); part != NULL; part = next_part(last)) {
		if (try_label(font, "…", part, "", room_px, out, size))
			return;
		last = part + (part[0] == ':' ? 2 : 1);
	}
	if (try_label(font, "", last, "", room_px, out, size))
		return;
	/* Without its parameters. A part of an address tells nothing. */
	size_t name_bytes = operator_length(last, last);
	name_bytes += strcspn(last + name_bytes, "(");
	snprintf(out, size, "%.*s", (int)(name_bytes > 0 ? name_bytes : strlen(last)), last);
	if (strncmp(last, "0x", 2) == 0)
		out[0] = '\0';
}

static void python_label(enum rend_font font, const struct tfmt_location *location,
	const char *share, double room_px, char *out, size_t size)
{
	const char *name = location->function;
	char with_file[MAX_NAME_BYTES];
	size_t file_length;
	const char *file = tfmt_python_file_name(location->file, &file_length);
	snprintf(with_file, sizeof(with_file), "%s %.*s", name, (int)file_length, file);
	if (name[0] == '<' && file_length > 0 &&
		(try_label(font, "", with_file, share, room_px, out, size) ||
			try_label(font, "", with_file, "", room_px, out, size)))
		return;
	if (try_label(font, "", name, share, room_px, out, size))
		return;
	/* The last part, to be cut at its end, when nothing fits. */
	for (const char *part = name; part != NULL; part = next_part(name)) {
		name = part[0] == '.' ? part + 1 : part;
		if (strncmp(name, "<locals>", strlen("<locals>")) != 0 &&
			try_label(font, "", name, "", room_px, out, size))
			return;
	}
}

void rend_location_label(enum rend_font font, const struct tfmt_location *location,
	const char *share, double room_px, char *out, size_t size)
{
	if (location->language == TFMT_LANG_PYTHON)
		python_label(font, location, share, room_px, out, size);
	else
		rend_frame_label(font, location->function, share, room_px, out, size);
}

void rend_wait_label(enum rend_font font, const char *name, const char *suffix, double room_px,
	char *out, size_t size)
{
	char reason[64];
	const char *colon = strstr(name, ": ");
	snprintf(reason, sizeof(reason), "%s", colon != NULL ? colon + 2 : name);
	if (colon != NULL)
		reason[strcspn(reason, "]")] = '\0';
	if (!try_label(font, "", name, suffix, room_px, out, size) &&
		!try_label(font, "", name, "", room_px, out, size) &&
		!try_label(font, "", reason, "", room_px, out, size))
		out[0] = '\0';
}
