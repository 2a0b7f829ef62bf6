/*
 * Messages for people, on stderr, each one line that starts with the tool's name. Names of traced
 * programs are made harmless: control characters are shown, never sent to the terminal.
 */
#ifndef COMMON_MSG_H
#define COMMON_MSG_H

#include <stdbool.h>

/* Exit statuses of tconv and trender. trec has its own (record/session.h). */
enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_DAMAGED = 3, /* what was whole has been written */
	EXIT_NOTHING = 4, /* nothing to show */
};

/* Who speaks, and how much: level -1 is errors only, 0 normal, 1 and up more. */
struct msg {
	const char *tool;
	int level;
};

void msg_error(const struct msg *msg, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Not said when level < 0. */
void msg_warn(const struct msg *msg, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Said when level >= 1. */
void msg_info(const struct msg *msg, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
