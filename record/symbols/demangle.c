#include "symbols/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Longer symbols are shown as they are, cut. */
#define MANGLED_BYTES_MAX (32 * 1024)

struct output {
	jmp_buf full;
	char *text;
	size_t length;
};

static void end_cut(char *text, size_t length)
{
	/* Not in the middle of a UTF-8 character. */
	length = length > REC_NAME_BYTES_MAX - 4 ? REC_NAME_BYTES_MAX - 4 : length;
	while (length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80)
		length--;
	strcpy(text + length, "...");
}

/*
 * A short symbol can stand for gigabytes of text (references to references), and the demanglers
 * cannot be told to stop, so they are left by a jump. They keep their state on the stack.
 */
static void append(const char *part, size_t length, void *opaque)
{
	struct output *output = opaque;
	size_t room = REC_NAME_BYTES_MAX - output->length;

	memcpy(output->text + output->length, part, length < room ? length : room);
	if (length >= room)
		longjmp(output->full, 1);
	output->length += length;
}

static bool demangle(const char *name, char *text)
{
	const int options = DMGL_PARAMS | DMGL_ANSI;
	struct output output = {.text = text, .length = 0};

	if (setjmp(output.full)) {
		end_cut(text, REC_NAME_BYTES_MAX);
		return true;
	}
	/* Rust's older names look like C++ ones: it is asked first. */
	if (rust_demangle_callback(name, options, append, &output)) {
		text[output.length] = '\0';
		return true;
	}
	output.length = 0;
	if (cplus_demangle_v3_callback(name, options, append, &output)) {
		text[output.length] = '\0';
		return true;
	}
	return false;
}

static char *copy_name(const char *name, size_t length, char *text)
{
	if (length < REC_NAME_BYTES_MAX) {
		memcpy(text, name, length);
		text[length] = '\0';
	} else {
		memcpy(text, name, REC_NAME_BYTES_MAX);
		end_cut(text, REC_NAME_BYTES_MAX);
	}
	return text;
}

char *rec_demangle(const char *name, char *text)
{
	char mangled[MANGLED_BYTES_MAX];
	size_t length = strnlen(name, sizeof(mangled));
	const char *version = memchr(name, '@', length);

	if (version && version > name)
		length = (size_t)(version - name);
	if (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R') && length < sizeof(mangled)) {
		memcpy(mangled, name, length);
		mangled[length] = '\0';
		if (demangle(mangled, text))
			return text;
	}
	return copy_name(name, length, text);
}

char *rec_cut_name(const char *name, char *text)
{
	return copy_name(name, strnlen(name, REC_NAME_BYTES_MAX), text);
}
