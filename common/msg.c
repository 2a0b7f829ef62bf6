#include "msg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Show control characters as "?": a traced program's name must not drive the terminal. */
static void make_harmless(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
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
