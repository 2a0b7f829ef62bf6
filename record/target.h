/*
 * The program that is recorded: started stopped, released when everything is armed, left as it
 * would be without us: its streams, signals, terminal and exit status are its own.
 */
#ifndef RECORD_TARGET_H
#define RECORD_TARGET_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct rec_target {
	pid_t pid;
	int go_fd;    /* writing a byte lets it call exec; -1 afterwards */
	int error_fd; /* gives the errno of a failed exec; end of file when it worked */
	bool has_ended;
	int wait_status; /* as of waitpid(2), when has_ended */
};

/* What trec changes for itself, as it was found: the program gets it unchanged. */
struct rec_inherited {
	sigset_t mask;
	struct sigaction pipe, child;
	struct rlimit files;
	sigset_t ignored; /* signals of the terminal that were ignored, as under nohup */
};

/*
 * Take over signals, and as many descriptors as are allowed. Call before any thread is started.
 * Returns a signalfd with everything trec passes on, and SIGCHLD; or -1 with errno.
 */
int rec_inherited_take(struct rec_inherited *inherited);

/*
 * Does this signal end a recording that has no program of its own to pass it on to? One that was
 * ignored does only when somebody sends it on purpose; a hang-up then never does.
 */
bool rec_inherited_ends(const struct rec_inherited *inherited, uint32_t signal, bool from_kernel);

/*
 * Fork; the child waits. With `stdout_is_stderr` its stdout becomes its stderr.
 * Returns 0, or -1 with errno.
 */
int rec_target_start(struct rec_target *target, char *const *argv,
	const struct rec_inherited *inherited, bool stdout_is_stderr);

/* Let it call exec. Returns 0, or the errno of exec after the child was reaped. */
int rec_target_release(struct rec_target *target);

/* End a target that was never released. */
void rec_target_abandon(struct rec_target *target);

/* The status that trec exits with: the program's own, 128+N after signal N. */
int rec_target_exit_status(const struct rec_target *target);

#endif
