/* Stacks as text for people, with every name made harmless to terminals. */
#ifndef RECORD_DUMP_PRINT_H
#define RECORD_DUMP_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "dump/names.h"
#include "dump/take.h"

/* "Process 12: nginx: worker process" and the file that it runs. */
void rec_print_process(FILE *out, pid_t pid, size_t thread_count);

/*
 * "Thread 12 (name): sleeping in futex" and its frames, a line each. In a stack with Python frames
 * those of the interpreter are left out, and what only starts it, unless `shows_interpreter`.
 */
void rec_print_thread(FILE *out, const struct rec_dump_thread *thread,
	const struct rec_names *names, bool shows_interpreter);

#endif
