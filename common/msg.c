#include "msg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/*
 * Show control characters, and what is no UTF-8, as "?": a traced program's name must not drive the
 * terminal.
 */
static void make_harmless(char *text)
{
	size_t length = strlen(text), step_bytes;
	for (size_t at = 0; at < length; at += step_bytes) {
		int step = utf8_step(text + at, length - at);
		step_bytes = (size_t)(step < 0 ? -step : step);
		if (step < 0 || utf8_is_control(text + at))
			memset(text + at, '?', step_bytes);
	}
}

static void say(const struct msg *msg, const char *format, va_list args)
{
	char text[1024];
	vsnprintf(text, sizeof(text), format, args);
	make_harmless(text);
	fprintf(stderr, "%s: %s\n", msg->tool, text);
}

void msg_error(const struct msg *msg, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(msg, format, args);
	va_end(args);
}

void msg_warn(const struct msg *msg, const char *format, ...)
{
	if (msg->level < 0)
		return;
	va_list args;
	va_start(args, format);
	say(msg, format, args);
	va_end(args);
}

void msg_info(const struct msg *msg, const char *format, ...)
{
	if (msg->level < 1)
		return;
	va_list args;
	va_start(args, format);
	say(msg, format, args);
	va_end(args);
}
